"""Work that takes minutes, in a thread beside Blender's: its progress, its cancel, its processes.

No bpy here, and none may be called from such a thread. Standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ..errors import EngineSetupError, JobCancelledError
from ..messages import message
from ..remedies import remedy

_T = TypeVar("_T")
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkProgress:
    """How far the work is.

    Attributes:
        stage: what it does, in words.
        factor: how much of all of it is done, from 0 to 1.
        done_bytes: how much of a download has arrived.
        total_bytes: of how much; 0 where nothing is downloaded.
    """

    stage: str
    factor: float = 0.0
    done_bytes: int = 0
    total_bytes: int = 0


class Control:
    """What the work and its caller share: progress one way, a cancel the other."""

    def __init__(self) -> None:
        self._progress = WorkProgress(stage=message("Starting"))
        self._download: tuple[Path, str] | None = None
        self._span = 0.0
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = threading.Event()

    @property
    def progress(self) -> WorkProgress:
        """How far the work is; looks at the file that is being downloaded, if one is."""
        progress, download = self._progress, self._download
        if download is None or not progress.total_bytes:
            return progress
        done = min(_size_below(*download), progress.total_bytes)
        return WorkProgress(
            stage=progress.stage,
            factor=progress.factor + self._span * done / progress.total_bytes,
            done_bytes=done,
            total_bytes=progress.total_bytes,
        )

    @property
    def is_cancelled(self) -> bool:
        """Whether the caller wants the work to stop."""
        return self._cancelled.is_set()

    def report(
        self,
        stage: str,
        factor: float,
        *,
        download: tuple[Path, str] | None = None,
        total_bytes: int = 0,
        span: float = 0.0,
    ) -> None:
        """Say what is done now.

        Args:
            stage: in words.
            factor: how much of all of it is done, from 0 to 1.
            download: the folder under which a file of the given name grows.
            total_bytes: how large it will be.
            span: how much of all the work that file is.
        """
        self._download, self._span = download, span
        self._progress = WorkProgress(stage=stage, factor=factor, total_bytes=total_bytes)

    def cancel(self) -> None:
        """Stop the work, and the process that it waits for."""
        with self._lock:
            self._cancelled.set()
            if self._process is not None:
                _end(self._process)

    def raise_if_cancelled(self) -> None:
        """Raise `JobCancelledError` if the caller wants the work to stop."""
        if self.is_cancelled:
            raise JobCancelledError("Cancelled.")

    def run(
        self,
        command: Sequence[str],
        on_line: Callable[[str], None],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Run a program to its end, and give each line that it prints; return its exit code.

        Raises:
            JobCancelledError: the caller wants the work to stop; the program was ended.
            EngineSetupError: it cannot be started.
        """
        with self._lock:
            self.raise_if_cancelled()
            self._process = process = _start(command, environment)
        try:
            with process:
                for line in process.stdout or ():
                    on_line(line.rstrip())
        finally:
            with self._lock:
                self._process = None
        self.raise_if_cancelled()
        return process.returncode


class Task(Generic[_T]):
    """Work in a thread of its own.

    Args:
        work: what to do; it looks at the control's cancel, and raises `JobCancelledError` then.
        name: for the thread.
    """

    def __init__(self, work: Callable[[Control], _T], *, name: str) -> None:
        self._control = Control()
        self._work = work
        self._outcome: _T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)
        self._thread.start()

    @property
    def progress(self) -> WorkProgress:
        """How far the work is."""
        return self._control.progress

    @property
    def has_ended(self) -> bool:
        """Whether `result` has something to say."""
        return not self._thread.is_alive()

    @property
    def is_cancelling(self) -> bool:
        """Whether the work was asked to stop."""
        return self._control.is_cancelled

    def cancel(self) -> None:
        """Ask the work to stop, and return at once."""
        self._control.cancel()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, so long at most; return whether it has come."""
        self._thread.join(seconds)
        return self.has_ended

    def result(self) -> _T:
        """Return what the work gave, or raise what it raised. It must have ended."""
        if self._error is not None:
            raise self._error
        assert self.has_ended
        return self._outcome  # type: ignore[return-value]  # the work's own type once it has ended

    def _run(self) -> None:
        try:
            self._outcome = self._work(self._control)
        except BaseException as error:  # noqa: BLE001 - `result` raises it in the caller's thread
            self._error = error


def where_named() -> str:
    """Say where the Python of a set-up is named."""
    return remedy(panel="under Set Up Engine", terminal="with --python")


def _start(command: Sequence[str], environment: Mapping[str, str] | None) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            start_new_session=os.name == "posix",  # a group of its own, to end it as a whole
        )
    except OSError as error:
        raise EngineSetupError(
            f"{command[0]} cannot be started ({error.strerror}): name another Python "
            f"{where_named()}."
        ) from error


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and its children; harmless where it has ended."""
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _size_below(folder: Path, name: str) -> int:
    """Return the size of the largest file called `name` anywhere below `folder`; 0 for none."""
    sizes = [0]
    with contextlib.suppress(OSError):  # it is moved away as soon as it is whole
        sizes += [path.stat().st_size for path in folder.glob(f"**/{name}")]
    return max(sizes)


def remove_tree(folder: Path) -> None:
    """Remove a folder whole; try again for a while where a program still holds files in it.

    Raises:
        OSError: something stays.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError:  # of a file that is gone, too: someone else removes it as well
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
