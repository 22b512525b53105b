"""Jobs of two processes and one GPU: the second waits, is told for whom, or takes the CPU."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from blender_vfi.engine import device_lease, memory, owners
from blender_vfi.engine.courtesy import Courtesy
from blender_vfi.engine.device_lease import DeviceLease, lock_file
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Stage, Started
from blender_vfi.errors import JobCancelledError, OutputError
from blender_vfi.models import locations

from .fake_jobs import run
from .fake_model import FakeModel, fake_cache
from .sequences import make_job, visible_names, write_sequence

pytestmark = pytest.mark.torch

GPU = torch.device("xpu", 0)  # a name alone: nothing is asked of it

HOLD = """\
import sys, pathlib
from filelock import FileLock
from blender_vfi.engine.owners import write_owner
path = pathlib.Path(sys.argv[1])
path.parent.mkdir(parents=True, exist_ok=True)
lock = FileLock(path); lock.acquire()
write_owner(path.with_suffix(".owner"), "frames in /elsewhere")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def gpu(monkeypatch, tmp_path):
    """Take the CPU for a GPU, whose locks lie in a folder of the test's."""
    monkeypatch.setattr(memory, "is_gpu", lambda _device: True)
    monkeypatch.setattr(locations, "lock_folder", lambda: tmp_path / "locks")
    monkeypatch.setattr(device_lease, "_LOOK_S", 0.02)


@pytest.fixture
def job(tmp_path):
    write_sequence(tmp_path / "in", 3)
    return make_job(tmp_path / "in", tmp_path / "out")


@pytest.fixture
def other():
    """Hold a device's lock in another process."""
    started = []

    def hold(path: Path) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def waits(events) -> list[str]:
    return [event.message for event in events if "in use by" in getattr(event, "message", "")]


def test_second_job_waits_for_the_first_s_process_and_names_it(job, other):
    first = other(lock_file(torch.device("cpu")))
    events = []

    def note(event):
        events.append(event)
        if isinstance(event, Stage) and "in use by" in event.message:
            first.kill()  # what it held is free with its end, however it ended

    finished = Engine(fake_cache(FakeModel())).run(job, on_event=note)
    assert finished.frames_made == 2
    text = waits(events)[0]
    assert text.startswith(f"Waiting: cpu is in use by process {first.pid} of ")
    assert text.endswith(": frames in /elsewhere")


def test_job_that_waits_can_be_cancelled(job, other):
    other(lock_file(torch.device("cpu")))
    events = []
    with pytest.raises(JobCancelledError):
        Engine(fake_cache(FakeModel())).run(
            job, on_event=events.append, is_cancelled=lambda: bool(waits(events))
        )
    assert visible_names(Path(job.output_dir)) == []


def test_busy_device_can_be_left_for_the_cpu_or_shared(job, other):
    other(lock_file(torch.device("cpu")))
    finished, events = run(dataclasses.replace(job, busy_device="cpu"))
    assert finished.frames_made == 2
    assert waits(events)[0].endswith("; running on the CPU")
    assert [event.device for event in events if isinstance(event, Started)] == ["cpu"]
    shared = dataclasses.replace(job, busy_device="share", output_dir=job.output_dir + "_2")
    assert waits(run(shared)[1]) == []


def test_job_goes_on_in_the_same_folder_however_it_got_its_device(job):
    run(job)
    assert run(dataclasses.replace(job, busy_device="cpu"))[0].frames_made == 0


