"""A worker in this process, at the other end of two pipes, with an engine that is played."""

from __future__ import annotations

import os
import threading

import pytest

from blender_vfi.engine import worker as worker_module
from blender_vfi.engine.protocol import Cancelled, Finished, JobSpec, Ready, Stage
from blender_vfi.engine.wire import decode_line, encode_line
from blender_vfi.engine.worker import Worker
from blender_vfi.errors import JobCancelledError


class FakeEngine:
    """Runs a job by calling what the test put under its id."""

    def __init__(self):
        self.begun = threading.Event()
        self.actions = {}
        self.handed_back = threading.Semaphore(0)

    def run(self, job, *, on_event, is_cancelled, courtesy):
        self.courtesy = courtesy
        self.begun.set()
        self.actions.get(job.job_id, lambda _is_cancelled: None)(is_cancelled)
        if is_cancelled():
            on_event(Cancelled(job_id=job.job_id, frames_done=1))
            raise JobCancelledError("stopped")
        on_event(finished(job.job_id))

    def free_memory(self):
        return 4

    def hand_back(self):
        self.handed_back.release()


class Service:
    """A worker at the other end of two pipes."""

    def __init__(self, idle_exit_s=20.0):
        request_end, self._request_fd = os.pipe()
        self._event_fd, event_end = os.pipe()
        self.requests = os.fdopen(self._request_fd, "w")
        self.events = os.fdopen(self._event_fd)
        self._worker_ends = (os.fdopen(event_end, "w"), os.fdopen(request_end))
        self._worker = Worker(*self._worker_ends, idle_exit_s=idle_exit_s)
        self.codes = []
        self.thread = threading.Thread(target=lambda: self.codes.append(self._worker.serve()))
        self.thread.start()

    def send(self, *messages):
        for message in messages:
            self.requests.write(message if isinstance(message, str) else encode_line(message))
        self.requests.flush()

    def hear(self, *, hears_stages=False):
        event = decode_line(self.events.readline())
        # what is told before the engine is loaded is of no interest to most tests
        is_stage = isinstance(event, Stage)
        return self.hear() if is_stage and not hears_stages else event

    def close(self):
        if not self.requests.closed:
            self.requests.close()
        self.thread.join(20)
        assert self.codes == [0]
        for stream in (*self._worker_ends, self.events):
            if not stream.closed:
                stream.close()


@pytest.fixture
def engine(monkeypatch):
    fake = FakeEngine()
    monkeypatch.setattr(worker_module, "_load_engine", lambda: fake)
    return fake


@pytest.fixture
def service(engine):
    running = Service()
    assert isinstance(running.hear(), Ready)
    yield running
    running.close()


def job(job_id="a"):
    return JobSpec(job_id=job_id, sources=(), output_dir="/o", name_prefix="f", suffix=".png")


def finished(job_id="a"):
    return Finished(
        job_id=job_id, frames_total=1, frames_made=1, duration_s=0.0, peak_memory_bytes=0
    )


def wait_for_cancel(is_cancelled):
    pause = threading.Event()
    while not is_cancelled():
        pause.wait(0.005)


def read_so_far(capsys):
    """Wait until the worker has complained about the line "read so far"."""
    pause, complaints = threading.Event(), ""
    while "read so far" not in complaints:
        complaints += capsys.readouterr().err
        pause.wait(0.005)
