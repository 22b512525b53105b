"""What a terminal and a log show of a job."""

from __future__ import annotations

import io

import pytest

from blender_vfi import cli_progress
from blender_vfi.cli_progress import ProgressPrinter
from blender_vfi.engine.protocol import Found, Notice, Progress, Ready, Stage, Started

pytestmark = pytest.mark.plain


class Terminal(io.StringIO):
    def isatty(self):
        return True


def progress(done, *, speed=2.0, left=90.4):
    return Progress(
        job_id="a",
        frames_done=done,
        frames_total=200,
        frames_per_second=speed,
        seconds_left=left,
        device_memory_bytes=0,
        host_memory_bytes=0,
        last_frame=None,
    )


STARTED = Started(job_id="a", frames_total=200, device="cuda:0", precision="fp16")


def shown(*events, stream=None, quiet=False):
    stream = stream or io.StringIO()
    with ProgressPrinter(stream, quiet=quiet) as printer:
        for event in events:
            printer.show(event)
    return stream.getvalue()


def test_log_gets_a_line_now_and_then_and_the_last(monkeypatch):
    clock = iter([100.0, 101.0, 103.0, 106.0, 107.0, 107.0])
    monkeypatch.setattr(cli_progress.time, "monotonic", lambda: next(clock))
    lines = shown(STARTED, progress(1), progress(2), progress(20), progress(200)).splitlines()
    assert lines == [
        "200 frames on cuda:0 in fp16",
        "1/200 frames, 2.00 frames/s, 0:01:30 left",
        "20/200 frames, 2.00 frames/s, 0:01:30 left",
        "200/200 frames, 2.00 frames/s",
    ]


def test_terminal_renews_one_line_and_wipes_what_was_longer():
    text = shown(progress(1), progress(200), stream=Terminal())
    first, last = text.lstrip("\r").split("\r")
    assert len(last.rstrip("\n")) == len(first)
    assert last.endswith(" \n")


def test_speed_and_time_left_wait_until_they_are_known():
    assert shown(progress(0, speed=0.0, left=None)) == "0/200 frames\n"
    assert shown(progress(1, left=3725)).endswith("1:02:05 left\n")


def test_download_is_shown_in_megabytes():
    stages = [
        Stage(job_id="a", message="Loading RIFE 4.25"),
        Stage(job_id="a", message="Downloading RIFE 4.25", done=1_500_000, total=24_600_000),
    ]
    assert shown(*stages).splitlines() == [
        "Loading RIFE 4.25",
        "Downloading RIFE 4.25: 1.5 of 24.6 MB",
    ]
    unknown = Stage(job_id="a", message="Downloading", done=1_500_000)
    assert shown(unknown) == "Downloading: 1.5 MB\n"


def test_quiet_shows_notices_alone():
    notice = Notice(job_id="a", message="Memory ran out.")
    assert shown(STARTED, notice, progress(200), quiet=True) == "Memory ran out.\n"


def test_notice_does_not_run_into_the_renewed_line():
    notice = Notice(job_id="a", message="Memory ran out.")
    lines = shown(progress(1), notice, stream=Terminal()).splitlines()
    assert lines[-1] == "Memory ran out."


def test_events_that_mean_nothing_to_a_waiting_user_print_nothing():
    assert shown(Ready(protocol=1, process_id=1, version="0", python="3")) == ""


def test_cuts_are_told_by_the_numbers_of_their_files():
    assert shown(Found(job_id="a", cuts=(), cut_numbers=())) == ""
    held = Found(job_id="a", cuts=(), cut_numbers=(), duplicates=(0, 3), duplicate_numbers=(30, 33))
    assert shown(held) == "2 frame(s) like the one before: 30, 33\n"
    two = Found(job_id="a", cuts=(2, 29), cut_numbers=(31, 58))
    assert shown(two) == "2 cut(s), at frame(s) 31, 58\n"
    assert shown(two, quiet=True) == ""
    many = Found(job_id="a", cuts=tuple(range(30)), cut_numbers=tuple(range(30)))
    assert shown(many).endswith("18, 19, …\n")


def test_the_search_for_cuts_counts_frames():
    stage = Stage(
        job_id="a", message="Looking through the frames", done=10, total=200, unit="frames"
    )
    assert shown(stage) == "Looking through the frames: frame 10 of 200\n"
