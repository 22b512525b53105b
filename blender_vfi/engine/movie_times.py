"""Movies whose frame rate varies: output frames made for the true moments of the pictures.

A job counts such a movie's frames at a constant rate, so that the number and the moments of its
output frames are known before the movie is opened. Here each output frame is led back to the two
pictures around its moment, wherever these lie. Standard library alone.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence, Set
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from .movie_frames import index_of, movie_of, movie_picture
from .schedule import Between, Dissolve, Hold, OutputFrame, Plan, Source

_NEAR = Fraction(1, 16)
"""In frames: a picture so near to an output's moment is taken as it is. Matroska rounds times to
milliseconds."""


def pictures_of(
    sources: Sequence[Path], moments: Sequence[Fraction]
) -> tuple[list[Path], tuple[Fraction, ...]] | None:
    """Return the pictures that are shown over a movie's frames, and when, from the first frame on.

    Args:
        sources: frames of one movie.
        moments: when each of its pictures is shown, in frames from its beginning.

    Returns:
        None where the frames do not follow one another, as in a strip played backwards: they count
        as they are then.
    """
    frames = [index_of(source) for source in sources]
    movie = movie_of(sources[0])
    if movie is None or frames != list(range(frames[0], frames[0] + len(frames))):
        return None
    first = max(bisect.bisect_right(moments, frames[0] + _NEAR) - 1, 0)
    end = bisect.bisect_right(moments, frames[-1] + _NEAR)
    shown = tuple(max(moment - frames[0], Fraction(0)) for moment in moments[first:end])
    if len(shown) < 2:
        return None
    return [movie_picture(movie, index) for index in range(first, end)], shown


def at_true_moments(plan: Plan, moments: Sequence[Fraction]) -> Plan:
    """Return the plan with each output made from the pictures around its moment.

    Args:
        plan: of frames at a constant rate.
        moments: when each picture is shown, in these frames, rising; the first at 0.
    """
    last = len(moments) - 1
    ends = [*moments[1:], Fraction(plan.source_count)]

    def moved(output: OutputFrame) -> OutputFrame:
        at = _moment(output)
        picture = max(bisect.bisect_right(moments, at + _NEAR) - 1, 0)
        if isinstance(output, Hold):
            return Hold(picture)
        if at - moments[picture] <= _NEAR:
            return Source(picture)
        if picture == last and not plan.loops:
            return Hold(last)
        timestep = (at - moments[picture]) / (ends[picture] - moments[picture])
        kind = Dissolve if isinstance(output, Dissolve) else Between
        return kind(picture, timestep)

    def pairs_in(frames: Set[int]) -> frozenset[int]:
        found = {pair for pair in range(last) if frame_before(moments, pair) in frames}
        return frozenset(found | ({last} if plan.source_count - 1 in frames else set()))

    return replace(
        plan,
        source_count=len(moments),
        outputs=tuple(map(moved, plan.outputs)),
        cuts=pairs_in(plan.cuts),
        skipped=pairs_in(plan.skipped),
    )


def frame_before(moments: Sequence[Fraction] | None, pair: int) -> int:
    """Return the frame after which the later picture of a pair is shown.

    Args:
        moments: see `at_true_moments`; None where each frame has its own picture.
        pair: of pictures.
    """
    return pair if moments is None else math.ceil(moments[pair + 1] - _NEAR) - 1


def _moment(output: OutputFrame) -> Fraction:
    if isinstance(output, Source | Hold):
        return Fraction(output.index)
    return output.pair + output.timestep
