"""Tells whether what a model answered is a picture at all, and what stands in where it is not.

Half precision can overflow, and weights can be broken: the answer then holds infinities or what is
no number, which every file format would store in its own way. It is the model's answer that is
judged, never the finished frame: light that is infinite or no number in a source frame is the
source's own, and the network is never shown it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from ..models.interface import Interpolation
from ..remedies import remedy

_MOST_LISTED = 20


def sound_moments(answer: Interpolation) -> Tensor:
    """Tell which moments of an answer are finite throughout: frames, flows and mask.

    Args:
        answer: for T moments.

    Returns:
        (T,) bool, on the answer's device.
    """
    parts = (answer.frames, answer.flow_t0, answer.flow_t1, answer.mask)
    # a sum is finite where all its terms are, and costs one pass over them without memory; a
    # largest value would not show what is no number on every device
    sums = [part.sum(dim=(1, 2, 3), dtype=torch.float32) for part in parts if part is not None]
    return torch.stack(sums).isfinite().all(dim=0)


def are_sound(answers: Sequence[Interpolation]) -> Tensor:
    """Tell which moments are finite in all answers, as (T,) bool."""
    return torch.stack([sound_moments(answer) for answer in answers]).all(dim=0)


def mended(
    answer: Interpolation,
    sound: Tensor,
    pictures: tuple[Tensor, Tensor],
    timesteps: Sequence[Fraction],
    *,
    blends: bool,
) -> Interpolation:
    """Put the earlier frame, or both blended, in the place of what is not sound.

    Args:
        answer: of the model, for T moments.
        sound: (T,) bool, which of them stay.
        pictures: (1, 3, H, W) each, the earlier and the later frame as the model was shown them, of
            the answer's size.
        timesteps: the T moments.
        blends: mix both frames, as near as each is; otherwise the earlier frame stands.

    Returns:
        An answer as of a model that has found no motion there.
    """
    picture0, picture1 = (picture.float() for picture in pictures)
    later = torch.tensor(
        [float(timestep) if blends else 0.0 for timestep in timesteps], device=picture0.device
    )[:, None, None, None]
    keeps = sound[:, None, None, None]

    def kept(part: Tensor | None, fill: Tensor) -> Tensor | None:
        return None if part is None else torch.where(keeps, part.float(), fill)

    frames = torch.where(keeps, answer.frames.float(), torch.lerp(picture0, picture1, later))
    nothing = torch.zeros((), device=picture0.device)
    return Interpolation(
        frames=frames,
        flow_t0=kept(answer.flow_t0, nothing),
        flow_t1=kept(answer.flow_t1, nothing),
        mask=kept(answer.mask, 1 - later),
    )


def describe_stand_ins(names: Sequence[str], title: str) -> str:
    """Say which frames somebody should look at.

    Args:
        names: of the frames that stand in for what a model could not make.
        title: of the model.
    """
    listed = ", ".join(names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")
    return (
        f"{len(names)} frame(s) stand in for what {title} could not make, and should be looked at: "
        f"{listed}."
    )


def how_to_stand_in() -> str:
    """Name the setting that lets something stand in for what is not sound."""
    return remedy(
        panel="Quality > Bad Frames", terminal="--bad-frames hold", python='bad_frames="hold"'
    )
