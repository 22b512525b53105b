"""Several devices make the frames of one job: the same ones, within bounds, and all end together.

The CPU stands for each device, with a model of its own.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from blender_vfi.engine import frame_files, images, job_model
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Cancelled, Found, Notice, Progress, Started
from blender_vfi.engine.retreat import Retreat
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.sharing import PairDealer
from blender_vfi.errors import FrameError, JobCancelledError, OutputError
from blender_vfi.models.cache import ModelCache

from .fake_model import CPU, FakeModel, fake_cache
from .sequences import make_job, visible_names, write_sequence
from .shots import shot, write_frames

pytestmark = pytest.mark.torch

FIRST = torch.device("cpu", 0)
"""The CPU under another name, so that it has another model."""

PATIENCE_S = 120
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 12)
    return tmp_path / "in"


def engine_of(*models: FakeModel, **changes: object) -> Engine:
    """Return an engine with a device for each model."""
    waiting = list(models)

    def load(spec, **options):
        return fake_cache(waiting.pop(0)).get(dataclasses.replace(spec, **changes), **options)

    cache = ModelCache(free_memory=lambda _device: 1 << 40, release=lambda _device: None, load=load)
    return Engine(cache, devices=[FIRST, CPU][: len(models)])


def run(job, *models: FakeModel, on_event=lambda _event: None, spec=None, **options):
    """Run a job on as many devices as there are models; return the events."""
    events = []

    def note(event):
        events.append(event)
        on_event(event)

    engine_of(*models, **(spec or {})).run(job, on_event=note, **options)
    return events


def content(folder: str | Path) -> dict[str, bytes]:
    return {name: (Path(folder) / name).read_bytes() for name in visible_names(Path(folder))}


def expected(job, tmp_path: Path, **spec: object) -> dict[str, bytes]:
    """Return the frames that one device makes."""
    alone = dataclasses.replace(job, output_dir=str(tmp_path / "alone"))
    run(alone, FakeModel(), spec=spec)
    return content(alone.output_dir)


def test_pairs_are_not_over_while_some_are_being_read():
    """A device that waits until it may load its model would leave for good."""
    seen = []

    class Reader:
        def load(self, index):
            seen.append((index, dealer.is_over))
            return torch.zeros(1)

        def headers_of_pair(self, _pair):
            return None, None

    whole = plan(3, 2)
    dealer = PairDealer(
        whole,
        Reader(),
        whole.pairs(),
        pair_count=2,
        context=2,
        device_count=2,
        frames_that_fit=100,
    )
    assert len(dealer.take()) == 1
    assert len(dealer.take()) == 1
    assert not dealer.take()
    assert seen == [(0, False), (1, False), (2, False)]
    assert dealer.is_over


class Meeting:
    """Lets devices wait for each other, so that each is known to have made something."""

    def __init__(self, count: int = 2) -> None:
        self._barrier = threading.Barrier(count)

    def __call__(self, number: int, _batch: int) -> None:
        if number == 1:
            self._barrier.wait(PATIENCE_S)


def meeting_models(count: int = 2) -> list[FakeModel]:
    meeting = Meeting(count)
    return [FakeModel(before_call=meeting) for _ in range(count)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"multiplier": 5},
        {"rate_ratio": (5, 2)},
        {"loop": True},
        {"times": ("1/2", "7/2", "13/4", "5", "9/2", "1/3", "21/2")},
        {"skip_pairs": (3, 4), "hold_skipped": True},
    ],
    ids=str,
)
def test_two_devices_make_the_very_frames_of_one(source, tmp_path, settings):
    job = make_job(source, tmp_path / "out", **settings)
    models = meeting_models()
    events = run(job, *models)
    assert content(job.output_dir) == expected(job, tmp_path)
    assert all(model.calls for model in models)
    done = [event.frames_done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == len(job.plan().outputs)


@pytest.mark.parametrize("spec", [{"context": 4}, {"timesteps": "middle"}], ids=str)
def test_wide_windows_and_recursion_are_shared_too(source, tmp_path, spec):
    job = make_job(source, tmp_path / "out", multiplier=4)
    models = meeting_models()
    run(job, *models, spec=spec)
    assert content(job.output_dir) == expected(job, tmp_path, **spec)
    assert all(model.calls for model in models)


def test_most_frames_are_looked_at_by_one_device_alone(tmp_path):
    write_sequence(tmp_path / "in", 41)
    models = meeting_models()
    run(make_job(tmp_path / "in", tmp_path / "out"), *models)
    looked_at = sum(len(model.encoded) for model in models)
    assert 41 < looked_at <= 41 + 16


def test_cuts_come_to_light_while_two_devices_make_frames(tmp_path):
    frames = [frame for seed in range(5) for frame in shot(seed, 4)]
    source = write_frames(tmp_path / "in", frames)
    job = make_job(source, tmp_path / "out", multiplier=3)
    models = meeting_models()
    events = run(job, *models)
    assert content(job.output_dir) == expected(job, tmp_path)
    [found] = [event for event in events if isinstance(event, Found)]
    assert found.cuts == (3, 7, 11, 15)
    assert sum(len(model.calls) for model in models) == 2 * 15


def test_a_device_that_is_slow_makes_less_and_delays_no_other(tmp_path):
    write_sequence(tmp_path / "in", 30)
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=2)
    others_are_done = threading.Event()

    def crawl(number, _batch):
        if number == 1:
            assert others_are_done.wait(PATIENCE_S)

    made = []

    def hurry(_number, _batch):
        made.append(1)
        if len(made) == 25:  # a run of four is the slow one's
            others_are_done.set()

    run(job, FakeModel(before_call=crawl), FakeModel(before_call=hurry))
    assert content(job.output_dir) == expected(job, tmp_path)


def test_frames_in_memory_stay_few_while_one_device_stands_still(tmp_path, monkeypatch):
    write_sequence(tmp_path / "in", 60)
    job = make_job(tmp_path / "in", tmp_path / "out", cuts="off")
    decoded, most_ahead, made = [], [], []
    read_frame = images.read_frame

    def read(path):
        decoded.append(path)
        return read_frame(path)

    monkeypatch.setattr(frame_files.images, "read_frame", read)
    may_go_on = threading.Event()

    def stand(number, _batch):
        if number == 1:
            assert may_go_on.wait(PATIENCE_S)

    def note(_number, _batch):
        made.append(1)
        if len(made) < 40:
            most_ahead.append(len(decoded) - len(made))
        else:
            may_go_on.set()

    run(job, FakeModel(before_call=stand), FakeModel(before_call=note))
    # a run of four pairs for each, with the first frame of the first, and two read ahead
    assert max(most_ahead) <= 2 * 4 + 1 + 2
    assert len(decoded) == 60


def test_frames_too_large_for_runs_are_dealt_pair_by_pair(source, tmp_path, monkeypatch):
    monkeypatch.setattr(frame_files, "_WAITING_BYTES", 1)
    job = make_job(source, tmp_path / "out")
    models = meeting_models()
    run(job, *models)
    assert content(job.output_dir) == expected(job, tmp_path)


def test_an_error_on_one_device_ends_all_with_that_error(source, tmp_path):
    def fail(number, _batch):
        if number == 2:
            raise OutputError("this device is broken")

    others = []
    with pytest.raises(OutputError, match="this device is broken"):
        run(
            make_job(source, tmp_path / "out", multiplier=200),
            FakeModel(before_call=fail),
            FakeModel(before_call=lambda *_call: others.append(1)),
        )
    assert len(others) < 11 * 199
    assert not [one for one in threading.enumerate() if one.name.startswith("vfi-device")]


@pytest.mark.parametrize("damaged", [7, 9, 22])
def test_a_damaged_frame_ends_the_job_by_name_when_all_pairs_before_it_are_made(tmp_path, damaged):
    source = write_sequence(tmp_path / "in", 40)
    whole = source[damaged].read_bytes()
    source[damaged].write_bytes(whole[:200])
    job = make_job(tmp_path / "in", tmp_path / "out", cuts="off")
    models = FakeModel(), FakeModel()
    with pytest.raises(FrameError, match=source[damaged].name):
        run(job, *models)
    made = sum(len(model.calls) for model in models)
    assert made == damaged - 1
    again = FakeModel(), FakeModel()
    with pytest.raises(FrameError, match=source[damaged].name):
        run(job, *again)
    assert [model.calls for model in again] == [[], []]
    source[damaged].write_bytes(whole)
    run(job, *again)
    assert sum(len(model.calls) for model in again) == 39 - made
    assert content(job.output_dir) == expected(job, tmp_path)


def test_a_cancel_reaches_all_devices_and_the_job_goes_on_later(source, tmp_path):
    job = make_job(source, tmp_path / "out", multiplier=20)
    is_cancelled, events = threading.Event(), []
    models = meeting_models()

    def note(event):
        events.append(event)
        if isinstance(event, Progress):
            is_cancelled.set()

    with pytest.raises(JobCancelledError):
        run(job, *models, on_event=note, is_cancelled=is_cancelled.is_set)
    assert isinstance(events[-1], Cancelled)
    finished = content(job.output_dir)
    assert 0 < len(finished) < 11 * 19
    made_before = sum(len(call.timesteps) for model in models for call in model.calls)
    again = meeting_models()
    run(job, *again)
    assert content(job.output_dir) == expected(job, tmp_path)
    made_after = sum(len(call.timesteps) for model in again for call in model.calls)
    assert made_after < 11 * 19
    assert made_before + made_after <= 11 * 19 + 2 * 8  # calls that a cancel came too late for


KILLED = """\
import os, sys
from pathlib import Path
from tests.engine.fake_model import FakeModel
from tests.engine.sequences import make_job
from tests.engine.test_sharing import Meeting, run
meeting = Meeting()
def end(number, batch):
    meeting(number, batch)
    if number == 40:
        os._exit(9)
