"""Movies from movies in an engine that is killed at any moment: never half a one under its name."""

from __future__ import annotations

import random
from pathlib import Path

import av
import pytest

from ..engine.movie_files import make_movie_job, write_movie
from .forking import Forks

pytestmark = pytest.mark.torch

COUNT = 5


@pytest.fixture(scope="module")
def forks():
    forks = Forks("fake")
    yield forks
    forks.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    return write_movie(folder / "clip.mkv", COUNT, codec="ffv1", pix_fmt="bgr0", sound="flac")


def job_in(folder: Path, clip: Path):
    return make_movie_job(
        clip,
        COUNT,
        folder / "frames",
        movie=str(folder / "out.mkv"),
        codec="ffv1",
        movie_rate=(48, 1),
    )


def pictures(movie: Path) -> list[bytes]:
    """What an independent reader finds in a movie, to its end."""
    with av.open(str(movie)) as container:
        return [bytes(frame.planes[0]) for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def whole(forks, clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    outcome = forks.run(job_in(folder, clip))
    assert not outcome.error, outcome.message
    return outcome, pictures(folder / "out.mkv")


def check_and_go_on(forks, clip, folder, whole):
    movie = folder / "out.mkv"
    if movie.exists():
        assert pictures(movie) == whole[1]
    outcome = forks.run(job_in(folder, clip))
    assert not outcome.error, outcome.message
    assert pictures(movie) == whole[1]
    assert not list(folder.glob(".*partial*"))


@pytest.mark.parametrize("number", range(10))
def test_job_killed_between_two_steps_with_files_makes_the_whole_movie_next(
    forks, clip, whole, tmp_path, number
):
    last = whole[0].file_events
    moment = last - number if number < 6 else random.Random(number).randint(1, last)
    assert forks.run(job_in(tmp_path, clip), end_at_event=moment).was_killed
    check_and_go_on(forks, clip, tmp_path, whole)


@pytest.mark.parametrize("number", range(6))
def test_job_killed_at_any_moment_makes_the_whole_movie_next(forks, clip, whole, tmp_path, number):
    moment_s = random.Random(number).uniform(whole[0].seconds / 3, whole[0].seconds)
    forks.run(job_in(tmp_path, clip), end_after_s=moment_s)
    check_and_go_on(forks, clip, tmp_path, whole)


def test_disk_that_fills_leaves_the_frames_and_no_movie(forks, clip, whole, tmp_path):
    too_small = clip.stat().st_size // 4
    outcome = forks.run(job_in(tmp_path, clip), largest_file=too_small)
    assert outcome.error == "OutputError"
    assert not (tmp_path / "out.mkv").exists()
    check_and_go_on(forks, clip, tmp_path, whole)
