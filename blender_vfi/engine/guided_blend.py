"""Chooses, pixel by pixel, among what rendered vectors and a network make of the same moment.

Each guess comes from two frames, and how far its two sides are apart tells how far it can be
trusted: surfaces that were moved right agree, and shadows that were moved with the floor that they
fall on do not. How far the network's own motion misses the vectors tells the rest: it misses much
where motion is fast or uneven, and nothing where a smooth thing glides. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .following import Motion
from .guided_vectors import slopes
from .light import display_encoded

_COLOURS = 3
_WINDOW = 0.08  # of the frame's width: so far around is looked for how the sides agree
_WIDE_WINDOW = 0.4  # likewise, for how well the network places what it moves
_SMALLEST_WINDOW = 7
_MOST_MISSED = 2.1  # pixels: further off is off
_SHARPNESS = 2.3
_ALONE = 0.05  # what a pixel's own disagreement counts beside that around it
_SEEN_ONCE = 0.042
_UNSEEN = 1.0
"""Errors, in displayed values, to add for what one frame alone has seen, and what neither has."""

_OF_SPREAD, _OF_UNSEEN, _OF_DISAGREEMENT = 2.0, 0.019, 0.067
"""How squared errors follow from how guesses differ, what nobody has seen, and how the sides of the
network's own frame differ. Fitted, as all numbers here, to `benchmarks.rendered`."""

_NARROW = 0.05  # of a window: less than this of it is too little to judge by


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How the disagreement of a guess's two sides tells its error, in displayed values.

    Attributes:
        scale: what squared disagreement counts.
        least: error where the sides agree.
        placing: what the squared change of what is shown counts along the way by which the network
            misses the vectors.
    """

    scale: float
    least: float
    placing: float = 0.0


MOVED = Trust(scale=0.66, least=0.0047)
RELIT = Trust(scale=2.1, least=0.035)
FOUND = Trust(scale=0.55, least=0.006, placing=0.57)
SHADED = Trust(scale=0.95, least=0.004, placing=1.06)
"""Surfaces moved by their vectors; with light that moves on them; the network's own frame; and
light as the network moves it on surfaces moved by their vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """One way to make the moment.

    Attributes:
        picture: (1, C, H, W) light, premultiplied where there is alpha.
        sides: what it makes of either frame alone, likewise.
        trust: how its sides tell its error.
        by_vectors: whether rendered vectors say where its surfaces are.
    """

    picture: Tensor
    sides: tuple[Tensor, Tensor]
    trust: Trust
    by_vectors: bool = False


def blend(
    guesses: Sequence[Guess], misplaced: Tensor, is_known: Tensor, is_shared: Tensor
) -> tuple[Tensor, Tensor]:
    """Mix guesses by how far each can be trusted.

    Args:
        guesses: at least one.
        misplaced: (1, 1, H, W), see `misplacement`.
        is_known: (1, 1, H, W) bool, where vectors know what is there.
        is_shared: likewise, where both frames have seen it.

    Returns:
        (1, C, H, W) the picture, and (1, 1, H, W) the squared error to expect.
    """
    weights = [
        _squared_error(guess, misplaced, is_known, is_shared).clamp_min(1e-8) ** -_SHARPNESS
        for guess in guesses
    ]
    total = torch.stack(weights).sum(dim=0)
    picture = torch.zeros_like(guesses[0].picture)
    for guess, weight in zip(guesses, weights, strict=True):
        picture = picture + guess.picture * (weight / total)
    shown = _shown(picture)
    doubt = _OF_UNSEEN * (~is_known).to(shown.dtype)
    for guess, weight in zip(guesses, weights, strict=True):
        spread = (_shown(guess.picture) - shown).square().mean(dim=1, keepdim=True)
        doubt = doubt + _OF_SPREAD * spread * (weight / total)
        if guess.trust is FOUND:
            doubt = doubt + _OF_DISAGREEMENT * _apart(guess)
    return picture, doubt


def misplacement(motion: Motion, vectors: Motion, shown: Tensor, is_known: Tensor) -> Tensor:
    """Return (1, 1, H, W): the squared error, about, where a network's motion misses the vectors.

    Args:
        motion: as the network found it.
        vectors: as the renderer tells it.
        shown: (1, C, H, W) what lies at the moment, in displayed values or surfaces' colours.
        is_known: (1, 1, H, W) bool, where vectors know what is there.
    """
    missed = torch.zeros_like(shown[:, :1])
    for found, told in ((motion.flow_t0, vectors.flow_t0), (motion.flow_t1, vectors.flow_t1)):
        missed = missed + (found - told).square().sum(dim=1, keepdim=True) / 2
    change = 2 * slopes(shown).square().mean(dim=1, keepdim=True)  # along both axes
    return _around(missed.clamp_max(_MOST_MISSED**2) * change * is_known, _WIDE_WINDOW)


def _squared_error(guess: Guess, misplaced: Tensor, is_known: Tensor, is_shared: Tensor) -> Tensor:
    """Return (1, 1, H, W): the squared error that a guess's disagreement foretells."""
    apart = _apart(guess)
    around = _around(apart)
    if guess.trust is MOVED:
        # where one frame stands in for the other, they agree in nothing but name
        shared = is_shared.to(apart.dtype)
        around = _around(apart * shared) / _around(shared).clamp_min(_NARROW)
    trust = guess.trust
    error = trust.scale * around + trust.least**2 + trust.placing * misplaced + _ALONE * apart
    if not guess.by_vectors:
        return error
    error = torch.where(is_shared, error, error + _SEEN_ONCE**2)
    return torch.where(is_known, error, error + _UNSEEN**2)


def _apart(guess: Guess) -> Tensor:
    """Return (1, 1, H, W): how far a guess's two sides are apart, squared, in displayed values."""
    one, other = (_shown(side) for side in guess.sides)
    return (one - other).square().mean(dim=1, keepdim=True)


def _shown(picture: Tensor) -> Tensor:
    return display_encoded(picture[:, :_COLOURS].nan_to_num(nan=0.0).clamp(0, 1))


def _around(values: Tensor, share: float = _WINDOW) -> Tensor:
    """Average (1, 1, H, W) over a window, which is cut off at the frame's border."""
    half = max(_SMALLEST_WINDOW, round(share * values.shape[-1])) // 2
    return _mean_along(_mean_along(values, half, -1), half, -2)


def _mean_along(values: Tensor, half: int, axis: int) -> Tensor:
    """Average over as many on either side along one axis, however many, in the same time."""
    count = values.shape[axis]
    places = torch.arange(count, device=values.device)
    first, end = (places - half).clamp_min(0), (places + half + 1).clamp_max(count)
    sums = values.cumsum(axis)
    sums = torch.cat((torch.zeros_like(sums.narrow(axis, 0, 1)), sums), dim=axis)
    shape = [1] * values.ndim
    shape[axis] = count
    sizes = (end - first).view(shape)
    return (sums.index_select(axis, end) - sums.index_select(axis, first)).clamp_min(0) / sizes
