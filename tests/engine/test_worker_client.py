"""Client and worker together: real processes, the real model, tiny frames."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.protocol import (
    Cancelled,
    Describe,
    Described,
    Finished,
    Found,
    MemoryFreed,
    Progress,
    Ready,
    Stage,
    Started,
)
from blender_vfi.errors import (
    EngineDiedError,
    EngineStartError,
    FrameError,
    JobCancelledError,
    UnknownModelError,
)

from .sequences import make_job, read_png, visible_names, write_sequence

pytestmark = pytest.mark.torch

LONG = 256
"""Multiplier of a job that takes far longer than its test."""

CHATTER = """\
import os, sys, threading, time
def chatter():
    while sys.stdout is not sys.stderr:  # the engine takes its standard output away at its start
        time.sleep(0.001)
    while True:
        print("stray print")
        os.write(1, b"stray write from C\\n")
        time.sleep(0.005)
threading.Thread(target=chatter, daemon=True).start()
"""


@pytest.fixture(scope="module")
def shared():
    """An engine that tests share, since importing torch takes seconds."""
    client = EngineClient(sys.executable)
    yield client
    client.close()


@pytest.fixture
def source(tmp_path):
    write_sequence(tmp_path / "in", 2, size=(64, 64))
    return tmp_path / "in"


@pytest.fixture
def client_with(tmp_path):
    """Make clients whose engine finds a Python module of the test's first on its path."""
    clients = []

    def make(module, code, **options):
        folder = tmp_path / "modules"
        folder.mkdir(exist_ok=True)
        (folder / f"{module}.py").write_text(code)
        environment = {"PYTHONPATH": str(folder)}
        clients.append(EngineClient(sys.executable, environment=environment, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def poll_until(client, claim, timeout_s=60.0):
    """Poll as Blender's timer does until an event fulfils `claim`; return all events."""
    end, events = time.monotonic() + timeout_s, []
    while not any(claim(event) for event in events):
        assert time.monotonic() < end, f"only {events}"
        time.sleep(0.01)
        events += client.poll()
    return events


def has_gone(process_id):
    try:
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_job_runs_in_the_engine_and_the_model_stays_for_the_next(
    shared, source, tmp_path, checkpoint_folder
):
    events = []
    finished = shared.run(make_job(source, tmp_path / "a 1", multiplier=2), events.append)
    assert (finished.frames_total, finished.frames_made) == (3, 1)
    assert [type(event) for event in events[:5]] == [Ready, Stage, Stage, Stage, Started]
    assert [type(event) for event in events[-3:]] == [Found, Progress, Finished]
    assert read_png(tmp_path / "a 1" / "f é 0002.png").shape == (64, 64, 3)
    assert events[0].process_id != os.getpid()
    shared.run(make_job(source, tmp_path / "b", multiplier=2))
    shared.free_memory()
    [freed] = [e for e in poll_until(shared, is_a(MemoryFreed)) if isinstance(e, MemoryFreed)]
    assert freed.models_dropped == 1


def is_a(kind):
    return lambda event: isinstance(event, kind)


def test_idle_engine_holds_nothing_of_the_frames_it_made(shared, tmp_path, checkpoint_folder):
    write_sequence(tmp_path / "large", 2, size=(384, 640))
    held, deadline_s = [], time.monotonic() + 20

    def note(event):
        if isinstance(event, Progress):
            held.append(event.host_memory_bytes)

    for name in ("first", "second"):
        shared.run(make_job(tmp_path / "large", tmp_path / name, multiplier=2), note)
    engine = psutil.Process(shared.process_id)
    # its last words come before it has tidied up
    while engine.memory_info().rss > max(held) - (40 << 20):
        assert time.monotonic() < deadline_s, (engine.memory_info(), held)
        time.sleep(0.02)


def test_errors_come_back_as_what_they_are_and_the_engine_stays(shared, source, tmp_path):
    with pytest.raises(UnknownModelError, match=r"Did you mean rife-4\.25"):
        shared.run(make_job(source, tmp_path / "out", model="rife4.25"))
    job = make_job(source, tmp_path / "out")
    (source / "f é 0002.png").write_bytes(b"no picture")
    with pytest.raises(FrameError, match=r"f é 0002\.png is damaged") as raised:
        shared.run(job)
    assert "Traceback" in str(raised.value.__cause__)
    assert shared.is_running


def test_cancel_stops_within_one_frame_and_keeps_whole_frames(
    shared, source, tmp_path, checkpoint_folder
):
    output = tmp_path / "out"
    job = make_job(source, output, multiplier=LONG)
    shared.submit(job)
    poll_until(shared, is_a(Started))
    deadline = time.monotonic() + 60
    while len(visible_names(output)) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    shared.cancel(job.job_id)
    there = len(visible_names(output))
    [cancelled] = [e for e in poll_until(shared, is_a(Cancelled)) if isinstance(e, Cancelled)]
    names = visible_names(output)
    assert cancelled.frames_done == len(names)
    # one frame in the model, four that wait to be written, and one for the time until it is heard
    assert len(names) <= there + 6
    assert all(read_png(output / name).shape == (64, 64, 3) for name in names)


@pytest.mark.skipif(os.name != "posix", reason="Windows has a flag instead of a number")
def test_an_engine_behind_a_window_lets_others_go_first():
    client = EngineClient(sys.executable, yields=True)
    try:
        client.request(Describe(job_id="d"))
        [ready] = [event for event in poll_until(client, is_a(Ready)) if isinstance(event, Ready)]
        assert psutil.Process(ready.process_id).nice() == min(psutil.Process().nice() + 10, 19)
        described = [e for e in poll_until(client, is_a(Described)) if isinstance(e, Described)]
    finally:
        client.close()
    assert described[0].packages[1].startswith("torch ")
    assert described[0].devices[-1].name == "cpu"
    assert described[0].devices[-1].memory_bytes > 0


def test_cancel_before_the_job_has_started_is_heard(source, tmp_path):
    client = EngineClient(sys.executable)
    try:
        job = make_job(source, tmp_path / "out", multiplier=LONG)
        client.submit(job)
        client.cancel(job.job_id)
        events = poll_until(client, is_a(Cancelled))
    finally:
        client.close()
    assert [type(event) for event in events] == [Ready, Cancelled]
    assert not (tmp_path / "out").exists()


def test_stray_prints_of_python_and_c_do_not_corrupt_the_wire(
    client_with, source, tmp_path, checkpoint_folder
):
    client = client_with("sitecustomize", CHATTER)
    assert client.run(make_job(source, tmp_path / "out", multiplier=8)).frames_made == 7
    assert "stray print\n" in client.stderr_tail
    assert "stray write from C\n" in client.stderr_tail


def test_killed_engine_is_noticed_and_the_next_job_starts_another(
    client_with, source, tmp_path, checkpoint_folder
):
    client = client_with("sitecustomize", "import sys; print('engine says hello', file=sys.stderr)")
    process_ids = []

    def kill(event):
        if isinstance(event, Ready):
            process_ids.append(event.process_id)
        if isinstance(event, Started):
            os.kill(process_ids[0], signal.SIGKILL)

    job = make_job(source, tmp_path / "out", multiplier=LONG)
    with pytest.raises(EngineDiedError, match=r"signal 9(.|\n)*engine says hello"):
        client.run(job, kill)
    assert not client.is_running
    events = []
    client.submit(make_job(source, tmp_path / "small", keep_pairs=[]))
    events = poll_until(client, is_a(Finished))
    assert isinstance(events[0], Ready)
    assert events[0].process_id != process_ids[0]


def test_python_without_torch_says_what_to_install(client_with, source, tmp_path):
    client = client_with("torch", "raise ImportError(\"No module named 'torch'\")")
    for output in ("a", "b"):
        with pytest.raises(EngineStartError, match=r"No module named 'torch'.*-m pip install"):
            client.run(make_job(source, tmp_path / output))
    assert client.is_running


def test_files_in_the_working_folder_do_not_stand_in_for_modules(source, tmp_path, monkeypatch):
    for name in ("json", "torch", "blender_vfi"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not me')")
    monkeypatch.chdir(tmp_path)
    client = EngineClient(sys.executable)
    try:
        job = make_job(source, tmp_path / "out", keep_pairs=[])
        client.submit(job)
        client.cancel(job.job_id)
        poll_until(client, is_a(Cancelled))
    finally:
        client.close()


def test_idle_engine_leaves_and_the_next_job_starts_one_unseen(client_with, source, tmp_path):
    # an engine without torch fails fast, and is an engine all the same
    client = client_with("torch", "raise ImportError('none')", idle_exit_s=0.2)
    process_ids = []
    for output in ("a", "b"):
        events = []
        with pytest.raises(EngineStartError):
            client.run(make_job(source, tmp_path / output), events.append)
        process_ids += [event.process_id for event in events if isinstance(event, Ready)]
        deadline = time.monotonic() + 20
        while client.is_running:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert client.poll() == []
    assert len(set(process_ids)) == 2


def test_interrupted_run_is_a_cancelled_job(shared, source, tmp_path, checkpoint_folder):
    def interrupt(event):
        if isinstance(event, Progress | Started):
            raise KeyboardInterrupt

    with pytest.raises(JobCancelledError):
        shared.run(make_job(source, tmp_path / "out", multiplier=LONG), interrupt)


def test_death_of_the_client_ends_the_engine_in_the_middle_of_a_job(
    source, tmp_path, checkpoint_folder
):
    script = """
        import os, sys, time
        from pathlib import Path
        from blender_vfi.engine.client import EngineClient
        from blender_vfi.engine.folders import job_for_folder
        from blender_vfi.engine.protocol import Ready, Started
        client = EngineClient(sys.executable)
        client.submit(job_for_folder(Path(sys.argv[1]), Path(sys.argv[2]), job_id="a",
            device="cpu", multiplier=256))
        while True:
            for event in client.poll():
                if isinstance(event, Ready):
                    print(event.process_id, flush=True)
                if isinstance(event, Started):
                    os._exit(7)
            time.sleep(0.01)
        """
    parent = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(source), str(tmp_path / "out")],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert parent.returncode == 7, parent.stderr
    deadline = time.monotonic() + 20
    while not has_gone(int(parent.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not [name for name in visible_names(tmp_path / "out") if name.startswith(".")]
