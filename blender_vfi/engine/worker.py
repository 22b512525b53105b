"""The engine process's main: one job at a time, cancel, idle exit. No bpy here.

Standard output is the wire to the client. It is taken away from everything else at the very start:
prints of ours, of libraries and of C code all go to standard error, so that none can corrupt it.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import platform
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import EngineError, EngineStartError, JobCancelledError, ProtocolError, VfiError
from ..remedies import remedy
from . import cores, host_allocator
from .courtesy import Courtesy, Manner
from .protocol import (
    PROTOCOL_VERSION,
    Cancel,
    Cancelled,
    Describe,
    Event,
    Examine,
    Failed,
    Fetch,
    FreeMemory,
    MemoryFreed,
    Message,
    Pause,
    Ready,
    Rehearse,
    Resume,
    Returned,
    Run,
    Shutdown,
    Stage,
    SteppedAside,
    Work,
)
from .torch_builds import REQUIREMENTS
from .version import package_version
from .wire import decode_line, encode_line

if TYPE_CHECKING:
    from .pipeline import Engine


_PATIENCE_S = 3.0
"""A call of the model takes less for most frames, and then the job ends in order."""


def main(arguments: Sequence[str]) -> int:
    """Serve requests from standard input until it closes, or nothing has come for a while."""
    parser = argparse.ArgumentParser(prog="blender_vfi.engine.worker", description=__doc__)
    parser.add_argument("--idle-exit", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--nice", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    yield_processor(options.nice)
    host_allocator.keep_freed()
    cores.let_threads_sleep()
    wire = _take_stdout()
    requests = os.fdopen(os.dup(0), encoding="utf-8", errors="replace")
    worker = Worker(wire, requests, idle_exit_s=options.idle_exit, give_up=partial(os._exit, 1))
    code = worker.serve()
    with contextlib.suppress(OSError):  # the client is gone, and what it has not read with it
        wire.close()
    return code


def yield_processor(niceness: int) -> None:
    """Leave the processor to others that want it; Windows has the client's flag instead.

    Linux shares the processor among sessions first, and within each session by niceness: as this
    process leads a session of its own, the session's niceness is what Blender notices.
    """
    if not niceness or not hasattr(os, "nice"):
        return
    os.nice(niceness)
    with contextlib.suppress(OSError):  # another system, or a kernel without such groups
        Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


class Worker:
    """Reads requests in a thread of its own, so that a cancel is heard while a job runs.

    Args:
        wire: where events go, one line each.
        requests: where requests come from; its end means that the client is gone.
        idle_exit_s: seconds without a request after which to leave.
        give_up: ends the process where the client is gone and a model's call goes on and on; no
            frame is broken by that, as one has its name only when it is whole. None waits.
    """

    def __init__(
        self,
        wire: IO[str],
        requests: IO[str],
        *,
        idle_exit_s: float,
        give_up: Callable[[], object] | None = None,
    ) -> None:
        self._give_up = give_up
        self._wire = wire
        self._wire_lock = threading.Lock()
        self._idle_exit_s = idle_exit_s
        self._inbox: queue.Queue[Work | FreeMemory | Pause | Shutdown] = queue.Queue()
        self._jobs_lock = threading.Lock()
        self._unfinished: set[str] = set()
        self._cancelled: set[str] = set()
        self._leaving = threading.Event()
        self._engine: Engine | None = None
        self._courtesy = Courtesy(self._tell_manner, self._step_aside)
        self._running = ""
        threading.Thread(
            target=self._read, args=(requests,), daemon=True, name="vfi-requests"
        ).start()

    def serve(self) -> int:
        """Run jobs until told to leave; return the exit code."""
        self._emit(
            Ready(
                protocol=PROTOCOL_VERSION,
                process_id=os.getpid(),
                version=package_version(),
                python=platform.python_version(),
            )
        )
        while True:
            try:
                request = self._inbox.get(timeout=self._idle_exit_s)
            except queue.Empty:
                return 0
            if isinstance(request, Shutdown):
                return 0
            if isinstance(request, Work):
                self._run(request, _job_id(request))
            elif isinstance(request, Pause):
                if self._courtesy.manner != "go":
                    self._step_aside()
            else:
                self._emit(MemoryFreed(models_dropped=self._drop_models()))

    def _read(self, requests: IO[str]) -> None:
        """Take requests until the client's end of the pipe is closed."""
        try:
            for line in requests:
                try:
                    self._sort(decode_line(line))
                except ProtocolError as error:
                    traceback.print_exception(error)  # to standard error: the client's log tail
        finally:
            # Blender has quit or died. Stop the running job.
            self._sort(Shutdown())
        if self._give_up is not None:
            time.sleep(_PATIENCE_S)
            self._give_up()

    def _sort(self, message: Message) -> None:
        """Let a cancel take effect at once, and the rest wait its turn."""
        if isinstance(message, Cancel):
            with self._jobs_lock:
                if message.job_id in self._unfinished:
                    self._cancelled.add(message.job_id)
            return
        if isinstance(message, Pause | Resume):
            self._make_way(message)
            return
        if isinstance(message, Work):
            with self._jobs_lock:
                self._unfinished.add(_job_id(message))
        elif isinstance(message, Shutdown):
            self._leaving.set()
        if isinstance(message, Work | FreeMemory | Shutdown):
            self._inbox.put(message)

    def _make_way(self, request: Pause | Resume) -> None:
        """Have a job leave its GPU, or come back; where none is there, drop the models at once.

        An idle engine does so in the thread that computes, to which CUDA graphs belong.
        """
        if isinstance(request, Resume):
            self._courtesy.ask("go")
        elif self._courtesy.ask("cpu" if request.on_cpu else "pause"):
            with self._jobs_lock:
                is_idle = not self._unfinished
            if is_idle:
                self._inbox.put(request)
            else:
                self._step_aside()

    def _step_aside(self) -> None:
        self._drop_models()
        self._emit(SteppedAside())

    def _tell_manner(self, manner: Manner) -> None:
        if manner == "go":
            self._emit(Returned(job_id=self._running))
        else:
            self._drop_models()
            self._emit(SteppedAside(job_id=self._running, on_cpu=manner == "cpu"))

    def _drop_models(self) -> int:
        return self._engine.free_memory() if self._engine is not None else 0

    def _run(self, request: Work, job_id: str) -> None:
        def is_cancelled() -> bool:
            return self._leaving.is_set() or job_id in self._cancelled

        try:
            if is_cancelled():  # asked here as well, since what follows takes seconds once
                self._emit(Cancelled(job_id=job_id, frames_done=0))
                return
            if self._engine is None:
                self._emit(Stage(job_id=job_id, message="Loading PyTorch"))  # seconds of silence
                self._engine = _load_engine()
            if isinstance(request, Run):
                self._running = job_id
                self._engine.run(
                    request.job,
                    on_event=self._emit,
                    is_cancelled=is_cancelled,
                    courtesy=self._courtesy,
                )
            else:
                self._serve(request, is_cancelled)
        except JobCancelledError:
            pass  # the engine has sent `Cancelled` with its count
        except VfiError as error:
            self._fail(job_id, type(error).__name__, str(error))
        except Exception as error:  # noqa: BLE001 - top level: whatever it is, the client must hear
            traceback.print_exc()
            self._fail(job_id, EngineError.__name__, f"Unexpected {type(error).__name__}: {error}")
        finally:
            # only here, where no error holds what it had, on the device or in main memory
            if self._engine is not None:
                self._engine.hand_back()
            self._courtesy.leave()
            with self._jobs_lock:
                self._unfinished.discard(job_id)
                self._cancelled.discard(job_id)

    def _serve(
        self, request: Fetch | Describe | Examine | Rehearse, is_cancelled: Callable[[], bool]
    ) -> None:
        """Answer a request that is no job."""
        from . import rehearsal, services  # not at the top: they need torch

        if isinstance(request, Fetch):
            services.fetch_checkpoint(request, on_event=self._emit, is_cancelled=is_cancelled)
        elif isinstance(request, Examine):
            self._emit(services.examine_movie(request))
        elif isinstance(request, Rehearse):
            answer = rehearsal.rehearse(request, on_event=self._emit, is_cancelled=is_cancelled)
            self._emit(answer)
        else:
            self._emit(services.describe_engine(request.job_id))

    def _fail(self, job_id: str, kind: str, message: str) -> None:
        self._emit(
            Failed(job_id=job_id, kind=kind, message=message, details=traceback.format_exc())
        )

    def _emit(self, event: Event) -> None:
        try:
            with self._wire_lock:
                self._wire.write(encode_line(event))
                self._wire.flush()
        except OSError:
            self._leaving.set()  # nobody listens any more


def _job_id(request: Work) -> str:
    return request.job.job_id if isinstance(request, Run) else request.job_id


def _load_engine() -> Engine:
    """Import what needs torch, only now: the engine is up at once and can say what is missing."""
    try:
        from .pipeline import Engine
    except (ImportError, OSError) as error:  # OSError: a library that torch needs is not there
        raise EngineStartError(
            f"The engine's Python {sys.executable} cannot run the engine ({error}): "
            f"{_another_python()}, or in $BLENDER_VFI_PYTHON. Into this one, it would be installed "
            f'with: {sys.executable} -m pip install -r "{REQUIREMENTS}"'
        ) from error
    # what the import has made stays: clearing the cache need not look through it every time
    gc.freeze()
    return Engine()


def _another_python() -> str:
    return remedy(
        panel="press Set Up Engine in Preferences > Add-ons > Frame Interpolation, or name a "
        "Python that has what it needs there",
        terminal="run blender --online-mode -c vfi setup for Blender's command line, or name a "
        "Python that has what it needs with --engine-python",
    )


def _take_stdout() -> IO[str]:
    """Keep standard output for ourselves, and send what others print to standard error."""
    wire = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return wire
