"""The client against engines that misbehave: small scripts in the place of the engine's Python."""

from __future__ import annotations

import os
import sys

import pytest

from blender_vfi.engine import client as client_module
from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.protocol import (
    Cancelled,
    Failed,
    Finished,
    JobSpec,
    Ready,
)
from blender_vfi.errors import (
    EngineDiedError,
    EngineStartError,
    FrameError,
    JobCancelledError,
    ProtocolError,
    RequestError,
)

from .scripted_engine import events_until, scripted_engines, wait_until

pytestmark = pytest.mark.plain


@pytest.fixture
def engine(tmp_path):
    """Make a client of an engine that does what a script says."""
    with scripted_engines(tmp_path) as make:
        yield make


def job(job_id="a", count=2):
    return JobSpec(
        job_id=job_id,
        sources=tuple(f"/in/{'x' * 80}{index}.png" for index in range(count)),
        output_dir="/out",
        name_prefix="f_",
        suffix=".png",
    )


def test_missing_interpreter_is_named_with_the_remedy(tmp_path):
    client = EngineClient(str(tmp_path / "none"))
    with pytest.raises(EngineStartError, match=r"none' cannot be started.*has torch.*VFI_PYTHON"):
        client.submit(job())
    assert client.poll() == []
    assert not client.is_running


def test_interpreter_comes_from_the_environment_unless_given(monkeypatch):
    monkeypatch.delenv(client_module.PYTHON_VARIABLE, raising=False)
    assert EngineClient().python == sys.executable
    monkeypatch.setenv(client_module.PYTHON_VARIABLE, "/x/python")
    assert EngineClient().python == "/x/python"
    assert EngineClient("/y/python").python == "/y/python"


def test_bad_job_starts_no_engine():
    client = EngineClient("/none")
    with pytest.raises(RequestError, match="at least 2 frames"):
        client.submit(job(count=1))


@pytest.mark.parametrize("code", [0, 1])
def test_interpreter_that_is_no_engine_is_a_false_start(engine, code):
    client = engine(f"print('no module named x', file=sys.stderr); sys.exit({code})")
    with pytest.raises(EngineStartError, match=rf"exit code {code} before the engine was ready"):
        client.run(job())
    with pytest.raises(EngineStartError, match="no module named x"):
        client.run(job())


def test_events_of_the_job_reach_the_caller_in_order(engine):
    client = engine("ready(); finish(hear().job)")
    seen = []
    finished = client.run(job(), seen.append)
    assert finished.frames_total == 3
    assert [type(event).__name__ for event in seen] == ["Ready", "Finished"]


def test_failure_comes_back_as_the_error_it_was(engine):
    client = engine(
        """
        ready()
        say(Failed(job_id=hear().job.job_id, kind="FrameError", message="frame 7", details="at x"))
        hear()
        """
    )
    with pytest.raises(FrameError, match="frame 7") as raised:
        client.run(job())
    assert "at x" in str(raised.value.__cause__)


def test_other_jobs_events_are_not_taken_for_this_ones(engine):
    client = engine(
        """
        ready()
        first, second = hear().job, hear().job
        say(Failed(job_id=first.job_id, kind="FrameError", message="the other one"))
        finish(second)
        hear()
        """
    )
    client.submit(job("a"))
    seen = []
    client.run(job("b"), seen.append)
    assert not any(isinstance(event, Failed) for event in seen)


def test_death_in_the_middle_tells_code_and_last_words(engine):
    client = engine("ready(); hear(); print('CUDA error 700', file=sys.stderr); sys.exit(3)")
    with pytest.raises(EngineDiedError, match=r"exit code 3 in the middle(.|\n)*CUDA error 700"):
        client.run(job())
    assert client.poll() == []


def test_what_a_dying_engine_said_last_is_heard_before_its_death(engine):
    client = engine("ready(); finish(hear().job); os._exit(9)")
    assert client.run(job()).frames_total == 3
    wait_until(lambda: not client.is_running)
    assert client.poll() == []


def test_job_submitted_after_an_unnoticed_death_does_not_hide_it(engine):
    client = engine("ready(); hear(); os._exit(9) if start == 1 else hear()")
    client.submit(job("a"))
    wait_until(lambda: not client.is_running)
    client.submit(job("b"))
    with pytest.raises(EngineDiedError, match="exit code 9"):
        events_until(client, Failed, timeout_s=5.0)


def test_job_that_crossed_an_idle_exit_is_sent_again(engine):
    client = engine("ready(); request = hear(); finish(request.job) if start > 1 else sys.exit(0)")
    seen = []
    client.run(job(), seen.append)
    assert sum(isinstance(event, Ready) for event in seen) == 2


