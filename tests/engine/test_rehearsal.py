"""What a job would make, said beforehand: as the job does it, and with nothing touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from blender_vfi.engine.disk_space import shutil as disk
from blender_vfi.engine.folder_lock import FolderLock
from blender_vfi.engine.protocol import Cancelled, Notice, Rehearse, Rehearsed
from blender_vfi.engine.rehearsal import rehearse
from blender_vfi.errors import (
    CheckpointError,
    DownloadError,
    FrameError,
    JobCancelledError,
    LicenceError,
    OutputError,
    UnknownModelError,
    VfiError,
)
from blender_vfi.models import locations

from .fake_jobs import run
from .fake_model import FakeModel
from .sequences import make_job, write_sequence

pytestmark = pytest.mark.torch


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 4)
    return tmp_path / "in"


@pytest.fixture(autouse=True)
def weights(monkeypatch, tmp_path):
    """The default model's weights seem to be here."""
    monkeypatch.setattr(locations, "find_file", lambda _spec: tmp_path / "weights")


def told(job, **options) -> tuple[Rehearsed, list[str]]:
    """What is said of a job, and its notices; nothing on disk is another for it."""
    before = everything_in(Path(job.output_dir).parent)
    events = []
    options = {"is_cancelled": lambda: False, "devices": [torch.device("cpu")], **options}
    try:
        answer = rehearse(Rehearse(job_id="r", job=job), on_event=events.append, **options)
    finally:
        assert everything_in(Path(job.output_dir).parent) == before
    return answer, [event.message for event in events if isinstance(event, Notice)]


def everything_in(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in (folder, *folder.rglob("*"))
        if path.exists()
    }


def test_a_new_job_is_told_by_its_numbers(source, tmp_path):
    answer, notices = told(make_job(source, tmp_path / "deep" / "out", multiplier=4))
    assert (answer.frames_total, answer.frames_new) == (13, 9)
    assert (answer.frames_kept, answer.files_replaced) == (0, 0)
    assert (answer.device, answer.precision) == ("cpu", "fp32")
    assert answer.free_bytes > answer.needed_bytes > 0
    assert answer.download_bytes == 0
    assert notices == []


def test_what_it_says_is_what_the_job_then_does(source, tmp_path):
    job = make_job(source, tmp_path / "out", multiplier=3, skip_pairs=(1,))
    answer, _ = told(job)
    finished, _ = run(job)
    assert (answer.frames_total, answer.frames_new) == (
        finished.frames_total,
        finished.frames_made,
    )
    again, _ = told(job)
    assert (again.frames_new, again.frames_kept) == (0, answer.frames_total)
    assert again.needed_bytes == 0


def test_a_job_that_goes_on_is_told_with_what_it_keeps_and_makes_again(source, tmp_path):
    job = make_job(source, tmp_path / "out")
    run(job)
    (tmp_path / "out" / job.frame_name(5)).unlink()
    os.utime(job.sources[0], ns=(0, 0))
    answer, notices = told(job)
    assert (answer.frames_new, answer.frames_kept) == (2, 4)
    assert answer.files_replaced == 2
    assert notices == [
        "1 source frame(s) have changed since this job was begun (f é 0001.png): 2 frame(s) made "
        "from them are made again."
    ]


def test_changed_frames_that_nothing_is_left_of_are_not_spoken_of(source, tmp_path):
    job = make_job(source, tmp_path / "out")
    run(job)
    for index in (5, 6):  # all that was made from the last frame
        (tmp_path / "out" / job.frame_name(index)).unlink()
    os.utime(job.sources[3], ns=(0, 0))
    answer, notices = told(job)
    assert (answer.frames_new, answer.frames_kept, answer.files_replaced) == (1, 5, 0)
    assert notices == []


def test_of_files_to_be_replaced_only_those_that_are_there_are_counted(source, tmp_path):
    job = make_job(source, tmp_path / "out", multiplier=4)
    run(job)
    for index in (0, *range(3, 13)):  # of thirteen, two stay: one within the new job's names
        (tmp_path / "out" / job.frame_name(index)).unlink()
    (tmp_path / "out" / job.frame_name(2)).rename(tmp_path / "out" / job.frame_name(9))
    answer, _ = told(make_job(source, tmp_path / "out", overwrite=True))
    assert (answer.frames_total, answer.files_replaced) == (7, 2)


def test_files_of_others_are_refused_or_counted(source, tmp_path):
    run(make_job(source, tmp_path / "out"))
    with pytest.raises(OutputError, match="exists already"):
        told(make_job(source, tmp_path / "out", multiplier=3))
    answer, _ = told(make_job(source, tmp_path / "out", multiplier=3, overwrite=True))
    assert (answer.files_replaced, answer.frames_kept) == (7, 0)


def test_a_job_is_refused_as_it_would_be(source, tmp_path):
    def refused(kind: type[VfiError], words: str, **settings: object) -> None:
        with pytest.raises(kind, match=words):
            told(make_job(source, settings.pop("output", tmp_path / "out"), **settings))

    refused(OutputError, "of the source frames: choose", output=source)
    refused(UnknownModelError, "Did you mean rife-4.25", model="rife4.25")
    refused(CheckpointError, r"none\.pth", checkpoint=tmp_path / "none.pth")
    (tmp_path / "file").write_text("no folder")
    refused(OutputError, "cannot be written to", output=tmp_path / "file" / "out")


def test_a_disk_without_room_is_told(source, tmp_path, monkeypatch):
    class Usage:
        free = 5

    monkeypatch.setattr(disk, "disk_usage", lambda _folder: Usage)
    with pytest.raises(OutputError, match="7 frames will take about"):
        told(make_job(source, tmp_path / "out"))
    answer, _ = told(make_job(source, tmp_path / "out", check_free_space=False))
    assert answer.free_bytes is None


def test_a_damaged_frame_is_told(source, tmp_path):
    (source / "f é 0003.png").write_bytes(b"no picture")
    with pytest.raises(FrameError, match=r"f é 0003\.png"):
        told(make_job(source, tmp_path / "out"))


def test_a_folder_that_another_job_holds_is_told(source, tmp_path):
    job = make_job(source, tmp_path / "out")
    run(job)
    lock = FolderLock(tmp_path / "out")
    lock.acquire("a job of another process")
    with pytest.raises(OutputError, match="is being written to"):
        told(job)
    lock.release()


def test_weights_that_are_not_here_are_told_with_their_size(source, tmp_path, monkeypatch):
    monkeypatch.setattr(locations, "find_file", lambda _spec: None)
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE is set"):
        told(make_job(source, tmp_path / "out"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    answer, _ = told(make_job(source, tmp_path / "out"))
    assert answer.download_bytes > 1e6
    with pytest.raises(LicenceError, match="no commercial use"):
        told(make_job(source, tmp_path / "out", model="amt-g"))


def test_a_cancel_is_heard(source, tmp_path):
    events = []
    request = Rehearse(job_id="r", job=make_job(source, tmp_path / "out"))
    with pytest.raises(JobCancelledError):
        rehearse(request, on_event=events.append, is_cancelled=lambda: True)
    assert events == [Cancelled(job_id="r", frames_done=0)]


def test_cuts_that_are_known_are_not_counted_as_new(tmp_path):
    write_sequence(tmp_path / "in", 4)
    job = make_job(tmp_path / "in", tmp_path / "out", cut_pairs=(1,))
    answer, _ = told(job)
    assert (answer.frames_new, answer.frames_total) == (2, 7)
    model = FakeModel()
    run(job, model)
    assert len(model.calls) == 2
