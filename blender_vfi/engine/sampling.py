"""Fetches the values that a flow points to, without mixing what must not be mixed.

Never import bpy here.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from ..models.warp import warp

_SAME_SURFACE = 0.02
"""Neighbouring pixels whose depths differ by less, in parts of the depth, show one surface."""

_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))


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
        """Return (1, C, H, W), linear between the pixels on the surface that is nearest.

        Without a depth to tell surfaces apart, linear between all.
        """
        if self._guide is None:
            return self.smooth(frame)
        near = self.nearest(frame)
        mixed = near.clone()
        for (right, down), weight in zip(_CORNERS, self._corner_weights, strict=True):
            corner = _fetched(frame, self._left + right, self._top + down)
            # differences leave equal values as they are, to the bit; two infinities have none
            counts = (weight > 0) & (corner != near)
            mixed += torch.where(counts, (corner - near) * weight, 0.0)
        return mixed

    @cached_property
    def depth(self) -> Tensor | None:
        """The depth, (1, 1, H, W), of what is found."""
        return None if self._guide is None else self.of_surface(self._guide)

    @cached_property
    def _corner_weights(self) -> list[Tensor]:
        """Weights, (H, W) each, of the four pixels around each point; they sum to 1."""
        assert self._guide is not None
        nearest = self.nearest(self._guide)[0, 0]
        is_right, is_down = self._right_share >= 0.5, self._down_share >= 0.5
        weights = []
        for right, down in _CORNERS:
            depth = _fetched(self._guide, self._left + right, self._top + down)[0, 0]
            is_nearest = (is_right == bool(right)) & (is_down == bool(down))
            nearer = torch.minimum(depth.abs(), nearest.abs())
            is_same = (depth - nearest).abs() <= _SAME_SURFACE * nearer
            across = self._right_share if right else 1 - self._right_share
            along = self._down_share if down else 1 - self._down_share
            weights.append(torch.where(is_same | is_nearest, across * along, 0.0))
        total = sum(weights[1:], start=weights[0])
        return [weight / total for weight in weights]


def _fetched(frame: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """Return (1, C, H, W) of `frame` at (H, W) columns and rows; beyond its end, its last."""
    height, width = frame.shape[-2:]
    index = rows.clamp(max=height - 1) * width + columns.clamp(max=width - 1)
    return frame.flatten(2).index_select(2, index.flatten()).view(frame.shape)
