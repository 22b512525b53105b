"""The worker's own logic, in this process: sorting requests, cancelling, surviving, leaving."""

from __future__ import annotations

import os
import sys
import threading
import types

import pytest

from blender_vfi.engine import worker as worker_module
from blender_vfi.engine.protocol import (
    Cancel,
    Cancelled,
    Describe,
    Described,
    Failed,
    Fetch,
    Fetched,
    Finished,
    FreeMemory,
    JobSpec,
    MemoryFreed,
    Pause,
    Ready,
    Resume,
    Returned,
    Run,
    Shutdown,
    Stage,
    SteppedAside,
)
from blender_vfi.engine.wire import decode_line, encode_line
from blender_vfi.engine.worker import Worker
from blender_vfi.errors import FrameError, JobCancelledError, LicenceError

pytestmark = pytest.mark.plain


class FakeEngine:
    """Runs a job by calling what the test put under its id."""

    def __init__(self):
        self.begun = threading.Event()
        self.actions = {}

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


class PlayedServices(types.ModuleType):
    """Stands for the module `services`, which needs torch."""

    def __init__(self):
        super().__init__("blender_vfi.engine.services")
        self.begun = threading.Event()
        self.fetched: list[Fetch] = []
        self.action = lambda _is_cancelled: None

    def fetch_checkpoint(self, request, *, on_event, is_cancelled):
        self.fetched.append(request)
        self.begun.set()
        self.action(is_cancelled)
        if is_cancelled():
            on_event(Cancelled(job_id=request.job_id, frames_done=0))
            raise JobCancelledError("stopped")
        on_event(Fetched(job_id=request.job_id, path="/cache/x"))

    def describe_engine(self, job_id):
        return Described(job_id=job_id, packages=("torch 2",), devices=())


@pytest.fixture
def services(monkeypatch):
    played = PlayedServices()
    monkeypatch.setitem(sys.modules, played.__name__, played)
    # the package holds the real one where another test has imported it
    monkeypatch.setattr(sys.modules["blender_vfi.engine"], "services", played, raising=False)
    return played


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


def test_worker_leaves_when_asked(service):
    service.send(Shutdown())
    service.thread.join(20)
    assert service.codes == [0]


def test_jobs_run_one_after_another(service):
    service.send(Run(job=job("a")), Run(job=job("b")))
    assert [service.hear(), service.hear()] == [finished("a"), finished("b")]


def test_memory_is_handed_back_after_each_job(service, monkeypatch):
    handed_back = threading.Semaphore(0)
    monkeypatch.setattr(worker_module.host_allocator, "hand_back", handed_back.release)
    service.send(Run(job=job("a")), Run(job=job("b")))
    assert handed_back.acquire(timeout=20)
    assert handed_back.acquire(timeout=20)


def test_first_job_is_told_of_what_takes_seconds_before_it(service):
    service.send(Run(job=job("a")), Run(job=job("b")))
    assert service.hear(hears_stages=True) == Stage(job_id="a", message="Loading PyTorch")
    heard = [service.hear(hears_stages=True) for _ in range(2)]
    assert heard == [finished("a"), finished("b")]


def test_cancel_is_heard_while_the_job_runs(service, engine):
    engine.actions["a"] = wait_for_cancel
    service.send(Run(job=job()))
    assert engine.begun.wait(20)
    service.send(Cancel(job_id="a"))
    assert service.hear() == Cancelled(job_id="a", frames_done=1)


def test_waiting_job_that_is_cancelled_never_begins(service, engine, capsys):
    released = threading.Event()
    engine.actions["a"] = lambda _is_cancelled: released.wait(20)
    service.send(Run(job=job("a")))
    assert engine.begun.wait(20)
    engine.begun.clear()
    service.send(Run(job=job("b")), Cancel(job_id="b"), "read so far\n")
    read_so_far(capsys)
    released.set()
    assert service.hear() == finished("a")
    assert service.hear() == Cancelled(job_id="b", frames_done=0)
    assert not engine.begun.is_set()


def test_cancel_of_an_unknown_or_ended_job_does_not_hit_a_later_one(service):
    service.send(Cancel(job_id="a"), Run(job=job()))
    assert service.hear() == finished()
    service.send(Cancel(job_id="a"), Run(job=job()))
    assert service.hear() == finished()


def test_error_for_the_user_crosses_by_name_with_its_traceback(service, engine):
    def fail(_is_cancelled):
        raise FrameError("frame 7 is damaged")

    engine.actions["a"] = fail
    service.send(Run(job=job("a")), Run(job=job("b")))
    event = service.hear()
    assert (event.job_id, event.kind, event.message) == ("a", "FrameError", "frame 7 is damaged")
    assert "Traceback" in event.details
    assert service.hear() == finished("b")


def test_unexpected_error_is_told_and_the_worker_goes_on(service, engine):
    def fail(_is_cancelled):
        raise ZeroDivisionError("by zero")

    engine.actions["a"] = fail
    service.send(Run(job=job("a")), Run(job=job("b")))
    event = service.hear()
    assert isinstance(event, Failed)
    assert (event.kind, event.message) == ("EngineError", "Unexpected ZeroDivisionError: by zero")
    assert service.hear() == finished("b")


def test_memory_is_freed_on_request_once_there_is_any(service):
    service.send(FreeMemory())
    assert service.hear() == MemoryFreed(models_dropped=0)
    service.send(Run(job=job()), FreeMemory())
    assert [service.hear(), service.hear()] == [finished(), MemoryFreed(models_dropped=4)]


