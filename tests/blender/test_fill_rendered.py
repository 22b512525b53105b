"""Fill Rendered Frames: what the scene has rendered is found, filled, shown and told of."""

import re
from pathlib import Path

import bpy
import pytest

from blender_vfi import job_runner, render_setup, vse
from blender_vfi.engine.confidence import FrameConfidence, write_confidence
from blender_vfi.engine.protocol import Found
from blender_vfi.engine.schedule import Hold
from blender_vfi.job_queue import JobState, jobs
from blender_vfi.render_fill import prepare_rendered
from blender_vfi.render_properties import half_render
from blender_vfi.strip_fill import prepare_fill
from blender_vfi.ui import texts

from .filled_folder import render_half
from .fixtures import shown
from .frame_files import write_png
from .small_scene import build

pytestmark = pytest.mark.blender

fill = bpy.ops.render.vfi_fill_rendered


@pytest.fixture
def rendered(scene, tmp_path):
    """The folder of the rendered half of the small scene."""
    build(scene, tmp_path)
    return render_half(scene)[0].parent


@pytest.fixture
def numbered(scene, tmp_path):
    """Let PNG frames of these numbers lie where the scene would have rendered them."""

    def write(*numbers: int, end: int = 9) -> Path:
        scene.render.filepath = f"{tmp_path}/out/shot_####"
        scene.frame_end = end
        for number in numbers:
            write_png(tmp_path / "out" / f"shot_{number:04d}.png", number)
        return tmp_path / "out"

    return write


def names(*numbers: int) -> list[str]:
    return [f"shot_{number:04d}.png" for number in numbers]


def test_frames_with_vectors_and_depth_are_filled_by_the_model_that_these_guide(
    scene, rendered, engine
):
    scene.blender_vfi.model, scene.blender_vfi.checkpoint = "rife-4.6", "/somewhere/else.pkl"
    assert fill() == {"FINISHED"}
    [job] = engine.jobs
    assert (job.model, job.checkpoint, job.multiplier) == ("guided", None, (2, 2))
    assert (job.first_number, job.suffix) == (1, ".exr")
    assert [Path(source).parent for source in job.sources] == [rendered] * 3
    assert Path(job.output_dir) == rendered / "cube_filled_guided"
    assert scene.blender_vfi.model == "rife-4.6"


def test_sources_are_untouched_and_the_whole_sequence_lies_beside_them(scene, rendered, engine):
    before = {path.name: path.read_bytes() for path in rendered.iterdir()}
    fill()
    after = {path.name: path.read_bytes() for path in rendered.iterdir() if path.is_file()}
    assert after == before
    made = rendered / "cube_filled_guided"
    assert sorted(path.name for path in made.iterdir()) == [
        f"cube_{number:04d}.exr" for number in range(1, 6)
    ]
    for name, content in before.items():
        assert (made / name).read_bytes() == content


def test_a_model_that_is_asked_for_is_taken(scene, rendered, engine):
    fill(model="rife-4.6")
    assert engine.jobs[-1].model == "rife-4.6"


def test_frames_without_vectors_are_filled_by_the_scene_s_model_and_that_is_said(
    scene, numbered, engine
):
    numbered(1, 3, 5)
    job = prepare_rendered(scene, scene.blender_vfi, chooses_model=True, adds_strip=False)
    assert job.request.job.model == "rife-4.25"
    assert "shot_0001.png has no vectors and depth" in job.notices[0]


@pytest.mark.parametrize(
    ("numbers", "steps"), [((1, 3, 5), (2, 2)), ((1, 4, 7), (3, 3)), ((2, 3, 7, 9), (1, 4, 2))]
)
def test_steps_are_those_of_the_numbers(scene, numbered, engine, numbers, steps):
    numbered(*numbers)
    fill()
    assert engine.jobs[-1].multiplier == steps
    assert engine.jobs[-1].first_number == numbers[0]


@pytest.mark.parametrize(
    ("change", "pairs"), [(3, (0,)), (4, (1,)), (5, (1,)), (1, None), (2, (0,)), (8, None)]
)
def test_nothing_is_guided_across_another_camera(scene, numbered, engine, change, pairs):
    numbered(1, 3, 5, end=5)
    for frame, name in ((0, "One"), (change, "Other")):
        camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        scene.timeline_markers.new(name, frame=frame).camera = camera
    fill()
    job = engine.jobs[-1]
    assert job.cut_pairs == pairs
    held = [at for at, output in enumerate(job.plan().outputs) if isinstance(output, Hold)]
    assert held == [2 * pair + 1 for pair in pairs or ()]


