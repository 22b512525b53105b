"""Fill Missing Frames: the strip shows the whole sequence, and everything about it stays."""

from pathlib import Path

import bpy
import pytest

from blender_vfi import job_runner, vse
from blender_vfi.engine.protocol import Finished
from blender_vfi.job_queue import JobState, jobs
from blender_vfi.strip_fill import prepare_fill

from .fixtures import shown
from .frame_files import write_png

pytestmark = pytest.mark.blender

fill = bpy.ops.sequencer.vfi_fill_gaps


@pytest.fixture
def add_gappy(scene, tmp_path):
    """Add a strip of frames with these numbers."""

    def add(*numbers: int, missing: tuple[int, ...] = (), start: int = 1, channel: int = 1):
        listed = sorted({*numbers, *missing})
        for number in numbers:
            write_png(tmp_path / "shot" / f"shot_{number:04d}.png", number)
        return vse.new_image_strip(
            vse.root_strips(scene),
            name="shot",
            folder=str(tmp_path / "shot"),
            filenames=[f"shot_{number:04d}.png" for number in listed],
            channel=channel,
            start=start,
        )

    return add


def names(first: int, last: int) -> list[str]:
    return [f"shot_{number:04d}.png" for number in range(first, last + 1)]


def test_the_strip_becomes_as_long_as_its_sequence_and_shows_it(scene, add_gappy, engine, tmp_path):
    strip = add_gappy(3, 4, 6, 7, 10, start=11)
    strip.blend_alpha = 0.5
    assert fill() == {"FINISHED"}
    [strip] = (
        scene.sequence_editor.strips_all
        if hasattr(scene.sequence_editor, "strips_all")
        else scene.sequence_editor.sequences_all
    )
    look = shown(strip)
    assert (strip.name, look.left, look.right, look.files) == ("shot", 11, 19, names(3, 10))
    assert Path(bpy.path.abspath(strip.directory)) == tmp_path / "shot" / "shot_filled"
    assert strip.blend_alpha == pytest.approx(0.5)
    job = engine.jobs[-1]
    assert [Path(source).name for source in job.sources] == [
        f"shot_{number:04d}.png" for number in (3, 4, 6, 7, 10)
    ]
    assert sorted(path.name for path in (tmp_path / "shot" / "shot_filled").iterdir()) == names(
        3, 10
    )


def test_sources_stay_as_they_are(add_gappy, engine, tmp_path):
    add_gappy(1, 3)
    before = {path.name: path.read_bytes() for path in (tmp_path / "shot").glob("*.png")}
    fill()
    assert {path.name: path.read_bytes() for path in (tmp_path / "shot").glob("*.png")} == before


def test_elements_whose_files_are_lost_are_filled_in_place(scene, add_gappy, engine):
    strip = add_gappy(1, 2, 4, 5, missing=(3,))
    fill()
    look = shown(strip)
    assert (look.left, look.right, look.files) == (1, 6, names(1, 5))


def test_what_handles_hide_is_not_filled_and_held_frames_stay(scene, add_gappy, engine):
    strip = add_gappy(1, 3, 5, 7, 9, start=10)
    vse.set_strip_times(strip, vse.StripTimes(10, 11, 18))  # frames 3 to 9, and 3 more of the last
    fill()
    look = shown(strip)
    assert (look.left, look.right) == (11, 21)
    assert look.files == [*names(3, 9), *names(9, 9) * 3]


def test_a_strip_in_the_way_is_not_overlapped(scene, add_gappy, add_effect, engine):
    strip = add_gappy(1, 3, 5)
    add_effect("next", "COLOR", 1, 4, 10)
    fill(strip_name="shot")
    assert vse.strip_times(vse.find_strip(scene, "next")).left == 4
    assert vse.find_strip(scene, "next").channel == 1
    assert strip.channel == 2
    assert shown(strip).files == names(1, 5)


def test_an_effect_keeps_its_input(scene, add_gappy, engine):
    strip = add_gappy(1, 3)
    is_old = bpy.app.version < (4, 5, 0)
    inputs = {"seq1": strip} if is_old else {"input1": strip}
    length = {"frame_end": 3} if bpy.app.version < (5, 0, 0) else {"length": 2}
    blur = vse.root_strips(scene).new_effect("blur", "GAUSSIAN_BLUR", 2, 1, **length, **inputs)
    fill(strip_name="shot")
    assert blur.input_1.name == "shot"
    assert shown(vse.find_strip(scene, "shot")).files == names(1, 3)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [((1, 2, 3), "No frame is missing from shot_0001.png"), ((1,), "at least 2 are needed")],
)
def test_nothing_to_fill_is_an_error(add_gappy, engine, numbers, message):
    add_gappy(*numbers)
    with pytest.raises(RuntimeError, match=message):
        fill()
    assert engine.jobs == []


def test_unnumbered_files_are_an_error(scene, engine, tmp_path):
    files = [write_png(tmp_path / name, 50) for name in ("one.png", "two.png")]
    vse.new_image_strip(
        vse.root_strips(scene),
        name="scan",
        folder=str(tmp_path),
        filenames=[file.name for file in files],
        channel=1,
        start=1,
    )
    with pytest.raises(RuntimeError, match=r"one\.png has no number at the end"):
        fill()


def test_the_scene_s_settings_say_how_and_not_how_many(scene, add_gappy, engine, tmp_path):
    add_gappy(1, 4)
    settings = scene.blender_vfi
    settings.multiplier, settings.model, settings.cuts = 8, "rife-4.6", "BLEND"
    settings.output_dir, settings.flow_scale = str(tmp_path / "whole"), "0.5"
    settings.skip_pairs, settings.timing = "0", "SLOW_MOTION"
    fill()
    job = engine.jobs[-1]
    assert (job.model, job.cuts, job.flow_scale) == ("rife-4.6", "blend", 0.5)
    assert (job.multiplier, job.skip_pairs, job.output_dir) == ((3,), None, str(tmp_path / "whole"))


def test_from_the_queue_the_strip_is_filled_too(scene, add_gappy, engine):
    strip = add_gappy(1, 3)

    job = prepare_fill(scene, strip, scene.blender_vfi)
    jobs.add([job])
    job_runner.tick(bpy.context)
    finished: Finished = engine.make_frames(engine.jobs[-1])
    engine.events = [finished]
    job_runner.tick(bpy.context)
    assert job.state is JobState.FINISHED
    assert "Missing in strip 'shot': 2" in job.notices[0]
    assert shown(vse.find_strip(scene, "shot")).files == names(1, 3)
