"""The speed that an artist has animated, as the moments of a strip's new frames."""

from __future__ import annotations

import math
from fractions import Fraction

import bpy

from . import vse_curves
from .engine.retiming import on_grid
from .engine.times import times_at_speed
from .properties import scene_settings
from .strip_values import ImageSource


def ramp_times(
    scene: bpy.types.Scene, source: ImageSource, first_frame: int
) -> tuple[Fraction, ...]:
    """Return the moments of a strip that plays at the scene's animated speed.

    Args:
        scene: whose setting Speed is the speed, animated or not.
        source: what the strip shows.
        first_frame: frame of the timeline that shows its first file, and the result's first frame.

    Raises:
        RequestError: the result would get far too long.
    """
    settings = scene_settings(scene)
    curve = vse_curves.curve_of(scene, settings, "speed")
    last_key = 0
    if curve is not None:
        keys = [point.co[0] for point in curve.keyframe_points]
        last_key = max(0, math.ceil(max(keys, default=0.0) - first_frame))

    def speed_at(frame: Fraction) -> Fraction:
        return vse_curves.value_at(scene, settings, "speed", float(first_frame + frame))

    return tuple(map(on_grid, times_at_speed(speed_at, len(source.files), last_key=last_key)))
