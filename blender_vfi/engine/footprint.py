"""How much main memory a job on the CPU takes, and the tiles that keep it within what is free.

A GPU says when its memory is full, and the job goes on in smaller pieces. The CPU's memory is the
system's, which ends the process instead, so that the pieces have to be chosen beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..models.catalog_memory import working_bytes
from ..models.catalog_types import ModelSpec
from .tiling import SMALLEST_WHEN_FULL

_USABLE = 0.6
"""Of what is free, since other programs want some, and the figures are of another machine."""

_FRAMES_AT_ONCE = 10
"""Decoded frames in memory: two read ahead, four that wait to be written, one in the making, and
copies in other number formats while two are encoded."""

_SUMS_BYTES = 4 * (3 + 5)
"""What tiles are added up in, for each pixel: a picture, two flows and a mask in fp32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What is needed for frames of one size.

    Attributes:
        frames_bytes: for frames, however they are made.
        whole_bytes: by the model besides, for whole frames.
        tile_size: of the tiles that fit; 0 where whole frames do.
    """

    frames_bytes: int
    whole_bytes: int
    tile_size: int


def footprint(
    spec: ModelSpec, width: int, height: int, channels: int, *, flow_scale: float, free_bytes: int
) -> Footprint:
    """Say what frames of `width`×`height` need, and how to make them in `free_bytes`.

    Args:
        spec: the model's catalog entry.
        width: in pixels.
        height: likewise.
        channels: that a frame holds, of all passes.
        flow_scale: see `models.interface.Quality`.
        free_bytes: of main memory.
    """
    finer = max(1.0, flow_scale) ** 2
    pixels = width * height
    shown_bytes = spec.context * 3 * 4 * pixels
    held_bytes = (_FRAMES_AT_ONCE + spec.context) * channels * 4 * pixels
    frames_bytes = shown_bytes + held_bytes + _SUMS_BYTES * pixels
    budget = int(_USABLE * free_bytes) - frames_bytes
    whole = int(finer * working_bytes(spec, pixels))
    if whole <= budget:
        return Footprint(frames_bytes=frames_bytes, whole_bytes=whole, tile_size=0)
    side = SMALLEST_WHEN_FULL
    while finer * working_bytes(spec, _area(side + _STEP, width, height)) <= budget:
        side += _STEP
    return Footprint(frames_bytes=frames_bytes, whole_bytes=whole, tile_size=side)


def describe(needed: Footprint, width: int, height: int, free_bytes: int) -> str:
    """Say why frames are made in tiles."""
    whole_gb = (needed.frames_bytes + needed.whole_bytes) / 2**30
    return (
        f"Whole frames of {width}×{height} would take about {whole_gb:.1f} GB, and "
        f"{free_bytes / 2**30:.1f} GB of memory are free: they are made in tiles of up to "
        f"{needed.tile_size}×{needed.tile_size} pixels, which differ from whole ones by less than "
        "1 of 255 on average."
    )


_STEP = 64


def _area(side: int, width: int, height: int) -> int:
    return math.prod(min(side, length) for length in (width, height))
