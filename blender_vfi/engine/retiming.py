"""From samples of a strip's retiming, each rounded, to the even motion that they come from.

Standard library alone: Blender's process imports this.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from fractions import Fraction

_GRID = 1024
"""Moments on a curve go to the nearest of so many for a source frame: finer than any eye sees."""


def on_grid(moment: float | Fraction) -> Fraction:
    """Round a moment to 1/1024 of a source frame, so that what is meant to be whole is."""
    return Fraction(round(moment * _GRID), _GRID)


def straightened(
    samples: Sequence[Fraction], keys: Collection[int], *, resolution: int
) -> tuple[Fraction, ...]:
    """Return the moments that rounded samples of them stand for.

    Between two keys, a strip plays at one speed: there, moments lie on a line. Where samples do
    not, as in a transition from speed to speed, each is taken as it is.

    Args:
        samples: for each frame, its moment in source frames, to 1/resolution.
        keys: frames at which the speed changes, counted as samples are; those outside do not count.
        resolution: steps for a source frame.
    """
    inside = {key for key in keys if 0 < key < len(samples)}
    times: list[Fraction] = []
    for begin, end in itertools.pairwise(sorted({0, len(samples), *inside})):
        times += _on_line(samples[begin:end], resolution)
    return tuple(times)


def _on_line(samples: Sequence[Fraction], resolution: int) -> list[Fraction]:
    count = len(samples)
    if count == 1:
        return list(samples)
    middle = Fraction(count - 1, 2)
    mean = sum(samples, Fraction(0)) / count
    offsets = [at - middle for at in range(count)]
    weight = sum((offset * offset for offset in offsets), Fraction(0))
    products = (offset * sample for offset, sample in zip(offsets, samples, strict=True))
    slope = sum(products, Fraction(0)) / weight
    tolerance = Fraction(1, resolution)
    # keys are mostly on whole source frames: from one end to where the next key is
    first = _as_meant(mean - slope * middle, tolerance)
    last = _as_meant(mean + slope * (count - middle), tolerance)
    line = [on_grid(first + (last - first) * Fraction(at, count)) for at in range(count)]
    is_straight = all(
        abs(moment - sample) <= tolerance for moment, sample in zip(line, samples, strict=True)
    )
    return line if is_straight else list(samples)


def _as_meant(moment: Fraction, tolerance: Fraction) -> Fraction:
    whole = Fraction(round(moment))
    return whole if abs(moment - whole) <= tolerance else moment
