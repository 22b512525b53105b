"""How alike every place of one feature map is to the surroundings of a place in another.

Shared by architectures that search motion by correlation. Never import bpy here. Whatever its
inputs' dtype, it computes in float32 at least: half precision cannot tell neighbouring pixels of a
large map apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .moments import numbers_like

LARGEST_VOLUME_BYTES = 1 << 30
"""A table of all pairs that takes more than this is not made; what is asked for is computed."""

_LARGEST_SAMPLE_BYTES = 1 << 28


class AllPairsCorrelation:
    """Similarities of each place of one map to all places of another, at several resolutions.

    Where the table of all pairs is small, as for maps of an eighth of 1280×720, it is made once and
    looked up. It grows with the square of the frame's area (to 12 GiB for 2560×1440), so beyond
    `largest_bytes` the similarities are computed where they are asked for, from pooled features:
    a pooled product is the product with what is pooled, so both ways give the same numbers but for
    rounding.

    Args:
        source: (1, C, H, W) floating point, the map whose places are looked from.
        target: (1, C, H, W), the map that is looked into.
        levels: how often the target is seen, each time at half the size, the first at its own.
        radius: how far around a position the similarities are returned, in the level's pixels.
        largest_bytes: memory that the table may take.
    """

    def __init__(
        self,
        source: Tensor,
        target: Tensor,
        *,
        levels: int,
        radius: int,
        largest_bytes: int = LARGEST_VOLUME_BYTES,
    ) -> None:
        dtype = torch.promote_types(source.dtype, torch.float32)
        # scaled beforehand: the same as to divide every product by the root of C
        self._source = source[0].to(dtype).flatten(1).T / source.shape[1] ** 0.5
        self._radius = radius
        self._is_table = self._source.shape[0] ** 2 * self._source.element_size() <= largest_bytes
        base = target.to(dtype)
        if self._is_table:
            base = (self._source @ base[0].flatten(1)).view(-1, 1, *target.shape[-2:])
        self._levels = [base]
        for _ in range(levels - 1):
            self._levels.append(functional.avg_pool2d(self._levels[-1], 2))

    def look_up(self, positions: Tensor) -> Tensor:
        """Return the similarities around `positions`; outside of the target they are 0.

        Args:
            positions: (T, 2, H, W) where each place of the source looks in the target, in the
                target's pixels, x before y; T moments are looked up at once.

        Returns:
            (T, levels · (2 · radius + 1)², H, W) in float32 at least, level by level; within a
            level the step along x varies slowest.
        """
        count, _, height, width = positions.shape
        places = positions.to(self._source.dtype).permute(2, 3, 0, 1).reshape(-1, count, 2)
        found = [
            self._look_up_level(level, places / 2**index)
            for index, level in enumerate(self._levels)
        ]
        # from places, levels, moments and windows to the order of a picture's channels
        stacked = torch.stack(found, dim=1).permute(2, 1, 3, 0)
        return stacked.reshape(count, -1, height, width)

    def _look_up_level(self, level: Tensor, places: Tensor) -> Tensor:
        """Return (H·W, T, window) similarities around (H·W, T, 2) places of one level."""
        grid = _window_grid(places, self._radius, level.shape[-2:])
        if self._is_table:
            return _sampled(level, grid.flatten(1, 2)).view(*grid.shape[:2], -1)
        points = grid[0].numel() // 2
        rows = max(1, _LARGEST_SAMPLE_BYTES // (points * level.shape[1] * level.element_size()))
        parts = [
            self._correlate(level, grid[start : start + rows], self._source[start : start + rows])
            for start in range(0, len(grid), rows)
        ]
        return torch.cat(parts)

    def _correlate(self, level: Tensor, grid: Tensor, source: Tensor) -> Tensor:
        """Return (P, T, window) products of (P, C) features with the level's around each place."""
        samples = _sampled(level, grid.reshape(1, len(grid), -1, 2))[0]
        return torch.einsum("pc,cpn->pn", source, samples).view(*grid.shape[:2], -1)


def _window_grid(places: Tensor, radius: int, size: Sequence[int]) -> Tensor:
    """Return grid_sample's positions (P, T, window, window, 2) around (P, T, 2) places."""
    steps = torch.arange(-radius, radius + 1, dtype=places.dtype, device=places.device)
    # The published networks were trained with x along the first axis of the window.
    window = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1)
    height, width = size
    extent = numbers_like((max(width - 1, 1), max(height - 1, 1)), places)
    return (places[:, :, None, None] + window) * (2 / extent) - 1


def _sampled(image: Tensor, grid: Tensor) -> Tensor:
    return functional.grid_sample(
        image, grid, mode="bilinear", padding_mode="zeros", align_corners=True
    )
