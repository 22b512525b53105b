"""Requests that are no jobs, downloads and descriptions: through the client and back."""

from __future__ import annotations

import pytest

from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.protocol import Cancelled, Describe, Described, Fetch, Fetched, Ready, Stage
from blender_vfi.errors import EngineDiedError, EngineStartError

from .scripted_engine import events_until, scripted_engines, wait_until

pytestmark = pytest.mark.plain


@pytest.fixture
def engine(tmp_path):
    """Make a client of an engine that does what a script says."""
    with scripted_engines(tmp_path) as make:
        yield make


def test_request_reaches_the_engine_and_its_answer_the_caller(engine):
    client = engine(
        """
        ready()
        request = hear()
        say(Stage(job_id=request.job_id, message=f"{request.model} {request.accept_licence}"))
        say(Fetched(job_id=request.job_id, path="/cache/x"))
        hear()
        """
    )
    client.request(Fetch(job_id="f", model="amt-g", accept_licence=True))
    seen = events_until(client, Fetched)
    assert [type(event) for event in seen] == [Ready, Stage, Fetched]
    assert seen[1].message == "amt-g True"


def test_description_comes_back_whole(engine):
    client = engine(
        """
        ready()
        devices = (Device(name="cuda:0", title="GPU", memory_bytes=8), )
        say(Described(job_id=hear().job_id, packages=("torch 2",), devices=devices))
        hear()
        """
    )
    client.request(Describe(job_id="d"))
    described = events_until(client, Described)[-1]
    assert described.packages == ("torch 2",)
    assert [device.name for device in described.devices] == ["cuda:0"]


@pytest.mark.parametrize(
    "answer",
    ["Fetched(job_id='f', path='x')", "Cancelled(job_id='f', frames_done=0)"],
    ids=["fetched", "cancelled"],
)
def test_engine_may_leave_once_a_request_has_ended(engine, answer):
    client = engine(f"ready(); hear(); say({answer})")
    client.request(Fetch(job_id="f", model="film"))
    events_until(client, (Fetched, Cancelled))
    wait_until(lambda: not client.is_running)
    assert client.poll() == []


def test_death_during_a_request_is_told(engine):
    client = engine("ready(); hear(); print('disk full', file=sys.stderr); sys.exit(3)")
    client.request(Fetch(job_id="f", model="film"))
    with pytest.raises(EngineDiedError, match=r"exit code 3(.|\n)*disk full"):
        events_until(client, Fetched)


def test_cancel_reaches_a_request(engine):
    client = engine("ready(); hear(); say(Cancelled(job_id=hear().job_id, frames_done=0)); hear()")
    client.request(Fetch(job_id="f", model="film"))
    client.cancel("f")
    assert events_until(client, Cancelled)[-1].job_id == "f"


def test_request_that_crossed_an_idle_exit_is_sent_again(engine):
    client = engine(
        """
        ready()
        request = hear()
        say(Fetched(job_id=request.job_id, path=request.model)) if start > 1 else sys.exit(0)
        hear()
        """
    )
    client.request(Fetch(job_id="f", model="film"))
    assert events_until(client, Fetched)[-1].path == "film"


def test_request_without_an_engine_is_refused_and_forgotten(tmp_path):
    client = EngineClient(str(tmp_path / "none"))
    with pytest.raises(EngineStartError, match="cannot be started"):
        client.request(Describe(job_id="d"))
    assert client.poll() == []
