"""Animation on twos and threes brought to even motion, by frames between its drawings.

Every output frame keeps its place. Where drawings are held for a few frames each, the moments of
the output frames are spread evenly from drawing to drawing, and no drawing leaves its own time by
more than three quarters of a source frame, so that sound stays in sync. Standard library alone.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from .schedule import Between, OutputFrame, Plan, Source

LONGEST_HOLD = 4
"""Frames for which a drawing is held in motion; where it is held for longer, nothing shall move."""

_LONGEST_ONES = 4
"""Drawings of one frame each, in a row, that are part of a pattern; more of them are even already.
24 frames a second shown at 30 have three between two held ones."""

_LARGEST_SHIFT = Fraction(3, 4)


def retimed(plan: Plan, duplicates: Collection[int]) -> Plan:
    """Return the plan with even motion where frames are duplicates of those before them.

    Args:
        plan: as planned, with its cuts.
        duplicates: pairs of frames that show the same picture.
    """
    held = frozenset(duplicates)
    starts = [0, *(pair + 1 for pair in range(plan.source_count - 1) if pair not in held)]
    if plan.loops:
        starts.append(plan.source_count)  # the first drawing again
    pieces = list(_pieces(starts, plan.cuts | plan.skipped))
    firsts = [starts[first] for first, _last in pieces]

    def moved(output: OutputFrame) -> OutputFrame:
        moment = _moment(output)
        index = bisect.bisect_right(firsts, moment) - 1 if moment is not None else -1
        if moment is None or index < 0:
            return output
        first, last = pieces[index]
        begin, end = starts[first], starts[last]
        if moment >= end:
            return output
        drawing, timestep = divmod((moment - begin) * (last - first), end - begin)
        at = first + int(drawing)
        if timestep == 0:
            return Source(starts[at])
        # the last frame of a held drawing is the neighbour of the next
        return Between(starts[at + 1] - 1, timestep / (end - begin))

    return replace(plan, outputs=tuple(map(moved, plan.outputs)))


def _moment(output: OutputFrame) -> Fraction | None:
    """Return when a frame is shown, in source frames; None for what is held or dissolved."""
    if isinstance(output, Source):
        return Fraction(output.index)
    return output.pair + output.timestep if isinstance(output, Between) else None


def _pieces(starts: Sequence[int], breaks: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield stretches of drawings, first and last, between which time is to be spread evenly.

    Args:
        starts: frame at which each drawing begins.
        breaks: pairs that nothing is made in.
    """
    steps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    is_open = [
        step <= LONGEST_HOLD and not any(pair in breaks for pair in range(start, start + step))
        for start, step in zip(starts, steps, strict=False)
    ]
    at = 0
    for is_one, group in itertools.groupby(steps, key=lambda step: step == 1):
        length = len(list(group))
        if is_one and length > _LONGEST_ONES:
            is_open[at : at + length] = [False] * length
        at += length
    at = 0
    for is_motion, opened in itertools.groupby(is_open):
        length = len(list(opened))
        first = at
        at += length
        while is_motion and first < at:
            last = _longest_even(starts, first, at)
            if starts[last] - starts[first] > last - first:
                yield first, last
            first = last


def _longest_even(starts: Sequence[int], first: int, end: int) -> int:
    """Return how far from `first` on drawings lie on one line, rounded to frames; `end` at most."""
    best = first + 1
    least, most = Fraction(0), Fraction(LONGEST_HOLD)
    for last in range(first + 1, end + 1):
        count, frames = last - first, starts[last] - starts[first]
        if least <= Fraction(frames, count) <= most:
            best = last
        least = max(least, (frames - _LARGEST_SHIFT) / count)
        most = min(most, (frames + _LARGEST_SHIFT) / count)
        if least > most:
            break
    return best
