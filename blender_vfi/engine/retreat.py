"""Where a job goes on when a device is full although frames are made in the smallest tiles."""

from __future__ import annotations

from dataclasses import dataclass

import torch

_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retreat:
    """A place with more room.

    Attributes:
        device: where the model runs from then on.
        dtype: in which number format.
        notice: what that means for the frames to come.
    """

    device: torch.device
    dtype: torch.dtype
    notice: str


def retreats_from(
    device: torch.device,
    dtype: torch.dtype,
    *,
    half_precision: bool,
    to_half: bool,
    to_cpu: bool,
) -> list[Retreat]:
    """List where a job may go on, in the order in which it is tried.

    Args:
        device: where it runs.
        dtype: in which number format.
        half_precision: whether the model is safe in fp16.
        to_half: whether the user allows half precision.
        to_cpu: whether the user allows the CPU.
    """
    if device.type == "cpu":
        return []  # there is no other place, and half precision is slower there
    steps = []
    if to_half and half_precision and dtype is torch.float32:
        steps.append(
            Retreat(
                device=device,
                dtype=torch.float16,
                notice=f"Memory ran out on {device}: going on in half precision. Frames from here "
                "on differ from those in full precision by less than 1 of 255 on average.",
            )
        )
    if to_cpu:
        steps.append(
            Retreat(
                device=_CPU,
                dtype=torch.float32,
                notice=f"Memory ran out on {device}: going on on the CPU, which is slower. Frames "
                "from here on are in full precision, and those before differ from it by less than "
                "1 of 255 on average.",
            )
        )
    return steps
