"""Writes down beside a job's frames how it went: its memory and speed, what was odd, how it ended.

What a farm or a bug report asks for the morning after. The file's name begins with a dot, so that
neither a sequence nor Blender's file browser shows it; it is renewed from a size on. Standard
library alone.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import platform
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from ..errors import VfiError
from .limits import LOG_LEVEL_VARIABLE, LOG_LEVELS, LOG_NAME
from .protocol import Cancelled, Event, Finished, Found, Notice, Progress, Started
from .version import package_version

_LARGEST_BYTES = 1 << 20
_OLD_FILES = 1
_PAIRS_BETWEEN_LINES = 10
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class JobLog:
    """The log of one job; a context, which notes the error that it is left with.

    Args:
        on_event: told every event that is told here.
        level: one of `LOG_LEVELS`; None takes $BLENDER_VFI_LOG_LEVEL, or else "info", which has a
            line every tenth pair of frames. "debug" has one for every pair.
    """

    def __init__(self, on_event: Callable[[Event], None], *, level: str | None = None) -> None:
        self._on_event = on_event
        chosen = level or os.environ.get(LOG_LEVEL_VARIABLE, "info")
        self._level = chosen if chosen in LOG_LEVELS else "info"
        self._logger: logging.Logger | None = None
        self._pairs = 0
        self._telling = threading.RLock()

    def __enter__(self) -> JobLog:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._logger is None:
            return
        if isinstance(error, VfiError):
            self._logger.error("%s: %s", type(error).__name__, error)
        elif error is not None:
            self._logger.error("%s", "".join(traceback.format_exception(error)))
        for handler in self._logger.handlers:
            handler.close()
        self._logger = None

    def open(self, folder: Path, about: str) -> None:
        """Begin to write into a job's folder, after what is there of earlier runs.

        A folder in which that is impossible has no log: no job shall fail for want of one.

        Args:
            folder: the job's, held by it.
            about: the job in a line.
        """
        if self._level == "off":
            return
        try:
            handler = _Handler(
                folder / LOG_NAME,
                maxBytes=_LARGEST_BYTES,
                backupCount=_OLD_FILES,
                encoding="utf-8",
            )
        except OSError:
            return
        handler.setFormatter(logging.Formatter(_FORMAT))
        # none of the process's loggers: what others configure or print has no place here
        self._logger = logging.Logger("blender_vfi.job", self._level.upper())
        self._logger.addHandler(handler)
        self._logger.info(
            "blender_vfi %s, Python %s, %s, process %d",
            package_version(),
            platform.python_version(),
            platform.platform(),
            os.getpid(),
        )
        self._logger.info("%s", about)

    def tell(self, event: Event) -> None:
        """Note an event, and pass it on; any thread may call, and one is heard at a time."""
        with self._telling:
            if self._logger is not None:
                self._note(self._logger, event)
            self._on_event(event)

    def _note(self, logger: logging.Logger, event: Event) -> None:
        if isinstance(event, Progress):
            is_due = self._pairs % _PAIRS_BETWEEN_LINES == 0
            self._pairs += 1
            logger.log(logging.INFO if is_due else logging.DEBUG, "%s", _progress_line(event))
        elif isinstance(event, Started):
            logger.info("%d frames on %s in %s", event.frames_total, event.device, event.precision)
        elif isinstance(event, Found):
            logger.info("%d cuts, %d duplicates", len(event.cuts), len(event.duplicates))
        elif isinstance(event, Notice):
            logger.warning("%s", event.message)
        elif isinstance(event, Cancelled):
            logger.info("cancelled with %d frames done", event.frames_done)
        elif isinstance(event, Finished):
            logger.info(
                "%d frames, %d new, %.1f s, most memory %s",
                event.frames_total,
                event.frames_made,
                event.duration_s,
                _mebibytes(event.peak_memory_bytes),
            )


class _Handler(logging.handlers.RotatingFileHandler):
    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Lose a line where the disk is full or gone: what becomes of frames tells the user."""


def _progress_line(event: Progress) -> str:
    line = (
        f"{event.frames_done}/{event.frames_total} frames, {event.frames_per_second:.3f} frames/s, "
        f"memory {_mebibytes(event.host_memory_bytes)}"
    )
    if event.device_memory_bytes:
        line += f", on the device {_mebibytes(event.device_memory_bytes)}"
    return line


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
