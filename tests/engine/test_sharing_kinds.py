"""What two devices make of passes, of guided frames, of movies and of drawings that are held."""

from __future__ import annotations

import dataclasses

import pytest

from blender_vfi.engine.confidence import read_confidence
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Finished

from .fake_model import CPU, FakeModel
from .movie_files import make_movie_job, read, write_movie
from .moving_model import MovingModel
from .pass_files import write_shots
from .sequences import make_job, write_sequence
from .test_guided_job import write_frame
from .test_sharing import FIRST, content, engine_of, expected, meeting_models, run

pytestmark = pytest.mark.torch


def test_passes_follow_the_motion_that_either_device_finds(tmp_path):
    write_shots(tmp_path / "in", 6)
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=3, cuts="off")
    alone = dataclasses.replace(job, output_dir=str(tmp_path / "alone"))
    engine_of(MovingModel()).run(alone)
    models = MovingModel(), MovingModel()
    engine_of(*models).run(job)
    assert content(job.output_dir) == content(alone.output_dir)
    assert all(model.calls for model in models)


def test_guided_frames_and_their_figures_are_those_of_one_device(tmp_path):
    for time in range(4):
        write_frame(tmp_path / "in", time)
    made = []
    for devices in ([FIRST, CPU], [CPU]):
        output = tmp_path / f"on_{len(devices)}"
        job = make_job(
            tmp_path / "in",
            output,
            model="guided",
            guided_fill="mix",
            doubt_masks=True,
            cuts="off",
        )
        Engine(devices=devices).run(job)
        frames = {path.name: path.read_bytes() for path in output.glob("*.exr")}
        made.append((frames, content(output / "vfi_doubt"), read_confidence(output)))
    assert len(made[0][0]) == 7
    assert made[0] == made[1]


def test_a_movie_is_read_and_written_as_with_one_device(tmp_path):
    clip = write_movie(tmp_path / "clip.mkv", 10, codec="ffv1", pix_fmt="bgr0")
    job = make_movie_job(
        clip,
        10,
        tmp_path / "out",
        movie=str(tmp_path / "made.mkv"),
        movie_rate=(50, 1),
        codec="ffv1",
    )
    run(job, *meeting_models())
    assert read(tmp_path / "made.mkv", 18).shape == read(clip, 9).shape
    frames = content(job.output_dir)
    del frames[".vfi_movie.json"]
    assert frames == expected(dataclasses.replace(job, movie=None), tmp_path)


def test_held_drawings_are_spread_evenly_by_two_devices_too(tmp_path):
    paths = write_sequence(tmp_path / "in", 12)
    for path, like in zip(paths[1::2], paths[::2], strict=True):
        path.write_bytes(like.read_bytes())
    job = make_job(tmp_path / "in", tmp_path / "out", duplicates="retime", multiplier=3)
    run(job, *meeting_models())
    assert content(job.output_dir) == expected(job, tmp_path)


def test_a_still_scene_asks_neither_device_anything(tmp_path):
    paths = write_sequence(tmp_path / "in", 6)
    for path in paths[1:]:
        path.write_bytes(paths[0].read_bytes())
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=3)
    models = FakeModel(), FakeModel()
    events = run(job, *models)
    assert [model.calls for model in models] == [[], []]
    assert isinstance(events[-1], Finished)
    assert events[-1].frames_made == 10


def test_bad_frames_of_two_devices_are_listed_in_their_order(tmp_path):
    write_sequence(tmp_path / "in", 9)

    def spoilt(model):
        answer = model.forward

        def forward(*arguments):
            made = answer(*arguments)
            made.frames.fill_(float("nan"))
            return made

        model.forward = forward
        return model

    job = make_job(tmp_path / "in", tmp_path / "out", bad_frames="hold")
    events = run(job, *map(spoilt, meeting_models()))
    names = [job.frame_name(index) for index in range(1, 17, 2)]
    assert list(events[-1].bad_frames) == names
