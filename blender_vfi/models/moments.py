"""Moments, and other few numbers, as tensors on the network's device. Never import bpy here."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def moments_like(timesteps: Sequence[float | Tensor], like: Tensor) -> Tensor:
    """Return T moments as (T, 1, 1, 1), in the dtype and on the device of `like`.

    Args:
        timesteps: numbers, or tensors () on that device: what is compiled has them so. Neither goes
            through the host, as with `new_tensor`: a copy from there waits for all that a GPU has
            been asked for, and CUDA graphs hold no such steps.
        like: a tensor.
    """
    moments = [
        timestep if isinstance(timestep, Tensor) else like.new_full((), timestep)
        for timestep in timesteps
    ]
    return torch.stack(moments).to(like).view(-1, 1, 1, 1)


def numbers_like(numbers: Sequence[float], like: Tensor) -> Tensor:
    """Return (N,) numbers in the dtype of `like`, made on its device: nothing is copied to it."""
    return torch.cat([like.new_full((1,), number) for number in numbers])
