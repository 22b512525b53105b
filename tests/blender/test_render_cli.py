"""The commands of Half the Render, from a saved project to rendered frames in their places."""

import re
from pathlib import Path

import bpy
import pytest

from blender_vfi import blender_cli, cli_render
from blender_vfi.engine.confidence import write_confidence
from blender_vfi.engine.job_file import read_jobs
from blender_vfi.engine.job_record import write_record
from blender_vfi.engine.rendered_frames import rendered_names

from .filled_folder import figures, fill, render_half
from .small_scene import build

pytestmark = pytest.mark.blender


@pytest.fixture(autouse=True)
def own_signals(monkeypatch):
    """Leave this process's signals alone."""
    for module in (cli_render, blender_cli):
        monkeypatch.setattr(module, "end_on_signals", lambda: None)
    monkeypatch.setattr("blender_vfi.cli_run.end_on_signals", lambda: None)


@pytest.fixture
def project(scene, tmp_path):
    """The small scene, saved."""
    build(scene, tmp_path)
    path = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def run(*arguments) -> int:
    return blender_cli.main([str(argument) for argument in arguments])


def test_setup_is_saved_with_the_project_and_restored_from_it(project, capsys):
    bpy.context.scene.render.use_motion_blur = True
    assert run("render-setup", "--step", 4, "--albedo", "colors") == 0
    assert "Motion Blur is on" in capsys.readouterr().err
    bpy.ops.wm.open_mainfile(filepath=str(project))
    scene = bpy.context.scene
    assert scene.frame_step == 4
    assert scene.view_layers[0].use_pass_diffuse_color
    assert run("render-setup", project, "--restore") == 0
    bpy.ops.wm.open_mainfile(filepath=str(project))
    assert bpy.context.scene.frame_step == 1
    capsys.readouterr()
    assert run("render-setup", project, "--restore") == 2
    assert "nothing to restore: render-setup has not changed it." in capsys.readouterr().err


def test_fill_takes_the_open_project_and_the_guided_model(project, engine, capsys):
    render_half(bpy.context.scene)
    run_job = engine.run

    def run_with_record(job, on_event=None):
        finished = run_job(job, on_event)
        write_record(Path(job.output_dir), job, {}, None, {})
        write_confidence(Path(job.output_dir), figures())
        return finished

    engine.run = run_with_record
    assert run("fill-rendered", "--cut-pairs", "1", "--device", "cpu") == 0
    [job] = engine.jobs
    assert (job.model, job.multiplier, job.cut_pairs) == ("guided", (2, 2), (1,))
    out = capsys.readouterr().out
    assert "5 frames (1 new)" in out
    assert "4 (0.20), 2 (0.86)" in out


def test_fill_with_a_model_of_one_s_own_choice_can_be_saved_for_later(project, engine, tmp_path):
    render_half(bpy.context.scene)
    file = tmp_path / "job.json"
    assert run("fill-rendered", "--model", "rife-4.6", "--save-job", file) == 0
    assert engine.jobs == []
    [job] = read_jobs(file, trusts_paths=True)
    assert job.model == "rife-4.6"


def test_doubtful_frames_are_rendered_within_the_budget(project, tmp_path, capsys):
    fill(render_half(bpy.context.scene), tmp_path / "filled")
    assert run("render-doubtful", "--folder", tmp_path / "filled", "--frames", 1) == 0
    assert rendered_names(tmp_path / "filled") == {"cube_0004.exr"}
    assert re.search(r"Frame 4, confidence 0\.20: .*\n1 of 1 doubtful", capsys.readouterr().out)
    assert run("render-doubtful", "--folder", tmp_path / "filled", "--seconds", 1e-9) == 0
    assert rendered_names(tmp_path / "filled") == {"cube_0004.exr"}


def test_render_that_fails_is_an_error_with_its_frame(project, tmp_path, capsys):
    fill(render_half(bpy.context.scene), tmp_path / "filled")
    bpy.context.scene.camera = None
    assert run("render-doubtful", "--folder", tmp_path / "filled") == 2
    assert "Frame 4 was not rendered" in capsys.readouterr().err
    assert bpy.context.scene.render.filepath.endswith("cube_####")


def test_without_a_project_the_command_says_where_to_give_one(scene, tmp_path, capsys):
    assert run("render-doubtful", "--folder", tmp_path) == 2
    assert "No project is open" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["-1", "1.5", "many"])
def test_number_of_frames_is_checked(project, tmp_path, count, capsys):
    with pytest.raises(SystemExit):
        run("render-doubtful", "--folder", tmp_path, "--frames", count)
    assert "must be a whole number from 0 on" in capsys.readouterr().err
