"""Jobs with the render-guided model, from files to files, without weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blender_vfi.engine import guided_job
from blender_vfi.engine.confidence import CONFIDENCE_NAME, read_confidence
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.gaps import fill_job_for_folder
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Notice
from tools.quality import read_picture

from .fake_jobs import notices_of
from .pass_files import read_exr, write_exr
from .rendered_planes import HEIGHT, WIDTH, Scene

pytestmark = pytest.mark.torch

SCENE = Scene(square_speed=(3.0, 1.0), ground_speed=(0.5, 0.0))


def write_frame(
    folder, time, *, number=None, with_vectors=True, is_blurred=False, scene=SCENE, brighter=0.0
):
    def rows(values):
        return np.ascontiguousarray(values[0].permute(1, 2, 0).numpy())

    passes = {
        "Combined": ("RGBA", "float", rows(scene.colour(time) + brighter * time)),
        "Depth": ("Z", "float", rows(scene.depth(time))),
    }
    if with_vectors:
        vectors = scene.vectors(time)
        # renderers that blur write none
        passes["Vector"] = ("XYZW", "float", rows(vectors * 0 if is_blurred else vectors))
    return write_exr(folder / f"shot_{number or time + 1:04d}.exr", {"ViewLayer": passes})


def fill(tmp_path, times=(0, 2, 4), *, settings=None, **options):
    for time in times:
        write_frame(tmp_path / "kept", time, **options)
    told = []
    job = fill_job_for_folder(
        tmp_path / "kept",
        tmp_path / "made",
        job_id="a",
        device="cpu",
        model="guided",
        guided_fill="mix",
        cuts="off",
        **(settings or {}),
    )
    Engine().run(job, on_event=told.append)
    return tmp_path / "made", notices_of(told)


def channel(path, name):
    return read_exr(path)[0][f"ViewLayer.{name}"]


def inner(values):
    return values[3 : HEIGHT - 3, 6 : WIDTH - 6]


@pytest.mark.parametrize("times", [(0, 2, 4), (0, 3)], ids=["one of two", "two of three"])
def test_missing_frames_are_moved_by_the_vectors_of_those_around(tmp_path, times):
    made, _notices = fill(tmp_path, times)
    for time in sorted(set(range(times[-1])) - set(times)):
        path = made / f"shot_{time + 1:04d}.exr"
        truth = SCENE.colour(time)[0]
        for index, letter in enumerate("RGB"):
            error = np.abs(inner(channel(path, f"Combined.{letter}") - truth[index].numpy()))
            assert error.mean() < 0.004
        depth = channel(path, "Depth.Z") - SCENE.depth(time)[0, 0].numpy()
        assert (np.abs(inner(depth)) > 0.1).mean() < 0.02


def test_vectors_of_new_frames_reach_to_the_next_of_all_frames(tmp_path):
    made, notices = fill(tmp_path)
    assert notices == []  # those of the rendered frames reach there, too
    truth = SCENE.vectors(1)[0].numpy()
    for index, letter in enumerate("XYZW"):
        error = inner(channel(made / "shot_0002.exr", f"Vector.{letter}") - truth[index])
        assert np.median(np.abs(error)) < 0.01


def test_frames_that_were_numbered_anew_are_known_by_what_their_vectors_find(tmp_path):
    for number, time in enumerate((0, 2, 4), start=1):
        write_frame(tmp_path / "kept", time, number=number)
    job = job_for_folder(
        tmp_path / "kept",
        tmp_path / "made",
        job_id="a",
        device="cpu",
        model="guided",
        guided_fill="mix",
        cuts="off",
    )
    told = []
    Engine().run(job, on_event=told.append)
    assert any("Vector: vectors of new" in each.message for each in told if type(each) is Notice)
    for number, time in ((2, 1), (4, 3)):
        truth = SCENE.colour(time)[0]
        made = channel(tmp_path / "made" / f"shot_{number:04d}.exr", "Combined.R")
        assert np.abs(inner(made - truth[0].numpy())).mean() < 0.004


def test_each_new_frame_has_a_figure_of_confidence(tmp_path):
    made, _notices = fill(tmp_path)
    figures = read_confidence(made)
    assert [(each.number, each.name) for each in figures] == [
        (2, "shot_0002.exr"),
        (4, "shot_0004.exr"),
    ]
    assert all(0 < each.confidence < 1 for each in figures)


def test_masks_of_doubt_are_brighter_where_nobody_has_seen(tmp_path):
    made, _notices = fill(tmp_path, settings={"doubt_masks": True})
    masks = sorted((made / "vfi_doubt").iterdir())
    assert [path.name for path in masks] == ["shot_0002.png", "shot_0004.png"]
    mask = read_picture(masks[0])[..., 0]
    assert mask.shape == (HEIGHT, WIDTH)
    middle = mask[20:28, 40:60]
    assert middle.max() < mask.max()


def test_frames_without_vectors_are_made_by_the_network_alone_and_that_is_told(tmp_path):
    made, notices = fill(tmp_path, with_vectors=False)
    assert any("no Vector and Depth passes" in text for text in notices)
    assert (made / "shot_0002.exr").exists()
    assert read_confidence(made) == ()


def test_vectors_of_zero_in_frames_that_move_are_told_once_and_not_followed(tmp_path):
    made, notices = fill(tmp_path, is_blurred=True)
    [told] = [text for text in notices if "was Motion Blur on?" in text]
    assert told.startswith("shot_0002.exr: all vectors of the frames around it are zero")
    assert (made / "shot_0004.exr").exists()
    assert read_confidence(made) == ()


def test_vectors_of_zero_in_a_scene_that_stands_still_are_believed(tmp_path):
    still = Scene(square_speed=(0.0, 0.0))
    made, notices = fill(tmp_path, scene=still, brighter=0.002)
    assert notices == []
    assert [each.confidence > 0.5 for each in read_confidence(made)] == [True, True]


@pytest.fixture
def job(tmp_path):
    for time in (0, 2):
        write_frame(tmp_path / "kept", time)
    return fill_job_for_folder(tmp_path / "kept", tmp_path / "made", job_id="a", model="guided")


def doubt(guided, job, output_index, expected_error=0.5):
    """Let a frame be made, and written."""
    guided.guidance.on_error(output_index, expected_error, None)
    path = Path(job.output_dir) / job.frame_name(output_index)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")


def test_figures_are_written_now_and_then_and_all_of_them_at_the_end(job, monkeypatch):
    stored = []
    store = guided_job.store_figures
    monkeypatch.setattr(
        guided_job, "store_figures", lambda *found: (stored.append(len(found[1])), store(*found))
    )
    guided = guided_job.GuidedJob(job, Path(job.output_dir))
    with guided.kept([]):
        for output_index in range(200):
            doubt(guided, job, output_index)
            guided.save()
        assert len(stored) < 20
    assert stored[-1] == len(read_confidence(Path(job.output_dir))) == 200
    assert "200 of 200 new frames are in doubt" in guided.summary()


def test_job_that_fails_keeps_the_figures_of_its_frames(job):
    guided = guided_job.GuidedJob(job, Path(job.output_dir))

    def fail():
        with guided.kept([]):
            guided.save()
            doubt(guided, job, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [each.name for each in read_confidence(Path(job.output_dir))] == [job.frame_name(1)]


def test_frames_that_stand_in_for_others_have_no_figures(job):
    folder, bad = Path(job.output_dir), []
    for known_before in (True, False):
        guided = guided_job.GuidedJob(job, folder)
        with guided.kept(bad):
            for output_index in (1, 2):
                doubt(guided, job, output_index, 0.0)
            if not known_before:
                bad.append(job.frame_name(2))
        kept = {each.name for each in read_confidence(folder)}
        assert (job.frame_name(2) in kept) == known_before
        assert job.frame_name(1) in kept


def test_damaged_figures_of_before_do_not_fail_a_job(job):
    folder = Path(job.output_dir)
    folder.mkdir()
    (folder / CONFIDENCE_NAME).write_text("{")
    guided = guided_job.GuidedJob(job, folder)
    with guided.kept([]):
        pass
    assert guided.summary() is None, "another model has no figures"
    with guided.kept([]):
        doubt(guided, job, 1)
    assert len(read_confidence(folder)) == 1
