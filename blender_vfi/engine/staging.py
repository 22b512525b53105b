"""Main memory that a CUDA device reaches by itself, so that frames come and go at the bus's speed.

From ordinary memory the driver copies every frame twice. Locking pages takes time as well: torch
keeps what was locked and hands it out again, so that only a job's first frames pay for it. Other
devices take and give frames as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor


def staged(frame: Tensor, device: torch.device) -> Tensor:
    """Return a frame in memory that `device` reads by itself; to be called beside the loop.

    Args:
        frame: on the CPU.
        device: where it will go.

    Returns:
        The same values; the frame itself where nothing is gained, or no more pages can be locked.
    """
    if device.type != "cuda":
        return frame
    try:
        return frame.pin_memory()
    except RuntimeError:  # a limit of the system's, not the device's memory
        return frame


def uploaded(frame: Tensor, device: torch.device) -> Tensor:
    """Bring a frame to the device in float32; from a staged one, without waiting for it.

    torch keeps a staged frame's memory until the device has read it.
    """
    return frame.to(device, torch.float32, non_blocking=frame.is_pinned())


def downloaded(frames: Tensor) -> Tensor:
    """Bring contiguous frames to main memory, and wait until they are there."""
    if frames.device.type != "cuda":
        return frames.cpu()
    try:
        target = torch.empty(frames.shape, dtype=frames.dtype, pin_memory=True)
    except RuntimeError:
        return frames.cpu()
    target.copy_(frames, non_blocking=True)
    torch.cuda.current_stream(frames.device).synchronize()
    return target
