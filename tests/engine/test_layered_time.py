"""Multilayer jobs with cuts and cycles: passes keep their meaning there, too."""

from __future__ import annotations

import numpy as np
import pytest

from blender_vfi.engine.gaps import fill_job_for_folder
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Found, Notice

from .fake_model import fake_cache
from .moving_model import MovingModel
from .pass_files import HEIGHT, WIDTH, passes_of, read_exr, write_exr, write_shots
from .sequences import make_job, visible_names

pytestmark = pytest.mark.torch

_CRYPTO = [f"ViewLayer.CryptoObject00.{letter}" for letter in "rb"]


def run(source, output, **settings):
    events = []
    job = make_job(source, output, **settings)
    Engine(fake_cache(MovingModel())).run(job, on_event=events.append)
    return [event for event in events if isinstance(event, Found)]


@pytest.fixture
def cut(tmp_path):
    """Two frames of one shot and two of another, whose picture has nothing in common with it."""
    pictures = np.random.default_rng(7).random((2, HEIGHT, WIDTH, 4), np.float32)
    for index in range(4):
        passes = passes_of(index)
        picture = pictures[index // 2].repeat(4, axis=0)[::4]
        picture[..., 3] = 1.0
        passes["Combined"] = ("RGBA", "half", picture)
        write_exr(tmp_path / "in" / f"shot_{index + 1:04d}.exr", {"ViewLayer": passes})
    return tmp_path / "in"


def test_a_cut_is_seen_in_the_combined_pass_and_held(cut, tmp_path):
    [found] = run(cut, tmp_path / "out")
    assert found.cuts == (1,)
    held = (tmp_path / "out" / "shot_0004.exr").read_bytes()
    assert held == (cut / "shot_0002.exr").read_bytes()


def test_a_dissolve_mixes_light_and_no_ids(cut, tmp_path):
    run(cut, tmp_path / "out", cuts="blend")
    made, _ = read_exr(tmp_path / "out" / "shot_0004.exr")
    before, _ = read_exr(cut / "shot_0002.exr")
    after, _ = read_exr(cut / "shot_0003.exr")
    red = "ViewLayer.Combined.R"
    assert np.abs(made[red] - (before[red] + after[red]) / 2).max() < 1e-3
    for channel in (*_CRYPTO, "ViewLayer.Depth.Z", "ViewLayer.Object Index.X"):
        assert made[channel].tobytes() == after[channel].tobytes()


def test_a_cycle_of_passes_goes_on_from_the_last_frame_to_the_first(tmp_path):
    write_shots(tmp_path / "in", 3)
    run(tmp_path / "in", tmp_path / "out", loop=True, cuts="off")
    assert visible_names(tmp_path / "out") == [f"shot_{index:04d}.exr" for index in range(1, 7)]
    made, metadata = read_exr(tmp_path / "out" / "shot_0006.exr")
    ids = {*made[_CRYPTO[0]].ravel().tolist()}
    sources = {
        value
        for path in (tmp_path / "in").glob("*.exr")
        for value in read_exr(path)[0][_CRYPTO[0]].ravel().tolist()
    }
    assert ids <= sources
    assert metadata[0]["cryptomatte/542cafa/name"] == "ViewLayer.CryptoObject"


def test_vectors_in_a_filled_sequence_are_as_long_as_those_of_rendered_frames(tmp_path):
    for number in (1, 3, 5):
        passes = passes_of((number - 1) / 2)
        # a renderer's vectors reach to the next frame of the scene, whatever the step is
        letters, kind, values = passes["Vector"]
        passes["Vector"] = (letters, kind, values / 2)
        write_exr(tmp_path / "in" / f"shot_{number:04d}.exr", {"ViewLayer": passes})
    told = []
    job = fill_job_for_folder(tmp_path / "in", tmp_path / "out", job_id="a", cuts="off")
    Engine(fake_cache(MovingModel())).run(job, on_event=told.append)
    for number in (1, 2, 3, 4):
        channels, _ = read_exr(tmp_path / "out" / f"shot_{number:04d}.exr")
        assert channels["ViewLayer.Vector.X"].min() == -4.0
        assert channels["ViewLayer.Vector.Z"].min() == -4.0
    assert not any("vectors of new frames" in each.message for each in told if type(each) is Notice)