source, output = map(Path, sys.argv[1:])
run(make_job(source, output, multiplier=20), FakeModel(before_call=end), FakeModel(before_call=end))
"""


def test_a_job_that_was_killed_goes_on_with_what_is_missing(source, tmp_path):
    job = make_job(source, tmp_path / "out", multiplier=20)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(source), job.output_dir], cwd=REPOSITORY, check=False
    )
    assert killed.returncode == 9
    there = len(list((tmp_path / "out").glob("f é *.png")))
    assert there > 30
    models = meeting_models()
    run(job, *models)
    assert content(job.output_dir) == expected(job, tmp_path)
    made = sum(len(call.timesteps) for model in models for call in model.calls)
    assert made <= 11 * 19 + 12 - there


def test_frames_that_went_missing_are_made_again_alone(source, tmp_path):
    job = make_job(source, tmp_path / "out", multiplier=3)
    run(job, FakeModel(), FakeModel())
    whole = content(job.output_dir)
    gone = sorted(whole)[1::4]
    for name in gone:
        (tmp_path / "out" / name).unlink()
    models = FakeModel(), FakeModel()
    run(job, *models)
    assert content(job.output_dir) == whole
    assert sum(len(model.calls) for model in models) <= len(gone)


def test_one_device_runs_alone_where_one_pair_is_left(source, tmp_path):
    events = run(make_job(source, tmp_path / "out", keep_pairs=(4,)), FakeModel(), FakeModel())
    assert [event.device for event in events if isinstance(event, Started)] == ["cpu:0"]


def test_a_full_device_retreats_alone_and_makes_its_frames_after_all(source, tmp_path, monkeypatch):
    retreat = Retreat(device=CPU, dtype=torch.float32, notice="Going on elsewhere.")
    monkeypatch.setattr(
        job_model,
        "retreats_from",
        lambda device, *_rest, **_allowed: [retreat] if device.index == 0 else [],
    )
    is_full = threading.Event()
    meeting = Meeting()

    def fill(number, batch):
        meeting(number, batch)
        if number == 3:
            is_full.set()
        if is_full.is_set():
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    full, other, elsewhere = (
        FakeModel(before_call=fill),
        FakeModel(before_call=meeting),
        FakeModel(),
    )
    job = make_job(source, tmp_path / "out", multiplier=2)
    events = []
    engine_of(full, other, elsewhere).run(job, on_event=events.append)
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert notices[-1] == "Going on elsewhere."
    assert any("on cpu:0" in words for words in notices)
    assert content(job.output_dir) == expected(job, tmp_path)
