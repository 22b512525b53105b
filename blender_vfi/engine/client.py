"""Starts the engine process, hands it jobs and reads its events; notices its death.

No bpy and no torch here: Blender drives the engine through this module, and so do the command
lines. The standard library alone; nothing here blocks except `run` and `close`.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import (
    EngineDiedError,
    EngineStartError,
    JobCancelledError,
    ProtocolError,
    error_named,
)
from ..remedies import how_to_go_on
from .departures import PYTHON_VARIABLE, describe_death, describe_false_start
from .engine_process import read_events, start_process, write_requests
from .protocol import (
    PROTOCOL_VERSION,
    Cancel,
    Cancelled,
    Describe,
    Event,
    Examine,
    Failed,
    Fetch,
    Finished,
    FreeMemory,
    JobSpec,
    Pause,
    Ready,
    Rehearse,
    Request,
    Resume,
    Run,
    Shutdown,
    SteppedAside,
    Work,
    WorkEnd,
)

_STDERR_LINES = 40
_LEAVE_S = 5.0
_ASIDE_LOOK_S = 0.1
_LAST_WORDS_S = 1.0  # a child of the engine's may hold its pipes open for longer


@dataclass(slots=True)
class _Outstanding:
    """A request that has not ended, as far as is known."""

    request: Work
    is_cancelled: bool = False
    is_sent_again: bool = False


class EngineClient:
    """One engine process, started when first needed and again after it has left.

    Args:
        python: interpreter that has torch; None takes $BLENDER_VFI_PYTHON, or else the running one.
        idle_exit_s: seconds without a job after which the engine leaves by itself.
        environment: variables to set for the engine beside this process's own.
        yields: whether the engine leaves the processor to others that want it, as behind a window.
    """

    def __init__(
        self,
        python: str | None = None,
        *,
        idle_exit_s: float = 600.0,
        environment: Mapping[str, str] | None = None,
        yields: bool = False,
    ) -> None:
        self.python = os.path.expanduser(  # noqa: PTH111 - a Path would lose "./python"
            python or os.environ.get(PYTHON_VARIABLE) or sys.executable
        )
        self._idle_exit_s = idle_exit_s
        self._environment = dict(environment or {})
        self._yields = yields
        self._process: subprocess.Popen[str] | None = None
        self._threads: list[threading.Thread] = []
        self._requests: queue.Queue[Request | None] = queue.Queue()
        self._events: queue.Queue[Event | ProtocolError] = queue.Queue()
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._outstanding: dict[str, _Outstanding] = {}
        self._is_ready = False
        self._has_said_all = False
        self._aside = threading.Event()

    def submit(self, job: JobSpec) -> None:
        """Hand over a job; its events come from `poll`. Jobs run one after another.

        Raises:
            RequestError: a setting is out of range.
            EngineStartError: the engine cannot be started.
        """
        job.check()
        self._begin(Run(job=job), job.job_id)

    def request(self, request: Fetch | Describe | Examine | Rehearse) -> None:
        """Hand over a request that is no job; `poll` has its events as well.

        Raises:
            EngineStartError: the engine cannot be started.
        """
        self._begin(request, request.job_id)

    def poll(self) -> list[Event]:
        """Return the events that have come since the last call, without waiting.

        Raises:
            EngineDiedError: the engine ended although jobs were outstanding; the message has its
                exit code and last words.
            EngineStartError: it ended before it was ready.
            ProtocolError: the engine said something that is no event.
        """
        return self._collect(wait_s=0.0)

    def run(self, job: JobSpec, on_event: Callable[[Event], None] | None = None) -> Finished:
        """Run a job to its end, blocking; an interrupt from the keyboard cancels it.

        A second interrupt is not waited with: it comes through as `KeyboardInterrupt`.

        Args:
            job: what to make.
            on_event: told every event of the job.

        Raises:
            VfiError: the reason why the job failed, as the engine gave it.
            JobCancelledError: the job was cancelled.
            EngineDiedError: the engine ended in the middle.
            EngineStartError: it could not be started.
        """
        self.submit(job)
        events: deque[Event] = deque()
        told: Event | None = None
        is_interrupted = False
        while True:
            try:
                if not events:
                    events.extend(self._collect(wait_s=0.25))
                while events:
                    event = events[0]
                    if getattr(event, "job_id", job.job_id) == job.job_id:
                        if on_event is not None and event is not told:
                            told = event  # not twice, where an interrupt comes in between
                            on_event(event)
                        if isinstance(event, Finished):
                            return event
                        raise_if_ended(event)
                    events.popleft()
            except KeyboardInterrupt:
                if is_interrupted:
                    raise
                is_interrupted = True
                self.cancel(job.job_id)

    def cancel(self, job_id: str) -> None:
        """Ask for a job to stop within one frame; `Cancelled` follows."""
        if job_id in self._outstanding:
            self._outstanding[job_id].is_cancelled = True
            if self.is_running:
                self._send(Cancel(job_id=job_id))

    def step_aside(self, *, on_cpu: bool, wait_s: float) -> bool:
        """Have an engine that runs leave its GPU until `resume`; for any thread.

        Args:
            on_cpu: let a running job go on, on the CPU; otherwise it pauses.
            wait_s: how long to wait for that.

        Returns:
            Whether it holds no memory of a GPU now.
        """
        end = time.monotonic() + wait_s
        self._aside.clear()
        if self.is_running:
            self._requests.put(Pause(on_cpu=on_cpu))
        while self.is_running and not self._aside.wait(_ASIDE_LOOK_S):
            if time.monotonic() >= end:
                return False
        return True

    def resume(self) -> None:
        """Let an engine that stepped aside have its GPU again; for any thread."""
        if self.is_running:
            self._requests.put(Resume())

    def free_memory(self) -> None:
        """Ask an engine that runs to drop its cached models; one that has left holds none."""
        if self.is_running:
            self._send(FreeMemory())

    @property
    def is_running(self) -> bool:
        """Whether an engine process is up."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int | None:
        """The engine's process; None while none is up."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def stderr_tail(self) -> str:
        """The last lines that the engine wrote to its standard error, for a bug report."""
        while True:
            try:
                return "".join(self._stderr)
            except RuntimeError:  # a line has come meanwhile
                continue

    def close(self) -> None:
        """End the engine: ask it to leave, and kill it if it does not within seconds."""
        self._end_process()
        self._outstanding.clear()
        self._events = queue.Queue()

    def _begin(self, request: Work, job_id: str) -> None:
        has_died = self._has_left() and bool(self._outstanding)
        self._outstanding[job_id] = _Outstanding(request)
        if has_died:
            return  # `_collect` has to see to what it left first
        try:
            self._send(request)
        except EngineStartError:
            del self._outstanding[job_id]
            raise

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._requests.put(Shutdown())
        self._requests.put(None)
        try:
            process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._hear_last_words()
        if not any(thread.is_alive() for thread in self._threads):
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def _hear_last_words(self) -> None:
        """Wait until what the engine said before it ended has arrived."""
        if not self._has_said_all:
            for thread in self._threads:
                thread.join(_LAST_WORDS_S)
        self._has_said_all = True

    def _has_left(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _send(self, request: Request) -> None:
        if not self.is_running:
            self._start()
        self._requests.put(request)

    def _start(self) -> None:
        self._end_process()
        self._stderr.clear()
        self._is_ready = self._has_said_all = False
        self._process = start_process(
            self.python,
            idle_exit_s=self._idle_exit_s,
            environment=self._environment,
            yields=self._yields,
        )
        self._start_threads(self._process)

    def _start_threads(self, process: subprocess.Popen[str]) -> None:
        self._requests = queue.Queue()
        self._threads = [
            threading.Thread(target=target, args=arguments, daemon=True, name=name)
            for name, target, arguments in (
                ("vfi-requests", write_requests, (process.stdin, self._requests)),
                ("vfi-events", read_events, (process.stdout, self._take_event)),
                ("vfi-stderr", self._stderr.extend, (process.stderr,)),
            )
        ]
        for thread in self._threads:
            thread.start()

    def _take_event(self, item: Event | ProtocolError) -> None:
        """Note in the reading thread what another one may wait for."""
        if isinstance(item, SteppedAside):
            self._aside.set()
        self._events.put(item)

    def _collect(self, *, wait_s: float) -> list[Event]:
        """Return all events so far; with none yet, wait for one up to `wait_s`."""
        # asked before the queue is emptied: what a dead engine said last is then all in there
        has_left = self._has_left()
        if has_left:
            self._requests.put(None)
            self._hear_last_words()
        events: list[Event] = []
        while True:
            try:
                item = self._events.get(
                    timeout=wait_s if wait_s and not events else None,
                    block=bool(wait_s) and not events and not has_left,
                )
            except queue.Empty:
                break
            if isinstance(item, ProtocolError):
                self.close()
                raise item
            self._note(item)
            events.append(item)
        if has_left and self._outstanding and not events:
            self._handle_departure()
        return events

    def _handle_departure(self) -> None:
        """Start again after an idle exit that crossed a new job; report any other end."""
        code = self._process.returncode if self._process is not None else 0
        waiting = list(self._outstanding.items())
        # once for each job, lest an engine that always leaves is started for ever
        if code == 0 and self._is_ready and not any(item.is_sent_again for _id, item in waiting):
            for job_id, item in waiting:
                item.is_sent_again = True
                self._send(item.request)
                if item.is_cancelled:
                    self._send(Cancel(job_id=job_id))
            return
        self._outstanding.clear()
        if not self._is_ready:
            raise EngineStartError(describe_false_start(self.python, code, self.stderr_tail))
        raise EngineDiedError(describe_death(self.python, code, self.stderr_tail))

    def _note(self, event: Event) -> None:
        """Keep up with what `event` means for the engine and its jobs."""
        if isinstance(event, Ready):
            self._is_ready = True
            if event.protocol != PROTOCOL_VERSION:
                self.close()
                raise ProtocolError(
                    f"The engine speaks protocol {event.protocol}, this side {PROTOCOL_VERSION}: "
                    "restart Blender, so that both come from the same version of the add-on."
                )
        if isinstance(event, WorkEnd):
            self._outstanding.pop(event.job_id, None)


def raise_if_ended(event: Event) -> None:
    """Raise the error that a `Failed` or `Cancelled` event stands for; do nothing for others."""
    if isinstance(event, Failed):
        error = error_named(event.kind)(event.message)
        if event.details:
            error.__cause__ = RuntimeError(event.details)
        raise error
    if isinstance(event, Cancelled):
        kept = f"{event.frames_done} frame(s) are done and stay on disk"
        raise JobCancelledError(
            f"The job was cancelled: {kept}.{how_to_go_on()}"
            if event.frames_done
            else "The job was cancelled before its first frame; what was on disk stays."
        )
