"""The engine's set-up and test in this Blender: what goes on, and what came of the last one.

Plain data, without bpy: operators start and poll, the preferences show. `close` ends what goes on.
"""

from __future__ import annotations

import atexit
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .engine import installation
from .engine.background import Task, WorkProgress
from .engine.check import describe_engine, python_of
from .engine.client import EngineClient
from .engine.installation import Installed
from .engine.protocol import Described, MemoryFreed
from .engine.torch_builds import TorchBuild
from .errors import EngineSetupError, JobCancelledError, VfiError
from .messages import message, words_of

_CLOSE_S = 8.0
_FREE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How something ended, for the user.

    Attributes:
        level: as an operator's `report` takes it.
        text: in words.
        described: what the engine said of itself, where it did.
        installed: the environment that was made, where one was.
    """

    level: str
    text: str
    described: Described | None = None
    installed: Installed | None = None


class EngineTasks:
    """At most one set-up, one test and one Free Memory at a time, and their last outcomes."""

    def __init__(self) -> None:
        self._setup: Task[Installed] | None = None
        self._check: Task[Described] | None = None
        self._checked_python = ""
        self._described: Described | None = None
        self._freeing: tuple[EngineClient, float] | None = None
        self.setup_outcome: Outcome | None = None
        self.check_outcome: Outcome | None = None
        self.memory_outcome: Outcome | None = None

    @property
    def setup_progress(self) -> WorkProgress | None:
        """How far the set-up is; None while there is none."""
        return self._setup.progress if self._setup is not None else None

    @property
    def is_cancelling(self) -> bool:
        """Whether the set-up was asked to stop, and has not done so yet."""
        return self._setup is not None and self._setup.is_cancelling

    @property
    def is_checking(self) -> bool:
        """Whether an engine is being tested."""
        return self._check is not None

    @property
    def described(self) -> Described | None:
        """What an engine said of itself last; None where none was tested or set up yet."""
        return self._described

    @property
    def is_busy(self) -> bool:
        """Whether `poll` has something to look at."""
        return any(item is not None for item in (self._setup, self._check, self._freeing))

    def start_setup(self, root: Path, build: TorchBuild, python: str) -> None:
        """Begin to make the engine's environment.

        Raises:
            EngineSetupError: that is going on already.
        """
        if self._setup is not None:
            raise EngineSetupError(
                message("The engine is being set up already: wait, or press Cancel.")
            )
        self.setup_outcome = None
        work = partial(installation.install, root, build, python)
        self._setup = Task(work, name="vfi-set-up")
        atexit.register(self.close)

    def cancel_setup(self) -> None:
        """Stop the set-up; what it has made so far is removed."""
        if self._setup is not None:
            self._setup.cancel()

    def start_check(self, python: str | None) -> None:
        """Begin to test an engine; one that is being tested is let go on."""
        if self._check is None:
            self.check_outcome = None
            self._checked_python = python_of(python)
            self._check = Task(partial(describe_engine, python), name="vfi-test")
            atexit.register(self.close)

    def free_memory(self, client: EngineClient) -> None:
        """Ask a running engine to drop its models; `memory_outcome` has what came of it."""
        self.memory_outcome = None
        client.free_memory()
        self._freeing = (client, time.monotonic() + _FREE_S)

    def wait(self, seconds: float) -> None:
        """Wait for something to end, so long at most."""
        task = self._setup or self._check
        if task is not None:
            task.wait(seconds)
        else:
            time.sleep(seconds)

    def poll(self) -> list[Outcome]:
        """Take in what has ended since; return how."""
        ended = []
        if self._setup is not None and self._setup.has_ended:
            setup, self._setup = self._setup, None
            self.setup_outcome = _setup_outcome(setup)
            self._note_described(self.setup_outcome)
            ended.append(self.setup_outcome)
        if self._check is not None and self._check.has_ended:
            check, self._check = self._check, None
            self.check_outcome = _check_outcome(check, self._checked_python)
            self._note_described(self.check_outcome)
            ended.append(self.check_outcome)
        if self._freeing is not None:
            self.memory_outcome = _memory_outcome(*self._freeing)
            if self.memory_outcome is not None:
                self._freeing = None
                ended.append(self.memory_outcome)
        return ended

    def _note_described(self, outcome: Outcome) -> None:
        self._described = outcome.described or self._described

    def forget_engine(self) -> None:
        """Forget what was said of an engine that is there no more."""
        self._described = self.setup_outcome = self.check_outcome = None

    def forget_freeing(self) -> None:
        """Leave the engine's events to a job that has begun meanwhile."""
        if self._freeing is not None:
            self._freeing = None
            self.memory_outcome = Outcome(
                level="INFO", text=message("The engine frees its memory after the running job")
            )

    def close(self) -> None:
        """End what goes on, within seconds; half-made environments are removed."""
        atexit.unregister(self.close)
        tasks = [task for task in (self._setup, self._check) if task is not None]
        for task in tasks:
            task.cancel()
        deadline = time.monotonic() + _CLOSE_S
        for task in tasks:
            task.wait(max(deadline - time.monotonic(), 0.0))
        self._setup = self._check = self._freeing = None
        self.memory_outcome = None
        self.forget_engine()


def _setup_outcome(task: Task[Installed]) -> Outcome:
    try:
        installed = task.result()
    except JobCancelledError:
        text = message("Set Up Engine was cancelled; nothing was left behind")
        return Outcome(level="INFO", text=text)
    except VfiError as error:
        return Outcome(level="ERROR", text=words_of(error))
    except OSError as error:
        return Outcome(
            level="ERROR", text=message("The engine cannot be set up: {error}", error=error)
        )
    described = installed.described
    if installed.notice:
        text = message("The engine is set up, but: {notice}", notice=installed.notice)
        return Outcome(level="WARNING", text=text, described=described, installed=installed)
    text = message("The engine is set up: {what}", what=describe_briefly(described))
    return Outcome(level="INFO", text=text, described=described, installed=installed)


def _check_outcome(task: Task[Described], python: str) -> Outcome:
    try:
        described = task.result()
    except (VfiError, OSError) as error:
        level = "INFO" if isinstance(error, JobCancelledError) else "ERROR"
        return Outcome(level=level, text=words_of(error))
    text = message(
        "The engine runs: {what}, in {python}", what=describe_briefly(described), python=python
    )
    return Outcome(level="INFO", text=text, described=described)


def _memory_outcome(client: EngineClient, deadline: float) -> Outcome | None:
    try:
        events = client.poll()
    except VfiError as error:
        return Outcome(level="ERROR", text=words_of(error))
    for event in events:
        if isinstance(event, MemoryFreed):
            return Outcome(level="INFO", text=_freed(event.models_dropped))
    if not client.is_running:
        return Outcome(level="INFO", text=message("The engine has ended, and holds no memory"))
    if time.monotonic() > deadline:
        return Outcome(level="WARNING", text=message("The engine has not answered; it may be busy"))
    return None


def describe_briefly(described: Described) -> str:
    """Name torch and the devices of an engine in one line."""
    return message(
        "{torch} on {devices}",
        torch=next((name for name in described.packages if name.startswith("torch ")), "torch"),
        devices=", ".join(device.name for device in described.devices),
    )


def _freed(count: int) -> str:
    if count == 1:
        return message("The engine has freed its memory: 1 model dropped")
    return message("The engine has freed its memory: {count} models dropped", count=count)


tasks = EngineTasks()
"""Those of this Blender."""
