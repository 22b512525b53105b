"""Runs layers over a large map in strips of rows, so that what lies between them stays small.

The results are those of the whole map: strips overlap by as many rows as the layers see, and norms
over the whole map take their mean and variance from it first. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Rows = slice
"""Which rows of a map a strip is, its overlap included."""

LARGEST_STRIP_BYTES = 64 << 20
"""What the widest map of a strip may take, about; there are a few of them at a time."""

_ALIGNMENT = 8


def by_rows(
    compute: Callable[[Rows], Tensor],
    like: Tensor,
    *,
    widest: int,
    halo: int = 0,
    ratio: float = 1,
) -> Tensor:
    """Compute a map strip by strip.

    Args:
        compute: given some rows of the map that it reads, returns what becomes of them: (N, C,
            rows · ratio, W'). Its borders may be wrong as far as `halo` reaches.
        like: (N, C, H, W) the map that is read; H even if the ratio is a half.
        widest: channels of the widest map that `compute` makes, at the size that it reads.
        halo: rows above and below a row that decide what becomes of it, an even number.
        ratio: rows that come out for each that goes in: a half, one or two.

    Returns:
        The whole map: (N, C, H · ratio, W').
    """
    height, width = like.shape[-2:]
    row_bytes = len(like) * widest * width * like.element_size()
    rows = LARGEST_STRIP_BYTES // row_bytes // _ALIGNMENT * _ALIGNMENT or _ALIGNMENT
    if rows >= height:
        return compute(slice(0, height))
    whole: Tensor | None = None
    for first in range(0, height, rows):
        last = min(first + rows, height)
        start = max(first - halo, 0)
        strip = compute(slice(start, min(last + halo, height)))
        if whole is None:
            whole = strip.new_empty((*strip.shape[:2], int(height * ratio), strip.shape[3]))
        at, length = int((first - start) * ratio), int((last - first) * ratio)
        target = int(first * ratio)
        whole[:, :, target : target + length] = strip[:, :, at : at + length]
    assert whole is not None
    return whole


def normaliser(norm: nn.GroupNorm, hidden: Tensor) -> Callable[[Rows], Tensor]:
    """Take the mean and variance of (N, C, H, W), and return what normalises rows of it.

    What that returns is new memory, which may be changed in place.
    """
    grouped = hidden.reshape(len(hidden), norm.num_groups, -1)
    variance, mean = torch.var_mean(grouped, dim=-1, correction=0)
    spread = (variance + norm.eps).rsqrt()
    channels = hidden.shape[1] // norm.num_groups
    scale = spread.repeat_interleave(channels, dim=1) * norm.weight
    shift = norm.bias - mean.repeat_interleave(channels, dim=1) * scale
    return lambda rows: torch.addcmul(
        shift[..., None, None], hidden[:, :, rows], scale[..., None, None]
    )
