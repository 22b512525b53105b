"""Movies through the one pipeline: frames, resume, cuts, held drawings, loops and rates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from blender_vfi.engine import movies
from blender_vfi.engine.protocol import Found
from blender_vfi.errors import OutputError, RequestError

from .fake_jobs import notices_of, run
from .movie_files import STEP, make_movie_job, number_of, write_movie
from .sequences import read_png, visible_names

pytestmark = pytest.mark.torch


def shown(folder: Path) -> list[float]:
    """The number that each output frame shows, to half a step of 8 bits."""
    return [
        round(number_of(read_png(folder / name) / 255) * STEP) / STEP
        for name in visible_names(folder)
    ]


@pytest.fixture
def movie(tmp_path):
    return write_movie(tmp_path / "clip 日本.mkv", 6, codec="ffv1", pix_fmt="bgr0")


def test_movie_becomes_a_sequence_with_blends_between(movie, tmp_path):
    finished, _ = run(make_movie_job(movie, 6, tmp_path / "out"))
    assert visible_names(tmp_path / "out")[0] == "clip 日本_0001.png"
    assert np.allclose(shown(tmp_path / "out"), np.arange(11) / 2, atol=0.08)
    assert (finished.frames_total, finished.frames_made) == (11, 5)


def test_ten_bits_are_written_as_sixteen(tmp_path):
    movie = write_movie(tmp_path / "deep.mkv", 3, codec="ffv1", pix_fmt="yuv420p10le")
    run(make_movie_job(movie, 3, tmp_path / "out"))
    codes = read_png(tmp_path / "out" / "deep_0001.png")
    assert codes.dtype == np.uint16
    assert abs(codes[..., 0].mean() / 257 - 20) < 0.6


def test_depth_is_never_cut(tmp_path):
    movie = write_movie(tmp_path / "deep.mkv", 3, codec="ffv1", pix_fmt="yuv420p10le")
    with pytest.raises(RequestError, match="no more than uint8"):
        run(make_movie_job(movie, 3, tmp_path / "out", suffix=".jpg"))


def test_job_started_again_makes_what_is_missing_and_a_changed_movie_all(movie, tmp_path):
    job = make_movie_job(movie, 6, tmp_path / "out")
    run(job)
    (tmp_path / "out" / "clip 日本_0004.png").unlink()
    assert run(job)[0].frames_made == 1
    write_movie(movie, 6, codec="ffv1", pix_fmt="bgr0", options={"g": "1", "level": "3"})
    movie.touch()
    finished, events = run(job)
    assert finished.frames_made == 5
    told = notices_of(events)
    assert any("clip 日本.mkv has changed since" in message for message in told)


def test_target_rate_of_a_television_movie_meets_exact_moments(tmp_path):
    rate = Fraction(24000, 1001)
    movie = write_movie(tmp_path / "tv.mov", 9, codec="qtrle", pix_fmt="rgb24", rate=rate)
    run(make_movie_job(movie, 9, tmp_path / "out", rate_ratio=Fraction(60000, 1001) / rate))
    assert np.allclose(shown(tmp_path / "out"), np.arange(21) * 0.4, atol=0.15)


def test_loop_goes_on_from_the_last_frame_to_the_first(movie, tmp_path):
    run(make_movie_job(movie, 6, tmp_path / "out", loop=True, cuts="off"))
    assert shown(tmp_path / "out")[-1] == pytest.approx(2.5, abs=0.1)


def test_varying_rate_gets_frames_for_their_true_moments(tmp_path):
    times = [0, 40, 80, 160, 200, 240, 260, 280, 320]
    movie = write_movie(
        tmp_path / "vfr.mkv", 9, codec="ffv1", pix_fmt="bgr0", rate=Fraction(25), times=times
    )
    count = movies.index_of_movie(movie).frame_count
    _, events = run(make_movie_job(movie, count, tmp_path / "out", cuts="off"))
    moments = np.array(times) / 40
    expected = np.interp(np.arange(2 * count - 1) / 2, moments, np.arange(9))
    assert np.allclose(shown(tmp_path / "out"), expected, atol=0.1)
    assert any("frame rate varies" in told for told in notices_of(events))


def test_cuts_are_told_by_their_frames_where_the_rate_varies(tmp_path):
    def shots():
        for index in range(10):
            rng = np.random.default_rng(index // 5)
            codes = rng.integers(0, 255, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            moved = np.roll(codes, index % 5, 1)
            yield av.VideoFrame.from_ndarray(moved, "rgb24").reformat(format="bgr0")

    times = [0, 40, 120, 160, 200, 320, 360, 400, 440, 480]
    movie = write_movie(
        tmp_path / "cut.mkv",
        codec="ffv1",
        pix_fmt="bgr0",
        rate=Fraction(25),
        times=times,
        frames=shots(),
    )
    count = movies.index_of_movie(movie).frame_count
    _, events = run(make_movie_job(movie, count, tmp_path / "out"))
    (found,) = (event for event in events if isinstance(event, Found))
    assert (found.cuts, found.cut_numbers) == ((7,), (9,))


def test_movie_that_is_shorter_than_the_job_thinks_holds_its_last_frame_and_says_so(
    movie, tmp_path
):
    _, events = run(make_movie_job(movie, 8, tmp_path / "out"))
    assert shown(tmp_path / "out")[-5:] == [5] * 5
    told = notices_of(events)
    assert any("has 6 frames with a picture, and 8 are asked for" in text for text in told)


def test_interlaced_movie_is_told(tmp_path):
    movie = write_movie(
        tmp_path / "tv.mpg",
        6,
        codec="mpeg2video",
        rate=Fraction(25),
        options={"flags": "+ildct+ilme", "top": "1"},
    )
    _, events = run(make_movie_job(movie, 6, tmp_path / "out"))
    told = notices_of(events)
    assert any("stored interlaced" in text for text in told)


def test_movies_are_closed_after_the_job(movie, tmp_path):
    run(make_movie_job(movie, 6, tmp_path / "out"))
    assert movies._open == {}


def test_output_folder_cannot_be_the_movie(movie, tmp_path):
    with pytest.raises(OutputError):
        run(make_movie_job(movie, 6, movie))
    assert movie.is_file()
