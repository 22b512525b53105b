"""Finds cuts while frames are made: a pair is judged when the loop reaches it.

Small copies come from the frames that are decoded for the loop anyway. Most pairs are alike, which
two frames tell; where they are not, a few frames further on say whether it is a cut, a flash or
fast motion, and these are looked at early. What is found is what a search through the whole strip
finds (see `finder`), since the frames are compared in the same order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from .finder import Finder
from .findings import Findings
from .frame_files import ReadAhead, frames_ahead, reading_order
from .image_formats import FrameFormat
from .images import Frame
from .inspection import read_signature
from .job_spec import JobSpec
from .schedule import Between, PairWork, Plan, at_cut
from .similarity import Signature, signature

_PAIRS_BETWEEN_NOTES = 50
_MOST_UNREAD = 2 * _PAIRS_BETWEEN_NOTES
"""Frames that only the search looks at: in one thread, while the model waits."""


class Watching:
    """Looks for cuts in a plan that is being carried out, and puts them into it.

    Attributes:
        plan: whose `outputs` and `cuts` change when a cut comes to light, before its pair is made.

    Args:
        plan: as it was before, with the cuts of `known`.
        sources: the source frames.
        expected: what all frames must be like.
        known: what was found before the job was stopped; whole up to its `until`.
        cut_threshold: see `finder.Finder`.
        dissolves: see `schedule.with_cuts`.
        note: told now and then what has been found, and of each cut before it counts.
    """

    def __init__(
        self,
        plan: Plan,
        sources: Sequence[Path],
        expected: FrameFormat,
        *,
        known: Findings,
        cut_threshold: float,
        dissolves: bool,
        note: Callable[[Findings], None],
    ) -> None:
        self._outputs = list(plan.outputs)
        self._cuts = set(plan.cuts)
        self.plan = replace(plan, outputs=self._outputs, cuts=self._cuts)
        self._sources = sources
        self._expected = expected
        self._known = known
        self._dissolves = dissolves
        self._note = note
        self._finder = Finder(cut_threshold, first=known.begin)
        self._settled = known.until or 0
        self._noted = self._settled
        # the others come to light again, as they are already in the plan
        self._found = [pair for pair in known.cuts if pair < self._settled]
        self._signatures: dict[int, Signature] = {}
        self._places: dict[int, list[int]] = {}
        for at, output in enumerate(self._outputs):
            if isinstance(output, Between):
                self._places.setdefault(output.pair, []).append(at)

    def take(self, index: int, frame: Frame) -> None:
        """Make the small copy of a frame that was decoded; any thread may call."""
        if index >= self._finder.end and index not in self._signatures:
            self._signatures[index] = signature(frame.pixels, frame.header.format)

    def is_open(self, work: PairWork, reader: ReadAhead, *, pairs_ahead: int) -> bool:
        """Tell whether frames are to be made in a pair: whether it is no cut.

        Args:
            work: the pair that is next.
            reader: of the frames that the loop reads.
            pairs_ahead: how many pairs behind this one have to be known, too.
        """
        self._settle(work.pair + 1 + pairs_ahead, reader)
        if self._settled - self._noted >= _PAIRS_BETWEEN_NOTES:
            self._tell()
        return work.pair not in self._cuts

    def findings(self) -> Findings:
        """Look at what is left of the strip, and return all that was found."""
        self._settle(len(self._sources) - 1, None)
        found = self._finder.findings()
        return Findings(cuts=tuple(self._found), duplicates=self._joined(found.duplicates))

    def _settle(self, end: int, reader: ReadAhead | None) -> None:
        """Decide about all pairs before `end`, in order."""
        while self._settled < min(end, len(self._sources) - 1):
            is_whole = self._finder.end == len(self._sources)
            is_cut = self._finder.is_cut(self._settled, is_whole=is_whole)
            if is_cut is None:
                self._finder.add(self._signature(self._finder.end, reader))
                continue
            self._settled += 1
            if is_cut:
                self._cut(self._settled - 1)

    def _signature(self, index: int, reader: ReadAhead | None) -> Signature:
        if index not in self._signatures and reader is not None:
            reader.wait_for(index)
        found = self._signatures.pop(index, None)
        return found or read_signature(self._sources[index], self._sources[0], self._expected)

    def _cut(self, pair: int) -> None:
        self._found.append(pair)
        self._cuts.add(pair)
        for at in self._places.get(pair, ()):
            output = self._outputs[at]
            if isinstance(output, Between):  # cuts that were known are there already
                self._outputs[at] = at_cut(output, dissolves=self._dissolves)
        self._tell()

    def _tell(self) -> None:
        """Note what is certain by now, and from which frame on the search can begin anew."""
        self._noted = self._settled
        until = max(self._known.until or 0, min(self._settled, self._finder.settled_duplicates))
        self._note(
            Findings(
                cuts=tuple(self._found),
                duplicates=self._joined(self._finder.findings().duplicates, until),
                until=until,
                begin=max(self._known.begin, self._finder.restart_for(until)),
            )
        )

    def _joined(self, duplicates: Sequence[int], end: int | None = None) -> tuple[int, ...]:
        """Return the duplicates that were known and those found since, before pair `end`."""
        since = self._known.until or 0
        found = [pair for pair in duplicates if pair >= since and (end is None or pair < end)]
        return (*self._known.duplicates, *found)


def is_possible(
    job: JobSpec,
    plan: Plan,
    finished: Collection[int],
    known: Findings,
    *,
    expected: FrameFormat,
    threads: int,
) -> bool:
    """Tell whether cuts can be looked for along with the loop, which must read one way through.

    Args:
        job: what is made.
        plan: with the cuts that are known.
        finished: output frames that are there already.
        known: what was found so far.
        expected: what the frames are like.
        threads: that decode.
    """
    if not job.finds_cuts or job.duplicates == "retime" or plan.loops:
        return False
    if not known.begin <= (known.until or 0) < plan.source_count:
        return False  # a record that is not as we write it
    order = reading_order(plan, frozenset(finished), 2)
    goes_one_way = all(one < two for one, two in itertools.pairwise(order))
    read = sum(index >= known.begin for index in order)
    unread = plan.source_count - known.begin - read
    return goes_one_way and unread <= _MOST_UNREAD and frames_ahead(expected, threads) > 1
