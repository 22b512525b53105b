"""The source frames of a job: checked before any work is done, and looked through."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from . import images, movies, notices
from .image_comparison import check_same_format
from .image_formats import FrameFormat, container_of_suffix, encoding_for
from .job_folder import JobFolder
from .job_reports import JobReports
from .movie_times import at_true_moments, pictures_of
from .protocol import JobSpec
from .schedule import Plan
from .search import Search

READING = "Reading the source frames"
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

    def tell_of_changes(self, folder: JobFolder, count: int) -> None:
        """Say which frames are others than when the job was begun, and what of its own stays.

        Args:
            folder: of the job.
            count: frames there that are made again for that.
        """
        changed = folder.changed_sources - folder.added_sources
        if changed and count:
            self._reports.notify(notices.of_changed_sources(self.files, changed, count))
        elif folder.added_sources:
            kept = len(folder.finished)
            told = notices.of_added_sources(self.files, folder.added_sources, kept, count)
            self._reports.notify(told)

    def search(self, folder: JobFolder, frame_format: FrameFormat, threads: int) -> Search:
        """Return what looks for cuts and held frames.

        Args:
            folder: of the job.
            frame_format: what all frames are like.
            threads: that decode frames for the loop.
        """
        return Search(
            self._job,
            self.files,
            self._moments,
            frame_format,
            folder,
            threads=threads,
            tell=self._reports.emit,
            on_frame=self._reports.frames_of(_INSPECTING, len(self.files)),
        )