def test_engine_that_always_leaves_is_not_started_for_ever(engine, tmp_path):
    client = engine("ready(); hear(); sys.exit(0)")
    with pytest.raises(EngineDiedError, match="exit code 0 in the middle"):
        client.run(job())
    assert (tmp_path / "engine.starts").read_text() == "xx"


def test_cancel_is_not_forgotten_over_a_restart(engine):
    client = engine(
        """
        ready()
        request = hear()
        if start > 1:
            say(Cancelled(job_id=hear().job_id, frames_done=0))
            hear()
        """
    )
    client.submit(job())
    wait_until(lambda: not client.is_running)
    client.cancel("a")
    assert events_until(client, Cancelled)[-1] == Cancelled(job_id="a", frames_done=0)


def test_cancel_of_an_unknown_or_ended_job_is_nothing(engine):
    client = engine("ready(); finish(hear().job); sys.exit(0 if hear() is None else 5)")
    client.cancel("a")
    assert not client.is_running
    client.run(job())
    client.cancel("a")
    client.cancel("b")
    assert client.is_running


@pytest.mark.parametrize("line", ["hello", '{"type": "Shutdown"}', '{"type": "Ready"}', "[" * 9999])
def test_line_that_is_no_event_ends_the_engine(engine, line):
    client = engine(f"ready(); hear(); print({line!r}, flush=True); hear()")
    with pytest.raises(ProtocolError):
        client.run(job())
    assert not client.is_running
    assert client.poll() == []


def test_engine_of_another_version_is_refused(engine):
    client = engine("ready(protocol=999); hear(); hear()")
    with pytest.raises(ProtocolError, match=r"speaks protocol 999.*restart Blender"):
        client.run(job())
    assert not client.is_running


def test_submitting_never_waits_for_a_slow_engine(engine, tmp_path):
    submitted = tmp_path / "submitted"
    waits = f"while not pathlib.Path({str(submitted)!r}).exists(): time.sleep(0.01)"
    client = engine(f"{waits}\nready(); finish(hear().job); hear()")
    client.submit(job(count=30_000))  # megabytes, far more than a pipe holds
    assert client.poll() == []
    submitted.touch()
    assert events_until(client, Finished)[-1].frames_total == 3


def test_interrupt_cancels_the_job_and_a_second_one_gives_up(engine):
    def interrupt(_event):
        raise KeyboardInterrupt

    script = """
        ready()
        job = hear().job
        say(Stage(job_id=job.job_id, message="working"))
        say(Cancelled(job_id=hear().job_id, frames_done=2))
        hear()
        """
    with pytest.raises(KeyboardInterrupt):
        engine(script).run(job(), interrupt)
    interrupts = iter([interrupt])
    with pytest.raises(JobCancelledError, match=r"2 frame\(s\) are done"):
        engine(script).run(job(), lambda event: next(interrupts, lambda _event: None)(event))


def test_closing_asks_the_engine_to_leave(engine, tmp_path):
    client = engine(
        """
        ready()
        hear()
        starts.with_suffix(".left").write_text(type(hear()).__name__)
        """
    )
    client.submit(job())
    events_until(client, Ready)
    client.close()
    assert (tmp_path / "engine.left").read_text() == "Shutdown"
    assert not client.is_running
    assert client.poll() == []


def test_engine_that_does_not_leave_is_killed(engine, monkeypatch):
    monkeypatch.setattr(client_module, "_LEAVE_S", 0.2)
    client = engine("ready()\nwhile True: time.sleep(60)")
    client.submit(job())
    [ready] = events_until(client, Ready)
    client.close()
    with pytest.raises(ProcessLookupError):
        os.kill(ready.process_id, 0)


def test_closing_twice_or_before_the_start_is_harmless(engine):
    client = engine("ready(); hear()")
    client.close()
    client.submit(job())
    client.close()
    client.close()


def test_closed_client_starts_anew_without_old_events(engine):
    client = engine(
        """
        ready()
        job = hear().job
        say(Stage(job_id=job.job_id, message=str(start)))
        finish(job) if start > 1 else None
        hear()
        """
    )
    client.submit(job())
    events_until(client, Ready)
    client.close()
    seen = []
    client.run(job(), seen.append)
    assert [event.message for event in seen if hasattr(event, "message")] == ["2"]


def test_environment_of_the_engine_is_the_callers_and_what_was_added(engine, monkeypatch):
    monkeypatch.setenv("VFI_TEST_OUTER", "outer")
    monkeypatch.setenv("PYTHONHOME", "")
    client = engine(
        """
        words = [os.environ.get(name, "-") for name in
            ("VFI_TEST_OUTER", "VFI_TEST_INNER", "PYTHONHOME")]
        ready()
        say(Failed(job_id=hear().job.job_id, kind="FrameError", message=" ".join(words)))
        hear()
        """,
        environment={"VFI_TEST_INNER": "inner"},
    )
    with pytest.raises(FrameError, match=r"^outer inner -$"):
        client.run(job())
