"""Even motion from held drawings: counts, order and moments, over every pattern of holds."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_vfi.engine.cadence import LONGEST_HOLD, retimed
from blender_vfi.engine.schedule import Between, Hold, Source, plan, with_cuts

pytestmark = pytest.mark.plain


def held(holds):
    """Return frame count, starts of the drawings and duplicate pairs, of drawings held so long."""
    starts = [0, *itertools.accumulate(holds)]
    count = starts.pop()
    return count, starts, [pair for pair in range(count - 1) if pair + 1 not in starts]


def drawings(made, starts):
    """Say of each output which drawing it shows, and how far on the way to the next."""
    for output in made.outputs:
        if isinstance(output, Between):
            at = sum(start <= output.pair for start in starts) - 1
            is_last_of_hold = output.pair + 1 in starts or output.pair + 1 == made.source_count
            yield at + (output.timestep if is_last_of_hold else 0)
        else:
            yield Fraction(sum(start <= output.index for start in starts) - 1)


HOLDS = st.lists(st.integers(1, 7), min_size=2, max_size=30)
MULTIPLES = st.one_of(st.integers(2, 5), st.sampled_from([Fraction(5, 2), Fraction(5, 4)]))


@given(HOLDS, MULTIPLES, st.booleans())
@settings(max_examples=300)
def test_count_stays_and_motion_never_goes_back(holds, multiplier, loop):
    count, starts, duplicates = held(holds)
    before = plan(count, multiplier, loop=loop)
    after = retimed(before, duplicates)
    assert len(after.outputs) == len(before.outputs)
    shown = list(drawings(after, starts))
    assert shown == sorted(shown)


@given(HOLDS)
@settings(max_examples=300)
def test_no_drawing_leaves_its_time_by_a_frame(holds):
    count, starts, duplicates = held(holds)
    steps = 4
    made = retimed(plan(count, steps), duplicates)
    for index, shown in enumerate(drawings(made, starts)):
        moment, at = Fraction(index, steps), int(shown)
        assert moment >= starts[at] - Fraction(3, 4)
        if at + 1 < len(starts):
            # an even piece reaches the next drawing late by as much at most
            assert moment <= starts[at + 1] + Fraction(3, 4)


@given(HOLDS, st.integers(2, 4))
def test_drawings_held_for_long_stay_held(holds, multiplier):
    count, starts, duplicates = held(holds)
    made = retimed(plan(count, multiplier), duplicates)
    for start, hold in zip(starts, holds, strict=True):
        if hold > LONGEST_HOLD:
            for index in range(start * multiplier, (start + hold - 1) * multiplier + 1):
                output = made.outputs[index]
                within = output.pair if isinstance(output, Between) else output.index
                assert start <= within < start + hold


@pytest.mark.parametrize("hold", [2, 3, 4])
@pytest.mark.parametrize("multiplier", [2, 3, 5])
def test_a_steady_hold_becomes_perfectly_even_however_long(hold, multiplier):
    count, starts, duplicates = held([hold] * 400)
    made = retimed(plan(count, multiplier), duplicates)
    shown = list(drawings(made, starts))
    last = (len(starts) - 1) * hold * multiplier
    assert shown[: last + 1] == [Fraction(k, hold * multiplier) for k in range(last + 1)]
    # after the last drawing there is no other to move to
    assert set(shown[last:]) == {len(starts) - 1}


@pytest.mark.parametrize("pattern", [[2, 3], [1, 1, 1, 2], [3, 2, 2], [1, 2]])
def test_an_uneven_pattern_becomes_even(pattern):
    count, starts, duplicates = held([*pattern * 40, 1])
    shown = list(drawings(retimed(plan(count, 2), duplicates), starts))
    steps = [later - earlier for earlier, later in itertools.pairwise(shown)]
    usual = Fraction(len(pattern), sum(pattern) * 2)
    assert all(usual * Fraction(3, 5) <= step <= usual * Fraction(7, 5) for step in steps)
    assert max(steps[40:-40]) - min(steps[40:-40]) <= usual / 2


def test_frames_on_ones_stay_source_frames():
    count, _, duplicates = held([1] * 12 + [2] * 6 + [1] * 12)
    made = retimed(plan(count, 2), duplicates).outputs
    assert made[:25] == plan(count, 2).outputs[:25]
    assert made[-22:] == plan(count, 2).outputs[-22:]


def test_on_twos_only_the_last_frame_of_a_hold_has_frames_after_it():
    count, _, duplicates = held([2, 2, 2])
    assert retimed(plan(count, 2), duplicates).outputs == (
        Source(0),
        Between(1, Fraction(1, 4)),
        Between(1, Fraction(1, 2)),
        Between(1, Fraction(3, 4)),
        Source(2),
        Between(3, Fraction(1, 4)),
        Between(3, Fraction(1, 2)),
        Between(3, Fraction(3, 4)),
        Source(4),
        Between(4, Fraction(1, 2)),
        Source(5),
    )


def test_a_loop_moves_on_to_its_first_drawing():
    count, _, duplicates = held([2, 2])
    made = retimed(plan(count, 2, loop=True), duplicates)
    assert made.outputs[4:] == (
        Source(2),
        Between(3, Fraction(1, 4)),
        Between(3, Fraction(1, 2)),
        Between(3, Fraction(3, 4)),
    )


@pytest.mark.parametrize("cut", [3, 4, 5])
def test_no_motion_reaches_over_a_cut(cut):
    count, _, duplicates = held([2] * 6)
    planned = with_cuts(plan(count, 2), {cut}, dissolves=False)
    made = retimed(planned, set(duplicates) - {cut})
    assert not {work.pair for work in made.pairs()} & {cut}
    assert made.outputs[2 * cut + 1] == Hold(cut)
    assert made.cuts == {cut}


def test_skipped_pairs_stay_as_they_are():
    count, _, duplicates = held([2] * 6)
    made = retimed(plan(count, 2, skip={5}, hold_skipped=True), duplicates)
    assert made.outputs[10:12] == (Source(5), Hold(5))
    shorter = plan(count, 2, skip={5})
    assert len(retimed(shorter, duplicates).outputs) == len(shorter.outputs)


def test_without_duplicates_nothing_changes():
    assert retimed(plan(9, 3), ()).outputs == plan(9, 3).outputs
