"""Fetches pixels at scattered points, bilinearly, on the CPU: only where a model looks.

`torch.nn.functional.grid_sample` reads a picture plane by plane. Where a picture lies with its
channels last, the four pixels around a point are four short rows of one table, and what is wanted
is their weighted sum: an embedding bag, which moves all channels of a pixel at once, leaves its
result with channels last as convolutions like it, and adds up groups of points on the way.
Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_CORNERS: Final = 4
_EXACT_IN_FLOAT: Final = 1 << 24
_UPPER_HALF: Final = 1 << 32
_BOTH_HALVES: Final = _UPPER_HALF + 1


def fetch(sources: Sequence[Tensor], x: Tensor, y: Tensor) -> list[Tensor]:
    """Fetch pixels of S pictures, each the sum of G points; outside is the nearest pixel.

    Args:
        sources: each (1, C, H, W) float32 on the CPU, H and W at least 2, channels last in memory.
        x: (S, T, R, G, Q) columns of the points, in pixels; overwritten.
        y: (S, T, R, G, Q) their rows; overwritten.

    Returns:
        Of each picture (T, R, Q, C), contiguous.
    """
    channels, height, width = sources[0].shape[1:]
    count, batch, rows, group, columns = x.shape
    # One bag for each pixel, with the corners of its points; written plane by plane.
    bags = (count, batch, rows, columns, group, _CORNERS)
    indices = torch.empty(bags, dtype=torch.int32)
    weights = torch.empty(bags, dtype=x.dtype)
    _write_corners(
        x.clamp_(0, width - 1),
        y.clamp_(0, height - 1),
        indices.view(torch.int64).transpose(3, 4),
        weights.transpose(3, 4),
        (height, width),
    )
    return [
        functional.embedding_bag(
            own_indices.view(-1, group * _CORNERS),
            source.permute(0, 2, 3, 1).reshape(height * width, channels),
            mode="sum",
            per_sample_weights=own_weights.view(-1, group * _CORNERS),
        ).view(batch, rows, columns, channels)
        for source, own_indices, own_weights in zip(sources, indices, weights, strict=True)
    ]


def _write_corners(
    x: Tensor, y: Tensor, pairs: Tensor, weights: Tensor, size: tuple[int, int]
) -> None:
    """Write the four pixels around each point, and what each counts, to the last dimension.

    Args:
        x: columns, within the picture; becomes how far each is from the pixel to its left.
        y: rows, likewise; becomes how far each is from the pixel above.
        pairs: for the pixels, two 32-bit indices in each 64-bit number, the left one lower.
        weights: for what they count.
        size: height and width of the picture.
    """
    height, width = size
    left, top = x.floor().clamp_(max=width - 2), y.floor().clamp_(max=height - 2)
    exact = torch.float32 if height * width <= _EXACT_IN_FLOAT else torch.float64
    first = torch.add(left.to(exact), top.to(exact), alpha=width).to(torch.int64)
    # A point that is no number would be read from anywhere: its weights are no numbers either.
    first.clamp_(0, (height - 1) * width - 2)
    for row, offset in enumerate((0, width)):
        # n becomes n + offset in the lower half, and n + offset + 1 in the upper
        start = torch.tensor(offset * _BOTH_HALVES + _UPPER_HALF)
        torch.add(start, first, alpha=_BOTH_HALVES, out=pairs[..., row])
    right, below = x.sub_(left), y.sub_(top)
    torch.mul(right, below, out=weights[..., 3])
    torch.sub(right, weights[..., 3], out=weights[..., 1])
    torch.sub(below, weights[..., 3], out=weights[..., 2])
    torch.sub(right.neg_().add_(1), weights[..., 2], out=weights[..., 0])
