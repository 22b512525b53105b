"""Cuts that the timeline knows: its markers, and the edges of other strips."""

from __future__ import annotations

from typing import Any

import bpy

from . import vse
from .strip_values import ImageSource


def known_cuts(
    scene: bpy.types.Scene,
    strip: bpy.types.Strip,
    settings: Any,
    source: ImageSource,
    first_frame: int,
) -> frozenset[int]:
    """Return the pairs of `source` that the timeline has cuts in, as far as settings ask for them.

    A marker is taken for the first frame after the cut. Strips count that show a picture: neither
    sounds nor muted ones.

    Args:
        scene: of the strip.
        strip: an image strip.
        settings: anything with the properties of `InterpolationProperties`.
        source: what the strip shows.
        first_frame: frame of the timeline that shows its first file.
    """
    frames: set[int] = set()
    if settings.cuts_at_markers:
        frames.update(marker.frame for marker in scene.timeline_markers)
    if settings.cuts_at_strip_edges:
        for other in vse.sibling_strips(scene, strip):
            if other != strip and other.type != "SOUND" and not other.mute:
                times = vse.strip_times(other)
                frames.update((times.left, times.right))
    pairs = (frame - 1 - first_frame for frame in frames)
    return frozenset(pair for pair in pairs if 0 <= pair <= len(source.files) - 2)
