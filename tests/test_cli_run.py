"""The command `run`, and jobs that are saved in place of being run."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest

from blender_vfi import cli, cli_rehearsal, cli_run
from blender_vfi.engine.job_file import read_jobs
from blender_vfi.engine.protocol import Failed, Finished, JobSpec, Rehearsed, Stage
from blender_vfi.errors import DeviceError, FrameError, JobCancelledError

pytestmark = pytest.mark.plain


class FakeClient:
    """Stands for the engine: notes jobs, and fails those whose output folder is in `errors`."""

    def __init__(self) -> None:
        self.jobs = []
        self.rehearsed = []
        self.answers = []
        self.told = {}
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

    def request(self, request):
        self.rehearsed.append(request.job)
        job, named = request.job, {"job_id": request.job_id}
        error = self.errors.get(Path(job.output_dir).name)
        if error is not None:
            self.answers = [Failed(kind=type(error).__name__, message=str(error), **named)]
            return
        figures = {"frames_total": 5, "frames_new": 2, "frames_kept": 1, "files_replaced": 0}
        sizes = {"needed_bytes": 3 << 20, "free_bytes": 5 << 30, "download_bytes": 0}
        place = {"device": "cpu", "precision": "fp32"}
        answer = Rehearsed(**named, **{**figures, **sizes, **place, **self.told})
        self.answers = [Stage(message="Loading PyTorch", **named), answer]

    def poll(self):
        answers, self.answers = self.answers, []
        return answers

    def close(self):
        self.is_closed = True


@pytest.fixture
def engine(monkeypatch):
    client = FakeClient()
    monkeypatch.setattr(cli, "EngineClient", client)
    monkeypatch.setattr(cli_run, "end_on_signals", lambda: None)
    monkeypatch.setattr(cli_rehearsal, "end_on_signals", lambda: None)
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
    assert capsys.readouterr().err == (
        f'To run it: python -m blender_vfi run night.json --allow "{tmp_path}"\n'
    )
    assert list(job) == [field.name for field in fields(JobSpec) if field.name != "job_id"]
    assert cli.main(["interpolate", "../in", "../out", "--save-job", "night.json"]) == 0
    assert (jobs / "night.json").read_text() == text


def test_a_dry_run_says_what_would_be_made_and_runs_nothing(save, engine, tmp_path, capsys):
    save()
    capsys.readouterr()
    assert cli.main(["interpolate", str(tmp_path / "in"), "--dry-run"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "Dry run, nothing is written",
        f"From: 3 frames, f_0.png to f_2.png, in {tmp_path / 'in'}",
        f"To: 5 frames, f_0001.png to f_0005.png, in {tmp_path / 'in_x2'}",
        "New: 2 with RIFE 4.25, fewer where cuts are found; 2 taken from the source",
        "Kept: 1 that are there already",
        "Device: cpu, fp32",
        "Disk: about 3.0 MB; 5.0 GB are free",
    ]
    assert "Loading PyTorch" in shown.err
    assert (engine.jobs, engine.is_closed) == ([], True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--cuts", "off"], "New: 2 with RIFE 4.25; 2 taken"),
        (
            ["--duplicates", "retime"],
            ", fewer where cuts are found, more where frames are like the",
        ),
        (
            ["--duplicates", "retime", "--cuts", "off"],
            "4.25, more where frames are like the one be",
        ),
    ],
)
def test_a_dry_run_says_what_only_the_frames_will_tell(
    save, engine, tmp_path, capsys, options, words
):
    save()
    assert cli.main(["interpolate", str(tmp_path / "in"), "--dry-run", *options]) == 0
    assert words in capsys.readouterr().out


def test_a_dry_run_of_a_job_file_goes_through_all_its_jobs(save, engine, capsys):
    file = save("one", "two", "three")
    capsys.readouterr()
    engine.errors["two"] = FrameError("damaged")
    assert cli.main(["run", str(file), "--dry-run", "--keep-going", "--device", "cpu"]) == 3
    shown = capsys.readouterr()
    heads = [line for line in shown.out.splitlines() if line.startswith("Job ")]
    assert heads == [
        f"Job {number} of 3: {file.parent / name}"
        for number, name in enumerate(("one", "two", "three"), start=1)
    ]
    assert shown.out.count("Dry run") == 2
    assert "error: Job 2 of 3" in shown.err
    assert [job.device for job in engine.rehearsed] == ["cpu"] * 3
    assert engine.jobs == []


def test_each_of_several_jobs_is_announced_where_its_progress_is_told(save, capsys):
    file = save("a")
    capsys.readouterr()
    assert run(file) == 0
    assert "Job 1" not in capsys.readouterr().err
    save("b")
    capsys.readouterr()
    assert run(file) == 0
    shown = capsys.readouterr()
    assert shown.err == f"Job 1 of 2: {file.parent / 'a'}\nJob 2 of 2: {file.parent / 'b'}\n"
    assert "Job " not in shown.out
    assert run(file, "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_a_dry_run_of_a_finished_job_says_that_nothing_is_left_to_write(
    save, engine, tmp_path, capsys
):
    save()
    engine.told = {"frames_new": 0, "frames_kept": 5, "needed_bytes": 0}
    assert cli.main(["interpolate", str(tmp_path / "in"), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "New: 0 with RIFE 4.25" in lines
    assert "Disk: nothing to write; 5.0 GB are free" in lines


def test_a_file_with_a_space_in_its_name_is_quoted_in_the_command(save, tmp_path, capsys):
    save()
    (tmp_path / "my jobs").mkdir()
    file = tmp_path / "my jobs" / "j.json"
    folders = (str(tmp_path / "in"), str(tmp_path / "out"))
    assert cli.main(["interpolate", *folders, "--save-job", str(file)]) == 0
    assert f' run "{file}" --allow "{tmp_path}"' in capsys.readouterr().err


def test_a_job_is_saved_or_looked_at_and_not_both(save, tmp_path, capsys):
    file = save("one")
    with pytest.raises(SystemExit, match="2"):
        cli.main(["interpolate", str(tmp_path / "in"), "--dry-run", "--save-job", str(file)])
    assert "--save-job: not allowed with argument --dry-run" in capsys.readouterr().err
