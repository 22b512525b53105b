"""How a model that cannot reach every moment directly gets to the moments that are asked for.

Some models know only the middle between two frames, some were trained there although they take a
timestep. Both are led by recursion: a frame between two frames is made first, and then serves as a
source for those beside it. Pure Python on the standard library.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..errors import RequestError
from ..models.catalog_types import ModelSpec, Timesteps
from .schedule import Plan

_EXTRA_HALVINGS = 2
"""Halvings beyond those that tell the moments apart: 2 keep each within 1/8 of a step, or less."""

_MOST_CELLS = 1024
"""The finest grid, ten halvings: moments that are nearer to each other share a frame."""

_FEWEST_CELLS = 16
"""The coarsest grid: a moment lies within 1/32 of a source frame, or 1/16 beside a source frame."""


@dataclass(frozen=True, slots=True)
class Step:
    """One frame to make from two that are there.

    Attributes:
        moment: where it lies between the pair's two source frames, in (0, 1).
        earlier: where the frame before it lies; 0 is the pair's first source frame.
        later: where the frame after it lies; 1 is the pair's second.
    """

    moment: Fraction
    earlier: Fraction
    later: Fraction

    @property
    def sources(self) -> tuple[Fraction, Fraction]:
        """Moments of the two frames that it is made from."""
        return self.earlier, self.later

    @property
    def timestep(self) -> Fraction:
        """What the model is told: the moment relative to the two frames it is made from."""
        return (self.moment - self.earlier) / (self.later - self.earlier)


@dataclass(frozen=True, slots=True)
class Route:
    """The frames to make for one pair, in an order in which each one's sources are there.

    Attributes:
        steps: what to make; more than what was asked for where recursion passes through others.
        moments: for each timestep that was asked for, the moment of the frame that stands for it.
    """

    steps: tuple[Step, ...]
    moments: tuple[Fraction, ...]

    def steps_to(self, moments: Collection[Fraction]) -> list[Step]:
        """Return the steps that lead to `moments`, in order, without those that do not."""
        needed = set(moments)
        chosen: list[Step] = []
        for step in reversed(self.steps):
            if step.moment in needed:
                needed |= {step.earlier, step.later}
                chosen.append(step)
        return chosen[::-1]

    def largest_error(self, timesteps: Sequence[Fraction]) -> Fraction:
        """How far the farthest frame is from the moment asked for, in units of the pair."""
        return max(abs(a - b) for a, b in zip(timesteps, self.moments, strict=True))


def route(timesteps: Sequence[Fraction], reachable: Timesteps) -> Route:
    """Find the way to `timesteps` for a model with the given reach.

    Args:
        timesteps: moments in (0, 1), increasing.
        reachable: "any": each is made from the two source frames. "recursive": each is exact, made
            from the nearest frames that are there, those nearest to a middle first. "middle": only
            halvings, so moments are exact at powers of two and else the nearest of an even grid
            that is finer than their steps; never a source frame itself, and never one twice, but
            where steps are smaller than 1/256.

    Raises:
        RequestError: the model's moments are fixed, and not for this function.
    """
    if reachable == "any":
        whole = (Fraction(0), Fraction(1))
        return Route(tuple(Step(moment, *whole) for moment in timesteps), tuple(timesteps))
    if reachable == "recursive":
        steps = tuple(_nearest_middle_first(Fraction(0), Fraction(1), list(timesteps)))
        return Route(steps, tuple(timesteps))
    if reachable == "middle":
        moments = tuple(_nearest_halvings(timesteps))
        return Route(tuple(_halvings(Fraction(0), Fraction(1), set(moments))), moments)
    raise RequestError(f"Moments of a model with {reachable} timesteps need no route.")


def describe_error(plan: Plan, spec: ModelSpec) -> str | None:
    """Say how far from their moments the model's frames lie at most; None where all are exact."""
    if spec.timesteps != "middle":
        return None
    asked = {work.whole for work in plan.pairs()}
    # not by `route`: finding the steps takes longer, and nothing is made of them here
    error = max(
        (
            abs(moment - reached)
            for moments in asked
            for moment, reached in zip(moments, _nearest_halvings(moments), strict=True)
        ),
        default=0,
    )
    if not error:
        return None
    return (
        f"{spec.title} knows only the middle between two frames: at this frame rate, frames lie up "
        f"to {float(error):.3f} of a source frame beside their exact moment, evenly. A multiplier "
        "that is a power of two, or a model for any moment, is exact."
    )


def check_reach(plan: Plan, spec: ModelSpec) -> None:
    """Make sure that a model with fixed moments has those that `plan` asks for.

    Raises:
        RequestError: it has not; the message gives the multipliers that it has.
    """
    if spec.timesteps != "fixed":
        return
    grid = spec.fixed_multiplier
    for work in plan.pairs():
        if any((moment * grid).denominator != 1 for moment in work.timesteps):
            fitting = ", ".join(str(m) for m in range(2, grid + 1) if grid % m == 0)
            raise RequestError(
                f"{spec.title} knows only the multiples of 1/{grid} between two frames: choose "
                f"multiplier {fitting}, a frame rate that is so many times the source's, or a "
                "model for any moment."
            )


def _nearest_middle_first(
    earlier: Fraction, later: Fraction, moments: list[Fraction]
) -> Iterator[Step]:
    if not moments:
        return
    middle = (earlier + later) / 2
    chosen = min(moments, key=lambda moment: (abs(moment - middle), moment))
    yield Step(chosen, earlier, later)
    yield from _nearest_middle_first(earlier, chosen, [m for m in moments if m < chosen])
    yield from _nearest_middle_first(chosen, later, [m for m in moments if m > chosen])


def _nearest_halvings(timesteps: Sequence[Fraction]) -> Iterator[Fraction]:
    """Round to a grid of halvings on which all are distinct and even."""
    # one moment alone is at least half a source frame from those of the pairs beside it
    step = min((b - a for a, b in itertools.pairwise(timesteps)), default=Fraction(1, 2))
    cells = 1
    while cells * step < 1 and cells < _MOST_CELLS:
        cells *= 2
    cells = min(max(cells * 2**_EXTRA_HALVINGS, _FEWEST_CELLS), _MOST_CELLS)
    for moment in timesteps:
        # rounding half away from the middle treats both directions of time alike
        scaled = moment * cells
        low = scaled.numerator // scaled.denominator
        rest = scaled - low
        is_up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and moment > Fraction(1, 2))
        yield Fraction(min(max(1, low + is_up), cells - 1), cells)


def _halvings(earlier: Fraction, later: Fraction, moments: set[Fraction]) -> Iterator[Step]:
    inside = {moment for moment in moments if earlier < moment < later}
    if not inside:
        return
    middle = (earlier + later) / 2
    yield Step(middle, earlier, later)
    yield from _halvings(earlier, middle, inside)
    yield from _halvings(middle, later, inside)