@pytest.mark.parametrize("line", ["garbage\n", "\n", '{"type": "Rum"}\n', "[" * 20_000 + "\n"])
def test_line_that_is_no_request_is_logged_and_passed_over(service, line, capsys):
    service.send(line, Run(job=job()))
    assert service.hear() == finished()
    assert "ProtocolError" in capsys.readouterr().err


def test_events_sent_as_requests_are_passed_over(service):
    service.send(finished(), Run(job=job()))
    assert service.hear() == finished()


@pytest.mark.parametrize("ask", [True, False], ids=["Shutdown", "client gone"])
def test_leaving_stops_the_running_job(service, engine, ask):
    engine.actions["a"] = wait_for_cancel
    service.send(Run(job=job()))
    assert engine.begun.wait(20)
    if ask:
        service.send(Shutdown())
    else:
        service.requests.close()
    assert service.hear() == Cancelled(job_id="a", frames_done=1)
    service.thread.join(20)
    assert service.codes == [0]


def test_worker_without_requests_leaves_by_itself(engine):
    service = Service(idle_exit_s=0.05)
    service.thread.join(20)
    service.close()


def test_job_stops_when_nobody_listens_any_more(engine):
    service = Service()
    service.hear()
    service.events.close()
    engine.actions["b"] = wait_for_cancel
    service.send(Run(job=job("a")), Run(job=job("b")))
    service.requests.close()
    service.thread.join(20)
    assert service.codes == [0]
    with pytest.raises(BrokenPipeError):
        service._worker_ends[0].close()
    service.close()


def test_checkpoint_is_fetched_as_the_request_says(service, services):
    request = Fetch(job_id="f", model="amt-g", accept_licence=True)
    service.send(request)
    assert service.hear() == Fetched(job_id="f", path="/cache/x")
    assert services.fetched == [request]


def test_engine_describes_itself(service, services):
    service.send(Describe(job_id="d"))
    assert service.hear() == Described(job_id="d", packages=("torch 2",), devices=())


def test_requests_and_jobs_take_turns(service, services):
    service.send(Run(job=job("a")), Fetch(job_id="f", model="film"), Run(job=job("b")))
    assert service.hear() == finished("a")
    assert isinstance(service.hear(), Fetched)
    assert service.hear() == finished("b")


def test_cancel_is_heard_while_a_checkpoint_is_fetched(service, services):
    services.action = wait_for_cancel
    service.send(Fetch(job_id="f", model="film"))
    assert services.begun.wait(20)
    service.send(Cancel(job_id="f"), Run(job=job("a")))
    assert service.hear() == Cancelled(job_id="f", frames_done=0)
    assert service.hear() == finished("a")


def test_fetch_that_is_cancelled_while_it_waits_never_begins(service, services, engine, capsys):
    released = threading.Event()
    engine.actions["a"] = lambda _is_cancelled: released.wait(20)
    service.send(Run(job=job("a")))
    assert engine.begun.wait(20)
    service.send(Fetch(job_id="f", model="film"), Cancel(job_id="f"), "read so far\n")
    read_so_far(capsys)
    released.set()
    assert service.hear() == finished("a")
    assert service.hear() == Cancelled(job_id="f", frames_done=0)
    assert services.fetched == []


def test_terms_that_were_not_accepted_cross_by_name(service, services):
    def refuse(_is_cancelled):
        raise LicenceError("no commercial use")

    services.action = refuse
    service.send(Fetch(job_id="f", model="amt-g"))
    event = service.hear()
    assert (event.job_id, event.kind, event.message) == ("f", "LicenceError", "no commercial use")


def test_an_idle_engine_drops_its_models_and_answers_a_pause_at_once(service, engine):
    service.send(Run(job=job()))
    service.hear()
    dropped = []
    engine.free_memory = lambda: dropped.append(1) or 1
    service.send(Pause())
    assert service.hear() == SteppedAside()
    assert dropped == [1]
    service.send(Resume(), Run(job=job("b")))
    assert service.hear() == finished("b")


@pytest.mark.parametrize("on_cpu", [False, True])
def test_job_tells_when_it_has_left_its_gpu_and_when_it_is_back(service, engine, on_cpu):
    is_there = threading.Event()

    def act(_is_cancelled):
        courtesy, pause = engine.courtesy.place(), threading.Event()
        courtesy.enter(lambda: None)
        is_there.set()
        while courtesy.manner == "go":
            pause.wait(0.005)
        courtesy.heed(courtesy.manner, lambda: None)
        while courtesy.manner != "go":
            pause.wait(0.005)
        courtesy.heed("go", lambda: None)

    engine.actions["a"] = act
    service.send(Run(job=job()))
    assert is_there.wait(20)
    service.send(Pause(on_cpu=on_cpu))
    assert service.hear() == SteppedAside(job_id="a", on_cpu=on_cpu)
    service.send(Resume())
    assert [service.hear(), service.hear()] == [Returned(job_id="a"), finished()]


@pytest.mark.parametrize("fails", [False, True])
def test_job_that_ends_in_a_pause_that_it_has_not_heeded_leaves_its_gpu(service, engine, fails):
    is_there = threading.Event()
    dropped = []
    engine.free_memory = lambda: dropped.append(1) or 1

    def act(_is_cancelled):
        engine.courtesy.place().enter(lambda: None)
        is_there.set()
        while engine.courtesy.manner == "go":
            threading.Event().wait(0.005)
        if fails:
            raise FrameError("frame 3 is broken")

    engine.actions["a"] = act
    service.send(Run(job=job()))
    assert is_there.wait(20)
    service.send(Pause())
    assert isinstance(service.hear(), Failed if fails else Finished)
    assert service.hear() == SteppedAside()
    assert dropped == [1]
