"""The log beside a job's frames: what it tells, that it stays small, and is in nobody's way."""

from __future__ import annotations

import errno
import logging
import re
from pathlib import Path

import pytest

from blender_vfi.engine import job_log
from blender_vfi.engine.folders import list_frames
from blender_vfi.engine.job_log import JobLog
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Notice, Progress
from blender_vfi.errors import JobCancelledError, ModelError

from .fake_model import FakeModel, fake_cache
from .sequences import make_job, write_sequence

pytestmark = pytest.mark.torch


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 12)
    return tmp_path / "in"


def run(job, model=None, **options):
    return Engine(fake_cache(model or FakeModel())).run(job, **options)


def log_of(folder: Path) -> str:
    return (folder / ".vfi.log").read_text(encoding="utf-8")


def progress(done: int) -> Progress:
    return Progress(
        job_id="a",
        frames_done=done,
        frames_total=99,
        frames_per_second=2.0,
        seconds_left=None,
        device_memory_bytes=3 << 20,
        host_memory_bytes=7 << 20,
        last_frame=None,
    )


def test_job_tells_versions_settings_memory_and_speed_and_its_end(source, tmp_path):
    run(make_job(source, tmp_path / "out"))
    text = log_of(tmp_path / "out")
    assert "INFO RIFE 4.25, 12 source frames\n" in text
    assert "23 frames on cpu in fp32" in text
    # 11 pairs and the end: the first, the eleventh
    assert len(re.findall(r"/23 frames, [0-9.]+ frames/s, memory \d+ MiB\n", text)) == 2
    assert re.search(r"23 frames, 11 new, [0-9.]+ s, most memory \d+ MiB\n$", text)
    assert re.match(r"20\d\d-\d\d-\d\d .* INFO blender_vfi \d", text)


def test_more_is_told_when_it_is_asked_for(source, tmp_path, monkeypatch):
    monkeypatch.setenv("BLENDER_VFI_LOG_LEVEL", "debug")
    run(make_job(source, tmp_path / "out"))
    assert log_of(tmp_path / "out").count("frames/s") == 12
    monkeypatch.setenv("BLENDER_VFI_LOG_LEVEL", "off")
    run(make_job(source, tmp_path / "none"))
    assert not (tmp_path / "none" / ".vfi.log").exists()


def test_memory_of_the_device_is_told_where_there_is_some(tmp_path):
    with JobLog(lambda _event: None) as log:
        log.open(tmp_path, "a job")
        log.tell(progress(3))
    assert "3/99 frames, 2.000 frames/s, memory 7 MiB, on the device 3 MiB" in log_of(tmp_path)


def test_errors_and_cancels_are_the_last_words(source, tmp_path):
    def fail(_number, _batch):
        raise ModelError("No such thing.")

    def break_down(_number, _batch):
        raise ZeroDivisionError

    (tmp_path / "out").mkdir()  # of a job that made nothing, its own would go
    for model, words, kind in (
        (FakeModel(before_call=fail), "ERROR ModelError: No such thing.\n", ModelError),
        (FakeModel(before_call=break_down), "ZeroDivisionError\n", ZeroDivisionError),
    ):
        with pytest.raises(kind):
            run(make_job(source, tmp_path / "out"), model)
        assert words in log_of(tmp_path / "out")
    calls = iter([False] * 30 + [True] * 99)
    with pytest.raises(JobCancelledError):
        run(make_job(source, tmp_path / "out"), is_cancelled=lambda: next(calls))
    assert "cancelled with" in log_of(tmp_path / "out")


def test_a_job_that_goes_on_adds_to_the_log_and_frames_are_still_one_sequence(source, tmp_path):
    job = make_job(source, tmp_path / "out")
    run(job)
    (tmp_path / "out" / "f é 0002.png").unlink()
    run(job)
    assert log_of(tmp_path / "out").count("INFO blender_vfi") == 2
    assert len(list_frames(tmp_path / "out")) == 23


def test_log_is_renewed_before_it_grows_large(tmp_path, monkeypatch):
    monkeypatch.setattr(job_log, "_LARGEST_BYTES", 2000)
    with JobLog(lambda _event: None) as log:
        log.open(tmp_path, "a job")
        for number in range(200):
            log.tell(Notice(job_id="a", message=f"notice {number} " + "x" * 50))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".vfi.log", ".vfi.log.1"}
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert "notice 199" in log_of(tmp_path)


def test_a_log_that_cannot_be_written_fails_no_job(source, tmp_path):
    (tmp_path / "out" / ".vfi.log").mkdir(parents=True)
    assert run(make_job(source, tmp_path / "out")).frames_made == 11


def test_a_full_disk_loses_lines_in_silence(tmp_path, monkeypatch, capsys):
    told = []
    with JobLog(told.append) as log:
        log.open(tmp_path, "a job")

        def full(_self, _record):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(logging.handlers.RotatingFileHandler, "shouldRollover", full)
        log.tell(progress(1))
    assert told == [progress(1)]
    assert capsys.readouterr().err == ""


def test_loggers_of_the_process_are_left_alone(tmp_path):
    before = set(logging.root.manager.loggerDict)
    with JobLog(lambda _event: None) as log:
        log.open(tmp_path, "a job")
    assert set(logging.root.manager.loggerDict) == before
