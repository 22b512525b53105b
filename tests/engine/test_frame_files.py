"""Reading ahead and writing behind: order, bounds, and errors that cross threads."""

from __future__ import annotations

import threading

import pytest

from blender_vfi.engine import images
from blender_vfi.engine.frame_files import ReadAhead, WriteBehind
from blender_vfi.errors import FrameError, OutputError

from .sequences import write_sequence

pytestmark = pytest.mark.torch


def test_frames_come_in_the_order_announced_with_their_headers(tmp_path):
    paths = write_sequence(tmp_path / "in", 4)
    with ReadAhead(paths, [0, 1, 3], images.read_format(paths[0])) as reader:
        means = [float(reader.load(index).mean()) for index in (0, 1, 3)]
        assert reader.headers_of_pair(0)[1].format.container == "png"
    assert means == sorted(means)
    assert means[1] == pytest.approx((20 + 3.5) / 255, abs=0.01)


def test_no_more_than_two_frames_are_decoded_ahead(tmp_path, monkeypatch):
    paths = write_sequence(tmp_path / "in", 6)
    read, real = [], images.read_frame
    monkeypatch.setattr(images, "read_frame", lambda path: read.append(path) or real(path))
    with ReadAhead(paths, range(6), images.read_format(paths[0])) as reader:
        reader.load(0)
    assert len(read) <= 3


def test_several_threads_decode_further_ahead_and_keep_the_order(tmp_path, monkeypatch):
    paths = write_sequence(tmp_path / "in", 9)
    read, real = [], images.read_frame
    monkeypatch.setattr(images, "read_frame", lambda path: read.append(path) or real(path))
    with ReadAhead(paths, range(9), images.read_format(paths[0]), 4) as reader:
        means = [float(reader.load(index).mean()) for index in range(3)]
    assert means == sorted(means)
    assert len(read) <= 3 + 5


def test_frames_that_nothing_is_made_of_are_let_go(tmp_path):
    paths = write_sequence(tmp_path / "in", 6)
    with ReadAhead(paths, range(6), images.read_format(paths[0])) as reader:
        last = [float(reader.load(index).mean()) for index in (0, 4)][-1]
        with pytest.raises(AssertionError, match="frame 3 asked for, 5 announced"):
            reader.load(3)
    assert last == pytest.approx(float(images.read_frame(paths[4]).pixels.mean()))


def test_frames_are_told_as_they_are_decoded_and_can_be_waited_for(tmp_path):
    paths = write_sequence(tmp_path / "in", 5)
    told = []
    frame_format = images.read_format(paths[0])
    with ReadAhead(
        paths, range(5), frame_format, on_frame=lambda index, _frame: told.append(index)
    ) as reader:
        reader.wait_for(1)
        assert told == [0, 1]
        reader.wait_for(4)  # not begun yet: whoever needs it now reads it alone
        assert told == [0, 1]


def test_error_of_a_frame_comes_when_that_frame_is_asked_for(tmp_path):
    paths = write_sequence(tmp_path / "in", 3)
    frame_format = images.read_format(paths[0])
    paths[1].write_bytes(b"no picture")
    with ReadAhead(paths, range(3), frame_format) as reader:
        reader.load(0)
        with pytest.raises(FrameError, match=r"f é 0002\.png is damaged"):
            reader.load(1)


def test_frame_that_has_changed_since_the_check_is_refused(tmp_path):
    paths = write_sequence(tmp_path / "in", 2)
    [other] = write_sequence(tmp_path / "other", 1, size=(8, 8))
    frame_format = images.read_format(paths[0])
    paths[1].write_bytes(other.read_bytes())
    with ReadAhead(paths, range(2), frame_format) as reader:
        reader.load(0)
        with pytest.raises(FrameError, match="must have one size"):
            reader.load(1)


def test_everything_submitted_is_written_before_the_end():
    written = []
    with WriteBehind() as writer:
        for index in range(50):
            writer.submit(lambda index=index: written.append(index))
    assert sorted(written) == list(range(50))


def test_drain_waits_for_what_was_submitted():
    written, release = [], threading.Event()
    with WriteBehind() as writer:
        writer.submit(lambda: (release.wait(20), written.append(1)))
        threading.Timer(0.05, release.set).start()
        writer.drain()
        assert written == [1]
        writer.submit(lambda: written.append(2))
    assert written == [1, 2]


def test_writes_that_wait_are_bounded():
    release, submitted = threading.Event(), []

    def submit_many(writer):
        for index in range(20):
            writer.submit(lambda: release.wait(20))
            submitted.append(index)

    with WriteBehind() as writer:
        thread = threading.Thread(target=submit_many, args=(writer,))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert len(submitted) == 4
        release.set()
        thread.join(20)
    assert len(submitted) == 20


def test_failed_write_stops_a_submitter_that_was_waiting_for_room():
    release = threading.Event()

    def fail():
        release.wait(20)
        raise OutputError("disk full")

    done = []

    def submit_many():
        with WriteBehind() as writer:
            threading.Timer(0.1, release.set).start()
            for _ in range(50):
                writer.submit(fail)
                done.append(1)

    with pytest.raises(OutputError, match="disk full"):
        submit_many()
    assert len(done) < 10


def test_writes_that_waited_behind_a_failed_one_are_left_out():
    fail_now, end_now, written = threading.Event(), threading.Event(), []

    def fail():
        fail_now.wait(20)
        raise OutputError("disk full")

    def run():
        with WriteBehind() as writer:
            writer.submit(lambda: end_now.wait(20))  # keeps one of the two threads
            writer.submit(fail)
            writer.submit(lambda: written.append(1))
            fail_now.set()
            threading.Timer(0.2, end_now.set).start()

    with pytest.raises(OutputError, match="disk full"):
        run()
    assert written == []


def test_failed_last_write_is_told_at_the_end():
    def fail():
        raise OutputError("disk full")

    with pytest.raises(OutputError, match="disk full"), WriteBehind() as writer:
        writer.submit(fail)


def test_error_of_the_job_is_not_hidden_by_one_of_a_write():
    def fail():
        raise OutputError("disk full")

    def run():
        with WriteBehind() as writer:
            writer.submit(fail)
            raise FrameError("frame 3")

    with pytest.raises(FrameError, match="frame 3"):
        run()
