"""The command `run`, and jobs that are saved in place of being run."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest

from blender_vfi import cli, cli_run
from blender_vfi.engine.job_file import read_jobs
from blender_vfi.engine.protocol import Finished, JobSpec
from blender_vfi.errors import DeviceError, FrameError, JobCancelledError

pytestmark = pytest.mark.plain


class FakeClient:
    """Stands for the engine: notes jobs, and fails those whose output folder is in `errors`."""

    def __init__(self) -> None:
        self.jobs = []
        self.errors: dict[str, Exception] = {}
        self.is_closed = False

    def __call__(self, _python=None):
        return self

    def run(self, job, on_event=None):
        self.jobs.append(job)
        error = self.errors.get(Path(job.output_dir).name)
        if error is not None:
            raise error
        return Finished(
            job_id=job.job_id, frames_total=5, frames_made=2, duration_s=1.0, peak_memory_bytes=1
        )

    def close(self):
        self.is_closed = True


@pytest.fixture
def engine(monkeypatch):
    client = FakeClient()
    monkeypatch.setattr(cli, "EngineClient", client)
    monkeypatch.setattr(cli_run, "end_on_signals", lambda: None)
    return client


@pytest.fixture
def save(tmp_path, engine):
    """Save the jobs of one folder of frames into `night.json`, for several output folders."""
    (tmp_path / "in").mkdir()
    for number in range(3):
        (tmp_path / "in" / f"f_{number}.png").touch()

    def save(*outputs: str, **options) -> Path:
        file = tmp_path / "night.json"
        extra = [text for name, value in options.items() for text in (f"--{name}", value)]
        for output in outputs:
            folders = (str(tmp_path / "in"), str(tmp_path / output))
            command = ["interpolate", *folders, "--save-job", str(file), *extra]
            assert cli.main(command) == 0
        return file

    return save


def run(*arguments) -> int:
    return cli.main(["run", *map(str, arguments)])


def test_saved_jobs_run_nothing_until_they_are_run_in_order(save, engine, capsys):
    file = save("a", "b", multiplier="4")
    assert engine.jobs == []
    assert "Job of 9 frames saved; 2 in" in capsys.readouterr().out
    assert run(file) == 0
    assert [Path(job.output_dir).name for job in engine.jobs] == ["a", "b"]
    assert [job.multiplier for job in engine.jobs] == [4, 4]
    assert capsys.readouterr().out.count("5 frames (2 new)") == 2
    assert engine.is_closed


def test_missing_frames_can_be_saved_as_a_job(save, engine, tmp_path):
    file = save("a")
    (tmp_path / "in" / "f_1.png").unlink()
    command = ["fill", tmp_path / "in", tmp_path / "whole", "--save-job", file, "--quiet"]
    assert cli.main([str(part) for part in command]) == 0
    assert [job.multiplier for job in read_jobs(file)] == [2, (2,)]


def test_first_error_ends_the_night_and_keep_going_does_not(save, engine, capsys):
    file = save("a", "b", "c")
    engine.errors = {"a": FrameError("Frame 2 is damaged."), "b": DeviceError("No such device.")}
    assert run(file) == FrameError.exit_code
    assert len(engine.jobs) == 1
    error = capsys.readouterr().err
    assert "error: Job 1 of 3, " in error
    assert error.endswith("a: Frame 2 is damaged.\n")
    assert run(file, "--keep-going") == FrameError.exit_code
    assert [Path(job.output_dir).name for job in engine.jobs[1:]] == ["a", "b", "c"]
    captured = capsys.readouterr()
    assert "Job 2 of 3" in captured.err
    assert "5 frames (2 new)" in captured.out


def test_a_cancel_ends_all_jobs_even_with_keep_going(save, engine):
    file = save("a", "b")
    engine.errors = {"a": JobCancelledError("Cancelled.")}
    assert run(file, "--keep-going") == JobCancelledError.exit_code
    assert len(engine.jobs) == 1
    assert engine.is_closed


def test_all_jobs_are_checked_before_the_first_begins(save, engine, tmp_path_factory, capsys):
    file, elsewhere = save("a", "b"), tmp_path_factory.mktemp("elsewhere")
    data = json.loads(file.read_text())
    data["jobs"][1]["output_dir"] = str(elsewhere / "out")
    file.write_text(json.dumps(data))
    assert run(file) == 2
    assert engine.jobs == []
    assert "Job 2 of" in capsys.readouterr().err
    assert run(file, "--allow", elsewhere) == 0
    assert run(file, "--trust-paths") == 0


def test_the_command_to_run_a_far_job_is_told_when_it_is_saved(save, tmp_path, capsys):
    (tmp_path / "jobs").mkdir()
    folders = (str(tmp_path / "in"), str(tmp_path / "out"))
    file = tmp_path / "jobs" / "j.json"
    assert cli.main(["interpolate", *folders, "--save-job", str(file)]) == 0
    told = capsys.readouterr().err
    assert f'--allow "{tmp_path}"' in told
    assert run(file) == 2
    assert run(file, "--allow", tmp_path) == 0


def test_level_of_the_log_is_handed_to_the_engine_s_process(save, engine, monkeypatch):
    monkeypatch.setenv("BLENDER_VFI_LOG_LEVEL", "info")
    assert run(save("a"), "--log-level", "debug") == 0
    assert os.environ["BLENDER_VFI_LOG_LEVEL"] == "debug"


def test_a_device_of_the_command_line_takes_the_place_of_the_jobs_own(save, engine):
    assert run(save("a", device="cuda:1"), "--device", "cpu") == 0
    assert engine.jobs[0].device == "cpu"


def test_saved_paths_have_no_dots_and_one_allowed_folder_is_told_for_all_in_it(
    tmp_path, monkeypatch, capsys
):
    for number in range(2):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"f_{number}.png").touch()
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    monkeypatch.chdir(jobs)
    assert cli.main(["interpolate", "../in", "../jobs/../out", "--save-job", "night.json"]) == 0
    text = (jobs / "night.json").read_text()
    [job] = json.loads(text)["jobs"]
    assert job["output_dir"] == str(tmp_path / "out")
    assert job["sources"][0] == str(tmp_path / "in" / "f_0.png")
    assert capsys.readouterr().err == f'To run it: run night.json --allow "{tmp_path}"\n'
    assert list(job) == [field.name for field in fields(JobSpec) if field.name != "job_id"]
    assert cli.main(["interpolate", "../in", "../out", "--save-job", "night.json"]) == 0
    assert (jobs / "night.json").read_text() == text
