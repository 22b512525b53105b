"""Doubtful frames: they are listed, rendered after all, and what is rendered stays."""

import contextlib
import dataclasses
import hashlib
from pathlib import Path

import bpy
import pytest

from blender_vfi import render_setup
from blender_vfi.doubtful_frames import Budget, DoubtfulRender, list_doubtful
from blender_vfi.engine.confidence import CONFIDENCE_NAME, read_confidence
from blender_vfi.engine.folder_lock import OWNER_NAME, FolderLock
from blender_vfi.engine.job_record import write_record
from blender_vfi.engine.protocol import Run
from blender_vfi.engine.rendered_frames import RENDERED_NAME, read_job, rendered_names
from blender_vfi.errors import JobCancelledError, OutputError
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.render_properties import half_render

from .filled_folder import fill, render_half
from .pass_renders import PassReader
from .small_scene import build

pytestmark = pytest.mark.blender

DOUBTFUL, BETTER = "cube_0004.exr", "cube_0002.exr"
render_doubtful = bpy.ops.render.vfi_render_doubtful


@pytest.fixture
def sources(scene, tmp_path):
    """The rendered half of the small scene."""
    build(scene, tmp_path)
    return render_half(scene)


@pytest.fixture
def filled(sources, tmp_path):
    """The folder of the whole sequence."""
    folder = tmp_path / "filled"
    fill(sources, folder)
    return folder


def prints(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.suffix == ".exr"
    }


def shown(scene) -> list[tuple[int, str, bool]]:
    return [(each.frame, each.file_name, each.is_rendered) for each in half_render(scene).doubtful]


def test_list_has_the_worst_first_and_a_click_goes_to_it(scene, filled):
    assert bpy.ops.render.vfi_list_doubtful(folder=str(filled)) == {"FINISHED"}
    half = half_render(scene)
    assert shown(scene) == [(4, DOUBTFUL, False), (2, BETTER, False)]
    assert half.doubtful[0].confidence == pytest.approx(0.2)
    assert half.doubtful[0].expected_error == pytest.approx(0.1)
    half.doubtful_index = 0
    assert scene.frame_current == 4
    half.doubtful_index = 1
    assert scene.frame_current == 2


def test_the_worst_frame_is_rendered_and_the_others_are_left_byte_for_byte(
    scene, sources, filled, tmp_path
):
    before, rendered = prints(filled), prints(sources[0].parent)
    path, frame = scene.render.filepath, scene.frame_current
    assert render_doubtful(folder=str(filled), frames=1) == {"FINISHED"}
    after = prints(filled)
    assert {name for name in before if before[name] != after[name]} == {DOUBTFUL}
    assert before.keys() == after.keys()
    assert prints(sources[0].parent) == rendered
    assert (scene.render.filepath, scene.frame_current) == (path, frame)

    scene.frame_set(4)
    scene.render.filepath = str(tmp_path / "truth.exr")
    bpy.ops.render.render(write_still=True)
    truth, placed = (
        PassReader(each).pixels("ViewLayer", "Combined", tmp_path / f"{each.stem}_look.exr")
        for each in (tmp_path / "truth.exr", filled / DOUBTFUL)
    )
    assert placed == truth
    assert truth != PassReader(sources[1]).pixels("ViewLayer", "Combined", tmp_path / "other.exr")


def test_rendered_frame_is_sure_and_goes_to_the_end_of_the_list(scene, filled):
    render_doubtful(folder=str(filled), frames=1)
    assert {each.name: each.confidence for each in read_confidence(filled)}[DOUBTFUL] == 1.0
    assert shown(scene) == [(2, BETTER, False), (4, DOUBTFUL, True)]


def test_each_call_goes_on_with_the_next_until_none_is_left(scene, filled):
    half_render(scene).folder = str(filled)
    half_render(scene).most_frames = 1
    for expected in ({DOUBTFUL}, {DOUBTFUL, BETTER}):
        assert render_doubtful() == {"FINISHED"}
        assert rendered_names(filled) == expected
    with pytest.raises(RuntimeError, match="has no frames in doubt"):
        render_doubtful()


def test_no_limit_on_the_frames_renders_all_that_are_in_doubt(scene, filled):
    render_doubtful(folder=str(filled), frames=0)
    assert rendered_names(filled) == {DOUBTFUL, BETTER}


def test_no_frame_begins_after_the_time_is_up(scene, filled, monkeypatch):
    clock = iter(range(0, 10_000, 40))  # every look at the clock is 40 s later
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    render_doubtful(folder=str(filled), minutes=1.0)
    assert rendered_names(filled) == {DOUBTFUL}


def test_sequence_of_the_frames_in_the_same_scene_is_not_what_is_rendered(scene, filled):
    scene.render.use_sequencer = True
    scene.sequence_editor_create()
    before = prints(filled)
    render_doubtful(folder=str(filled), frames=1)
    assert prints(filled)[DOUBTFUL] != before[DOUBTFUL]
    assert scene.render.use_sequencer


def less_passes(scene):
    scene.view_layers[0].use_pass_vector = False


def smaller(scene):
    scene.render.resolution_percentage = 50