def test_cameras_do_not_matter_where_cuts_are_not_asked_for(scene, numbered, engine):
    scene.blender_vfi.cuts = "OFF"
    numbered(1, 3, end=3)
    for frame in (1, 2):
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.timeline_markers.new("Marker", frame=frame).camera = camera
    fill()
    assert engine.jobs[-1].cut_pairs is None


def test_frames_beyond_the_range_and_empty_files_do_not_count(scene, numbered, engine):
    folder = numbered(1, 3, 5, 7, 9, end=5)
    (folder / "shot_0004.png").touch()  # a placeholder of a render that was stopped
    fill()
    assert [Path(source).name for source in engine.jobs[-1].sources] == names(1, 3, 5)


def test_frames_outside_of_the_rendered_ones_are_told_of(scene, numbered, engine):
    numbered(3, 5)
    settings = scene.blender_vfi
    job = prepare_rendered(scene, settings, chooses_model=False, adds_strip=False)
    assert any("Frames 3 to 5 lie between rendered ones" in notice for notice in job.notices)


def test_nothing_rendered_yet_says_where_it_was_looked_for(scene, numbered):
    numbered()
    with pytest.raises(RuntimeError, match=r"rendered nothing yet.*out/shot_0001\.png"):
        fill()


@pytest.mark.parametrize("step", [2, 4])
def test_frames_of_a_render_whose_settings_are_restored_are_named(scene, tmp_path, engine, step):
    build(scene, tmp_path)
    render_setup.set_up(scene, step=step)
    bpy.ops.render.render(animation=True)
    render_setup.restore(scene)
    folder = re.escape(str(tmp_path / f"cube_step{step}"))
    with pytest.raises(RuntimeError, match=f"frames lie in {folder}.* step of {step} again"):
        fill()
    bpy.ops.render.vfi_setup(step=str(step))
    assert fill() == {"FINISHED"}


def test_output_path_beside_a_file_that_was_never_saved_is_refused(scene):
    scene.render.filepath = "//frames/"
    with pytest.raises(RuntimeError, match="never saved"):
        fill()


def test_strip_is_added_at_the_frames_own_numbers_only_where_it_is_asked_for(
    scene, numbered, engine
):
    folder = numbered(3, 5, 7)
    fill()
    assert len(vse.all_strips(scene)) == 0
    fill(adds_strip=True)
    [strip] = vse.all_strips(scene)
    look = shown(strip)
    assert (look.left, look.right, look.files) == (3, 8, names(3, 4, 5, 6, 7))
    assert Path(bpy.path.abspath(strip.directory)) == folder / "shot_filled"


def test_the_strip_of_these_frames_is_used_again(scene, numbered, engine):
    half_render(scene).adds_strip = True
    numbered(1, 3)
    fill()
    numbered(5, 7)
    fill()
    [strip] = vse.all_strips(scene)
    assert shown(strip).files == names(1, 2, 3, 4, 5, 6, 7)


def test_a_scene_that_would_render_its_strip_from_now_on_is_told_so(scene, numbered, engine):
    numbered(1, 3)
    job = prepare_rendered(scene, scene.blender_vfi, chooses_model=False, adds_strip=True)
    engine.make_frames(job.request.job)
    assert any("renders its Sequencer now" in notice for notice in job_runner.place(job).notices)
    scene.render.use_sequencer = False
    assert job_runner.place(job).notices == ()


@pytest.fixture
def shown_fill(scene, rendered, engine):
    """The strip that shows the filled frames of the scene, which is still set up."""
    fill(adds_strip=True)
    [strip] = vse.all_strips(scene)
    return strip


def renders_of_the_sequencer(scene, setup_again: bool, capsys) -> tuple[bool, str]:
    """Restore the settings; tell whether a render takes the Sequencer then, and what was said."""
    if setup_again:
        bpy.ops.render.vfi_setup(step="3")
    capsys.readouterr()
    bpy.ops.render.vfi_restore()
    return scene.render.use_sequencer, capsys.readouterr().out


@pytest.mark.parametrize("setup_again", [False, True])
def test_restore_lets_no_render_take_the_strip_of_filled_frames(
    scene, shown_fill, capsys, setup_again
):
    is_on, said = renders_of_the_sequencer(scene, setup_again, capsys)
    assert not is_on
    assert f"would take strip '{shown_fill.name}'" in said


