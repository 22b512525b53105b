from pathlib import Path

import bpy
import pytest

from blender_vfi import vse
from blender_vfi.engine.protocol import OUTPUT_SUFFIXES, PRECISIONS, Fetch
from blender_vfi.errors import DeviceError, JobCancelledError
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.models import catalog

from .frame_files import write_png

pytestmark = pytest.mark.blender

interpolate_strip = bpy.ops.sequencer.vfi_interpolate


def test_a_script_gets_defaults_that_need_no_thought(add_strip, interpolate, tmp_path):
    add_strip(3)
    job = interpolate()
    assert job.sources == tuple(str(tmp_path / "shot" / f"shot_000{n}.png") for n in (1, 2, 3))
    assert job.output_dir == str(tmp_path / "shot" / "shot_x2")
    assert (job.name_prefix, job.suffix, job.multiplier) == ("shot_", ".png", 2)
    assert (job.model, job.checkpoint) == (catalog.DEFAULT_MODEL, None)
    assert (job.skip_pairs, job.keep_pairs, job.hold_skipped) == (None, None, True)
    assert (job.device, job.precision, job.flow_scale) == ("auto", "auto", 1.0)
    assert (job.ensemble, job.clear_cache_every, job.overwrite) == (False, 10, False)


def test_every_setting_reaches_the_job(add_strip, interpolate, tmp_path):
    add_strip(6)
    job = interpolate(
        model="rife-4.6",
        checkpoint=str(tmp_path / "weights.pkl"),
        multiplier=5,
        skip_pairs="0, 2-3",
        timing="SLOW_MOTION",
        output_dir=str(tmp_path / "out"),
        output_format="EXR",
        device="cuda:1",
        precision="fp32",
        flow_scale="0.5",
        ensemble=True,
        compiles=True,
        clear_cache_every=3,
        overwrite=True,
    )
    assert (job.model, job.checkpoint) == ("rife-4.6", str(tmp_path / "weights.pkl"))
    assert (job.multiplier, job.skip_pairs, job.hold_skipped) == (5, (0, 2, 3), False)
    assert (job.output_dir, job.suffix) == (str(tmp_path / "out"), ".exr")
    assert (job.device, job.precision, job.flow_scale) == ("cuda:1", "fp32", 0.5)
    assert (job.ensemble, job.clear_cache_every, job.overwrite) == (True, 3, True)
    assert job.compiles


def test_every_model_precision_and_format_can_be_chosen():
    properties = interpolate_strip.get_rna_type().properties
    choices = {
        name: set(properties[name].enum_items.keys())
        for name in ("model", "precision", "output_format")
    }
    assert choices["model"] == {spec.name for spec in catalog.CATALOG}
    assert choices["precision"] == set(PRECISIONS)
    assert len(choices["output_format"]) == 1 + len(OUTPUT_SUFFIXES)


def test_no_setting_is_remembered_for_the_next_strip():
    properties = interpolate_strip.get_rna_type().properties
    assert all(each.is_skip_save for each in properties if each.identifier != "rna_type")


@pytest.mark.parametrize("multiplier", [-1, 0, 1, 10_000])
def test_a_multiplier_out_of_range_is_refused_and_not_bent(add_strip, engine, multiplier):
    add_strip(3)
    with pytest.raises(RuntimeError, match=f"Multiplier {multiplier}: must be a whole number"):
        interpolate_strip(multiplier=multiplier)
    assert engine.jobs == []