@pytest.mark.parametrize("change", [less_passes, smaller])
def test_render_that_is_unlike_the_others_is_not_kept(scene, filled, change):
    change(scene)
    before, path = prints(filled), scene.render.filepath
    with pytest.raises(RuntimeError, match="other passes or another size"):
        render_doubtful(folder=str(filled))
    assert prints(filled) == before
    assert scene.render.filepath == path
    assert not (filled / RENDERED_NAME).exists()


def test_scene_that_writes_another_format_is_told_what_to_do(scene, filled):
    bpy.ops.render.vfi_restore()
    with pytest.raises(RuntimeError, match=r"writes \.png files.*choose Set Up Render"):
        render_doubtful(folder=str(filled))


def test_render_that_fails_leaves_everything_as_it_was(scene, filled):
    scene.camera = None
    before, path = prints(filled), scene.render.filepath
    with pytest.raises(RuntimeError, match="amera"):
        render_doubtful(folder=str(filled))
    assert (prints(filled), scene.render.filepath) == (before, path)


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.WAITING])
def test_folder_that_a_job_writes_into_is_left_alone(scene, sources, tmp_path, state):
    job = fill(sources, tmp_path / "filled")
    queued = QueuedJob(request=Run(job=job), title="cube", state=state)
    jobs.add([queued])
    with pytest.raises(RuntimeError, match="cube is still writing into"):
        render_doubtful(folder=job.output_dir)


def test_folder_of_slowed_frames_is_refused_and_none_of_them_replaced(scene, filled):
    slowed = dataclasses.replace(read_job(filled), multiplier=2, rate_ratio=None, first_number=2)
    write_record(filled, slowed, {}, None, {})
    before = prints(filled)
    with pytest.raises(RuntimeError, match=r"cube_0001\.exr became cube_0002\.exr"):
        render_doubtful(folder=str(filled))
    assert prints(filled) == before
    assert not (filled / RENDERED_NAME).exists()


def test_folder_that_an_engine_holds_is_left_alone(scene, filled):
    before, path = prints(filled), scene.render.filepath
    engine = FolderLock(filled)
    engine.acquire("a job of these frames")
    with pytest.raises(RuntimeError, match=r"is being written to by.*a job of these frames"):
        render_doubtful(folder=str(filled))
    engine.release()
    assert (prints(filled), scene.render.filepath) == (before, path)
    assert render_doubtful(folder=str(filled), frames=1) == {"FINISHED"}


def test_no_engine_gets_the_folder_while_frames_are_rendered(scene, filled):
    work = DoubtfulRender(scene, filled, Budget(frames=1))
    work.begin()
    engine = FolderLock(filled)
    with pytest.raises(OutputError, match="frames in doubt"):
        engine.acquire("a job of these frames")
    work.leave()
    assert not (filled / OWNER_NAME).exists()
    engine.acquire("a job of these frames")
    engine.release()


def test_list_of_a_strip_stays_at_its_frames_when_it_is_read_anew(scene, filled):
    list_doubtful(scene, filled, 20)
    assert bpy.ops.render.vfi_list_doubtful() == {"FINISHED"}
    assert [each[0] for each in shown(scene)] == [24, 22]
    render_doubtful(frames=1)
    assert [each[0] for each in shown(scene)] == [22, 24]


@pytest.mark.parametrize("operator", ["vfi_list_doubtful", "vfi_render_doubtful"])
def test_without_a_folder_there_is_nothing_to_list_or_render(scene, tmp_path, operator):
    with pytest.raises(RuntimeError, match="has no filled frames yet"):
        getattr(bpy.ops.render, operator)()
    with pytest.raises(RuntimeError, match="has no record of a job"):
        getattr(bpy.ops.render, operator)(folder=str(tmp_path))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, "have no figures of confidence.*Switch Motion Blur off"),
        (JobCancelledError("Cancelled."), "has no filled frames yet"),
    ],
)
def test_a_fill_that_leaves_no_figures_leaves_no_list_of_the_job_before(
    scene, filled, engine, monkeypatch, error, said
):
    list_doubtful(scene, filled)
    run = engine.run

    def run_with_record(job, on_event=None):
        finished = run(job, on_event)
        write_record(Path(job.output_dir), job, {}, None, {})
        return finished

    monkeypatch.setattr(engine, "run", run_with_record)
    engine.error = error
    with contextlib.suppress(RuntimeError):
        bpy.ops.render.vfi_fill_rendered()
    assert len(engine.jobs) == 1
    assert not half_render(scene).doubtful
    with pytest.raises(RuntimeError, match=said):
        render_doubtful()


@pytest.mark.parametrize(("is_elsewhere", "listed"), [(True, 0), (False, 2)])
def test_set_up_for_another_output_path_forgets_the_list(
    scene, sources, tmp_path, is_elsewhere, listed
):
    folder = sources[0].parent / "cube_filled_guided"
    fill(sources, folder)
    list_doubtful(scene, folder)
    if is_elsewhere:
        render_setup.restore(scene)
        scene.render.filepath = str(tmp_path / "other" / "cube_")
    render_setup.set_up(scene, step=2)
    assert len(half_render(scene).doubtful) == listed
    assert bool(half_render(scene).folder) == bool(listed)


def test_damaged_figures_are_named(scene, filled):
    (filled / CONFIDENCE_NAME).write_text("{")
    with pytest.raises(RuntimeError, match="cannot be read as figures of confidence"):
        bpy.ops.render.vfi_list_doubtful(folder=str(filled))
