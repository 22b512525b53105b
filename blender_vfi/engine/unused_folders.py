"""Makes a job's folder, and takes it away again where the job failed before it put a frame in.

Whoever tries settings until a job runs shall not be left with a folder for each try.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from filelock import FileLock, Timeout

from .folder_lock import LOCK_NAME, OWNER_NAME
from .job_record import RECORD_NAME
from .limits import LOG_NAME

_OWN = frozenset({LOCK_NAME, OWNER_NAME, LOG_NAME, RECORD_NAME})
"""What a job leaves that has made nothing; its log tells nothing that its error does not."""


class UnusedFolders:
    """The folders that one job has made; a context, which removes them where an error leaves it.

    What was there before stays, and so does a folder with anything in it that is not a job's own
    bookkeeping, or that another job has begun to use.
    """

    def __init__(self) -> None:
        self._made: list[Path] = []

    def __enter__(self) -> UnusedFolders:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        if kind is None or not self._made:
            return
        with contextlib.suppress(OSError):  # what cannot be removed does no harm
            if _is_emptied(self._made[-1]):
                for folder in reversed(self._made):
                    folder.rmdir()

    def make(self, folder: Path) -> None:
        """Make a folder and those that it lies in, where they are missing.

        Raises:
            OSError: it cannot be made, or a file is in its place.
        """
        missing = []
        for each in (folder, *folder.parents):
            if each.exists():
                break
            missing.append(each)
        for each in reversed(missing):
            with contextlib.suppress(FileExistsError):  # made by another process meanwhile
                each.mkdir()
                self._made.append(each)
        folder.mkdir(parents=True, exist_ok=True)


def _is_emptied(folder: Path) -> bool:
    """Remove a job's bookkeeping, if nothing else lies there and no other job has the folder."""
    if not folder.is_dir():
        return False
    lock = FileLock(folder / LOCK_NAME)
    try:
        lock.acquire(blocking=False)
    except (Timeout, NotImplementedError):  # another job, or no way to tell whether there is one
        return False
    try:
        if not {entry.name for entry in os.scandir(folder)} <= _OWN:
            return False
        for name in _OWN - {LOCK_NAME}:
            (folder / name).unlink(missing_ok=True)
        if os.name == "posix":
            # still held: who has opened it meanwhile finds it without a name, and begins anew
            (folder / LOCK_NAME).unlink()
    finally:
        lock.release()
    if os.name != "posix":  # which refuses it where another job has it open
        (folder / LOCK_NAME).unlink(missing_ok=True)
    return True