def test_a_strip_that_was_there_and_shows_the_filled_frames_is_no_render_either(
    scene, rendered, engine
):
    made = prepare_rendered(scene, scene.blender_vfi, chooses_model=True, adds_strip=True)
    folder = made.request.job.output_dir
    vse.new_image_strip(
        vse.root_strips(scene), name="own", folder=folder, filenames=["a"], channel=1, start=1
    )
    fill(adds_strip=True)
    [notice] = render_setup.restore(scene)
    assert "'own'" in notice


@pytest.mark.parametrize("setup_again", [False, True])
def test_restore_switches_the_sequencer_on_where_that_strip_is_muted(
    scene, shown_fill, capsys, setup_again
):
    shown_fill.mute = True
    assert renders_of_the_sequencer(scene, setup_again, capsys)[0]


def test_restore_leaves_the_sequencer_on_where_somebody_has_switched_it_on(scene, shown_fill):
    scene.render.use_sequencer = True
    assert render_setup.restore(scene) == []
    assert scene.render.use_sequencer


def test_setup_keeps_in_mind_that_the_sequencer_was_on(scene, shown_fill):
    render_setup.set_up(scene, step=4)
    vse.root_strips(scene).remove(shown_fill)
    assert render_setup.restore(scene) == []
    assert scene.render.use_sequencer


def figures(folder: Path, **errors: float) -> None:
    write_confidence(
        folder,
        [
            FrameConfidence(
                number=int(name[-1]), name=f"{name}.png", confidence=0.5, expected_error=error
            )
            for name, error in errors.items()
        ],
    )


def test_figures_of_a_finished_job_are_listed(scene, numbered, engine):
    folder = numbered(1, 3, 5)
    job = prepare_rendered(scene, scene.blender_vfi, chooses_model=False, adds_strip=False)
    jobs.add([job])
    job_runner.tick(bpy.context)
    finished = engine.make_frames(engine.jobs[-1])
    figures(folder / "shot_filled", shot_0002=0.01, shot_0004=0.02)
    engine.events = [Found(job_id=job.job_id, cuts=(1,), cut_numbers=(5,)), finished]
    job_runner.tick(bpy.context)
    assert job.state is JobState.FINISHED
    assert "Frames of scene 'Scene' are whole" in job.message
    assert [item.frame for item in half_render(scene).doubtful] == [4, 2]
    assert half_render(scene).folder == str(folder / "shot_filled")
    assert texts.found_texts(job) == ["1 cut, at frame 5"]


def test_figures_of_a_filled_strip_go_by_the_timeline(scene, numbered, engine, monkeypatch):
    folder = numbered(3, 5)
    vse.new_image_strip(
        vse.root_strips(scene),
        name="shot",
        folder=str(folder),
        filenames=names(3, 5),
        channel=1,
        start=101,
    )
    run = engine.run

    def run_with_figures(job, on_event=None):
        finished = run(job, on_event)
        figures(Path(job.output_dir), shot_0004=0.02)
        return finished

    monkeypatch.setattr(engine, "run", run_with_figures)
    bpy.ops.sequencer.vfi_fill_gaps(strip_name="shot")
    [item] = half_render(scene).doubtful
    assert (item.frame, item.file_name) == (102, "shot_0004.png")


def test_strip_with_vectors_that_another_model_fills_is_told_of_the_guided_one(
    scene, rendered, engine
):
    strip = vse.new_image_strip(
        vse.root_strips(scene),
        name="cube",
        folder=str(rendered),
        filenames=[f"cube_{number:04d}.exr" for number in (1, 3, 5)],
        channel=1,
        start=1,
    )
    settings = scene.blender_vfi
    assert "the model Guided by Passes" in prepare_fill(scene, strip, settings).notices[-1]
    settings.model = "guided"
    job = prepare_fill(scene, strip, settings)
    assert len(job.notices) == 1
    assert job.request.job.multiplier == (2, 2)


def test_damaged_figures_do_not_fail_a_finished_job(scene, numbered, engine):
    numbered(1, 3)
    job = prepare_rendered(scene, scene.blender_vfi, chooses_model=False, adds_strip=False)
    engine.make_frames(job.request.job)
    (Path(job.output_dir) / "vfi_confidence.json").write_text("{")
    [notice] = job_runner.place(job).notices
    assert "cannot be read as figures of confidence" in notice
