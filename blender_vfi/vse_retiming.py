"""What a retimed image strip shows, to a fraction of a frame.

Blender tells the frames of retiming keys, and which file a strip shows at a frame, rounded. In a
copy of the strip with many elements in place of each, rounding is that much finer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import bpy

from . import vse
from .engine.retiming import straightened
from .errors import FrameError, StripError
from .messages import message
from .paths import absolute_path
from .vse import ImageSource

_MOST_ELEMENTS = 8192  # adding so many, one by one, takes Blender about a second
_FINEST = 64
# renamed in 5.1, as in `vse`
_TRIMMED = "content_trim_start" if bpy.app.version >= (5, 1, 0) else "animation_offset_start"
_TRIMMED_END = "content_trim_end" if bpy.app.version >= (5, 1, 0) else "animation_offset_end"


def read_retimed_strip(
    scene: bpy.types.Scene, strip: bpy.types.Strip
) -> tuple[ImageSource, tuple[Fraction, ...]]:
    """Return the files that a retimed strip shows, and the moment of each of its frames.

    Raises:
        StripError: it is not retimed, or no image strip.
        FrameError: a file is missing.
    """
    if strip.type != "IMAGE" or not vse.is_retimed(strip):
        raise StripError(
            "Strip {strip!r} is no image strip with retiming keys to make frames for: add some "
            "(Strip > Retiming), or choose another timing.",
            strip=strip.name,
        )
    trimmed, trimmed_end = getattr(strip, _TRIMMED), getattr(strip, _TRIMMED_END)
    names = [element.filename for element in strip.elements][trimmed : -trimmed_end or None]
    samples, resolution = _samples(scene, strip, trimmed, len(names))
    left = vse.strip_times(strip).left
    keys = [key.timeline_frame - left for key in strip.retiming_keys]
    last = Fraction(len(names) - 1)
    moments = [
        min(max(moment, Fraction(0)), last)
        for moment in straightened(samples, keys, resolution=resolution)
    ]
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
