"""A model that knows exactly how the square of `pass_files` moves."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from blender_vfi.models.interface import Interpolation, InterpolationModel, Quality

from .pass_files import SIDE, TOP


class MovingModel(InterpolationModel):
    """Finds the bright square in both frames, and says how it gets from one to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        self.calls += 1
        left0, left1 = (_left(frame) for frame in frames)
        height, width = frames[0].shape[-2:]
        flows0, flows1, masks = [], [], []
        for t in timesteps:
            now = left0 + (left1 - left0) * t
            on = _square(now, height, width)
            flows0.append(_rightwards(on * (left0 - now)))
            flows1.append(_rightwards(on * (left1 - now)))
            # what the square uncovers is seen in one frame only
            was, will_be = (_square(left, height, width) & ~on for left in (left0, left1))
            mask = torch.full((height, width), 1 - t)
            mask[was & ~will_be], mask[will_be & ~was] = 0.0, 1.0
            masks.append(mask[None])
        picture = torch.zeros(len(timesteps), 3, height, width)
        return Interpolation(picture, torch.stack(flows0), torch.stack(flows1), torch.stack(masks))


def _left(frame: Tensor) -> int:
    columns = (frame[0, 0, TOP] > 0.9).nonzero()
    return int(columns[0]) if len(columns) else 0


def _square(left: float, height: int, width: int) -> Tensor:
    x, y = torch.arange(width), torch.arange(height)[:, None]
    inside = (x >= round(left)) & (x < round(left) + SIDE)
    return inside & (y >= TOP) & (y < TOP + SIDE)


def _rightwards(x: Tensor) -> Tensor:
    return torch.stack((x, torch.zeros_like(x)))
