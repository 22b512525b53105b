"""Several GPUs of one job: it holds them all, and leaves them all for a render.

The CPU stands for each, taken for a GPU.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from contextlib import ExitStack
from typing import ClassVar

import pytest
import torch

from blender_vfi.engine import device_lease, memory
from blender_vfi.engine.courtesy import Courtesy
from blender_vfi.engine.device_lease import DeviceLease
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Notice, Progress, Stage, Started
from blender_vfi.errors import JobCancelledError
from blender_vfi.models.cache import ModelCache

from .fake_model import CPU, FakeModel, fake_cache
from .sequences import make_job, write_sequence
from .test_sharing import FIRST, PATIENCE_S, Meeting, content, expected, meeting_models, run

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def gpus(monkeypatch, tmp_path):
    """Take both names of the CPU for GPUs, each with a lock of its own in the test's folder."""
    monkeypatch.setattr(memory, "is_gpu", lambda _device: True)
    monkeypatch.setattr(
        device_lease, "lock_file", lambda device: tmp_path / "locks" / f"{device.index}.lock"
    )
    monkeypatch.setattr(device_lease, "_LOOK_S", 0.02)


@pytest.fixture
def job(tmp_path):
    write_sequence(tmp_path / "in", 12)
    return make_job(tmp_path / "in", tmp_path / "out", multiplier=3)


def busy(job, device) -> str:
    """Tell who holds a device."""
    with DeviceLease(dataclasses.replace(job, busy_device="cpu"), Courtesy()) as lease:
        return lease.hold(device, on_wait=pytest.fail, stop_if_cancelled=lambda: None)


def test_a_pause_is_told_when_all_devices_are_left_and_ends_for_all(job, tmp_path):
    models = meeting_models()
    told, calls, renders = [], [], []

    def calls_by_now():
        return sum(len(model.calls) for model in models)

    def render():
        calls.append(calls_by_now())
        time.sleep(0.3)
        calls.append(calls_by_now())
        courtesy.ask("go")

    def tell(manner):
        told.append((manner, courtesy.is_on_device))
        if manner == "pause":
            renders.append(threading.Thread(target=render))
            renders[0].start()

    courtesy = Courtesy(tell)

    def note(event):
        if isinstance(event, Progress) and not told:
            courtesy.ask("pause")

    run(job, *models, on_event=note, courtesy=courtesy)
    renders[0].join()
    assert told == [("pause", False), ("go", True)]
    assert calls[0] == calls[1] < calls_by_now()
    assert content(job.output_dir) == expected(job, tmp_path)
    assert courtesy.ask("pause")  # all were left at the end


def test_devices_go_on_on_the_cpu_and_come_back(job, tmp_path):
    told, pairs = [], []
    courtesy = Courtesy(told.append)

    def note(event):
        if isinstance(event, Progress):
            pairs.append(event)
            if len(pairs) in (1, 7):
                courtesy.ask("cpu" if len(pairs) == 1 else "go")

    run(job, *meeting_models(), on_event=note, courtesy=courtesy)
    assert told == ["cpu", "go"]
    assert content(job.output_dir) == expected(job, tmp_path)


def run_loading(job, on_load, models, **options):
    """Run a job on as many devices as there are models; `on_load` hears of each load."""
    waiting = list(models)

    def load(spec, **how):
        model = waiting.pop(0)
        on_load(model)
        return fake_cache(model).get(spec, **how)

    cache = ModelCache(load=load, free_memory=lambda _device: 1 << 40, release=lambda _device: None)
    Engine(cache, devices=[FIRST, CPU]).run(job, **options)


def test_a_render_that_begins_while_a_second_device_loads_has_the_first_one_left(job, tmp_path):
    told = []
    is_left, has_begun = threading.Event(), threading.Event()

    def tell(manner):
        told.append((manner, courtesy.is_on_device))
        is_left.set()

    courtesy = Courtesy(tell)
    models = FakeModel(before_call=lambda *_call: has_begun.set()), FakeModel()

    def render(model):
        if model is models[1]:
            assert has_begun.wait(PATIENCE_S)
            assert not courtesy.ask("pause")
            assert is_left.wait(PATIENCE_S)
            courtesy.ask("go")

    run_loading(job, render, models, courtesy=courtesy)
    assert told == [("pause", False), ("go", True)]
    assert content(job.output_dir) == expected(job, tmp_path)


def test_a_job_ends_in_a_render_although_one_of_its_devices_has_never_begun(job, tmp_path):
    courtesy, has_begun = Courtesy(), threading.Event()
    models = FakeModel(before_call=lambda *_call: has_begun.set()), FakeModel()

    def render(model):
        if model is models[1]:
            assert has_begun.wait(PATIENCE_S)
            courtesy.ask("cpu")

    run_loading(job, render, models, courtesy=courtesy)
    assert models[1].calls == []
    assert content(job.output_dir) == expected(job, tmp_path)


class Counting(FakeModel):
    """Notes how many such models make frames at the same time."""

    active: ClassVar[list[FakeModel]] = []

    def __init__(self, at_once, **options):
        super().__init__(**options)
        self._at_once = at_once

    def forward(self, *arguments):
        self.active.append(self)
        self._at_once.append(len(self.active))
        time.sleep(0.02)
        try:
            return super().forward(*arguments)
        finally:
            self.active.remove(self)


