"""Jobs that fill a sequence: which frames they make, under which numbers, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_vfi.engine.gaps import (
    describe_missing,
    fill_job,
    fill_job_for_folder,
    renumbered_source,
)
from blender_vfi.engine.schedule import Between, Source
from blender_vfi.errors import FrameError, RequestError

pytestmark = pytest.mark.plain


def files(*numbers, name="f_{:04d}.png"):
    return [Path("/in", name.format(number)) for number in numbers]


def job_for(frames, **settings):
    return fill_job(frames, Path("/out"), job_id="a", **settings)


def made(job) -> list[str]:
    """Names of the frames that a model makes."""
    outputs = job.plan().outputs
    return [job.frame_name(at) for at, output in enumerate(outputs) if isinstance(output, Between)]


@given(st.sets(st.integers(0, 3000), min_size=2, max_size=60))
def test_every_number_stands_once_and_only_missing_ones_are_made(numbers):
    present = sorted(numbers)
    steps = [later - earlier for earlier, later in itertools.pairwise(present)]
    if max(steps) == 1 or max(steps) > 256:
        return
    job = job_for(files(*present))
    names = [job.frame_name(index) for index in range(len(job.plan().outputs))]
    assert names == [f"f_{number:04d}.png" for number in range(present[0], present[-1] + 1)]
    for name, output in zip(names, job.plan().outputs, strict=True):
        number = int(name[2:-4])
        if number in numbers:
            assert output == Source(present.index(number))
        else:
            assert isinstance(output, Between)
            earlier, later = present[output.pair], present[output.pair + 1]
            assert earlier + output.timestep * (later - earlier) == number


def test_a_frame_step_of_two_gets_the_middles():
    job = job_for(files(1, 3, 5))
    assert made(job) == ["f_0002.png", "f_0004.png"]
    assert {output.timestep for output in job.plan().outputs if isinstance(output, Between)} == {
        Fraction(1, 2)
    }


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("f{}.png", (9, 11), ["f10.png"]),
        ("{:06d}.exr", (7, 9), ["000008.exr"]),
        ("v2.{:03d}.tif", (998, 1001), ["v2.999.tif", "v2.1000.tif"]),
        ("a-{:02d}.JPEG", (1, 3), ["a-02.jpg"]),
    ],
)
def test_names_are_written_as_the_source_s(name, numbers, expected):
    assert made(job_for(files(*numbers, name=name))) == expected


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (files(1, 2, 3), r"No frame is missing from f_0001\.png to f_0003\.png"),
        (files(1), "1 frame.*at least 2 are needed"),
        ([Path("/in/a.png"), Path("/in/b.png")], r"a\.png has no number"),
        (files(3, 1), r"After f_0003\.png comes f_0001\.png: numbers must rise"),
        (files(1, 3, 3), "numbers must rise"),
    ],
)
def test_what_cannot_be_filled_is_named(frames, message):
    with pytest.raises(FrameError, match=message):
        job_for(frames)


def test_a_gap_that_is_too_long_is_named_with_its_ends():
    with pytest.raises(RequestError, match=r"From f_0004\.png to f_0301\.png, 296 frames are miss"):
        job_for(files(1, 2, 4, 301))


def test_a_wrong_setting_is_named(tmp_path):
    for number in (1, 3):
        (tmp_path / f"f_{number}.png").touch()
    with pytest.raises(RequestError, match="Unknown setting 'speed'"):
        fill_job_for_folder(tmp_path, tmp_path / "out", job_id="a", speed=2)
    with pytest.raises(RequestError, match="Cut threshold"):
        fill_job_for_folder(tmp_path, tmp_path / "out", job_id="a", cut_threshold=-1.0)
    job = fill_job_for_folder(tmp_path, tmp_path / "out", job_id="a")
    with pytest.raises(RequestError, match="0 digits"):
        dataclasses.replace(job, number_digits=0).check()


def test_missing_numbers_are_listed():
    assert describe_missing(files(1, 3, 7, 8, 10)) == "2, 4-6, 9"
    assert describe_missing(files(*range(1, 60, 2))).endswith("18, 20, …")


@pytest.mark.parametrize("numbers", [(1, 3, 5), (7, 8, 12, 15)])
def test_a_filled_sequence_keeps_the_numbers_of_its_sources(numbers):
    assert renumbered_source(job_for(files(*numbers))) is None


@pytest.mark.parametrize(
    ("numbers", "changes", "found"),
    [
        ((1, 2, 3), {"multiplier": 2}, ("f_0001.png", "f_0002.png")),
        ((1, 3, 5), {"first_number": 2}, ("f_0001.png", "f_0002.png")),
        ((1, 3, 5), {"multiplier": 3}, ("f_0001.png", "f_0002.png")),
        # sources stand where they did, and the new frame between them is of another moment
        ((1, 3, 5), {"multiplier": 2, "times": ("0", "1/4", "1")}, ("f_0001.png", "f_0002.png")),
    ],
)
def test_a_sequence_that_is_slowed_or_numbered_anew_is_told(numbers, changes, found):
    job = dataclasses.replace(job_for(files(1, 3, 5)), **changes)
    job = dataclasses.replace(job, sources=tuple(map(str, files(*numbers))))
    assert renumbered_source(job) == found


def test_sources_without_numbers_tell_no_moments():
    job = dataclasses.replace(job_for(files(1, 3)), sources=("/in/a.png", "/in/b.png"))
    assert renumbered_source(job) == ("a.png", "f_0001.png")
