"""Cuts that are found while frames are made: the same ones, from as few frames as can be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_vfi.engine import inspection, watching
from blender_vfi.engine.finder import Finder
from blender_vfi.engine.findings import Findings
from blender_vfi.engine.protocol import DEFAULT_CUT_THRESHOLD, Found
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.similarity import Signature
from blender_vfi.errors import JobCancelledError

from . import fake_jobs
from .fake_jobs import content
from .fake_model import FakeModel
from .sequences import make_job, visible_names
from .shots import format_of, shot, write_frames

pytestmark = pytest.mark.torch

FORMAT = format_of(np.zeros((12, 20, 3)))
PICTURES = np.random.default_rng(0).random((6, 12, 20, 3)).astype(np.float32)


def small_copy(picture: int, brightness: float, moved: int) -> Signature:
    cells = np.roll(PICTURES[picture], moved, axis=1) * np.float32(brightness)
    luma = cells[..., 0]
    return Signature(cells, luma.repeat(2, 0), float(luma.mean()), float(luma.std()))


# steps from one frame to the next: held, moved, a cut, a flash, back to where it was
STEPS = st.lists(st.sampled_from("hhmmmcffb"), min_size=1, max_size=40)


def frames_of(steps: list[str], seed: int) -> list[Signature]:
    random = np.random.default_rng(seed)
    picture, brightness, moved = 0, 0.5, 0
    frames = [small_copy(picture, brightness, moved)]
    for step in steps:
        if step == "m":
            moved += int(random.integers(1, 6))
        elif step == "c":
            picture = (picture + int(random.integers(1, len(PICTURES)))) % len(PICTURES)
        elif step == "f":
            picture, brightness = (picture + 1) % len(PICTURES), 1.0
        elif step == "b":
            picture, brightness = int(random.integers(0, 2)), 0.5
        frames.append(small_copy(picture, brightness, moved))
    return frames


def found_in(frames, threshold):
    finder = Finder(threshold)
    for frame in frames:
        finder.add(frame)
    return finder.findings()


def settle(finder: Finder, frames, pair: int) -> bool:
    while (answer := finder.is_cut(pair, is_whole=finder.end == len(frames))) is None:
        finder.add(frames[finder.end])
    return answer


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(0, 9), st.sampled_from([0.05, DEFAULT_CUT_THRESHOLD, 0.4]))
def test_pairs_are_judged_one_after_the_other_as_in_the_whole_strip(steps, seed, threshold):
    frames = frames_of(steps, seed)
    finder = Finder(threshold)
    cuts = []
    for pair in range(len(frames) - 1):
        if settle(finder, frames, pair):
            cuts.append(pair)
        assert finder.end <= pair + 7, "no more than a flash and its end are looked at early"
    assert finder.findings() == found_in(frames, threshold)
    assert tuple(cuts) == finder.findings().cuts


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(0, 9), st.integers(0, 39))
def test_a_search_that_begins_anew_judges_what_is_left_as_before(steps, seed, stop):
    frames = frames_of(steps, seed)
    whole = found_in(frames, DEFAULT_CUT_THRESHOLD)
    before = Finder(DEFAULT_CUT_THRESHOLD)
    for pair in range(min(stop, len(frames) - 1)):
        settle(before, frames, pair)
    until = min(stop, before.settled_duplicates)
    after = Finder(DEFAULT_CUT_THRESHOLD, first=before.restart_for(until))
    for frame in frames[after.end :]:
        after.add(frame)
    for kind in ("cuts", "duplicates"):
        early = [pair for pair in getattr(before.findings(), kind) if pair < until]
        late = [pair for pair in getattr(after.findings(), kind) if pair >= until]
        assert (*early, *late) == getattr(whole, kind)


def test_frames_that_are_alike_are_judged_at_once():
    finder = Finder(DEFAULT_CUT_THRESHOLD)
    assert finder.is_cut(0, is_whole=False) is None
    for _ in range(2):
        finder.add(small_copy(0, 0.5, 0))
    assert finder.is_cut(0, is_whole=False) is False


@pytest.fixture
def source(tmp_path):
    """Shots of 9, 1, 3 and 8 frames."""
    frames = shot(1, 9) + shot(2, 1) + shot(3, 3) + shot(4, 8)
    return write_frames(tmp_path / "in", frames)


CUTS = (8, 9, 12)


def run(job, **options):
    model = FakeModel()
    _, events = fake_jobs.run(job, model, **options)
    return [event for event in events if isinstance(event, Found)], model


@pytest.fixture
def looked_at(monkeypatch):
    """The small copies made, of frames that the loop reads and of others."""
    made = {"loop": 0, "alone": 0}

    def counted(where):
        def signature(*arguments):
            made[where] += 1
            return of(*arguments)

        of = inspection.signature
        return signature

    monkeypatch.setattr(watching, "signature", counted("loop"))
    monkeypatch.setattr(inspection, "signature", counted("alone"))
    return made


@pytest.fixture
def searched_first(monkeypatch):
    """Take the way of jobs that need all findings before the first frame."""

    of = watching.is_possible

    def never(*_arguments, **_options):
        return False

    def switch(is_on):
        monkeypatch.setattr("blender_vfi.engine.search.is_possible", of if not is_on else never)

    return switch


@pytest.mark.parametrize(
    "settings",
    [
        {"multiplier": 3},
        {"rate_ratio": (7, 3)},
        {"cuts": "blend"},
        {"model": "flavr-2x"},
        {"cut_pairs": (9, 15)},
        {"skip_pairs": (0, 8, 11)},
    ],
)
def test_both_ways_make_the_same_frames(source, tmp_path, searched_first, settings):
    searched_first(True)
    expected, first = run(make_job(source, tmp_path / "first", **settings))
    searched_first(False)
    found, along = run(make_job(source, tmp_path / "along", **settings))
    assert found == [dataclasses.replace(expected[0], job_id=found[0].job_id)]
    assert found[0].cuts == CUTS
    assert along.calls == first.calls, "the model sees the same frames, four of them if it may"
    assert content(tmp_path / "along") == content(tmp_path / "first")


def test_each_frame_is_looked_at_once_and_few_beside_the_loop(source, tmp_path, looked_at):
    run(make_job(source, tmp_path / "out"))
    assert sum(looked_at.values()) == 21
    assert looked_at["alone"] <= 6 * len(CUTS)


def test_a_strip_without_cuts_is_decoded_for_the_loop_alone(tmp_path, looked_at):
    source = write_frames(tmp_path / "in", shot(1, 12))
    run(make_job(source, tmp_path / "out"))
    assert looked_at == {"loop": 12, "alone": 0}


@pytest.mark.parametrize("stop_at", [2, 21])
def test_a_stopped_job_finds_the_rest_and_keeps_what_it_made(
    source, tmp_path, monkeypatch, stop_at
):
    monkeypatch.setattr(watching, "_PAIRS_BETWEEN_NOTES", 2)
    job = make_job(source, tmp_path / "out")
    out = tmp_path / "out"

    def stop_soon():
        return out.exists() and len(visible_names(out)) > stop_at

    with pytest.raises(JobCancelledError):
        run(job, is_cancelled=stop_soon)
    made = {path: path.stat().st_mtime_ns for path in out.glob("shot_*")}
    [found], _ = run(job)
    assert found.cuts == CUTS
    assert all(path.stat().st_mtime_ns == time for path, time in made.items())
    run(make_job(source, tmp_path / "fresh"))
    assert content(out) == content(tmp_path / "fresh")


def test_a_finished_job_started_again_makes_nothing(source, tmp_path):
    job = make_job(source, tmp_path / "out")
    run(job)
    before = content(tmp_path / "out")
    [found], model = run(job)
    assert (found.cuts, model.calls) == (CUTS, [])
    assert content(tmp_path / "out") == before


@pytest.mark.parametrize(
    "settings",
    [
        {"duplicates": "retime"},
        {"times": ("1/2", "3/2", "1/2")},
        {"loop": True},
        {"cuts": "off"},
    ],
)
def test_jobs_that_do_not_read_one_way_through_search_first(source, tmp_path, settings):
    job = make_job(source, tmp_path / "out", **settings)
    known = Findings(until=0)
    assert not watching.is_possible(job, job.plan(), (), known, expected=FORMAT, threads=1)
    assert watching.is_possible(
        make_job(source, tmp_path / "out"), plan(21, 2), (), known, expected=FORMAT, threads=1
    )


def test_a_job_with_many_frames_done_but_nothing_known_searches_first(source, tmp_path):
    job = make_job(source, tmp_path / "out")
    done = range(2 * 500)
    for known, is_possible in (
        (Findings(until=0), False),
        (Findings(until=480, begin=460), True),
    ):
        answer = watching.is_possible(job, plan(600, 2), done, known, expected=FORMAT, threads=1)
        assert answer == is_possible
