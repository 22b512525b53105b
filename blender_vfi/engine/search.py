"""What a job finds in its source frames: before its first frame, or along with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from . import notices
from .findings import Findings
from .folders import frame_number
from .frame_files import ReadAhead
from .image_formats import FrameFormat
from .images import Frame
from .inspection import inspect_frames
from .job_folder import JobFolder
from .job_spec import JobSpec
from .movie_times import frame_before
from .protocol import Found, Notice
from .schedule import PairWork, Plan
from .watching import Watching, is_possible


class Search:
    """The search of one job for cuts and held frames.

    Attributes:
        findings: what is known at the job's begin.

    Args:
        job: what is made.
        sources: the source frames.
        moments: when each is shown, where a movie's rate varies.
        expected: what all frames are like.
        folder: whose record keeps what is found.
        threads: that decode frames for the loop.
        tell: told what was found, once, and what that means for missing frames.
        on_frame: told how many frames were looked at before the first is made; what it raises ends
            the search.
    """

    def __init__(
        self,
        job: JobSpec,
        sources: Sequence[Path],
        moments: Sequence[Fraction] | None,
        expected: FrameFormat,
        folder: JobFolder,
        *,
        threads: int,
        tell: Callable[[Found | Notice], None],
        on_frame: Callable[[int], None],
    ) -> None:
        self._job = job
        self._sources = sources
        self._moments = moments
        self._expected = expected
        self._folder = folder
        self._threads = threads
        self._tell = tell
        self._on_frame = on_frame
        self._watching: Watching | None = None
        self.findings = Findings()

    def begin(self, plan: Plan) -> Plan:
        """Return the plan with what is known; cuts found later get into the same object.

        Raises:
            FrameError: a frame cannot be read, or is unlike the first.
        """
        self.findings = self._find(plan)
        plan = self._job.plan_for(plan, self.findings.cuts, self.findings.duplicates)
        if self.findings.until is None:
            return plan
        self._watching = Watching(
            plan,
            self._sources,
            self._expected,
            known=self.findings,
            cut_threshold=self._job.cut_threshold,
            dissolves=self._job.cuts == "blend",
            note=self._folder.note_findings,
        )
        return self._watching.plan

    def take(self, index: int, frame: Frame) -> None:
        """See a frame that was decoded for the loop; any thread may call."""
        if self._watching is not None:
            self._watching.take(index, frame)

    def is_open(self, reader: ReadAhead, context: int, work: PairWork) -> bool:
        """Tell whether frames are to be made in a pair, now that the loop has reached it.

        Args:
            reader: of the frames that the loop reads.
            context: source frames that the model looks at.
            work: the pair.
        """
        if self._watching is None:
            return True
        # both see the pair behind: larger windows, and vectors that reach to the next frame
        sees_next = context > 2 or self._expected.is_multilayer
        return self._watching.is_open(work, reader, pairs_ahead=int(sees_next))

    def finish(self) -> None:
        """Note and tell what was found along with the loop.

        Raises:
            FrameError: a frame cannot be read, or is unlike the first.
            OutputError: the record cannot be written.
        """
        if self._watching is not None:
            found = self._watching.findings()
            self._folder.note_findings(found)
            self._tell_all(found)

    def _find(self, plan: Plan) -> Findings:
        """Look through the source frames, where that is asked for and frames are to be made."""
        if not self._job.inspects_frames:
            return Findings()
        findings = self._folder.findings
        # what is known counts although nothing is to be made: frames are there because of it
        is_known = not self._folder.changed_sources
        if findings is None and is_known and not self._makes_frames(plan):
            return Findings()
        if findings is None or findings.until is not None:
            known = findings or Findings(until=0)
            if self._can_watch(plan, known):
                return known
            findings = inspect_frames(
                self._sources,
                self._expected,
                cut_threshold=self._job.cut_threshold if self._job.finds_cuts else 1.0,
                on_frame=self._on_frame,
            )
        if self._moments is not None:  # held for a time that is known: nothing to mend
            findings = Findings(cuts=findings.cuts)
        self._tell_all(findings)
        return findings

    def _makes_frames(self, plan: Plan) -> bool:
        finished = self._folder.finished
        # even motion may need frames in places that had source frames
        is_incomplete = self._job.duplicates == "retime" and len(finished) < len(plan.outputs)
        return is_incomplete or any(plan.pairs(finished))

    def _can_watch(self, plan: Plan, known: Findings) -> bool:
        # changed frames may bring cuts to pairs that are finished
        if self._moments is not None or self._folder.changed_sources:
            return False
        return is_possible(
            self._job,
            plan,
            self._folder.finished,
            known,
            expected=self._expected,
            threads=self._threads,
        )

    def _tell_all(self, findings: Findings) -> None:
        pairs = tuple(frame_before(self._moments, pair) for pair in findings.cuts)
        self._tell(
            Found(
                job_id=self._job.job_id,
                cuts=pairs,
                cut_numbers=self._numbers_after(pairs),
                duplicates=findings.duplicates,
                duplicate_numbers=self._numbers_after(findings.duplicates),
            )
        )
        for message in notices.of_held_gaps(self._job, findings.cuts):
            self._tell(Notice(job_id=self._job.job_id, message=message))

    def _numbers_after(self, pairs: Sequence[int]) -> tuple[int, ...]:
        """Return what the later frame of each pair is numbered: in its name, or else counted."""
        sources = self._job.sources
        return tuple(frame_number(Path(sources[pair + 1]), pair + 2) for pair in pairs)
