"""Forward warping: every pixel of a frame is moved along its flow and shared among where it lands.

Several pixels may land on one place. Softmax splatting lets those with the higher metric win,
smoothly. Never import bpy here.

Paper: "Softmax Splatting for Video Frame Interpolation", CVPR 2020, arXiv:2003.05534.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST_WEIGHT = 1e-7
"""Added to every sum of weights; places that nothing lands on thus become black."""


def softmax_splat(source: Tensor, flow: Tensor, metric: Tensor) -> Tensor:
    """Move every pixel of `source` by `flow`; where several land, average them by exp(metric).

    Everything is summed in float32 at least. On the CPU the same input gives the same bits at every
    run; on a GPU sums are taken in any order, unless torch is told to be deterministic.

    Args:
        source: (N, C, H, W) floating point, of any range; or (1, C, H, W), to be moved in N ways.
        flow: (N, 2, H, W) in pixels: where the pixel goes, channel 0 is x (rightwards). Pixels that
            leave the frame, or whose flow is not finite, are left out.
        metric: (N, 1, H, W), how important a pixel is, below 80.

    Returns:
        (N, C, H, W) in the dtype of `source`; 0 where nothing lands.
    """
    count, _, height, width = flow.shape
    dtype = torch.promote_types(source.dtype, torch.float32)
    weights = metric.to(dtype).exp()
    weighted = torch.cat((source.to(dtype) * weights, weights), dim=1)
    rows = weighted.permute(0, 2, 3, 1).reshape(count * height * width, -1)
    landed = torch.zeros_like(rows)
    for places, share in _landing_places(flow.to(dtype)):
        landed.index_add_(0, places, rows * share)
    grid = landed.view(count, height, width, -1).permute(0, 3, 1, 2)
    return (grid[:, :-1] / (grid[:, -1:] + _LEAST_WEIGHT)).to(source.dtype)


def _landing_places(flow: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Give for each of the four pixels around where a pixel lands its row and the share it gets.

    Args:
        flow: (N, 2, H, W) in pixels.

    Returns:
        Four times (N·H·W,) rows of a flattened (N, H, W), and (N·H·W, 1) shares in [0, 1], which
        are 0 where the pixel lies outside the frame.
    """
    count, _, height, width = flow.shape
    x = torch.arange(width, dtype=flow.dtype, device=flow.device) + _bounded(flow[:, 0], width)
    y = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None]
    y = y + _bounded(flow[:, 1], height)
    left, top = x.floor(), y.floor()
    first_row = torch.arange(count, device=flow.device).view(-1, 1, 1) * (height * width)
    places = []
    for down in (0, 1):
        for right in (0, 1):
            column, line = left + right, top + down
            share = (1 - (x - column).abs()) * (1 - (y - line).abs())
            is_inside = (column >= 0) & (column < width) & (line >= 0) & (line < height)
            rows = line.clamp(0, height - 1).long() * width + column.clamp(0, width - 1).long()
            places.append(((first_row + rows).flatten(), (share * is_inside).view(-1, 1)))
    return places


def _bounded(flow: Tensor, size: int) -> Tensor:
    """Replace flows that leave the frame in any case, or are no numbers, by one that just does."""
    beyond = 2.0 * size + 2
    return flow.nan_to_num(nan=beyond, posinf=beyond, neginf=-beyond).clamp(-beyond, beyond)
