"""Backward warping, shared by every architecture that estimates motion.

Never import bpy here. Every flow is in pixels of the image that it looks into: channel 0 is x
(rightwards), channel 1 is y (downwards).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Outside = Literal["border", "zeros"]
"""What a flow that points outside the image finds there: the nearest pixel, or black."""


def warp(
    source: Tensor,
    flow: Tensor,
    *,
    align_corners: bool = True,
    outside: Outside = "border",
    first_row: int = 0,
) -> Tensor:
    """Fetch every pixel of the result from where `flow` points to in `source`, bilinearly.

    Args:
        source: (N, C, H, W) floating point, of any range.
        flow: (N, 2, H, W) in pixels, on the same device; its dtype may differ. Or (N, 2, h, W) of
            some of the rows, of which the result then consists.
        align_corners: which convention turns pixels into sampling positions. Both name the same
            pixel; they differ in rounding and, since published weights were trained with one of
            them, parity asks for the right one: True for most families, False for FILM.
        outside: what lies outside the image.
        first_row: which row of the image the flow's first row stands for.

    Returns:
        As large as the flow, in the dtype of `source`.
    """
    return warp_each(
        source, flow[:, None], align_corners=align_corners, outside=outside, first_row=first_row
    )[:, 0]


def warp_each(
    source: Tensor,
    flows: Tensor,
    *,
    align_corners: bool = True,
    outside: Outside = "border",
    first_row: int = 0,
) -> Tensor:
    """Warp each image with several flows at once, without repeating the image in memory.

    Positions are computed and sampled in float32 at least: half precision resolves only every
    other pixel beyond column 2048.

    Args:
        source: (N, C, H, W) floating point.
        flows: (N, T, 2, H, W) in pixels, or some rows of them.
        align_corners: as for `warp`.
        outside: as for `warp`.
        first_row: as for `warp`.

    Returns:
        (N, T, C, H, W), as many rows as the flows have, in the dtype of `source`; a view that is
        not contiguous where T > 1.
    """
    batch, count, _, height, width = flows.shape
    dtype = torch.promote_types(source.dtype, torch.float32)
    # The flows of one image are stacked vertically into one tall grid, so that grid_sample reads
    # all of them from the same copy of the image.
    grid = _positions(flows.to(dtype), align_corners, source.shape[2], first_row)
    grid = grid.reshape(batch, count * height, width, 2)
    sampled = functional.grid_sample(
        source.to(dtype), grid, mode="bilinear", padding_mode=outside, align_corners=align_corners
    )
    return sampled.to(source.dtype).view(batch, -1, count, height, width).transpose(1, 2)


def _positions(flows: Tensor, align_corners: bool, height: int, first_row: int) -> Tensor:
    """Turn (N, T, 2, h, W) flows in pixels into (N, T, h, W, 2) positions for grid_sample.

    They are `h` rows of an image of `height`, from `first_row` on.
    """
    rows, width = flows.shape[-2:]
    x = _axis(width, flows, align_corners) + flows[:, :, 0] / _half_extent(width, align_corners)
    places = _axis(height, flows, align_corners)[first_row : first_row + rows]
    y = places[:, None] + flows[:, :, 1] / _half_extent(height, align_corners)
    return torch.stack((x, y), dim=-1)


def _axis(size: int, like: Tensor, align_corners: bool) -> Tensor:
    """Return the (size,) positions of the pixel centres along one axis, in grid_sample's units."""
    end = 1.0 if align_corners else 1.0 - 1.0 / size
    if size == 1:
        return like.new_zeros(1)
    return torch.linspace(-end, end, size, dtype=like.dtype, device=like.device)


def _half_extent(size: int, align_corners: bool) -> float:
    """Return how many pixels make one unit of grid_sample's positions along an axis."""
    return (max(size - 1, 1) if align_corners else size) / 2
