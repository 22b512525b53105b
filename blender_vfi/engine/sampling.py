"""Fetches the values that a flow points to, without mixing what must not be mixed.

Never import bpy here.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..models.warp import warp

_STEP = 0.02
"""From one surface to another, nearness (one by depth) changes by more than this part of it."""

_AS_EQUAL = 1e-6
"""Linear sampling gives equal values back with errors up to this: then they are meant."""

_LEAST_DEPTH = 1e-6

_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


class Sampler:
    """Looks into one frame along one flow.

    Args:
        flow: (1, 2, H, W) float32 in pixels, x first; beyond the frame its edge goes on.
        guide: (1, 1, H, W) float32, the frame's depth, where it has one.
    """

    def __init__(self, flow: Tensor, guide: Tensor | None = None) -> None:
        self._flow = flow
        self._guide = guide
        height, width = flow.shape[-2:]
        places = torch.arange(max(height, width), device=flow.device, dtype=flow.dtype)
        x = (flow[0, 0] + places[:width]).clamp(0, width - 1)
        y = (flow[0, 1] + places[:height, None]).clamp(0, height - 1)
        # 32 bits are half the memory, and enough for two milliards of pixels
        self._left, self._top = x.floor().int(), y.floor().int()
        self._right_share, self._down_share = x - self._left, y - self._top

    def smooth(self, frame: Tensor) -> Tensor:
        """Return (1, C, H, W), linear between pixels."""
        return warp(frame, self._flow)

    def nearest(self, frame: Tensor) -> Tensor:
        """Return (1, C, H, W), each pixel the copy of one of `frame`, bit for bit."""
        right, down = self._right_share >= 0.5, self._down_share >= 0.5
        return _fetched(frame, self._left + right, self._top + down)

    def of_surface(self, frame: Tensor) -> Tensor:
        """Return (1, C, H, W), linear inside surfaces, and the nearest pixel at their borders.

        Without a depth to tell surfaces apart, linear everywhere.
        """
        mixed = self.smooth(frame)
        if self._is_inside is None:
            return mixed
        near = self.nearest(frame)
        # equal values stay as they are, to the bit
        differs = (mixed - near).abs() > _AS_EQUAL * near.abs()
        return torch.where(self._is_inside & differs, mixed, near)

    @cached_property
    def depth(self) -> Tensor | None:
        """The depth, (1, 1, H, W), of what is found."""
        return None if self._guide is None else self.of_surface(self._guide)

    @cached_property
    def _is_inside(self) -> Tensor | None:
        """Where the nearest pixel has only pixels of its own surface around it, (1, 1, H, W)."""
        return None if self._guide is None else self.nearest(_inside_surfaces(self._guide))


def _inside_surfaces(depth: Tensor) -> Tensor:
    """Tell which pixels, (1, 1, H, W), show the surface that all eight around them show.

    Nearness, one by depth, changes evenly over a plane in perspective, however it is inclined. So
    a floor is one surface up to its horizon, while a step bends it.
    """
    height, width = depth.shape[-2:]
    nearness = 1 / depth.abs().clamp_min(_LEAST_DEPTH)
    around = pad(nearness, (1, 1, 1, 1), mode="replicate")

    def shifted(down: int, right: int) -> Tensor:
        return around[..., 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    bend = torch.zeros_like(nearness)
    for down, right in _DIRECTIONS:
        mean = (shifted(down, right) + shifted(-down, -right)) / 2
        bend = torch.maximum(bend, (mean - nearness).abs())
    return bend <= _STEP / 2 * nearness


def _fetched(frame: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """Return (1, C, H, W) of `frame` at (H, W) columns and rows; beyond its end, its last."""
    height, width = frame.shape[-2:]
    index = rows.clamp(max=height - 1) * width + columns.clamp(max=width - 1)
    return frame.flatten(2).index_select(2, index.flatten()).view(frame.shape)
