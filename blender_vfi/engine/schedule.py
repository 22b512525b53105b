"""Which output frame comes from which source pair at which moment.

Pure Python on the standard library: Blender's process and the engine both plan with it, so that
both know every frame's name and time before the first one is made.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction

from ..errors import RequestError

LARGEST_MULTIPLIER = 256
SMALLEST_RATIO = Fraction(1, 16)
"""Below, fewer than one source frame in 16 would count: what is asked for is another sequence."""

_MOST_DIGITS = 7  # of a pair's index: no strip is longer, and a range of all fits in memory


@dataclass(frozen=True, slots=True)
class Source:
    """The source frame `index` itself, unchanged."""

    index: int


@dataclass(frozen=True, slots=True)
class Between:
    """A new frame between source frames `pair` and `pair + 1`, at `timestep` in (0, 1)."""

    pair: int
    timestep: Fraction


@dataclass(frozen=True, slots=True)
class Hold:
    """The source frame `index` after its own moment, where nothing may be interpolated."""

    index: int


@dataclass(frozen=True, slots=True)
class Dissolve:
    """Source frames `pair` and `pair + 1` mixed, as much of the later as `timestep` in (0, 1)."""

    pair: int
    timestep: Fraction


OutputFrame = Source | Between | Hold | Dissolve


@dataclass(frozen=True, slots=True)
class PairWork:
    """Everything to interpolate in one pair.

    Attributes:
        pair: index of the earlier source frame.
        timesteps: moments in (0, 1), increasing.
        outputs: for each moment, where in the plan its frame stands; where time halts or turns
            back, in more than one place.
        whole: every moment of the pair, those that are finished already included. What a model
            that works by recursion makes of a moment depends on the others, so that a job that
            goes on makes the same frames as one that was never stopped.
    """

    pair: int
    timesteps: tuple[Fraction, ...]
    outputs: tuple[tuple[int, ...], ...]
    whole: tuple[Fraction, ...]

    @property
    def last_output(self) -> int:
        """The last place in the plan that gets a frame."""
        return max(map(max, self.outputs))

    def part(self, first: int, end: int) -> PairWork:
        """Return what is asked for from one moment's place in `timesteps` to another's."""
        chosen = slice(first, end)
        return replace(self, timesteps=self.timesteps[chosen], outputs=self.outputs[chosen])

    def without(self, finished: Collection[int]) -> PairWork | None:
        """Return what is left of it where output frames are finished; None where nothing is."""
        left = {
            moment: tuple(at for at in outputs if at not in finished)
            for moment, outputs in zip(self.timesteps, self.outputs, strict=True)
        }
        left = {moment: outputs for moment, outputs in left.items() if outputs}
        return replace(self, timesteps=tuple(left), outputs=tuple(left.values())) if left else None


@dataclass(frozen=True, slots=True)
class Plan:
    """The output sequence, frame by frame.

    It stays as it is, but for `outputs` and `cuts` while cuts are looked for (see `watching`).

    Attributes:
        source_count: number of source frames.
        outputs: what each output frame is made from, in the order in which they are shown.
        cuts: pairs whose frames belong to two shots, so that neither says anything of the other.
        skipped: pairs in which nothing is to be made.
        loops: whether the last source frame and the first are a pair too, the last one.
    """

    source_count: int
    outputs: Sequence[OutputFrame]
    cuts: Set[int] = frozenset()
    skipped: frozenset[int] = frozenset()
    loops: bool = False

    def pairs(self, finished: Collection[int] = ()) -> Iterator[PairWork]:
        """Yield the pairs that have frames to make, in order; where time turns back, some again.

        Args:
            finished: indices of output frames that are there already and not to be made again.
        """
        between = (
            (position, output)
            for position, output in enumerate(self.outputs)
            if isinstance(output, Between)
        )
        for pair, group in itertools.groupby(between, key=lambda item: item[1].pair):
            places: dict[Fraction, list[int]] = {}
            for at, output in group:
                places.setdefault(output.timestep, []).append(at)
            whole = tuple(sorted(places))
            outputs = tuple(tuple(places[moment]) for moment in whole)
            missing = PairWork(pair, whole, outputs, whole).without(finished)
            if missing is not None:
                yield missing

    def spacing(self, position: int) -> tuple[Fraction, Fraction]:
        """Return the time from the output frame before `position` to it, and from it to the next.

        In source frames, below zero where time runs backwards. At the ends of the sequence, and
        beside a held frame, which stands for no moment of its own, the distance on the other side
        counts; one where there is none.
        """
        before, after = self._step(position - 1, position), self._step(position, position + 1)
        fallback = next((step for step in (before, after) if step is not None), Fraction(1))
        return (fallback if before is None else before, fallback if after is None else after)

    def _step(self, earlier: int, later: int) -> Fraction | None:
        """Return the time from one output frame to another; None where one has no moment."""
        if earlier < 0 or later >= len(self.outputs):
            return None
        begin, end = _moment(self.outputs[earlier]), _moment(self.outputs[later])
        if begin is None or end is None:
            return None
        if not self.loops:
            return end - begin
        # the shorter way round
        half = Fraction(self.source_count, 2)
        return (end - begin + half) % self.source_count - half

    @property
    def between_count(self) -> int:
        """Number of frames that a model has to make."""
        return sum(isinstance(output, Between) for output in self.outputs)


def _moment(output: OutputFrame) -> Fraction | None:
    if isinstance(output, Hold):
        return None
    return Fraction(output.index) if isinstance(output, Source) else output.pair + output.timestep


def plan(
    source_count: int,
    multiplier: int | Fraction | Sequence[int],
    *,
    skip: Collection[int] | None = None,
    keep: Collection[int] | None = None,
    hold_skipped: bool = False,
    loop: bool = False,
) -> Plan:
    """Plan an output sequence in even steps.

    With multipliers it has every source frame. With a ratio it has those whose moment it meets, and
    every moment is an exact fraction, however long the sequence.

    Args:
        source_count: number of source frames, at least 2.
        multiplier: frames made of each pair counting its first: 2 puts one frame between two. One
            number for all, or one for each of the `source_count - 1` pairs (there 1 is allowed and
            means nothing between). Or, as a `Fraction`, the ratio of the output's frame rate to the
            source's: output k lies at source time k / ratio.
        skip: pairs that get no in-between frames; index i names the pair (i, i + 1).
        keep: the opposite: only these pairs get in-between frames. Not together with `skip`.
        hold_skipped: fill the places of skipped pairs by holding the earlier frame, so that the
            time of all other frames stays; otherwise skipped pairs shrink to nothing. A ratio
            is there for the sake of time, so that it always holds.
        loop: go on from the last source frame to the first, as pair `source_count - 1`.

    Returns:
        A plan of sum(m_i) + 1 frames, where a skipped pair counts m_i = 1 unless held. With a
        ratio: of all frames up to the moment of the last source frame, so that this is part of it
        where (source_count - 1) * ratio is whole. In a loop, there is one pair more, and no frame
        at its end, since that is the first again.

    Raises:
        RequestError: an argument is out of range; the message names it.
    """
    check_source_count(source_count)
    if isinstance(multiplier, Fraction):
        check_ratio(multiplier)
    pair_count = source_count if loop else source_count - 1
    skipped = skipped_pairs(source_count, pair_count, skip, keep)
    if isinstance(multiplier, Fraction):
        outputs = list(_at_ratio(pair_count, multiplier, skipped))
    else:
        multipliers = _per_pair_multipliers(source_count, pair_count, multiplier)
        outputs = list(_at_multiples(multipliers, skipped, hold_skipped=hold_skipped))
    if loop:
        outputs = [output for output in outputs if output != Source(source_count)]
    return Plan(source_count, tuple(outputs), skipped=skipped, loops=loop)


def with_cuts(plan: Plan, cuts: Collection[int], *, dissolves: bool) -> Plan:
    """Return the plan with nothing interpolated in the pairs `cuts`; no frame changes its place.

    The frame before a cut is held up to the cut, which so stays at its moment.

    Args:
        plan: as planned without them.
        cuts: pairs of the plan.
        dissolves: mix the two frames of each instead, from one to the other.
    """
    found = frozenset(cuts)

    outputs = (
        at_cut(output, dissolves=dissolves)
        if isinstance(output, Between) and output.pair in found
        else output
        for output in plan.outputs
    )
    return replace(plan, outputs=tuple(outputs), cuts=plan.cuts | found)


def at_cut(output: Between, *, dissolves: bool) -> Dissolve | Hold:
    """Return what stands in the place of a frame where its pair is a cut; see `with_cuts`."""
    return Dissolve(output.pair, output.timestep) if dissolves else Hold(output.pair)


def check_source_count(source_count: int) -> None:
    """Raise `RequestError` unless there are two frames to interpolate between."""
    if source_count < 2:
        raise RequestError(
            f"{source_count} source frame(s): at least 2 frames are needed to interpolate; "
            "choose a longer sequence."
        )


def check_multiplier(multiplier: int, *, smallest: int = 2) -> None:
    """Raise `RequestError` unless `multiplier` is whole and in [smallest, LARGEST_MULTIPLIER]."""
    is_whole = isinstance(multiplier, int) and not isinstance(multiplier, bool)
    if not is_whole or not smallest <= multiplier <= LARGEST_MULTIPLIER:
        raise RequestError(
            f"Multiplier {multiplier}: must be a whole number from {smallest} to "
            f"{LARGEST_MULTIPLIER}; 2 doubles the frame rate."
        )


def check_ratio(ratio: Fraction) -> None:
    """Raise `RequestError` unless `ratio` is in [SMALLEST_RATIO, LARGEST_MULTIPLIER], and not 1."""
    if ratio == 1:
        raise RequestError("The frame rate is the source's own: choose another one.")
    if not SMALLEST_RATIO <= ratio <= LARGEST_MULTIPLIER:
        raise RequestError(
            f"A frame rate of {ratio!s:.40} times the source's: must be from {SMALLEST_RATIO} to "
            f"{LARGEST_MULTIPLIER} times; choose one nearer to it."
        )


def parse_pairs(text: str) -> frozenset[int]:
    """Read a list of pair indices and ranges, such as "3, 7, 10-14".

    Raises:
        RequestError: a part is not a number or an increasing range, or no strip is that long.
    """
    pairs: set[int] = set()
    for part in filter(None, (part.strip() for part in text.replace(";", ",").split(","))):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise RequestError(
                f"Pair {part!r}: must be a frame index such as 7, or a range such "
                "as 10-14, separated by commas."
            )
        if max(len(first), len(last)) > _MOST_DIGITS:
            raise RequestError(
                f"Pair {part[:40]!r}: must be below {10**_MOST_DIGITS}; give "
                "positions in the strip, counted from 0."
            )
        bounds = range(int(first), int(last if dash else first) + 1)
        if not bounds:
            raise RequestError(f"Pair {part!r}: the range must increase; write {last}-{first}.")
        pairs.update(bounds)
    return frozenset(pairs)


def _at_multiples(
    multipliers: Sequence[int], skipped: frozenset[int], *, hold_skipped: bool
) -> Iterator[OutputFrame]:
    for pair, multiplier in enumerate(multipliers):
        yield Source(pair)
        for step in range(1, multiplier):
            if pair not in skipped:
                yield Between(pair, Fraction(step, multiplier))
            elif hold_skipped:
                yield Hold(pair)
    yield Source(len(multipliers))


def _at_ratio(pair_count: int, ratio: Fraction, skipped: frozenset[int]) -> Iterator[OutputFrame]:
    count = pair_count * ratio.numerator // ratio.denominator + 1
    # the same moments come again every few frames
    timesteps: dict[int, Fraction] = {}
    for index in range(count):
        pair, rest = divmod(index * ratio.denominator, ratio.numerator)
        if rest == 0:
            yield Source(pair)
        elif pair in skipped:
            yield Hold(pair)
        else:
            if rest not in timesteps:
                timesteps[rest] = Fraction(rest, ratio.numerator)
            yield Between(pair, timesteps[rest])


def _per_pair_multipliers(
    source_count: int, pair_count: int, multiplier: int | Sequence[int]
) -> list[int]:
    if isinstance(multiplier, str) or not isinstance(multiplier, Sequence):
        check_multiplier(multiplier)
        return [multiplier] * pair_count
    if len(multiplier) != pair_count:
        raise RequestError(
            f"{len(multiplier)} multipliers for {source_count} frames: give one for each of the "
            f"{pair_count} pairs, or a single number."
        )
    for pair_multiplier in multiplier:
        check_multiplier(pair_multiplier, smallest=1)
    return list(multiplier)


def skipped_pairs(
    source_count: int,
    pair_count: int,
    skip: Collection[int] | None,
    keep: Collection[int] | None,
) -> frozenset[int]:
    """Return the pairs without new frames, as `plan` is told of them.

    Raises:
        RequestError: both lists are given, or one has a pair that there is not.
    """
    if skip is not None and keep is not None:
        raise RequestError(
            "Both a skip list and a keep list are given: give one of them, since each decides "
            "alone which pairs are interpolated."
        )
    all_pairs = range(pair_count)
    listed = frozenset(skip if skip is not None else keep if keep is not None else ())
    outside = sorted(pair for pair in listed if pair not in all_pairs)
    if outside:
        raise RequestError(
            f"Pair {outside[0]}: {source_count} frames have the pairs 0 to "
            f"{pair_count - 1}; index i names the pair of frames i and i + 1, counted from 0."
        )
    return frozenset(all_pairs) - listed if keep is not None else listed
