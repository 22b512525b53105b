"""Cyclic sequences: frames from the last to the first, on disk and in memory."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from blender_vfi.engine import api, pipeline
from blender_vfi.engine.pipeline import Engine

from . import fake_jobs
from .fake_jobs import notices_of
from .fake_model import FakeModel, fake_cache, fake_spec
from .sequences import make_job, read_png, visible_names
from .shots import shot, write_frames

pytestmark = pytest.mark.torch


def run(job, model=None):
    finished, events = fake_jobs.run(job, model)
    return finished, notices_of(events)


def frame(folder: Path, number: int) -> np.ndarray:
    return read_png(folder / f"shot_{number:04d}.png").astype(float)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_frames(tmp_path / "in", shot(1, 4))


@pytest.mark.parametrize("multiplier", [2, 3])
def test_n_frames_become_n_times_the_multiplier(source, tmp_path, multiplier):
    out = tmp_path / "out"
    finished, notices = run(make_job(source, out, multiplier=multiplier, loop=True))
    assert len(visible_names(out)) == finished.frames_total == 4 * multiplier
    last, first = frame(source, 4), frame(source, 1)
    for step in range(1, multiplier):
        expected = last * (1 - step / multiplier) + first * step / multiplier
        made = frame(out, 3 * multiplier + 1 + step)
        assert np.abs(made - expected).max() <= 0.51
    assert notices == []


def test_another_picture_at_the_seam_is_no_cut(tmp_path):
    source = write_frames(tmp_path / "in", shot(1, 3) + shot(2, 3))
    finished, _ = run(make_job(source, tmp_path / "out", loop=True))
    assert (finished.frames_total, finished.frames_made) == (12, 5)


def test_a_known_cut_at_the_seam_is_dissolved(source, tmp_path):
    out = tmp_path / "out"
    job = make_job(source, out, loop=True, cuts="blend", cut_pairs=(3,))
    finished, _ = run(job)
    assert (finished.frames_total, finished.frames_made) == (8, 3)
    expected = (frame(source, 4) + frame(source, 1)) / 2
    assert np.abs(frame(out, 8) - expected).max() <= 0.51


def test_a_cycle_that_ends_with_its_first_frame_is_told(tmp_path):
    frames = shot(1, 4)
    source = write_frames(tmp_path / "in", [*frames, frames[0]])
    _, notices = run(make_job(source, tmp_path / "out", loop=True))
    assert notices == [
        "shot_0005.png shows the same as shot_0001.png: in a loop, the picture stands still "
        "there; leave the last frame out, by trimming the strip or in a folder without it."
    ]
    assert run(make_job(source, tmp_path / "straight"))[1] == []


def test_a_model_of_four_frames_sees_around_the_seam(source, tmp_path, monkeypatch):
    spec = fake_spec(context=4, pad_multiple=8)
    monkeypatch.setattr(pipeline.catalog, "find", lambda _name: spec)
    model = FakeModel()
    cache = fake_cache(model)
    load = cache.get
    monkeypatch.setattr(
        cache, "get", lambda _spec, **options: _with_spec(load(_spec, **options), spec)
    )
    Engine(cache).run(make_job(source, tmp_path / "out", loop=True))
    means = [round(float(frame(source, n).mean()) / 255, 3) for n in (1, 2, 3, 4)]
    seen = [tuple(round(mean, 3) for mean in call.means) for call in model.calls]
    order = [(3, 0, 1, 2), (0, 1, 2, 3), (1, 2, 3, 0), (2, 3, 0, 1)]
    for call, indices in zip(seen, order, strict=True):
        assert call == pytest.approx([means[index] for index in indices], abs=0.002)


def test_tensors_loop_too(monkeypatch):
    model = FakeModel()
    monkeypatch.setattr(api, "_MODELS", fake_cache(model))
    frames = torch.rand(3, 16, 16, 3)
    video = api.interpolate(frames, multiplier=2, loop=True, device="cpu")
    assert video.shape == (6, 16, 16, 3)
    assert torch.allclose(video[5], (frames[2] + frames[0]) / 2, atol=1e-5)


def _with_spec(loaded, spec):
    return dataclasses.replace(loaded, spec=spec)
