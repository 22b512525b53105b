"""Jobs that Blender writes into a file, and runs from one."""

import bpy
import pytest

from blender_vfi import blender_cli, cli_run, job_queue, vse
from blender_vfi.engine.job_file import read_jobs
from blender_vfi.engine.protocol import Fetch, Run
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.operators import job_files

pytestmark = pytest.mark.blender


@pytest.fixture
def file(tmp_path):
    return tmp_path / "night.json"


@pytest.fixture(autouse=True)
def own_signals(monkeypatch):
    """Leave this process's signals alone."""
    for module in (blender_cli, cli_run):
        monkeypatch.setattr(module, "end_on_signals", lambda: None)


def test_jobs_of_all_selected_strips_are_saved_and_none_is_run(add_strip, engine, file, tmp_path):
    add_strip(3)
    add_strip(4, channel=2, folder=tmp_path / "second")
    assert bpy.ops.sequencer.vfi_save_job(filepath=str(file), multiplier=3) == {"FINISHED"}
    assert engine.jobs == []
    assert [(len(job.sources), job.multiplier) for job in read_jobs(file)] == [(3, 3), (4, 3)]


def test_a_saved_job_is_the_one_that_the_button_runs_later(add_strip, engine, interpolate, file):
    add_strip(3)
    bpy.ops.sequencer.vfi_save_job(filepath=str(file))
    [saved] = read_jobs(file)
    ran = interpolate()
    for name in set(type(ran).__slots__) - {"job_id"}:
        assert getattr(saved, name) == getattr(ran, name), name


def test_missing_frames_can_be_saved(add_strip, file, tmp_path):
    strip = add_strip(5)
    (tmp_path / "shot" / strip.elements[2].filename).unlink()
    bpy.ops.sequencer.vfi_save_job(filepath=str(file), fills_gaps=True)
    [job] = read_jobs(file)
    assert job.multiplier == (1, 2, 1)


def test_file_relative_to_the_blend_gets_a_suffix(add_strip, tmp_path):
    add_strip(2)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "edit.blend"))
    assert bpy.ops.sequencer.vfi_save_job(filepath="//night") == {"FINISHED"}
    assert len(read_jobs(tmp_path / "night.json")) == 1


def test_a_file_that_cannot_be_written_is_an_error(add_strip, tmp_path):
    add_strip(2)
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.sequencer.vfi_save_job(filepath=str(tmp_path / "nowhere" / "a.json"))


def test_the_queue_is_saved_without_what_is_finished_or_a_download(add_strip, file):
    add_strip(2)
    bpy.ops.sequencer.vfi_save_job(filepath=str(file))
    [spec] = read_jobs(file)
    states = (JobState.FINISHED, JobState.RUNNING, JobState.WAITING, JobState.FAILED)
    jobs.add(QueuedJob(request=Run(job=spec), title="shot", state=state) for state in states)
    jobs.add([QueuedJob(request=Fetch(job_id="f", model="film"), title="FILM")])
    jobs.move(next(iter(jobs.waiting)).job_id, up=True)
    assert bpy.ops.sequencer.vfi_save_queue(filepath=str(file)) == {"FINISHED"}
    assert len(read_jobs(file)) == 3


def test_an_empty_queue_cannot_be_saved(file):
    assert not bpy.ops.sequencer.vfi_save_queue.poll()
    assert job_files.unfinished() == []
    assert len(job_queue.jobs) == 0


@pytest.fixture
def project(add_strip, tmp_path):
    """A saved project whose strip misses its third file."""
    strip = add_strip(5)
    (tmp_path / "shot" / strip.elements[2].filename).unlink()
    path = tmp_path / "edit.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def test_command_line_fills_a_strip_and_saves_the_project(project, engine, tmp_path, capsys):
    command = ["fill", str(project), "--strip", "shot", "--cut-pairs", "0", "--tile", "256"]
    assert blender_cli.main(command) == 0
    [job] = engine.jobs
    assert (job.multiplier, job.cut_pairs, job.tile_size) == ((1, 2, 1), (0,), 256)
    captured = capsys.readouterr()
    assert "5 frames (1 new)" in captured.out
    assert "Missing in strip 'shot'" in captured.err
    bpy.ops.wm.open_mainfile(filepath=str(project))
    strip = vse.find_strip(bpy.context.scene, "shot")
    assert len(strip.elements) == 5
    assert bpy.path.abspath(strip.directory).rstrip("/") == job.output_dir


def test_command_line_saves_a_strip_s_job_and_runs_it_later(project, engine, file, capsys):
    before = project.read_bytes()
    command = ["fill", str(project), "--strip", "shot", "--save-job", str(file)]
    assert blender_cli.main(command) == 0
    assert engine.jobs == []
    assert project.read_bytes() == before
    assert blender_cli.main(["run", str(file)]) == 0
    assert [job.multiplier for job in engine.jobs] == [(1, 2, 1)]
    assert "5 frames (1 new)" in capsys.readouterr().out
