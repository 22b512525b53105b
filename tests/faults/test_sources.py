"""Source files that break while a job runs: which one is named, what stays, and what goes on."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from blender_vfi.engine import frame_files, images
from blender_vfi.engine.protocol import Progress
from blender_vfi.errors import FrameError

from ..engine.fake_jobs import content, run
from ..engine.fake_model import FakeModel
from ..engine.image_files import encode_png
from ..engine.sequences import make_job, read_png, write_sequence
from .scenes import check_finished_frames

pytestmark = pytest.mark.torch

FRAMES = 8


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    return write_sequence(tmp_path / "in", FRAMES)


@pytest.fixture
def expected(sources, tmp_path):
    run(make_job(tmp_path / "in", tmp_path / "whole", multiplier=3))
    return content(tmp_path / "whole")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def shrink(path: Path) -> None:
    path.write_bytes(encode_png(read_png(path)[:-2]))


def replace_with_text(path: Path) -> None:
    path.write_text("not a picture")


BREAKS = {"truncated": truncate, "gone": Path.unlink, "smaller": shrink, "text": replace_with_text}


@pytest.mark.parametrize("harm", BREAKS)
@pytest.mark.parametrize("number", [5, 7])
def test_frame_that_breaks_while_the_job_runs_is_named(sources, expected, tmp_path, harm, number):
    broken = sources[number - 1]
    whole = broken.read_bytes()
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=3, cuts="off")

    def act(count, _batch):
        if count == 1:
            BREAKS[harm](broken)

    with pytest.raises(FrameError, match=rf"{broken.name} "):
        run(job, FakeModel(before_call=act))
    assert check_finished_frames(tmp_path / "out", expected) >= 3
    broken.write_bytes(whole)
    run(job)
    assert content(tmp_path / "out") == expected


@pytest.mark.parametrize("every", [2, 3, 5])
def test_reads_that_fail_now_and_then_are_tried_again(
    sources, expected, tmp_path, every, monkeypatch
):
    reads = [0]
    read_frame = images.read_frame

    def fail_sometimes(path):
        reads[0] += 1
        if reads[0] % every == 0:
            raise FrameError(f"{path} is damaged or incomplete (input/output error)")
        return read_frame(path)

    monkeypatch.setattr(frame_files, "_PAUSE_S", 0.001)
    monkeypatch.setattr(frame_files.images, "read_frame", fail_sometimes)
    run(make_job(tmp_path / "in", tmp_path / "out", multiplier=3, cuts="off"))
    assert content(tmp_path / "out") == expected
    assert reads[0] > FRAMES


def test_clock_that_jumps_disturbs_neither_estimates_nor_records(
    sources, expected, tmp_path, monkeypatch
):
    draw = random.Random(4)
    jumps_s = [-86_400.0, 86_400.0, -3600.0, 3600.0, 1e9, -1e9, 0.0]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + draw.choice(jumps_s))
    monkeypatch.setattr(time, "time_ns", lambda: int((real() + draw.choice(jumps_s)) * 1e9))
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=3)
    finished, events = run(job)
    for event in events:
        if isinstance(event, Progress):
            assert 0 <= event.frames_per_second < 1e7
            assert event.seconds_left is None or 0 <= event.seconds_left < 3600
    assert 0 < finished.duration_s < 3600
    assert content(tmp_path / "out") == expected
    again, _ = run(job)
    assert again.frames_made == 0


@pytest.mark.parametrize("years", [-40, 40])
def test_source_files_from_another_time_are_no_reason_to_begin_again(
    sources, expected, tmp_path, years
):
    moment_s = time.time() + years * 365 * 86_400
    for path in sources:
        os.utime(path, (moment_s, moment_s))
    job = make_job(tmp_path / "in", tmp_path / "out", multiplier=3)
    assert run(job)[0].frames_made == 14
    assert run(job)[0].frames_made == 0
    assert content(tmp_path / "out") == expected
