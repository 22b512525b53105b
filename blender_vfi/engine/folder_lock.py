"""Holds a job's folder from Blender's process, as an engine does, so that one alone writes there.

The engine takes the lock with the library filelock, which Blender lacks: the same lock of the
system, on the same file. Standard library alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from ..errors import OutputError
from .owners import read_owner, remove_owner, write_owner

LOCK_NAME = ".vfi.lock"
OWNER_NAME = ".vfi.owner"

_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class FolderLock:
    """The lock of a job's folder; where its file system knows none, it is taken for free.

    Args:
        folder: the job's output folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self, work: str) -> None:
        """Hold the folder until `release`, or until this process ends; twice is as good as once.

        Args:
            work: what it is held for, for whoever finds it held.

        Raises:
            OutputError: a job writes into it.
        """
        if self._descriptor is not None:
            return
        try:
            descriptor = os.open(self._folder / LOCK_NAME, _FLAGS, 0o666)
        except OSError:  # it cannot be written to, which the first frame will tell better
            return
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno not in _HELD:
                return
            raise OutputError(
                "Output folder {folder} is being written to by {owner}. Wait for it or cancel it.",
                folder=self._folder,
                owner=read_owner(self._folder / OWNER_NAME),
            ) from error
        if os.fstat(descriptor).st_nlink == 0:  # an engine that let it go took the file away
            os.close(descriptor)
            self.acquire(work)
            return
        self._descriptor = descriptor
        write_owner(self._folder / OWNER_NAME, work)

    def release(self) -> None:
        """Let others have the folder; nothing where it is not held."""
        if self._descriptor is None:
            return
        remove_owner(self._folder / OWNER_NAME)
        descriptor, self._descriptor = self._descriptor, None
        with contextlib.suppress(OSError):  # of a network drive that is gone
            os.close(descriptor)  # which lets the lock go


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
