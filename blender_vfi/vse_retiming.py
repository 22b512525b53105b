"""What a retimed image strip shows, to a fraction of a frame.

It is retimed by keys, or by a Speed Control effect. Blender tells the frames of keys, and which
file a strip shows at a frame, rounded. In a copy of the strip with many elements in place of each,
rounding is that much finer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import bpy

from . import vse, vse_curves
from .engine.retiming import on_grid, straightened
from .errors import FrameError, StripError
from .messages import message
from .paths import absolute_path
from .strip_values import ImageSource
from .vse_movies import TRIMMED

_MOST_ELEMENTS = 8192  # adding so many, one by one, takes Blender about a second
_FINEST = 64
_EFFECT_VALUES = {
    "MULTIPLY": "speed_factor",
    "LENGTH": "speed_length",
    "FRAME_NUMBER": "speed_frame_number",
}
# renamed in 5.1, as in `vse`
_TRIMMED_END = "content_trim_end" if bpy.app.version >= (5, 1, 0) else "animation_offset_end"


def read_retimed_strip(
    scene: bpy.types.Scene, strip: bpy.types.Strip
) -> tuple[ImageSource, tuple[Fraction, ...]]:
    """Return the files that a retimed strip shows, and the moment of each of its frames.

    Raises:
        StripError: it is not retimed, or no image strip.
        FrameError: a file is missing.
    """
    effect = _speed_effect(scene, strip)
    if strip.type != "IMAGE" or not (vse.is_retimed(strip) or effect is not None):
        raise StripError(
            "Strip {strip!r} is no image strip with retiming keys or a Speed Control effect to "
            "make frames for: add some (Strip > Retiming), or choose another timing.",
            strip=strip.name,
        )
    trimmed, trimmed_end = getattr(strip, TRIMMED), getattr(strip, _TRIMMED_END)
    names = [element.filename for element in strip.elements][trimmed : -trimmed_end or None]
    if vse.is_retimed(strip):
        shown = _moments_of_keys(scene, strip, trimmed, len(names))
    else:
        shown = _moments_of_effect(scene, strip, effect, len(names))
    last = Fraction(len(names) - 1)
    moments = [min(max(moment, Fraction(0)), last) for moment in shown]
    if strip.use_reverse_frames:
        names.reverse()
    first = max(min(math.floor(min(moments)), len(names) - 2), 0)
    end = max(math.ceil(max(moments)), first + 1) + 1
    source = ImageSource(
        scene_name=scene.name,
        strip_name=strip.name,
        files=_files(strip, names[first:end]),
        lead=0,
        held_before=0,
        held_after=0,
        is_part=len(names[first:end]) < len(strip.elements),
    )
    return source, tuple(moment - first for moment in moments)


def _moments_of_keys(
    scene: bpy.types.Scene, strip: bpy.types.Strip, trimmed: int, count: int
) -> tuple[Fraction, ...]:
    samples, resolution = _samples(scene, strip, trimmed, count)
    left = vse.strip_times(strip).left
    keys = [key.timeline_frame - left for key in strip.retiming_keys]
    return straightened(samples, keys, resolution=resolution)


def _speed_effect(scene: bpy.types.Scene, strip: bpy.types.Strip) -> bpy.types.Strip | None:
    """Return the Speed Control effect on a strip; None for none."""
    effects = (each for each in vse.sibling_strips(scene, strip) if each.type == "SPEED")
    return next((each for each in effects if each.input_1 == strip and not each.mute), None)


def _moments_of_effect(
    scene: bpy.types.Scene, strip: bpy.types.Strip, effect: bpy.types.Strip, count: int
) -> list[Fraction]:
    """Return what the effect makes of each frame of a strip, as Blender shows it.

    It counts from the strip's left handle on, and goes on beyond the right one.
    """
    times = vse.strip_times(strip)
    length = times.right - times.left
    begin = round(times.left - times.content_start)
    if effect.speed_control == "STRETCH":
        return [begin + Fraction((count - begin) * at, length) for at in range(length)]
    name = _EFFECT_VALUES[effect.speed_control]
    value = partial(vse_curves.value_at, scene, effect, name)
    if effect.speed_control == "FRAME_NUMBER":
        return [on_grid(begin + value(frame)) for frame in range(times.left, times.right)]
    if effect.speed_control == "LENGTH":
        return [
            on_grid(begin + count * value(frame) / 100) for frame in range(times.left, times.right)
        ]
    moments = [Fraction(begin)]
    for frame in range(times.left, times.right - 1):
        step = (value(frame) + 4 * value(frame + 0.5) + value(frame + 1)) / 6
        moments.append(moments[-1] + step)
    return list(map(on_grid, moments))


def _samples(
    scene: bpy.types.Scene, strip: bpy.types.Strip, trimmed: int, count: int
) -> tuple[list[Fraction], int]:
    """Return the moment of each of the strip's frames, rounded, and to how many steps a frame."""
    resolution = min(max(_MOST_ELEMENTS // count, 1), _FINEST)
    times = vse.strip_times(strip)
    copy = scene.copy()
    try:
        fine = vse.find_strip(copy, strip.name)
        fine.strobe, fine.use_reverse_frames = 1.0, False
        for _ in range(count * (resolution - 1)):
            fine.elements.append("")
        for index, element in enumerate(fine.elements):
            element.filename = str(index - trimmed)
        samples = [
            Fraction(int(fine.strip_elem_from_frame(frame).filename), resolution)
            for frame in range(times.left, times.right)
        ]
    finally:
        bpy.data.scenes.remove(copy)
    return samples, resolution


def _files(strip: bpy.types.Strip, names: Sequence[str]) -> tuple[str, ...]:
    folder = absolute_path(
        strip.directory, message("The folder of strip {strip!r}", strip=strip.name)
    )
    files = [Path(folder, name) for name in names]
    for file in files:
        if not file.is_file():
            raise FrameError(
                "{path}, which strip {strip!r} shows, is missing: restore or re-render it, or "
                "trim the strip so that it is left out.",
                path=file,
                strip=strip.name,
            )
    return tuple(map(str, files))
