"""What a worker does beside jobs: fetching checkpoints, and telling what it is."""

from __future__ import annotations

import sys
import threading
import types

import pytest

from blender_vfi.engine.protocol import Cancel, Cancelled, Describe, Described, Fetch, Fetched, Run
from blender_vfi.errors import JobCancelledError, LicenceError

from .served_worker import finished, job, read_so_far, wait_for_cancel

pytestmark = pytest.mark.plain


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
