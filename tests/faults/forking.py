"""Runs each job in a process of its own that may be killed, without importing torch each time.

    python -m tests.faults.forking

One line of JSON on standard input describes a run, one on standard output what became of it. Each
run is a fork of this process, which has imported everything and loaded the model.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.scandir", "fcntl.flock")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a run: `frames_made` where it ended well, `error` where it failed."""

    was_killed: bool
    seconds: float
    file_events: int = 0
    frames_made: int = 0
    error: str = ""
    message: str = ""
    notices: list[str] = field(default_factory=list)


class Forks:
    """The other side: asks for runs."""

    def __init__(self, model: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forking", model],
            cwd=REPOSITORY,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, job, *, end_at_event=0, end_after_s=0.0, largest_file=0, is_humble=False):
        """Run a job in a process of its own.

        Args:
            job: what to run.
            end_at_event: kill the process when it touches files for the n-th time.
            end_after_s: kill it after so many seconds.
            largest_file: bytes that a file may have; more is refused by the system.
            is_humble: whether the process, where root runs it, obeys permissions.
        """
        from blender_vfi.engine.wire import job_to_json

        request = {
            "job": job_to_json(job),
            "end_at_event": end_at_event,
            "end_after_s": end_after_s,
            "largest_file": largest_file,
            "is_humble": is_humble,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))

    def close(self):
        """End the process that forks; no run is under way."""
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        self._process.stdout.close()


def main(model: str) -> None:
    """Fork for every line that comes."""
    import torch

    from blender_vfi.engine.pipeline import Engine
    from blender_vfi.engine.wire import job_from_json

    from ..engine.fake_model import FakeModel, fake_cache

    torch.set_num_threads(1)  # threads do not survive a fork
    if model == "fake":
        engine = Engine(fake_cache(FakeModel()))
    else:
        from blender_vfi.models import catalog
        from blender_vfi.models.cache import ModelCache

        cache = ModelCache(free_memory=lambda _device: 1 << 40, release=lambda _device: None)
        cache.get(catalog.find(model), device=torch.device("cpu"), dtype=torch.float32)
        engine = Engine(cache)
    for line in sys.stdin:
        request = json.loads(line)
        request["job"] = job_from_json(request["job"])
        print(json.dumps(asdict(_forked(engine, request))), flush=True)  # noqa: T201 - the answer


def _forked(engine, request) -> Outcome:
    reading, writing = os.pipe()
    began_s = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(2, 1)
        with os.fdopen(writing, "w") as answer:
            json.dump(asdict(_run(engine, request)), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return Outcome(was_killed=True, seconds=time.monotonic() - began_s)
    return Outcome(**json.loads(told))


def _run(engine, request) -> Outcome:
    from blender_vfi.engine.protocol import Notice
    from blender_vfi.errors import VfiError

    events = _count_file_events(request["end_at_event"])
    if request["end_after_s"]:
        threading.Thread(target=_kill_after, args=(request["end_after_s"],), daemon=True).start()
    if request["largest_file"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest_file"],) * 2)
    if request["is_humble"]:
        obey_permissions()
    began_s = time.monotonic()
    told, result = [], {}
    try:
        result["frames_made"] = engine.run(request["job"], on_event=told.append).frames_made
    except VfiError as error:
        result.update(error=type(error).__name__, message=str(error))
    return Outcome(
        was_killed=False,
        seconds=time.monotonic() - began_s,
        file_events=events[0],
        notices=[event.message for event in told if isinstance(event, Notice)],
        **result,
    )


def _count_file_events(end_at: int) -> list[int]:
    count = [0]

    def hook(event, _arguments):
        if event in FILE_EVENTS:
            count[0] += 1
            if count[0] == end_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return count


def _kill_after(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def obey_permissions() -> None:
    """Give up root's right to write where permissions forbid it; without root there is none."""

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    if os.geteuid() == 0:
        nothing = (ctypes.c_uint32 * 6)()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.capset(ctypes.byref(Header(0x20080522, 0)), nothing) != 0:
            raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    main(sys.argv[1])
