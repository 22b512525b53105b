"""The jobs of this Blender: what waits, what runs and how far it is, what has ended and how.

Plain data: `job_runner` moves it along, panels show it. Strips are known by name, since undo makes
references to them invalid.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .engine.job_spec import JobSpec
from .engine.protocol import (
    Cancelled,
    Event,
    Failed,
    Fetch,
    Fetched,
    Finished,
    Found,
    Notice,
    Progress,
    Returned,
    Run,
    Stage,
    Started,
    SteppedAside,
)
from .messages import message

if TYPE_CHECKING:
    from .strip_values import ImageSource
    from .vse_timing import Timing


_CANCELLED = message("Cancelled; finished frames stay on disk, and the next run goes on there")
_CANCELLED_DOWNLOAD = message("Cancelled; what has arrived is kept for the next attempt")


class JobState(enum.Enum):
    """Where a job is in its life."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self not in {JobState.WAITING, JobState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Frames that a scene has rendered with a frame step, and that are filled.

    Attributes:
        scene_name: name of the scene.
        adds_strip: whether a strip in it is to show the whole sequence.
    """

    scene_name: str
    adds_strip: bool


@dataclass(slots=True, kw_only=True)
class QueuedJob:
    """One job, from the moment it was asked for.

    Attributes:
        request: what the engine is asked.
        title: what the user calls it: the strip's name, or a model's.
        source: the strip; None for a download, or for frames that a scene has rendered.
        rendered: these, where the job fills them.
        timing: how the result is placed; None for a download, or where frames are filled.
        fills_strip: whether the strip itself is to show the frames.
        first_frame: frame of the timeline that showed the strip's first file when it was asked for.
        state: where it is in its life.
        stage: what the engine does before the first frame; None once frames come.
        found: what was found in the source frames; None where nothing was looked for.
        started: what the engine runs it on; None before it began.
        progress: how far it is; None before the first pair.
        finished: counts and duration; None before the end.
        aside: how it makes way for a render at present; None where it does not.
        notices: what the user should know although the job went on.
        message: how it ended, in words for the user.
        error_kind: name of the error's class, where it failed.
        details: traceback and log for a bug report, where it failed.
        cancelled_at_s: when it was asked to stop, on a clock of its own; None before.
    """

    request: Run | Fetch
    title: str
    source: ImageSource | None = None
    rendered: Rendered | None = None
    timing: Timing | None = None
    fills_strip: bool = False
    first_frame: int = 0
    state: JobState = JobState.WAITING
    stage: Stage | None = None
    found: Found | None = None
    started: Started | None = None
    progress: Progress | None = None
    finished: Finished | None = None
    aside: SteppedAside | None = None
    notices: list[str] = field(default_factory=list)
    message: str = ""
    error_kind: str = ""
    details: str = ""
    cancelled_at_s: float | None = None

    @property
    def is_cancelling(self) -> bool:
        """Whether it was asked to stop, and has not done so yet."""
        return self.state is JobState.RUNNING and self.cancelled_at_s is not None

    @property
    def job_id(self) -> str:
        """Name of the job in the engine's events."""
        return self.request.job.job_id if isinstance(self.request, Run) else self.request.job_id

    @property
    def output_dir(self) -> str | None:
        """Where its frames go; None for a download."""
        return self.request.job.output_dir if isinstance(self.request, Run) else None

    @property
    def frames_total(self) -> int:
        """Number of output frames; 0 for a download."""
        return len(self.request.job.plan().outputs) if isinstance(self.request, Run) else 0

    @property
    def frames_done(self) -> int:
        """Output frames whose files are whole."""
        return self.progress.frames_done if self.progress is not None else 0

    @property
    def fills_gaps(self) -> bool:
        """Whether it makes frames whose numbers are missing."""
        return self.fills_strip or self.rendered is not None

    def frame_of(self, source_index: int) -> int:
        """Return the frame of the timeline that shows a source frame; filled, of what is placed."""
        if self.fills_gaps and isinstance(self.request, Run):
            steps = self.request.job.multiplier
            if not isinstance(steps, int):
                return self.first_frame + sum(steps[:source_index])
        return self.first_frame + source_index

    @property
    def factor(self) -> float:
        """How much of it is done, from 0 to 1."""
        if self.progress is not None:
            return self.progress.frames_done / max(self.progress.frames_total, 1)
        if self.stage is not None and self.stage.total:
            return min(self.stage.done / self.stage.total, 1.0)
        return 1.0 if self.state is JobState.FINISHED else 0.0

    def note(self, event: Event) -> None:
        """Keep up with what the engine says of this job."""
        self._note_progress(event)
        if isinstance(event, Finished | Fetched):
            self.finished = event if isinstance(event, Finished) else None
            self.state = JobState.FINISHED
        elif isinstance(event, Failed):
            self.fail(event.kind, event.message, event.details)
        elif isinstance(event, Cancelled):
            self.state = JobState.CANCELLED
            self.message = _CANCELLED if self.output_dir is not None else _CANCELLED_DOWNLOAD
        if self.state.has_ended:
            self.stage = None

    def _note_progress(self, event: Event) -> None:
        if isinstance(event, Stage):
            self.stage = event
        elif isinstance(event, Found):
            self.found = event
        elif isinstance(event, Started):
            self.started, self.stage = event, None
        elif isinstance(event, Progress):
            self.progress, self.stage = event, None
        elif isinstance(event, Notice):
            self.notices.append(event.message)
        elif isinstance(event, SteppedAside | Returned):
            self.aside = event if isinstance(event, SteppedAside) else None

    def fail(self, kind: str, message: str, details: str = "") -> None:
        """Note that it ended with an error."""
        self.state, self.stage = JobState.FAILED, None
        self.error_kind, self.message, self.details = kind, message, details


