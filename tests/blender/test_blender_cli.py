"""The command line inside Blender: what it asks the engine for."""

from __future__ import annotations

import bpy
import pytest

from blender_vfi import blender_cli

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


def test_options_of_memory_and_chance_reach_the_job(command, engine):
    assert command("--tile", "256", "--keep-free", "1.5", "--seed", "9") == 0
    [job] = engine.jobs
    assert (job.tile_size, job.free_memory_limit_gb, job.seed) == (256, 1.5, 9)


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


def test_markers_are_no_cuts_unless_asked_and_pairs_can_be_named(marked, command, engine):
    assert command("--cut-pairs", "1") == 0
    [job] = engine.jobs
    assert (job.cuts, job.cut_pairs, job.duplicates, job.loop) == ("hold", (1,), "keep", False)
