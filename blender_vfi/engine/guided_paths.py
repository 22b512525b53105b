"""Where the points of a frame are at a moment, by the vectors of both frames around it.

A frame's own vectors tell where its points were one scene frame before, and will be one after. The
other frame's tell the same of the other end of the way. In between lies the cubic that agrees with
both. Never import bpy here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.warp import warp
from .guided_vectors import shift_at

_ODD = 1.0  # pixels: a way that the other frame tells so differently is another point's
_ODD_SHARE = 0.25  # of the way
_SAME_DEPTH = 0.2
_ROUNDS = 2
_MOVES, _ENOUGH = 0.75, 0.005  # pixels in a scene frame; share of the frame
_STEPS = (1, 2, 3, 4)
_CLEARLY = 0.7
_FITS = 0.01  # in displayed values: surfaces of one colour look the same everywhere


def shift_between(
    motion: Tensor,
    nearness: Tensor,
    other_motion: Tensor,
    other_nearness: Tensor,
    *,
    moment: float,
    other_moment: float,
) -> Tensor:
    """Return (1, 2, H, W): how far points have come at a moment.

    Args:
        motion: (1, 4, H, W) of a source frame, see `displacements`.
        nearness: (1, 1, H, W) of it.
        other_motion: of the other source frame.
        other_nearness: likewise.
        moment: in scene frames after the source frame; before it, below zero.
        other_moment: where the other source frame lies, likewise.
    """
    if abs(moment) == 1:
        return shift_at(motion, moment)
    gap = abs(other_moment)
    if other_moment < 0:
        # the same way, walked backwards
        motion, other_motion = _reversed(motion), _reversed(other_motion)
    other = torch.cat((other_motion, other_nearness), dim=1)
    if gap == 1:
        there = warp(other, motion[:, :2])
        bend = (there[:, :2] - shift_at(motion, 2) + motion[:, :2]) / _cubic(2)
        odd = torch.zeros_like(bend)
    else:
        bend = torch.zeros_like(motion[:, :2])
        for _ in range(_ROUNDS):
            there = warp(other, shift_at(motion, gap) + bend * _cubic(gap))
            last = shift_at(motion, gap) - shift_at(motion, gap - 1)
            bend = -(there[:, 2:4] + last) / (_cubic(gap) - _cubic(gap - 1))
        beyond = shift_at(motion, gap + 1) - shift_at(motion, gap)
        odd = there[:, :2] - beyond - bend * (_cubic(gap + 1) - _cubic(gap))
    way = shift_at(motion, gap).abs().amax(dim=1, keepdim=True)
    found = odd.abs().amax(dim=1, keepdim=True) <= _ODD + _ODD_SHARE * way
    near = there[:, 4:]
    found &= (near - nearness).abs() <= _SAME_DEPTH * torch.maximum(near, nearness)
    return shift_at(motion, abs(moment)) + bend * found * _cubic(abs(moment))


def measured_step(picture: Tensor, motion: Tensor, other_picture: Tensor, *, expected: int) -> int:
    """Tell how many scene frames two frames are apart, by where vectors find the same again.

    Numbers in file names say it, unless the files were numbered anew.

    Args:
        picture: (1, C, H, W) what the earlier frame shows, in values that errors are seen in.
        motion: (1, 4, H, W) of it, see `displacements`.
        other_picture: what the later frame shows.
        expected: what is taken where nothing clearly fits better.
    """
    moves = motion.abs().amax(dim=1, keepdim=True) > _MOVES
    if float(moves.to(motion.dtype).mean()) < _ENOUGH:
        return expected
    errors = {}
    for step in {*_STEPS, expected}:
        found = warp(other_picture, shift_at(motion, step))
        apart = (found - picture).abs().mean(dim=1, keepdim=True)
        # not the mean, which would be of what is covered and uncovered
        errors[step] = float(apart[moves].median())
    best = min(errors, key=errors.__getitem__)
    fits = errors[expected] < _FITS or errors[best] > _CLEARLY * errors[expected]
    return expected if fits else best


def _reversed(motion: Tensor) -> Tensor:
    return torch.cat((motion[:, 2:], motion[:, :2]), dim=1)


def _cubic(time: float) -> float:
    """Return what bends a way without moving its places one frame before and after."""
    return time**3 - time
