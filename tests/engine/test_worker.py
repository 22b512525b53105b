"""The worker's own logic, in this process: sorting requests, cancelling, surviving, leaving."""

from __future__ import annotations

import threading

import pytest

from blender_vfi.engine.protocol import (
    Cancel,
    Cancelled,
    Failed,
    Finished,
    FreeMemory,
    MemoryFreed,
    Pause,
    Resume,
    Returned,
    Run,
    Shutdown,
    Stage,
    SteppedAside,
)
from blender_vfi.errors import FrameError

from .served_worker import Service, finished, job, read_so_far, wait_for_cancel

pytestmark = pytest.mark.plain


def test_worker_leaves_when_asked(service):
    service.send(Shutdown())
    service.thread.join(20)
    assert service.codes == [0]


def test_jobs_run_one_after_another(service):
    service.send(Run(job=job("a")), Run(job=job("b")))
    assert [service.hear(), service.hear()] == [finished("a"), finished("b")]


def test_memory_is_handed_back_after_each_job(service, engine):
    service.send(Run(job=job("a")), Run(job=job("b")))
    assert engine.handed_back.acquire(timeout=20)
    assert engine.handed_back.acquire(timeout=20)


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


def test_an_idle_engine_drops_its_models_and_answers_a_pause_at_once(service, engine):
    service.send(Run(job=job()), FreeMemory())
    assert [service.hear(), service.hear()] == [finished(), MemoryFreed(models_dropped=4)]
    dropped = []
    engine.free_memory = lambda: dropped.append(threading.current_thread()) or 1
    service.send(Pause())
    assert service.hear() == SteppedAside()
    assert dropped == [service.thread], "what was compiled belongs to the thread that computes"
    service.send(Resume(), Run(job=job("b")))
    assert service.hear() == finished("b")


def test_an_idle_engine_keeps_its_models_where_the_pause_has_ended_by_then(service, engine, capsys):
    released, begun = threading.Event(), threading.Event()
    engine.free_memory = lambda: begun.set() or (released.wait(20) and 4)
    service.send(Run(job=job("a")), FreeMemory())
    assert service.hear() == finished("a")
    assert begun.wait(20)  # no job is left
    service.send(Pause(), Resume(), Run(job=job("b")), "read so far\n")
    read_so_far(capsys)
    released.set()
    assert [service.hear(), service.hear()] == [MemoryFreed(models_dropped=4), finished("b")]


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
