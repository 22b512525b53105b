"""Where nothing moves, new frames are what the source frames are, to the last bit."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from blender_vfi.engine import api, images
from blender_vfi.engine.pipeline import Engine

from .fake_model import FakeModel, PictureModel, fake_cache, fake_spec
from .image_files import random_codes, random_floats, save
from .pass_files import read_exr, write_shots
from .sequences import make_job

pytestmark = pytest.mark.torch

KINDS = ["8-bit", "8-bit alpha", "16-bit", "16-bit alpha", "half", "half alpha", "float alpha"]


def write_still(folder, kind):
    """Write three files with one picture; return it as it was written."""
    channels = 4 if kind.endswith("alpha") else 3
    bits = kind.partition(" ")[0]
    suffix = ".png" if "bit" in bits else ".exr"
    if "bit" in bits:
        native = random_codes(int(bits[:-4]), channels, size=(70, 66))
    else:
        native = random_floats(channels, np.float16 if bits == "half" else np.float32, (70, 66))
        native[10:20, 10:20] = 100.0
        if channels == 4:
            native[..., 3] = native[..., 3].clip(0, 1)
    folder.mkdir()
    for number in (1, 2, 3):
        save(folder / f"f_{number:04d}{suffix}", native)
    return images.read_frame(folder / f"f_0001{suffix}").pixels, suffix


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_model_changes_nothing_in_a_still_scene(tmp_path, checkpoint_folder, kind):
    seen, suffix = write_still(tmp_path / "in", kind)
    Engine().run(make_job(tmp_path / "in", tmp_path / "out", multiplier=3))
    for number in range(1, 8):
        made = images.read_frame(tmp_path / "out" / f"f_{number:04d}{suffix}").pixels
        is_seen = np.ones_like(made, bool)
        if kind.endswith("bit alpha"):  # colour that no alpha shows may go
            is_seen[..., :3] = seen[..., 3:] > 0
        assert np.array_equal(made[is_seen], seen[is_seen])


@pytest.mark.parametrize("timesteps", ["any", "middle", "recursive", "fixed"])
def test_no_model_is_asked_where_nothing_moves(tmp_path, timesteps, monkeypatch):
    spec = fake_spec(timesteps=timesteps, fixed_multiplier=4)
    monkeypatch.setattr("blender_vfi.engine.pipeline.catalog.find", lambda _name: spec)
    write_still(tmp_path / "in", "8-bit")
    moved = images.read_frame(tmp_path / "in" / "f_0003.png").pixels[::-1]
    save(tmp_path / "in" / "f_0003.png", np.rint(moved * 255).astype(np.uint8))
    model = FakeModel()
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=2, cuts="off")
    Engine(fake_cache(model)).run(job)
    assert len(model.calls) == 1, "the second pair is one of two pictures"


def test_models_of_pictures_alone_leave_a_still_scene_alone_too(monkeypatch):
    monkeypatch.setattr(api, "_MODELS", fake_cache(PictureModel()))
    frame = torch.rand(1, 40, 40, 4)
    made = api.interpolate(frame.repeat(2, 1, 1, 1), multiplier=4, device="cpu")
    assert (made - frame).abs().max() < 1e-6


def test_what_the_caller_gets_is_no_view_of_what_it_gave(monkeypatch):
    monkeypatch.setattr(api, "_MODELS", fake_cache(FakeModel()))
    frames = torch.rand(1, 40, 40, 3).repeat(2, 1, 1, 1)
    made = api.interpolate(frames, device="cpu")
    before = frames.clone()
    made.zero_()
    assert torch.equal(frames, before)


def test_every_pass_of_a_still_scene_stays(tmp_path):
    write_shots(tmp_path / "in", 1)
    shutil.copy(tmp_path / "in" / "shot_0001.exr", tmp_path / "in" / "shot_0002.exr")
    model = FakeModel()
    Engine(fake_cache(model)).run(make_job(tmp_path / "in", tmp_path / "out"))
    assert model.calls == []
    made, _ = read_exr(tmp_path / "out" / "shot_0002.exr")
    source, _ = read_exr(tmp_path / "in" / "shot_0001.exr")
    for name, values in source.items():
        if ".Vector." not in name:  # as long as the new frames are apart
            assert made[name].tobytes() == values.tobytes()