def test_one_device_after_another_goes_on_on_the_cpu(job, tmp_path):
    at_once, told = [], []

    def tell(manner):
        told.append(manner)
        at_once.clear()

    courtesy, meeting = Courtesy(tell), Meeting()

    def note(event):
        if isinstance(event, Progress):
            courtesy.ask("cpu")

    models = [Counting(at_once, before_call=meeting) for _ in range(2)]
    run(job, *models, on_event=note, courtesy=courtesy)
    assert told == ["cpu"]
    assert len(at_once) > 10
    assert set(at_once) == {1}
    assert content(job.output_dir) == expected(job, tmp_path)
    assert courtesy.cpu_user is None


def test_of_two_devices_that_are_left_for_the_cpu_one_waits_until_the_other_is_done(
    job, monkeypatch
):
    monkeypatch.setattr(memory, "is_gpu", lambda device: device.type != "cpu")
    courtesy = Courtesy()
    wanted = {"on_wait": pytest.fail, "stop_if_cancelled": lambda: None}
    with DeviceLease(job, courtesy) as first, DeviceLease(job, courtesy) as second:
        for index, lease in enumerate((first, second)):
            device = torch.device("xpu", index)
            lease.take(device, torch.float32, **wanted)
            lease.enter(device, lambda: None)
        first.take(CPU, torch.float32, **wanted)
        looks = []

        def look():
            looks.append(courtesy.is_on_device)
            if len(looks) == 2:
                first.let_go()

        second.take(CPU, torch.float32, on_wait=pytest.fail, stop_if_cancelled=look)
    assert looks == [False, False]
    courtesy.leave()
    assert courtesy.cpu_user is None


def test_a_paused_job_is_told_once_its_last_device_has_nothing_left_to_make():
    told = []
    courtesy = Courtesy(told.append, lambda: told.append("left"))
    first, second = courtesy.place(), courtesy.place()
    for place in (first, second):
        place.enter(lambda: None)
    courtesy.ask("cpu")
    first.heed("cpu", lambda: None)
    assert told == []
    second.leave()
    assert told == ["cpu"]
    first.leave()
    assert told == ["cpu"]
    assert courtesy.ask("pause")


def test_all_devices_are_held_while_frames_are_made_and_free_afterwards(job):
    held = []

    def note(event):
        if isinstance(event, Started):
            held.extend([busy(job, FIRST), busy(job, CPU)])

    events = run(job, *meeting_models(), on_event=note)
    assert [
        words.startswith(f"{name} is in use by process")
        for name, words in zip(("cpu:0", "cpu"), held, strict=True)
    ] == [True, True]
    assert [event.device for event in events if isinstance(event, Started)] == ["cpu:0, cpu"]
    assert (busy(job, FIRST), busy(job, CPU)) == ("", "")


def test_a_job_waits_for_its_busy_devices_holding_the_others(job):
    with ExitStack() as others:
        other = others.enter_context(DeviceLease(job, Courtesy()))
        assert not other.hold(CPU, on_wait=pytest.fail, stop_if_cancelled=lambda: None)
        waited = []

        def note(event):
            if isinstance(event, Stage) and "in use by" in event.message:
                waited.append((event.message.partition(" is in")[0], bool(busy(job, FIRST))))
                others.close()

        run(job, *meeting_models(), on_event=note)
    assert waited == [("Waiting: cpu", True)]


def test_jobs_that_number_their_devices_otherwise_do_not_wait_for_each_other(
    job, tmp_path, monkeypatch
):
    names = {FIRST: "second", CPU: "first"}
    monkeypatch.setattr(device_lease, "lock_file", lambda device: tmp_path / names[device])
    with ExitStack() as others:
        other = others.enter_context(DeviceLease(job, Courtesy()))
        assert not other.hold(CPU, on_wait=pytest.fail, stop_if_cancelled=lambda: None)
        waited = []

        def note(event):
            if isinstance(event, Stage) and "in use by" in event.message:
                waited.append((event.message.partition(" is in")[0], busy(job, FIRST)))
                others.close()

        events = run(job, *meeting_models(), on_event=note)
    assert waited == [("Waiting: cpu", "")]
    assert [event.device for event in events if isinstance(event, Started)] == ["cpu:0, cpu"]


def test_a_job_that_waits_for_one_of_its_devices_can_be_cancelled(job):
    with DeviceLease(job, Courtesy()) as other:
        other.hold(CPU, on_wait=pytest.fail, stop_if_cancelled=lambda: None)
        looks = iter([False] * 12)
        with pytest.raises(JobCancelledError):
            run(job, FakeModel(), FakeModel(), is_cancelled=lambda: next(looks, True))
    assert (busy(job, FIRST), busy(job, CPU)) == ("", "")


def test_a_job_that_waits_for_nobody_goes_on_with_the_devices_that_are_free(job, tmp_path):
    job = dataclasses.replace(job, busy_device="cpu")
    with DeviceLease(job, Courtesy()) as other:
        other.hold(FIRST, on_wait=pytest.fail, stop_if_cancelled=lambda: None)
        events = run(job, FakeModel(), FakeModel())
    assert [event.device for event in events if isinstance(event, Started)] == ["cpu"]
    [notice] = [event.message for event in events if isinstance(event, Notice)]
    assert notice.startswith("cpu:0 is in use by process")
    assert notice.endswith("; going on without it")
    assert content(job.output_dir) == expected(job, tmp_path)
