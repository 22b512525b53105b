"""Backward warping, shared by every architecture that estimates motion.

Never import bpy here. Every flow is in pixels of the image that it looks into: channel 0 is x
(rightwards), channel 1 is y (downwards).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional

Pixels = slice | Tensor
"""Which pixels along an axis, by number."""

ALL: Final = slice(None)

Outside = Literal["border", "zeros"]
"""What a flow that points outside the image finds there: the nearest pixel, or black."""


def warp(
    source: Tensor,
    flow: Tensor,
    *,
    align_corners: bool = True,
    outside: Outside = "border",
    rows: Pixels = ALL,
    columns: Pixels = ALL,
) -> Tensor:
    """Fetch every pixel of the result from where `flow` points to in `source`, bilinearly.

    Args:
        source: (N, C, H, W) floating point, of any range.
        flow: (N, 2, H, W) in pixels, on the same device; its dtype may differ. Or (N, 2, h, w) at
            some of the rows and columns, of which the result then consists.
        align_corners: which convention turns pixels into sampling positions. Both name the same
            pixel; they differ in rounding and, since published weights were trained with one of
            them, parity asks for the right one: True for most families, False for FILM.
        outside: what lies outside the image.
        rows: which of the image the flow's rows stand for.
        columns: likewise.

    Returns:
        As large as the flow, in the dtype of `source`.
    """
    return warp_each(
        source,
        flow[:, None],
        align_corners=align_corners,
        outside=outside,
        rows=rows,
        columns=columns,
    )[:, 0]


def warp_each(
    source: Tensor,
    flows: Tensor,
    *,
    align_corners: bool = True,
    outside: Outside = "border",
    rows: Pixels = ALL,
    columns: Pixels = ALL,
) -> Tensor:
    """Warp each image with several flows at once, without repeating the image in memory.

    Positions are computed and sampled in float32 at least: half precision resolves only every
    other pixel beyond column 2048.

    Args:
        source: (N, C, H, W) floating point.
        flows: (N, T, 2, H, W) in pixels, or some rows and columns of them.
        align_corners: as for `warp`.
        outside: as for `warp`.
        rows: as for `warp`.
        columns: as for `warp`.

    Returns:
        (N, T, C, H, W), as many rows and columns as the flows have, in the dtype of `source`; a
        view that is not contiguous where T > 1.
    """
    batch, count, _, height, width = flows.shape
    dtype = torch.promote_types(source.dtype, torch.float32)
    # The flows of one image are stacked vertically into one tall grid, so that grid_sample reads
    # all of them from the same copy of the image.
    sides = tuple(source.shape[-2:])
    flows = flows.to(dtype)
    y, x = (
        _axis(side, flows, align_corners)[chosen]
        for side, chosen in zip(sides, (rows, columns), strict=True)
    )
    grid = _positions(flows, y, x, [_half_extent(side, align_corners) for side in sides])
    grid = grid.reshape(batch, count * height, width, 2)
    sampled = functional.grid_sample(
        source.to(dtype), grid, mode="bilinear", padding_mode=outside, align_corners=align_corners
    )
    return sampled.to(source.dtype).view(batch, -1, count, height, width).transpose(1, 2)


def enlarged_at(
    fields: Sequence[Tensor], size: Sequence[int], rows: Pixels, columns: Pixels
) -> Tensor:
    """Enlarge bilinearly, read some rows and columns of that without making the rest, and add up.

    Args:
        fields: each (N, C, h, w) float32 or float64, with an h and a w of its own.
        size: height and width to enlarge to, as `functional.interpolate` does without aligned
            corners.
        rows: which rows of that size are read.
        columns: likewise.

    Returns:
        (N, C, rows, columns).
    """
    y, x = (
        _axis(side, fields[0], align_corners=False)[chosen]
        for side, chosen in zip(size, (rows, columns), strict=True)
    )
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    grid = grid.expand(len(fields[0]), -1, -1, -1)
    first, *others = (
        functional.grid_sample(field, grid, padding_mode="border", align_corners=False)
        for field in fields
    )
    return sum(others, start=first)


def _positions(flows: Tensor, y: Tensor, x: Tensor, half_extents: Sequence[float]) -> Tensor:
    """Turn (N, T, 2, h, w) flows in pixels into (N, T, h, w, 2) positions for grid_sample.

    Args:
        flows: what is added to the positions.
        y: (h,) positions of the rows that the flows are of.
        x: (w,) those of the columns.
        half_extents: pixels to one unit of a position, down and across.
    """
    down, across = half_extents
    moved_x = torch.add(x, flows[:, :, 0], alpha=1 / across)
    moved_y = torch.add(y[:, None], flows[:, :, 1], alpha=1 / down)
    return torch.stack((moved_x, moved_y), dim=-1)


def _axis(size: int, like: Tensor, align_corners: bool) -> Tensor:
    """Return the (size,) positions of the pixel centres along one axis, in grid_sample's units."""
    end = 1.0 if align_corners else 1.0 - 1.0 / size
    if size == 1:
        return like.new_zeros(1)
    return torch.linspace(-end, end, size, dtype=like.dtype, device=like.device)


def _half_extent(size: int, align_corners: bool) -> float:
    """Return how many pixels make one unit of grid_sample's positions along an axis."""
    return (max(size - 1, 1) if align_corners else size) / 2
