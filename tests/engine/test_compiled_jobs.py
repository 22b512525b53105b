"""Jobs whose model is compiled: what they tell, what they make, and what they go on from."""

from __future__ import annotations

import dataclasses
import gc
from pathlib import Path

import pytest
import torch

from blender_vfi.engine import frame_making, job_model, pipeline, progress
from blender_vfi.engine.job_model import JobModel
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Notice, Progress, Stage, Started
from blender_vfi.engine.retreat import Retreat
from blender_vfi.errors import JobCancelledError
from blender_vfi.models import compiling
from blender_vfi.models.interface import Interpolation, InterpolationModel
from blender_vfi.models.moments import moments_like

from .fake_model import fake_cache, fake_spec
from .sequences import make_job, read_png, write_sequence

pytestmark = pytest.mark.torch


class Blend(InterpolationModel):
    """Cross-fades two frames, one moment at a time."""

    def forward(self, frames, features, timesteps, quality):
        assert len(timesteps) == 1
        moment = frames[0].new_tensor(timesteps).view(-1, 1, 1, 1)
        return Interpolation(frames=torch.lerp(*frames, moment))


@pytest.fixture(autouse=True)
def compiler(monkeypatch):
    """Trace, and compile nothing: that is what `tests/models/test_compiling.py` does."""
    monkeypatch.setattr(compiling, "BACKEND", "eager")
    spec = fake_spec(architecture="ifrnet", yields_flow=False, timesteps="any")
    monkeypatch.setattr(pipeline.catalog, "find", lambda _name: spec)
    compiling.forget()
    yield
    compiling.forget()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 3)
    return tmp_path / "in"


def run(job, model=None, **options):
    events = []
    engine = Engine(fake_cache(model or Blend()))
    finished = engine.run(job, on_event=events.append, **options)
    return finished, events


def pictures(folder: Path) -> list[list[int]]:
    return [read_png(path).flatten().tolist() for path in sorted(folder.glob("*.png"))]


def test_compiled_job_tells_of_it_once_and_makes_the_same_frames(source, tmp_path):
    finished, events = run(make_job(source, tmp_path / "out", multiplier=4, compiles=True))
    assert finished.frames_made == 6
    stages = [event.message for event in events if isinstance(event, Stage)]
    compiling_stages = [words for words in stages if words.startswith("Compiling")]
    assert len(compiling_stages) == 2, "features and frames, for all six moments"
    assert not [event for event in events if isinstance(event, Notice)]
    run(make_job(source, tmp_path / "plain", multiplier=2))
    every_other = pictures(tmp_path / "out")[::2]
    assert every_other == pictures(tmp_path / "plain")


def test_time_that_compiling_takes_is_not_expected_again(source, tmp_path, monkeypatch):
    now_s = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s[0])

    def slow(graph, _inputs):
        now_s[0] += 60
        return graph.forward

    monkeypatch.setattr(compiling, "BACKEND", slow)

    def note(event):
        now_s[0] += 1
        if isinstance(event, Progress):
            left_s.append(event.seconds_left)

    left_s = []
    job = make_job(source, tmp_path / "out", multiplier=8, compiles=True)
    finished = Engine(fake_cache(Blend())).run(job, on_event=note)
    assert finished.duration_s > 60
    assert all(seconds is None or seconds < 60 for seconds in left_s)


def test_job_can_be_cancelled_before_its_model_is_compiled(source, tmp_path):
    seen = []

    def is_cancelled():
        return any(isinstance(event, Started) for event in seen)

    engine = Engine(fake_cache(Blend()))
    job = make_job(source, tmp_path / "out", compiles=True)
    with pytest.raises(JobCancelledError):
        engine.run(job, on_event=seen.append, is_cancelled=is_cancelled)
    assert "Compiling" not in repr(seen)


def test_frames_made_without_compiling_are_gone_on_from(source, tmp_path):
    plain = make_job(source, tmp_path / "out")
    run(plain)
    (tmp_path / "out" / plain.frame_name(1)).unlink()
    finished, _ = run(dataclasses.replace(plain, compiles=True))
    assert finished.frames_made == 1


def test_model_that_cannot_be_compiled_ends_no_job(source, tmp_path, monkeypatch):
    def fail(_graph, _inputs):
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr(compiling, "BACKEND", fail)
    finished, events = run(make_job(source, tmp_path / "out", multiplier=3, compiles=True))
    assert finished.frames_made == 4
    [notice] = [event.message for event in events if isinstance(event, Notice)]
    assert "No working C++ compiler found" in notice


def batches_of(job, monkeypatch) -> set[int]:
    """Run a job where batches of four may be made; return the sizes of those that were."""
    sizes = set()

    class Noting(Blend):
        def forward(self, frames, features, timesteps, quality):
            if not torch.compiler.is_compiling():
                sizes.add(len(timesteps))
            moment = moments_like(timesteps, frames[0])
            return Interpolation(frames=torch.lerp(*frames, moment))

    monkeypatch.setattr(frame_making.memory, "largest_batch", lambda _device: 4)
    run(job, Noting())
    return sizes


def test_model_that_is_better_not_compiled_makes_batches(source, tmp_path, monkeypatch):
    monkeypatch.setattr(compiling, "why_not", lambda *_: "It is not worth it.")
    job = make_job(source, tmp_path / "out", multiplier=4, compiles=True)
    assert batches_of(job, monkeypatch) == {3}


def test_finished_job_is_not_kept_by_its_compiled_model(source, tmp_path):
    engine = Engine(fake_cache(Blend()))
    engine.run(make_job(source, tmp_path / "out", compiles=True), on_event=lambda _event: None)
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one) is JobModel]


def test_model_that_has_left_a_full_device_is_not_compiled(source, tmp_path, monkeypatch):
    retreat = Retreat(device=torch.device("cpu"), dtype=torch.float32, notice="Going on elsewhere.")
    monkeypatch.setattr(job_model, "retreats_from", lambda *_args, **_options: [retreat])
    cache = fake_cache(Blend())
    wanted, get = [], cache.get

    def get_elsewhere(*arguments, device, compiles, **options):
        wanted.append(compiles)
        if device.index == 0:
            raise torch.cuda.OutOfMemoryError("full")
        return get(*arguments, device=device, compiles=compiles, **options)

    cache.get = get_elsewhere
    job = make_job(source, tmp_path / "out", compiles=True)
    finished = Engine(cache, devices=[torch.device("cpu", 0)]).run(job)
    assert finished.frames_made == 2
    assert wanted == [True, True, False], "there, there again, and elsewhere"
