"""Pictures of RIFE's motion, some rows at a time: which are read, enlarging, fetching.

What `rife_first` and `rife_bands` share. Work in bands of rows reuses the same memory and stays in
the processor's cache. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from . import crew
from .fetching import fetch

_BAND_POINTS: Final = 1 << 17
"""How many points of each frame a band fetches, at most and about: a few MiB with all that belongs
to them. Fewer cost more in operations than the processor's cache gives back."""

_BANDS_EACH: Final = 2
"""Bands for each thread, at least about: one that loses its core then holds the others up less."""


def bands(height: int, points_in_row: int) -> Iterator[tuple[int, int]]:
    """Cut a picture into bands of an even number of rows: each's first row and that after it."""
    points = min(_BAND_POINTS, height * points_in_row // (_BANDS_EACH * crew.size()))
    rows = max(points // points_in_row // 2, 1) * 2
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def pixels_read(first: int, last: int, scale: int) -> Tensor:
    """List along one axis of the frame which pixels are read: (last - first, 2), or 1 each."""
    positions = torch.arange(first, last, dtype=torch.float32)[:, None]
    if scale == 1:
        return positions
    return positions * scale + torch.tensor((scale // 2 - 1, scale // 2))


def columns_read(field: Tensor, scale: int) -> Tensor:
    """Choose from (T, h, C, W) the columns read at `scale`: (T, h, C, 2, W / scale), or 1 each."""
    if scale == 1:
        return field[:, :, :, None]
    middle = slice(scale // 2 - 1, scale // 2 + 1)
    squares = field.view(*field.shape[:3], -1, scale)
    return squares[..., middle].transpose(3, 4)


def resized(field: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (T, C, h, w) bilinearly."""
    if field.shape[-2:] == size:
        return field
    return functional.interpolate(field, size, mode="bilinear", align_corners=False)


def at_rows(fields: Sequence[Tensor], rows: Tensor, height: int) -> Tensor:
    """Enlarge fields to `height`, at some rows only, and add them up.

    Args:
        fields: each (T, h, ...), with an h of its own.
        rows: (R,) rising, in [0, height); without gaps where a field has that height already.
        height: of the picture that they are rows of.

    Returns:
        (T, R, ...).
    """
    begin, end = int(rows[0]), int(rows[-1]) + 1
    whole = [field[:, begin:end] for field in fields if field.shape[1] == height]
    coarse = [field for field in fields if field.shape[1] != height]
    if not coarse:
        return sum(whole[1:], start=whole[0])
    weights: list[Tensor] = []
    parts: list[Tensor] = []
    for field in coarse:
        count = field.shape[1]
        position = ((rows + 0.5) * (count / height) - 0.5).clamp_(0, count - 1)
        low, high = int(position[0]), min(int(position[-1]) + 2, count)
        near = torch.arange(low, high, dtype=rows.dtype)
        weights.append((1 - (position[:, None] - near).abs_()).clamp_(min=0))
        parts.append(field[:, low:high].flatten(2))
    enlarged = torch.cat(weights, dim=1) @ torch.cat(parts, dim=1)
    return sum(whole, start=enlarged.view(len(enlarged), len(rows), *coarse[0].shape[2:]))


def fetch_both(
    sources: Sequence[Tensor], flow: Tensor, rows: Tensor, scale: int
) -> tuple[Tensor, Tensor]:
    """Fetch two frames where flow points to.

    Args:
        sources: two frames, each (1, C, H, W).
        flow: (T, R, g, 4, g, Q) at the pixels that are read for each of R × Q pixels.
        rows: (R, g) of these.
        scale: of which their columns are.

    Returns:
        (T, C, R, Q) of each, channels last in memory.
    """
    columns = pixels_read(0, flow.shape[5], scale).t()
    batch, count, group = flow.shape[:3]
    by_frame = flow.view(batch, count, group, 2, 2, group, -1).permute(3, 4, 0, 1, 2, 5, 6)
    points = torch.empty_like(by_frame, memory_format=torch.contiguous_format)
    x, y = points.unbind(1)
    torch.add(by_frame[:, 0], columns, out=x)
    torch.add(by_frame[:, 1], rows[..., None, None], out=y)
    view0, view1 = fetch(sources, x.flatten(3, 4), y.flatten(3, 4))
    return view0.permute(0, 3, 1, 2), view1.permute(0, 3, 1, 2)
