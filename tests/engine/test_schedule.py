"""Which output frame comes from where: counts, times and refusals, over all small plans."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_vfi.engine import schedule
from blender_vfi.engine.schedule import (
    Between,
    Dissolve,
    Hold,
    PairWork,
    Source,
    parse_pairs,
    plan,
    with_cuts,
)
from blender_vfi.errors import RequestError

pytestmark = pytest.mark.plain

BAD_MULTIPLIERS = [1, 0, -2, 1.5, 2.0, 257, 10000, True, False, None, "2"]


@st.composite
def requests(draw):
    """Frame count, multiplier for each pair, skipped pairs, whether these are held."""
    count = draw(st.integers(2, 12))
    multipliers = draw(st.lists(st.integers(1, 9), min_size=count - 1, max_size=count - 1))
    skip = draw(st.frozensets(st.integers(0, count - 2)))
    return count, multipliers, skip, draw(st.booleans())


def times(outputs):
    """When each output frame is shown, in source frames; held frames have no moment."""
    for output in outputs:
        if isinstance(output, Between):
            yield output.pair + output.timestep
        elif isinstance(output, Source):
            yield Fraction(output.index)


@given(requests())
def test_plan_has_one_frame_for_each_step_and_the_last(request):
    count, multipliers, skip, held = request
    made = plan(count, multipliers, skip=skip, hold_skipped=held)
    steps = [m if held or pair not in skip else 1 for pair, m in enumerate(multipliers)]
    assert len(made.outputs) == sum(steps) + 1
    assert made.source_count == count


@given(requests())
def test_every_source_frame_stands_once_and_in_order(request):
    count, multipliers, skip, held = request
    outputs = plan(count, multipliers, skip=skip, hold_skipped=held).outputs
    sources = [output.index for output in outputs if isinstance(output, Source)]
    assert sources == list(range(count))


@given(requests())
def test_moments_rise_strictly_and_evenly_within_each_pair(request):
    count, multipliers, skip, held = request
    outputs = plan(count, multipliers, skip=skip, hold_skipped=held).outputs
    moments = list(times(outputs))
    assert moments == sorted(set(moments))
    for pair, multiplier in enumerate(multipliers):
        made = [
            output.timestep
            for output in outputs
            if isinstance(output, Between) and output.pair == pair
        ]
        steps = [] if pair in skip else range(1, multiplier)
        assert made == [Fraction(step, multiplier) for step in steps]


@given(requests())
def test_held_pairs_keep_the_place_of_every_other_frame(request):
    count, multipliers, skip, _ = request
    whole = plan(count, multipliers).outputs
    held = plan(count, multipliers, skip=skip, hold_skipped=True).outputs
    assert len(held) == len(whole)
    for there, here in zip(whole, held, strict=True):
        if isinstance(there, Between) and there.pair in skip:
            assert here == Hold(there.pair)
        else:
            assert here == there


@given(requests())
def test_keeping_is_skipping_all_others(request):
    count, multipliers, kept, held = request
    others = frozenset(range(count - 1)) - kept
    assert plan(count, multipliers, keep=kept, hold_skipped=held) == plan(
        count, multipliers, skip=others, hold_skipped=held
    )


@given(requests(), st.data())
def test_pairs_cover_exactly_the_frames_that_are_not_finished(request, data):
    count, multipliers, skip, held = request
    made = plan(count, multipliers, skip=skip, hold_skipped=held)
    finished = data.draw(st.frozensets(st.integers(0, len(made.outputs) - 1)))
    works = list(made.pairs(finished))
    covered = [position for work in works for [position] in work.outputs]
    assert covered == [
        position
        for position, output in enumerate(made.outputs)
        if isinstance(output, Between) and position not in finished
    ]
    assert [work.pair for work in works] == sorted({work.pair for work in works})
    for work in works:
        for [position], timestep in zip(work.outputs, work.timesteps, strict=True):
            assert made.outputs[position] == Between(work.pair, timestep)


@st.composite
def rate_requests(draw):
    """Frame count, ratio of rates, skipped pairs."""
    count = draw(st.integers(2, 12))
    ratios = st.fractions(Fraction(1, 16), 9, max_denominator=1001)
    ratio = draw(ratios.filter(lambda ratio: ratio != 1))
    return count, ratio, draw(st.frozensets(st.integers(0, count - 2)))


@given(rate_requests())
def test_at_a_rate_each_frame_has_its_exact_moment_up_to_the_last_source_frame(request):
    count, ratio, _skip = request
    moments = list(times(plan(count, ratio).outputs))
    assert moments == [index / ratio for index in range(len(moments))]
    assert moments[-1] <= count - 1 < len(moments) / ratio


@given(rate_requests())
def test_at_a_rate_whole_moments_are_source_frames_and_others_are_between(request):
    count, ratio, _skip = request
    outputs = plan(count, ratio).outputs
    assert outputs[0] == Source(0)
    assert (outputs[-1] == Source(count - 1)) == (((count - 1) * ratio).denominator == 1)
    for output in outputs:
        if isinstance(output, Between):
            assert 0 < output.timestep < 1
            assert 0 <= output.pair < count - 1


@given(rate_requests())
def test_at_a_rate_skipped_pairs_hold_the_frame_before_and_time_stays(request):
    count, ratio, skip = request
    whole = plan(count, ratio).outputs
    held = plan(count, ratio, skip=skip).outputs
    assert plan(count, ratio, skip=skip, hold_skipped=True).outputs == held
    assert plan(count, ratio, keep=frozenset(range(count - 1)) - skip).outputs == held
    for there, here in zip(whole, held, strict=True):
        is_skipped = isinstance(there, Between) and there.pair in skip
        assert here == (Hold(there.pair) if is_skipped else there)


@given(rate_requests(), st.data())
def test_at_a_rate_pairs_cover_exactly_the_frames_that_are_not_finished(request, data):
    count, ratio, skip = request
    made = plan(count, ratio, skip=skip)
    finished = data.draw(st.frozensets(st.integers(0, len(made.outputs) - 1)))
    works = list(made.pairs(finished))
    assert [work.pair for work in works] == sorted({work.pair for work in works})
    for work in works:
        assert list(work.whole) == sorted(set(work.whole))
        assert not finished & {position for [position] in work.outputs}
    assert sum(len(work.outputs) for work in works) == sum(
        isinstance(output, Between) and index not in finished
        for index, output in enumerate(made.outputs)
    )


@given(st.integers(2, 12), st.integers(2, 9))
def test_a_whole_ratio_is_a_multiplier_that_holds(count, multiplier):
    skip = {0}
    assert plan(count, Fraction(multiplier), skip=skip) == plan(
        count, multiplier, skip=skip, hold_skipped=True
    )


def test_nothing_drifts_over_a_hundred_thousand_frames():
    ratio = Fraction(60) / Fraction(24000, 1001)
    outputs = plan(100_000, ratio).outputs
    assert len(outputs) == int(99_999 * ratio) + 1 == 250_248
    # 400 source frames last as long as 1001 new ones, again and again
    assert outputs[1001 * 249] == Source(400 * 249)
    assert sum(isinstance(output, Source) for output in outputs) == 250
    assert list(times(outputs[-3:])) == [index / ratio for index in (250_245, 250_246, 250_247)]


def test_film_at_sixty_frames_a_second():
    fifths = [Fraction(step, 5) for step in range(6)]
    made = plan(4, Fraction(5, 2))
    assert made.outputs == (
        *(Source(0), Between(0, fifths[2]), Between(0, fifths[4])),
        *(Between(1, fifths[1]), Between(1, fifths[3])),
        *(Source(2), Between(2, fifths[2]), Between(2, fifths[4])),
    )


def test_a_lower_rate_leaves_source_frames_out():
    assert plan(7, Fraction(1, 3)).outputs == (Source(0), Source(3), Source(6))
    half = Fraction(1, 2)
    assert plan(6, Fraction(2, 5)).outputs == (Source(0), Between(2, half), Source(5))
    assert plan(6, Fraction(2, 5), skip={2}).outputs == (Source(0), Hold(2), Source(5))
    assert plan(17, schedule.SMALLEST_RATIO).outputs == (Source(0), Source(16))


@pytest.mark.parametrize(
    ("ratio", "message"),
    [
        (Fraction(1), "The frame rate is the source's own"),
        (
            Fraction(1, 17),
            "A frame rate of 1/17 times the source's: must be from 1/16 to 256 times",
        ),
        (Fraction(513, 2), "A frame rate of 513/2 times the source's"),
        (Fraction(0), "A frame rate of 0 times"),
        (Fraction(-5, 2), "A frame rate of -5/2 times"),
    ],
)
def test_ratio_outside_its_range_is_refused_by_value(ratio, message):
    with pytest.raises(RequestError, match=message):
        plan(3, ratio)


def test_one_multiplier_serves_all_pairs():
    assert plan(4, 3) == plan(4, [3, 3, 3])
    assert len(plan(2, schedule.LARGEST_MULTIPLIER).outputs) == 257


def test_doubling_three_frames_gives_five():
    half = Fraction(1, 2)
    made = plan(3, 2)
    assert made.outputs == (Source(0), Between(0, half), Source(1), Between(1, half), Source(2))
    assert list(made.pairs()) == [
        PairWork(0, (half,), ((1,),), whole=(half,)),
        PairWork(1, (half,), ((3,),), whole=(half,)),
    ]
    assert made.between_count == 2


def test_skipped_pair_shrinks_to_nothing_unless_held():
    assert plan(3, 2, skip={0}).outputs[:2] == (Source(0), Source(1))
    assert plan(3, 2, skip={0}, hold_skipped=True).outputs[:3] == (Source(0), Hold(0), Source(1))


def test_empty_keep_list_keeps_nothing():
    assert plan(3, 2, keep=()).between_count == 0
    assert plan(3, 2, skip=()).between_count == 2


def test_a_pair_may_have_multiplier_one_of_its_own():
    assert plan(3, [1, 4]).between_count == 3


@pytest.mark.parametrize("multiplier", BAD_MULTIPLIERS)
def test_multiplier_outside_its_range_is_refused_by_value(multiplier):
    with pytest.raises(RequestError, match=f"Multiplier {multiplier}: must be a whole number from"):
        plan(3, multiplier)


@pytest.mark.parametrize("multiplier", [0, -2, 1.5, 257, True, None])
def test_bad_multiplier_of_one_pair_is_refused(multiplier):
    with pytest.raises(RequestError, match=f"Multiplier {multiplier}: .* from 1 to 256"):
        plan(3, [2, multiplier])


@pytest.mark.parametrize("multipliers", [[2], [2, 2, 2], []])
def test_list_of_multipliers_must_match_the_pairs(multipliers):
    with pytest.raises(RequestError, match=f"{len(multipliers)} multipliers for 3 frames"):
        plan(3, multipliers)


@pytest.mark.parametrize("count", [0, 1, -1])
def test_fewer_than_two_frames_are_refused(count):
    with pytest.raises(RequestError, match="at least 2 frames"):
        plan(count, 2)


@pytest.mark.parametrize("listed", [{"skip": {2}}, {"keep": {-1}}, {"skip": {0, 99}}])
def test_pairs_that_do_not_exist_are_refused(listed):
    with pytest.raises(RequestError, match="3 frames have the pairs 0 to 1"):
        plan(3, 2, **listed)


def test_skip_and_keep_exclude_each_other():
    with pytest.raises(RequestError, match="give one of them"):
        plan(3, 2, skip=(), keep=())


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("3, 7, 10-14", {3, 7, 10, 11, 12, 13, 14}),
        ("", set()),
        (" ; ,", set()),
        ("0", {0}),
        ("5-5;5", {5}),
        (" 1 - 3 ", {1, 2, 3}),
        ("0007", {7}),
    ],
)
def test_lists_of_pairs_are_read(text, pairs):
    assert parse_pairs(text) == pairs


@given(st.frozensets(st.integers(0, 10**6), max_size=20))
def test_written_lists_are_read_back(pairs):
    assert parse_pairs(", ".join(map(str, pairs))) == pairs


@pytest.mark.parametrize("text", ["x", "-1", "1-", "1.5", "1 2", "1--2", "1-2-3", "²", "0x1"])
def test_unreadable_lists_are_refused(text):
    with pytest.raises(RequestError, match="must be a frame index such as 7"):
        parse_pairs(text)


def test_falling_range_is_refused_with_the_right_way_round():
    with pytest.raises(RequestError, match="write 3-9"):
        parse_pairs("9-3")


@pytest.mark.parametrize("text", ["0-99999999999", "9" * 5000])
def test_ranges_longer_than_any_strip_are_refused_at_once(text):
    with pytest.raises(RequestError, match="must be below 10000000"):
        parse_pairs(text)


@pytest.mark.parametrize(
    ("planned", "position", "spacing"),
    [
        (plan(3, 4), 1, (Fraction(1, 4), Fraction(1, 4))),
        (plan(3, 4), 4, (Fraction(1, 4), Fraction(1, 4))),
        (plan(3, [2, 4]), 2, (Fraction(1, 2), Fraction(1, 4))),
        (plan(3, 4), 0, (Fraction(1, 4), Fraction(1, 4))),
        (plan(3, 4), 8, (Fraction(1, 4), Fraction(1, 4))),
        (plan(5, Fraction(5, 2)), 3, (Fraction(2, 5), Fraction(2, 5))),
        (plan(4, Fraction(3, 2), skip=[0], hold_skipped=True), 2, (Fraction(2, 3),) * 2),
        (plan(2, 2, skip=[0]), 1, (Fraction(1), Fraction(1))),
    ],
)
def test_frames_know_how_far_their_neighbours_are(planned, position, spacing):
    assert planned.spacing(position) == spacing


@given(requests(), st.frozensets(st.integers(0, 10)), st.booleans())
def test_cuts_change_no_count_and_no_other_frame(request, cuts, dissolves):
    count, multipliers, skip, held = request
    before = plan(count, multipliers, skip=skip, hold_skipped=held)
    cuts &= frozenset(range(count - 1))
    after = with_cuts(before, cuts, dissolves=dissolves)
    assert len(after.outputs) == len(before.outputs)
    assert after.cuts == cuts
    for one, two in zip(before.outputs, after.outputs, strict=True):
        if isinstance(one, Between) and one.pair in cuts:
            assert two == (Dissolve(one.pair, one.timestep) if dissolves else Hold(one.pair))
        else:
            assert two == one
    assert not cuts & {work.pair for work in after.pairs()}


@given(requests(), st.integers(1, 9))
def test_a_loop_is_the_plan_of_one_frame_more_without_it(request, last):
    count, multipliers, skip, held = request
    whole = plan(count + 1, [*multipliers, last], skip=skip, hold_skipped=held)
    looped = plan(count, [*multipliers, last], skip=skip, hold_skipped=held, loop=True)
    assert looped.outputs == whole.outputs[:-1]
    assert (looped.loops, looped.source_count) == (True, count)


@given(st.integers(2, 400), st.integers(2, 16))
def test_a_loop_of_n_frames_gets_n_times_as_many(count, multiplier):
    assert len(plan(count, multiplier, loop=True).outputs) == count * multiplier


@given(st.integers(2, 60), st.fractions(Fraction(1, 4), 8, max_denominator=9))
def test_a_loop_at_another_rate_ends_before_its_beginning(count, ratio):
    if ratio == 1:
        return
    outputs = plan(count, ratio, loop=True).outputs
    moments = list(times(outputs))
    assert moments == [index / ratio for index in range(len(outputs))]
    assert moments[-1] < count <= len(outputs) / ratio


def test_a_loop_s_last_pair_can_be_skipped():
    assert len(plan(3, 2, skip={2}, loop=True).outputs) == 5
    with pytest.raises(RequestError, match="have the pairs 0 to 2"):
        plan(3, 2, skip={3}, loop=True)