def test_device_is_held_for_the_job_alone_and_its_owner_named(job):
    path = lock_file(GPU)
    with DeviceLease(job, Courtesy()) as lease:
        taken = lease.take(GPU, torch.float16, on_wait=pytest.fail, stop_if_cancelled=lambda: None)
        assert taken == (GPU, torch.float16)
        named = owners.read_owner(path.with_suffix(".owner"))
        assert named.startswith(f"process {os.getpid()} of ")
        assert named.endswith(f": frames in {job.output_dir}")
        told = []
        with DeviceLease(dataclasses.replace(job, busy_device="cpu"), Courtesy()) as second:
            moved = second.take(
                GPU, torch.float16, on_wait=told.append, stop_if_cancelled=lambda: None
            )
        assert moved == (torch.device("cpu"), torch.float32)
        assert len(told) == 1
    assert not path.with_suffix(".owner").exists()
    with DeviceLease(job, Courtesy()) as third:
        third.take(GPU, torch.float16, on_wait=pytest.fail, stop_if_cancelled=lambda: None)


def test_a_job_that_goes_on_on_the_cpu_lets_others_have_its_gpu(job, monkeypatch):
    monkeypatch.setattr(memory, "is_gpu", lambda device: device.type != "cpu")
    courtesy = Courtesy()
    wanted = {"on_wait": pytest.fail, "stop_if_cancelled": lambda: None}
    with DeviceLease(job, courtesy) as lease, DeviceLease(job, Courtesy()) as other_job:
        lease.take(GPU, torch.float16, **wanted)
        assert not courtesy.is_on_device
        lease.enter(GPU, lambda: None)
        assert not courtesy.ask("pause")
        lease.take(torch.device("cpu"), torch.float32, **wanted)
        assert courtesy.ask("pause")
        assert other_job.take(GPU, torch.float16, **wanted) == (GPU, torch.float16)


def test_devices_have_locks_of_their_own(monkeypatch):
    one = lock_file(torch.device("xpu", 0))
    assert one == lock_file(torch.device("xpu", 0))
    assert one != lock_file(torch.device("xpu", 1))
    monkeypatch.setattr(device_lease.platform, "node", lambda: "another machine")
    assert one != lock_file(torch.device("xpu", 0))


def test_jobs_on_the_cpu_hold_nothing(job, monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "is_gpu", lambda device: device.type != "cpu")
    run(job)
    assert not (tmp_path / "locks").exists()


def test_a_machine_without_a_place_for_locks_runs_jobs_all_the_same(job, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(locations, "lock_folder", lambda: tmp_path / "file" / "locks")
    assert run(job)[0].frames_made == 2


def test_two_jobs_in_one_folder_are_refused_with_the_owner_s_name(job, other):
    Path(job.output_dir).mkdir()
    holder = other(Path(job.output_dir, ".vfi.lock"))
    with pytest.raises(OutputError, match=f"being written to by process {holder.pid} of "):
        run(job)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"process": 1}', "\x00"])
def test_an_owner_who_cannot_be_read_is_another_job(tmp_path, text):
    path = tmp_path / "x.owner"
    assert owners.read_owner(path) == "another job"
    path.write_text(text)
    assert owners.read_owner(path) == "another job"


def test_a_render_that_waits_hears_when_a_job_goes_on_on_the_cpu(job, monkeypatch):
    monkeypatch.setattr(memory, "is_gpu", lambda device: device.type != "cpu")
    left = []
    courtesy = Courtesy(on_leave=lambda: left.append(courtesy.is_on_device))
    wanted = {"on_wait": pytest.fail, "stop_if_cancelled": lambda: None}
    with DeviceLease(job, courtesy) as lease:
        lease.take(GPU, torch.float16, **wanted)
        assert not courtesy.is_on_device
        lease.enter(GPU, lambda: None)
        assert not courtesy.ask("pause")
        lease.take(torch.device("cpu"), torch.float32, **wanted)
        assert left == [False]


def test_a_device_that_was_left_in_another_thread_is_free_for_others(job):
    with DeviceLease(job, Courtesy()) as lease:
        lease.take(GPU, torch.float16, on_wait=pytest.fail, stop_if_cancelled=lambda: None)
        lock = lease._lock  # as a reference that somebody keeps
        lane = threading.Thread(target=lease.let_go)
        lane.start()
        lane.join()
        with FileLock(lock_file(GPU)).acquire(blocking=False):
            assert not lock.is_locked
