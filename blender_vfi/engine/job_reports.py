"""What a job tells of itself while it runs, and where it learns that it was cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ..errors import JobCancelledError
from .protocol import Event, Notice, Stage

_FRAMES_BETWEEN_REPORTS = 10


class JobReports:
    """Tells what a job does; each report of a stage also ends a job that was cancelled.

    Args:
        job_id: the job's name in events.
        emit: told every event.
        is_cancelled: whether the job shall end.

    Attributes:
        emit: as given.
        is_cancelled: as given.
    """

    def __init__(
        self, job_id: str, emit: Callable[[Event], None], is_cancelled: Callable[[], bool]
    ) -> None:
        self._job_id = job_id
        self.emit = emit
        self.is_cancelled = is_cancelled
        self._told: set[str] = set()
        self._telling = threading.Lock()

    def until(self, stop: threading.Event) -> JobReports:
        """Return such reports for a part of the job, which ends when `stop` is set as well."""
        return JobReports(self._job_id, self.emit, lambda: stop.is_set() or self.is_cancelled())

    def notify(self, *messages: str) -> None:
        """Say what the user should know although the job goes on."""
        for message in messages:
            self.emit(Notice(job_id=self._job_id, message=message))

    def notify_once(self, message: str) -> None:
        """Say what several devices may have to say, or one again after a retreat."""
        with self._telling:
            is_news = message not in self._told
            self._told.add(message)
        if is_news:
            self.notify(message)

    def loading(self, message: str, done: int = 0, total: int = 0) -> None:
        """Say what goes on before the first frame, in bytes where these are known.

        Raises:
            JobCancelledError: the job was cancelled.
        """
        self.stop_if_cancelled()
        self.emit(Stage(job_id=self._job_id, message=message, done=done, total=total))

    def frames_of(self, message: str, total: int) -> Callable[[int], None]:
        """Return what to tell how many of `total` frames are done; now and then it passes it on."""
        return partial(self._frames, message, total)

    def _frames(self, message: str, total: int, done: int) -> None:
        self.stop_if_cancelled()
        if done % _FRAMES_BETWEEN_REPORTS == 0 or done == total:
            self.emit(
                Stage(job_id=self._job_id, message=message, done=done, total=total, unit="frames")
            )

    def stop_if_cancelled(self) -> None:
        """Do nothing, unless the job was cancelled.

        Raises:
            JobCancelledError: it was.
        """
        if self.is_cancelled():
            raise JobCancelledError("The job was cancelled; finished frames stay on disk.")
