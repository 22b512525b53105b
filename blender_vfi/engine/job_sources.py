"""The source frames of a job: checked before any work is done, and looked through."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from . import images, movies, notices
from .findings import Findings
from .folders import frame_number
from .image_comparison import check_same_format
from .image_formats import FrameFormat, container_of_suffix, encoding_for
from .inspection import inspect_frames
from .job_folder import JobFolder
from .job_reports import JobReports
from .movie_times import at_true_moments, frame_before, pictures_of
from .protocol import Found, JobSpec
from .schedule import Plan

_INSPECTING = "Looking through the frames"


class JobSources:
    """The frames that a job is made from.

    Args:
        job: whose frames.
        reports: told what is found in them.

    Attributes:
        files: the frames, in the order in which the plan counts them.
        copied_as_is: those whose files are copied byte for byte where they stand in the result.
    """

    def __init__(self, job: JobSpec, reports: JobReports) -> None:
        self._job = job
        self._reports = reports
        self._moments: Sequence[Fraction] | None = None
        self.files = [Path(source) for source in job.sources]
        self.copied_as_is: set[Path] = set()

    def check(self) -> FrameFormat:
        """Read every frame's header, so that a bad one is named before any work is done.

        Returns:
            What all frames are like.

        Raises:
            JobCancelledError: the job was cancelled.
            FrameError: a frame cannot be read, or is unlike the first.
            VfiError: frames like these cannot be written as the job says.
        """
        alike: set[Path] = set()
        target = container_of_suffix(self._job.suffix)
        first = images.read_format(self.files[0])
        for path in self.files:
            self._reports.stop_if_cancelled()
            frame_format = first if path is self.files[0] else images.read_format(path)
            check_same_format(first, self.files[0], frame_format, path)
            if frame_format.container == target:
                alike.add(path)
        # refuses here what could not be written
        encoding = encoding_for(first, self._job.suffix, self._job.storage)
        if encoding.pixel_type == first.pixel_type and self._job.storage.is_packed_as_source:
            self.copied_as_is = alike
        self._reports.notify(*movies.doubts(self.files))
        return first

    def follow_true_times(self, plan: Plan) -> Plan:
        """Return the plan with frames made from the pictures around them, if a movie's rate varies.

        From then on, `files` are these pictures.
        """
        moments = movies.varying_moments(self.files)
        pictures = moments and pictures_of(self.files, moments)
        if not pictures:
            return plan
        self._reports.notify(notices.VARYING_RATE)
        self.files, self._moments = pictures
        return at_true_moments(plan, self._moments)

    def inspect(self, folder: JobFolder, plan: Plan, frame_format: FrameFormat) -> Findings:
        """Look through the frames, where that is asked for and frames are to be made.

        Raises:
            JobCancelledError: the job was cancelled.
            FrameError: a frame cannot be read.
        """
        # even motion may need frames in places that had source frames
        is_open = self._job.duplicates == "retime" and len(folder.finished) < len(plan.outputs)
        makes_frames = is_open or any(plan.pairs(folder.finished))
        if not self._job.inspects_frames or not makes_frames:
            return Findings()
        findings = folder.findings
        if findings is None:
            findings = inspect_frames(
                self.files,
                frame_format,
                cut_threshold=self._job.cut_threshold if self._job.finds_cuts else 1.0,
                on_frame=self._reports.frames_of(_INSPECTING, len(self.files)),
            )
        if self._moments is not None:  # held for a time that is known: nothing to mend
            findings = Findings(cuts=findings.cuts)
        pairs = tuple(frame_before(self._moments, pair) for pair in findings.cuts)
        numbers = (frame_number(Path(self._job.sources[pair + 1]), pair + 2) for pair in pairs)
        self._reports.emit(
            Found(
                job_id=self._job.job_id,
                cuts=pairs,
                cut_numbers=tuple(numbers),
                duplicates=len(findings.duplicates),
            )
        )
        return findings