def test_a_broken_multiplier_is_refused(add_strip, engine):
    add_strip(3)
    with pytest.raises(TypeError, match="multiplier"):
        interpolate_strip(multiplier=1.5)
    assert engine.jobs == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"skip_pairs": "two"}, "Pair 'two'"),
        ({"skip_pairs": "9"}, "Pair 9: 3 frames have the pairs 0 to 1"),
        ({"skip_pairs": "0", "keep_pairs": "1"}, "Both a skip list and a keep list"),
        ({"clear_cache_every": 0}, "Clear cache every 0 pairs: must be a whole number"),
        ({"output_dir": "//out"}, "The output folder is '//out', relative to a .blend that was"),
        ({"strip_name": "nope"}, "Scene 'Scene' has no strip 'nope': it has 'shot'"),
        ({"scene_name": "nope"}, "There is no scene 'nope'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(add_strip, engine, settings, message):
    add_strip(3)
    with pytest.raises(RuntimeError, match=message):
        interpolate_strip(**settings)
    assert engine.jobs == []


def test_one_frame_is_too_few(add_strip, engine):
    add_strip(1)
    with pytest.raises(RuntimeError, match=r"1 source frame.*at least 2 frames"):
        interpolate_strip()
    assert engine.jobs == []


def test_a_single_frame_held_long_is_too_few(add_strip, engine):
    vse.set_strip_times(add_strip(1), vse.StripTimes(1, 1, 50))
    with pytest.raises(RuntimeError, match=r"1 source frame.*at least 2 frames"):
        interpolate_strip()
    assert engine.jobs == []


def test_nothing_selected_names_the_remedy(engine):
    with pytest.raises(RuntimeError, match=r"No strip is selected .* select an image strip"):
        interpolate_strip()
    assert engine.jobs == []


def test_an_explicit_strip_of_another_scene_is_found(scene, add_strip, interpolate):
    add_strip(3).select = False
    bpy.context.window.scene = bpy.data.scenes.new("Elsewhere")
    interpolate(scene_name="Scene", strip_name="shot", timing="SLOW_MOTION")
    assert "shot_x2" in vse.all_strips(scene)


def test_the_engine_s_reason_is_the_operator_s(scene, add_strip, engine):
    add_strip(3)
    engine.error = DeviceError("Device cuda:7 is not there: choose cpu.")
    with pytest.raises(RuntimeError, match="Device cuda:7 is not there: choose cpu"):
        interpolate_strip(timing="SLOW_MOTION")
    assert [strip.name for strip in vse.all_strips(scene)] == ["shot"]
    assert len(bpy.data.scenes) == 1


def test_a_cancelled_job_stops_the_script_and_no_further_strip_begins(add_strip, engine):
    for start in (1, 10):
        add_strip(3, start=start)
    engine.error = JobCancelledError("Cancelled: finished frames stay on disk.")
    with pytest.raises(RuntimeError, match="Cancelled") as stopped:
        interpolate_strip(timing="SLOW_MOTION")
    assert str(stopped.value).count("Cancelled") == 1
    assert len(engine.jobs) == 1


def test_a_failure_while_placing_leaves_no_half_scene(add_strip, engine, monkeypatch):
    add_strip(3)

    def fail(*_args, **_settings):
        raise DeviceError("placing went wrong")

    monkeypatch.setattr("blender_vfi.vse_carry.carry_settings", fail)
    with pytest.raises(RuntimeError, match="placing went wrong"):
        interpolate_strip()
    assert bpy.data.scenes.keys() == ["Scene"]


def test_the_engine_s_notice_is_passed_on(add_strip, interpolate, engine, capfd):
    add_strip(3)
    engine.notice = "Frame 2 has no alpha"
    interpolate()
    assert "Frame 2 has no alpha" in capfd.readouterr().out


def test_a_strip_that_moves_during_the_job_is_placed_where_it_is_now(
    scene, add_strip, engine, interpolate, monkeypatch
):
    strip = add_strip(3, start=11)
    make_frames = engine.make_frames

    def move_and_make(job):
        vse.set_strip_times(strip, vse.StripTimes(101, 101, 104))
        return make_frames(job)

    monkeypatch.setattr(engine, "make_frames", move_and_make)
    interpolate(timing="SLOW_MOTION")
    assert vse.strip_times(vse.find_strip(scene, "shot_x2")).left == 101


def test_a_strip_that_is_deleted_during_the_job_is_an_error(
    scene, add_strip, engine, interpolate, monkeypatch
):
    strip = add_strip(3)

    monkeypatch.setattr(engine, "make_frames", lambda job: vse.root_strips(scene).remove(strip))
    with pytest.raises(RuntimeError, match="has no strip 'shot'"):
        interpolate_strip()


@pytest.mark.parametrize(
    ("folder", "prefix", "expected"),
    [
        ("shot", "beauty.", ("beauty.", "beauty_x2")),
        ("shot", "", ("shot_", "shot_x2")),
        ("Größe 作品", "a b", ("a b_", "a b_x2")),
    ],
)
def test_output_is_named_after_the_sequence(
    add_strip, interpolate, tmp_path, folder, prefix, expected
):
    add_strip(3, folder=tmp_path / folder, prefix=prefix)
    job = interpolate()
    assert (job.name_prefix, Path(job.output_dir).name) == expected
    assert Path(job.output_dir).parent == tmp_path / folder


def test_a_strip_of_unnumbered_files_gives_its_name(scene, interpolate, tmp_path):
    files = [write_png(tmp_path / name, 50) for name in ("one.png", "two.png")]
    vse.new_image_strip(
        vse.root_strips(scene),
        name="scan: a/b",
        folder=str(tmp_path),
        filenames=[file.name for file in files],
        channel=1,
        start=1,
    )
    job = interpolate()
    assert (job.name_prefix, Path(job.output_dir).name) == ("scan_ a_b_", "scan_ a_b_x2")


def test_an_output_folder_beside_the_blend_file_is_found(add_strip, interpolate, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "edit.blend"))
    add_strip(3)
    assert interpolate(output_dir="//made").output_dir == str(tmp_path / "made")


