"""Jobs over drawings that are held: what is found, kept, and re-timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blender_vfi.engine.protocol import Found
from blender_vfi.errors import OutputError, RequestError

from . import fake_jobs
from .sequences import make_job, read_png, visible_names
from .shots import shot, write_frames

pytestmark = pytest.mark.torch


@pytest.fixture
def drawings():
    return shot(1, 4, pan=3)


@pytest.fixture
def source(tmp_path: Path, drawings) -> Path:
    """Four drawings on twos."""
    return write_frames(tmp_path / "in", [drawing for drawing in drawings for _ in range(2)])


def run(job):
    finished, events = fake_jobs.run(job)
    return finished, [event for event in events if isinstance(event, Found)]


def frame(folder: Path, number: int) -> np.ndarray:
    return read_png(folder / f"shot_{number:04d}.png").astype(float)


def test_duplicates_are_told_by_their_numbers_and_kept(source, tmp_path):
    finished, [found] = run(make_job(source, tmp_path / "out"))
    assert found.duplicates == (0, 2, 4, 6)
    assert found.duplicate_numbers == (2, 4, 6, 8)
    assert (finished.frames_total, finished.frames_made) == (15, 7)
    out = tmp_path / "out"
    assert np.array_equal(frame(out, 2), frame(source, 1))


def test_retimed_drawings_move_evenly_over_the_same_time(source, tmp_path, drawings):
    out = tmp_path / "out"
    finished, [found] = run(make_job(source, out, duplicates="retime"))
    assert (finished.frames_total, len(found.duplicates)) == (15, 4)
    for index in range(13):  # until the last drawing
        at, share = divmod(index / 4, 1)
        later = drawings[min(int(at) + 1, 3)]
        expected = (drawings[int(at)] * (1 - share) + later * share) * 255
        assert np.abs(frame(out, index + 1) - expected).max() <= 1.01
    for number in (13, 14, 15):
        assert np.array_equal(frame(out, number), frame(source, 8))


def test_names_are_those_of_the_job_without_it(source, tmp_path):
    for duplicates in ("keep", "retime"):
        run(make_job(source, tmp_path / duplicates, multiplier=3, duplicates=duplicates))
    assert visible_names(tmp_path / "keep") == visible_names(tmp_path / "retime")


def test_it_works_with_cuts_off(source, tmp_path):
    finished, [found] = run(make_job(source, tmp_path / "o", duplicates="retime", cuts="off"))
    assert (found.cuts, len(found.duplicates)) == ((), 4)
    assert finished.frames_made == 10


def test_another_choice_is_another_job_and_the_same_goes_on(source, tmp_path):
    job = make_job(source, tmp_path / "out", duplicates="retime")
    run(job)
    before = frame(tmp_path / "out", 4)
    (tmp_path / "out" / "shot_0004.png").unlink()
    finished, _ = run(job)
    assert finished.frames_made == 1
    assert np.array_equal(frame(tmp_path / "out", 4), before)
    with pytest.raises(OutputError, match="was not made by this very job"):
        run(make_job(source, tmp_path / "out", duplicates="keep"))


def test_a_wrong_choice_is_named(source, tmp_path):
    with pytest.raises(RequestError, match="Duplicates drop: must be one of keep, retime"):
        make_job(source, tmp_path / "out", duplicates="drop")
