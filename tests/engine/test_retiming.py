"""Rounded samples of a retimed strip, back on the lines that they come from."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_vfi.engine.retiming import on_grid, straightened

pytestmark = pytest.mark.plain


def rounded(moment: Fraction, resolution: int) -> Fraction:
    return Fraction(round(moment * resolution), resolution)


@given(
    st.lists(st.tuples(st.integers(2, 30), st.integers(0, 30)), min_size=1, max_size=4),
    st.sampled_from([4, 16, 64]),
)
@settings(deadline=None)
def test_lines_between_keys_on_whole_frames_are_found_exactly(steps, resolution):
    keys = [0, *itertools.accumulate(length for length, _ in steps)]
    values = [0, *itertools.accumulate(rise for _, rise in steps)]
    exact = [
        low + Fraction(high - low, end - begin) * (frame - begin)
        for (begin, end), (low, high) in zip(
            itertools.pairwise(keys), itertools.pairwise(values), strict=True
        )
        for frame in range(begin, end)
    ]
    samples = [rounded(moment, resolution) for moment in exact]
    times = straightened(samples, keys, resolution=resolution)
    assert len(times) == len(exact)
    assert max(abs(a - b) for a, b in zip(times, exact, strict=True)) <= Fraction(1, resolution)
    for (begin, end), (low, high) in zip(
        itertools.pairwise(keys), itertools.pairwise(values), strict=True
    ):
        if end - begin >= 6:
            line = [low + Fraction(high - low, end - begin) * at for at in range(end - begin)]
            assert list(times[begin:end]) == [on_grid(moment) for moment in line]


def test_a_curve_stays_as_it_was_sampled():
    samples = [rounded(Fraction(at * at, 20), 64) for at in range(20)]
    assert straightened(samples, [0, 20], resolution=64) == tuple(samples)


def test_a_freeze_frame_stands_still():
    assert straightened([Fraction(4)] * 5, [], resolution=16) == (4,) * 5


def test_a_single_frame_between_two_keys_is_taken_as_it_is():
    samples = [Fraction(0), Fraction(5, 2), Fraction(7)]
    assert straightened(samples, [1, 2], resolution=2) == tuple(samples)