class JobQueue:
    """Jobs in the order in which they run; failed and cancelled ones stay until cleared away."""

    def __init__(self) -> None:
        self._jobs: list[QueuedJob] = []

    def __iter__(self) -> Iterator[QueuedJob]:
        return iter(tuple(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def running(self) -> QueuedJob | None:
        """The job that the engine works on."""
        return next((job for job in self._jobs if job.state is JobState.RUNNING), None)

    @property
    def waiting(self) -> list[QueuedJob]:
        """Jobs that come next, in order."""
        return [job for job in self._jobs if job.state is JobState.WAITING]

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return any(not job.state.has_ended for job in self._jobs)

    def specs_to_come(self, prepared: Iterable[QueuedJob] = ()) -> list[JobSpec]:
        """List what the jobs that have not ended will make, and jobs that are not queued yet."""
        to_come = [*(job for job in self._jobs if not job.state.has_ended), *prepared]
        return [job.request.job for job in to_come if isinstance(job.request, Run)]

    def find(self, job_id: str) -> QueuedJob | None:
        """Return the job called `job_id`."""
        return next((job for job in self._jobs if job.job_id == job_id), None)

    def add(self, jobs: Iterable[QueuedJob]) -> None:
        """Put jobs at the end."""
        self._jobs += jobs

    def make_way(self, jobs: Iterable[QueuedJob]) -> None:
        """Take out ended jobs that went well, or that are about to run again as one of `jobs`."""
        titles = {job.title for job in jobs}
        self._jobs = [
            job
            for job in self._jobs
            if job.state is not JobState.FINISHED
            and not (job.state.has_ended and job.title in titles)
        ]

    def remove(self, job_id: str) -> None:
        """Take a job out, unless it runs."""
        self._jobs = [
            job for job in self._jobs if job.job_id != job_id or job.state is JobState.RUNNING
        ]

    def move(self, job_id: str, *, up: bool) -> None:
        """Let a waiting job run before the waiting one before it, or after the one after it."""
        waiting = [index for index, job in enumerate(self._jobs) if job.state is JobState.WAITING]
        ids = [self._jobs[index].job_id for index in waiting]
        if job_id not in ids:
            return
        at = ids.index(job_id)
        other = at - 1 if up else at + 1
        if 0 <= other < len(waiting):
            one, two = waiting[at], waiting[other]
            self._jobs[one], self._jobs[two] = self._jobs[two], self._jobs[one]

    def clear_ended(self) -> None:
        """Take out the jobs that have ended."""
        self._jobs = [job for job in self._jobs if not job.state.has_ended]

    def clear(self) -> None:
        """Take out all jobs."""
        self._jobs = []


jobs = JobQueue()
"""The jobs of this Blender."""
