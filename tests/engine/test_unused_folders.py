"""The folder of a job that failed before its first frame: gone, unless anything else is there."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blender_vfi.engine.folder_lock import LOCK_NAME, FolderLock
from blender_vfi.engine.job_folder import JobFolder
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.engine.unused_folders import UnusedFolders
from blender_vfi.errors import JobCancelledError, ModelError, OutputError

from .fake_jobs import run
from .fake_model import FakeModel
from .sequences import make_job, write_sequence

pytestmark = pytest.mark.torch


class BrokenError(ModelError):
    """What the model is played to fail with."""


def fails(*_call: int) -> None:
    raise BrokenError("Broken.")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 3)
    return tmp_path / "in"


@pytest.mark.parametrize("where", ["in the first pair", "at the model"])
def test_a_job_that_made_nothing_leaves_no_folder(source, tmp_path, monkeypatch, where):
    if where == "at the model":
        monkeypatch.setattr("blender_vfi.engine.job_model.JobModel.load", fails)
    output = tmp_path / "shots" / "010" / "out"
    with pytest.raises(BrokenError):
        run(make_job(source, output), FakeModel(before_call=fails))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_a_job_that_is_cancelled_before_its_first_frame_leaves_no_folder(source, tmp_path):
    output = tmp_path / "out"
    with pytest.raises(JobCancelledError):
        run(make_job(source, output), is_cancelled=output.is_dir)
    assert not output.exists()


def test_folder_that_was_there_stays(source, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    with pytest.raises(BrokenError):
        run(make_job(source, output), FakeModel(before_call=fails))
    assert {".vfi.log"} < {path.name for path in output.iterdir()}


def test_folder_with_a_frame_stays(source, tmp_path):
    output = tmp_path / "out"

    def fails_at_the_second(call: int, _batch: int) -> None:
        if call == 2:
            fails()

    with pytest.raises(BrokenError):
        run(make_job(source, output), FakeModel(before_call=fails_at_the_second))
    assert {"vfi_job.json", ".vfi.log"} < {path.name for path in output.iterdir()}
    assert list(output.glob("*.png"))


def test_folder_with_a_file_of_somebody_else_s_stays_as_it_is(source, tmp_path):
    output = tmp_path / "shots" / "out"

    def fails_after_a_note(*_call: int) -> None:
        (output / "notes.txt").write_text("mine")
        fails()

    with pytest.raises(BrokenError):
        run(make_job(source, output), FakeModel(before_call=fails_after_a_note))
    assert {"notes.txt", "vfi_job.json", ".vfi.log"} < {path.name for path in output.iterdir()}


def leave_with_an_error(folder: Path, before: Callable[[], object]) -> None:
    """Make a folder as a job does, do what happens meanwhile, and fail."""
    with UnusedFolders() as folders:
        folders.make(folder)
        before()
        fails()


def test_folder_that_another_job_holds_stays(tmp_path):
    output = tmp_path / "out"
    other = FolderLock(output)
    with pytest.raises(BrokenError):
        leave_with_an_error(output, lambda: other.acquire("a job of another process"))
    assert {path.name for path in output.iterdir()} == {LOCK_NAME, ".vfi.owner"}
    other.release()


def test_folders_around_it_stay_where_something_else_is_in_them(tmp_path):
    shots = tmp_path / "shots"
    with pytest.raises(BrokenError):
        leave_with_an_error(shots / "010" / "out", (shots / "020").mkdir)
    assert [path.name for path in shots.iterdir()] == ["020"]


def test_a_job_takes_a_folder_that_is_taken_away_under_it(source, tmp_path, monkeypatch):
    job = make_job(source, tmp_path / "out")
    hold = JobFolder._hold

    def hold_too_late(folder: JobFolder) -> None:
        monkeypatch.setattr(JobFolder, "_hold", hold)
        folder.path.rmdir()
        hold(folder)

    monkeypatch.setattr(JobFolder, "_hold", hold_too_late)
    with JobFolder(job, job.plan(), precision="fp32") as folder:
        assert folder.path.is_dir()


def fail_until(job: JobSpec, is_over: threading.Event) -> None:
    while not is_over.is_set():
        with contextlib.suppress(BrokenError, OutputError), UnusedFolders() as folders:
            JobFolder(job, job.plan(), precision="fp32", folders=folders).__enter__().__exit__()
            fails()


def placed(job: JobSpec) -> tuple[Path, set[str]]:
    """Make a frame as soon as the folder is free; return it, and why that was refused before."""
    refusals: set[str] = set()
    while True:
        try:
            with JobFolder(job, job.plan(), precision="fp32") as folder:
                return folder.place(1, lambda path: path.write_bytes(b"a frame")), refusals
        except OutputError as error:
            refusals.add(str(error).partition(" by ")[0])


def test_jobs_that_fail_never_take_away_what_another_one_makes(source, tmp_path):
    for number in range(40):
        job = make_job(source, tmp_path / f"out{number}")
        is_over = threading.Event()
        failing = threading.Thread(target=fail_until, args=(job, is_over))
        failing.start()
        frame, refusals = placed(job)
        time.sleep(0.005)
        is_over.set()
        failing.join()
        assert frame.read_bytes() == b"a frame"
        assert refusals <= {f"Output folder {job.output_dir} is being written to"}
