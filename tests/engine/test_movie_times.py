"""Varying rates: each output frame is made from the pictures around its moment."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from blender_vfi.engine.movie_frames import index_of, movie_frame
from blender_vfi.engine.movie_times import at_true_moments, frame_before, pictures_of
from blender_vfi.engine.schedule import Between, Dissolve, Hold, Source, plan, with_cuts

pytestmark = pytest.mark.plain

MOMENTS = (0, 1, Fraction(5, 2), Fraction(14, 5), 4)
"""Of five pictures in five frames: the third is late, the fourth follows soon."""


def exact(moments=MOMENTS):
    return tuple(map(Fraction, moments))


def moment_of(output, moments):
    """When an output frame is shown, by the pictures that it is made from."""
    if isinstance(output, Source):
        return moments[output.index]
    begin, end = moments[output.pair : output.pair + 2]
    return begin + output.timestep * (end - begin)


def test_every_output_is_made_for_its_own_moment():
    planned = plan(5, 4)
    moved = at_true_moments(planned, exact())
    assert len(moved.outputs) == len(planned.outputs)
    for position, output in enumerate(moved.outputs):
        off = abs(moment_of(output, exact()) - Fraction(position, 4))
        assert off <= (Fraction(1, 16) if isinstance(output, Source) else 0)
    assert moved.source_count == 5


def test_even_pictures_leave_the_plan_as_it_is():
    for planned in (plan(5, 3), plan(5, Fraction(5, 2)), plan(5, 2, loop=True)):
        assert at_true_moments(planned, exact(range(5))) == planned


def test_rounded_times_are_taken_as_they_are():
    moments = exact((0, Fraction(21, 20), Fraction(39, 20), 3))
    assert at_true_moments(plan(4, 2), moments).outputs[::2] == tuple(map(Source, range(4)))


def test_held_places_stay_held():
    planned = plan(5, 2, skip=[1, 2], hold_skipped=True)
    moved = at_true_moments(planned, exact())
    assert moved.outputs[3] == Hold(1)
    assert moved.outputs[5] == Hold(1), "at 2, the second picture is still shown"


def test_cut_between_frames_lies_between_the_pictures_that_change_there():
    moved = at_true_moments(with_cuts(plan(5, 2), [2], dissolves=True), exact())
    assert moved.cuts == {1, 2}
    assert isinstance(moved.outputs[5], Source | Dissolve)


def test_cut_lies_before_a_picture_whose_time_was_rounded_up():
    late = Fraction(301, 100)  # of Matroska, for 3
    moments = exact((0, 1, Fraction(5, 2), late))
    moved = at_true_moments(with_cuts(plan(4, 2), [2], dissolves=True), moments)
    assert 2 in moved.cuts
    assert at_true_moments(plan(4, 2, skip=[2]), moments).skipped == moved.cuts
    assert frame_before(moments, 2) == 2, "a picture comes after it"


def test_last_picture_is_held_to_the_end():
    moved = at_true_moments(plan(5, 2), exact((0, 1, 2, 3, Fraction(16, 5))))
    assert moved.outputs[-1] == Hold(4)


def test_loop_closes_over_the_time_that_the_last_picture_is_shown():
    moved = at_true_moments(plan(4, 2, loop=True), exact((0, 1, 2)))
    assert moved.outputs[-3:] == (Between(2, Fraction(1, 4)), *moved.outputs[-2:])
    assert moved.outputs[-1] == Between(2, Fraction(3, 4))


def test_trimmed_frames_take_their_own_pictures():
    sources = [movie_frame(Path("/a.mp4"), index) for index in range(2, 5)]
    pictures, moments = pictures_of(sources, exact())
    assert [index_of(picture) for picture in pictures] == [1, 2, 3, 4]
    assert moments == (0, Fraction(1, 2), Fraction(4, 5), 2)


def test_frames_backwards_are_taken_as_they_are():
    sources = [movie_frame(Path("/a.mp4"), index) for index in (3, 2, 1)]
    assert pictures_of(sources, exact()) is None


def test_pair_of_pictures_is_told_by_its_frame():
    assert [frame_before(exact(), pair) for pair in range(4)] == [0, 2, 2, 3]
    assert frame_before(None, 7) == 7


def test_any_model_gets_timesteps_between_0_and_1():
    moved = at_true_moments(plan(5, Fraction(60000, 25025)), exact())
    steps = [one.timestep for one in moved.outputs if isinstance(one, Between)]
    assert steps
    assert all(0 < step < 1 for step in steps)
