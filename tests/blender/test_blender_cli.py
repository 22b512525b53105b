"""The command line inside Blender: what it asks the engine for."""

from __future__ import annotations

import bpy
import pytest

from blender_vfi import blender_cli, vse

pytestmark = pytest.mark.blender


@pytest.fixture
def command(add_strip, engine, tmp_path):
    """Run the command line on a saved project with one strip; return its exit code."""
    project = tmp_path / "edit.blend"
    add_strip(3)
    bpy.ops.wm.save_as_mainfile(filepath=str(project))

    def run(*options: str) -> int:
        return blender_cli.main(["interpolate", str(project), "--strip", "shot", *options])

    return run


@pytest.fixture(autouse=True)
def own_signals(monkeypatch):
    """Leave this process's signals alone."""
    monkeypatch.setattr(blender_cli, "end_on_signals", lambda: None)


def test_the_project_that_is_open_is_interpolated_and_saved(command, engine, tmp_path):
    assert blender_cli.main(["interpolate", "--strip", "shot"]) == 0
    assert len(engine.jobs) == 1
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "edit.blend"))
    assert len(bpy.data.scenes) == 2


def test_no_project_at_all_is_refused(scene, engine, capsys):
    assert blender_cli.main(["fill", "--strip", "shot"]) == 2
    assert "No project is open: give FILE.blend" in capsys.readouterr().err


def test_options_of_memory_and_chance_reach_the_job(command, engine):
    assert command("--tile", "256", "--keep-free", "1.5", "--seed", "9", "--compile") == 0
    [job] = engine.jobs
    assert (job.tile_size, job.free_memory_limit_gb, job.seed) == (256, 1.5, 9)
    assert job.compiles


def test_options_of_full_memory_and_disks_reach_the_job(command, engine):
    assert command("--half-when-full", "--cpu-when-full", "--no-space-check") == 0
    [job] = engine.jobs
    assert (job.half_when_full, job.cpu_when_full, job.check_free_space) == (True, True, False)


def test_options_left_out_keep_their_defaults(command, engine):
    assert command() == 0
    [job] = engine.jobs
    assert (job.tile_size, job.free_memory_limit_gb, job.seed) == (0, 4.0, 0)


def test_option_out_of_range_ends_with_code_2_before_an_engine_starts(command, engine, capsys):
    assert command("--tile", "64") == 2
    assert "Tile size 64: must be 0" in capsys.readouterr().err
    assert engine.jobs == []


@pytest.fixture
def marked(scene):
    """A marker on the strip's second frame."""
    scene.timeline_markers.new("cut", frame=2)


def test_options_of_time_reach_the_job(marked, command, engine):
    options = "--cuts blend --cut-threshold 0.3 --cuts-at-markers --duplicates retime --loop"
    assert command(*options.split()) == 0
    [job] = engine.jobs
    assert (job.cuts, job.cut_threshold, job.cut_pairs) == ("blend", 0.3, (0,))
    assert (job.duplicates, job.loop) == ("retime", True)
    assert len(job.plan().outputs) == 6


def test_a_speed_ramp_of_the_command_line_is_placed_as_one(command, engine, scene):
    assert command("--speed", "0:0.5") == 0
    [job] = engine.jobs
    assert job.times == ("0", "1/2", "1", "3/2", "2")
    scene = bpy.context.scene
    assert "shot_retimed" in vse.all_strips(scene)


def test_times_of_a_file_reach_the_job(command, engine, tmp_path):
    (tmp_path / "times.txt").write_text("2\n0.5\n")
    assert command("--times", str(tmp_path / "times.txt")) == 0
    assert engine.jobs[0].times == ("2", "1/2")


def test_the_project_s_animated_speed_is_a_timing(command, engine, scene, tmp_path):
    scene.blender_vfi.speed = 0.25
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "edit.blend"))
    assert command("--timing", "speed-ramp") == 0
    assert len(engine.jobs[0].times) == 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--speed 0:1 --timing new-scene", "Timing new-scene with --times or --speed"),
        ("--timing speed-ramp --multiplier 2", "Timing speed-ramp with --multiplier or --rate"),
        ("--timing bake-retiming --rate 60", "Timing bake-retiming with --multiplier or --rate"),
        ("--timing bake-retiming", "no image strip with retiming keys"),
    ],
)
def test_times_and_timings_that_do_not_go_together_are_refused(
    command, engine, capsys, options, message
):
    assert command(*options.split()) == 2
    assert message in capsys.readouterr().err
    assert engine.jobs == []


@pytest.mark.parametrize(
    ("options", "skipped"),
    [("", None), ("--skip-listed", (1,)), ("--skip 0 --skip-listed", (0, 1))],
)
def test_listed_ranges_are_left_alone_when_asked(
    command, engine, scene, tmp_path, options, skipped
):
    listed = scene.blender_vfi.skipped.add()
    listed.first, listed.last = 2, 3
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "edit.blend"))
    assert command(*options.split()) == 0
    assert engine.jobs[0].skip_pairs == skipped


def test_markers_are_no_cuts_unless_asked_and_pairs_can_be_named(marked, command, engine):
    assert command("--cut-pairs", "1") == 0
    [job] = engine.jobs
    assert (job.cuts, job.cut_pairs, job.duplicates, job.loop) == ("hold", (1,), "keep", False)


def test_a_retimed_strip_is_told_with_the_option_for_it(command, scene, capsys, monkeypatch):
    monkeypatch.setattr(vse, "is_retimed", lambda _strip: True)
    assert command() == 2
    assert "give --timing bake-retiming, or clear its retiming" in capsys.readouterr().err


def test_a_dry_run_asks_the_engine_and_leaves_the_project(command, engine, tmp_path, monkeypatch):
    asked = []

    def rehearse(_client, job, *, quiet):
        asked.append((job.model, quiet))
        return 0

    monkeypatch.setattr(blender_cli, "rehearse_job", rehearse)
    before = (tmp_path / "edit.blend").stat()
    assert command("--dry-run", "--quiet") == 0
    assert asked == [("rife-4.25", True)]
    assert engine.jobs == []
    assert (tmp_path / "edit.blend").stat() == before
