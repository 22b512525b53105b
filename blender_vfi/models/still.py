"""A model that finds no motion: frames in between are mixtures. It has no weights.

It stands in where no network is wanted. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .interface import Interpolation, InterpolationModel, Quality
from .moments import moments_like


class Still(InterpolationModel):
    """Mixes the two frames in the middle of the window."""

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Return as many mixtures as timesteps; see `InterpolationModel.forward`."""
        middle = len(frames) // 2 - 1
        frame0, frame1 = frames[middle], frames[middle + 1]
        count, size = len(timesteps), frame0.shape[-2:]
        weight = moments_like(timesteps, frame0)
        still = frame0.new_zeros(count, 2, *size)
        return Interpolation(
            frames=frame0 + (frame1 - frame0) * weight,
            flow_t0=still,
            flow_t1=still,
            mask=(1 - weight).expand(count, 1, *size),
        )