def test_a_source_that_cannot_be_written_asks_for_a_format(scene, engine, interpolate, tmp_path):
    files = [write_png(tmp_path / "old" / f"f{number}.gif", 50) for number in (1, 2)]
    vse.new_image_strip(
        vse.root_strips(scene),
        name="old",
        folder=str(files[0].parent),
        filenames=[file.name for file in files],
        channel=1,
        start=1,
    )
    with pytest.raises(RuntimeError, match=r"cannot be written as \.gif; choose an output format"):
        interpolate_strip()
    assert interpolate(output_format="PNG").suffix == ".png"


def test_a_script_is_refused_while_a_job_runs_in_the_window(add_strip, engine):
    add_strip(3)
    download = QueuedJob(request=Fetch(job_id="a", model="film"), title="FILM")
    download.state = JobState.RUNNING
    jobs.add([download])
    with pytest.raises(RuntimeError, match="FILM is being interpolated: wait, or cancel"):
        interpolate_strip()
    jobs.clear()
    assert interpolate_strip() == {"FINISHED"}


def test_all_selected_strips_are_interpolated_in_folders_of_their_own(
    scene, add_strip, engine, tmp_path
):
    add_strip(2, folder=tmp_path / "one").name = "one: a"
    add_strip(3, folder=tmp_path / "two", start=10)
    for strip in vse.all_strips(scene):
        strip.select = True
    assert interpolate_strip(output_dir=str(tmp_path / "out"), timing="SLOW_MOTION") == {"FINISHED"}
    folders = [job.output_dir for job in engine.jobs]
    assert folders == [str(tmp_path / "out" / name) for name in ("one_ a", "shot")]
    assert {"one: a_x2", "shot_x2"} <= set(vse.all_strips(scene).keys())


def test_a_strip_that_does_not_fit_is_reported_and_the_others_are_done(
    scene, add_strip, engine, tmp_path, capfd
):
    add_strip(1, folder=tmp_path / "one").name = "single"
    add_strip(3, folder=tmp_path / "two", start=10)
    for strip in vse.all_strips(scene):
        strip.select = True
    with pytest.raises(RuntimeError, match="at least 2 frames"):
        interpolate_strip(timing="SLOW_MOTION")
    assert len(engine.jobs) == 1
    assert "shot_x2" in vse.all_strips(scene)


def test_a_gap_in_the_strips_files_is_reported_and_no_obstacle(
    scene, add_strip, interpolate, engine, capfd
):
    strip = add_strip(4)
    first = Path(bpy.path.abspath(strip.directory))
    names = [element.filename for element in strip.elements]
    strip.elements[2].filename, strip.elements[3].filename = names[3], names[3].replace("4", "5")
    (first / names[3]).rename(first / names[3].replace("4", "5"))
    (first / names[2]).rename(first / names[3])
    interpolate()
    assert len(engine.jobs) == 1
    assert "Missing: 3." in capfd.readouterr().out


def test_a_part_of_a_cut_strip_has_a_folder_of_its_own(scene, add_strip, interpolate, engine):
    strip = add_strip(6)
    strip.frame_final_start += 2
    interpolate()
    [job] = engine.jobs
    assert Path(job.output_dir).name == "shot_3-6_x2"


def test_a_home_folder_may_be_written_as_a_tilde(
    add_strip, interpolate, engine, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    add_strip(3)
    interpolate(output_dir="~/made")
    assert engine.jobs[0].output_dir == str(tmp_path / "home" / "made")


def test_the_dialog_starts_a_job_with_the_scene_s_settings(scene, add_strip, engine):
    add_strip(3)
    scene.blender_vfi.multiplier = 3
    scene.blender_vfi.timing = "SLOW_MOTION"
    assert bpy.ops.sequencer.vfi_interpolate_settings() == {"FINISHED"}
    assert engine.jobs[0].multiplier == 3
    assert "shot_x3" in vse.all_strips(scene)


def test_the_dialog_shows_the_jobs_own_words_when_it_fails(scene, add_strip, engine):
    add_strip(3)
    scene.blender_vfi.multiplier = 1
    with pytest.raises(RuntimeError, match="Multiplier 1: must be a whole number"):
        bpy.ops.sequencer.vfi_interpolate_settings()


def test_sequences_of_one_name_have_folders_of_their_own(scene, add_strip, engine, tmp_path):
    """Such as a shot that was rendered to two formats; and each job finds its own again."""
    add_strip(2, folder=tmp_path / "shot")
    write_png(tmp_path / "shot" / "shot0001.png", 50)
    write_png(tmp_path / "shot" / "shot0002.png", 90)
    vse.new_image_strip(
        vse.root_strips(scene),
        name="other",
        folder=str(tmp_path / "shot"),
        filenames=["shot0001.png", "shot0002.png"],
        channel=4,
        start=1,
    )
    for strip in vse.all_strips(scene):
        strip.select = True
    assert interpolate_strip(timing="SLOW_MOTION") == {"FINISHED"}
    folders = [job.output_dir for job in engine.jobs]
    assert sorted(folders) == [str(tmp_path / "shot" / name) for name in ("shot_x2", "shot_x2_png")]
