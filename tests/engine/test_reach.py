import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_vfi.engine.reach import Route, check_reach, describe_error, route
from blender_vfi.engine.schedule import Plan, Source, plan
from blender_vfi.errors import RequestError
from blender_vfi.models import catalog

pytestmark = pytest.mark.plain

multipliers = st.integers(2, 64)
increasing = st.sets(
    st.fractions(min_value=0, max_value=1, max_denominator=50).filter(lambda t: 0 < t < 1),
    min_size=1,
    max_size=8,
).map(sorted)


def thirds() -> list[Fraction]:
    return evenly(3)


def evenly(multiplier: int) -> list[Fraction]:
    return [Fraction(step, multiplier) for step in range(1, multiplier)]


def check_order(way: Route) -> None:
    there = {Fraction(0), Fraction(1)}
    for step in way.steps:
        assert {step.earlier, step.later} <= there, "made before its sources"
        assert step.earlier < step.moment < step.later
        assert step.moment not in there, "made twice"
        there.add(step.moment)
    assert set(way.moments) <= there


@given(increasing)
def test_any_makes_each_moment_from_the_source_frames(timesteps):
    way = route(timesteps, "any")
    check_order(way)
    assert [step.timestep for step in way.steps] == timesteps
    assert way.largest_error(timesteps) == 0


@given(increasing)
def test_recursion_reaches_every_moment_exactly_and_makes_nothing_else(timesteps):
    way = route(timesteps, "recursive")
    check_order(way)
    assert sorted(step.moment for step in way.steps) == timesteps
    assert way.largest_error(timesteps) == 0


def test_recursion_takes_the_moment_nearest_to_the_middle_first():
    way = route(evenly(4), "recursive")
    assert [step.moment for step in way.steps] == [Fraction(1, 2), Fraction(1, 4), Fraction(3, 4)]
    assert {step.timestep for step in way.steps} == {Fraction(1, 2)}


def test_recursion_tells_the_model_times_relative_to_its_two_frames():
    first, second = route(thirds(), "recursive").steps
    assert (first.moment, first.timestep) == (Fraction(1, 3), Fraction(1, 3))
    assert (second.earlier, second.timestep) == (Fraction(1, 3), Fraction(1, 2))


@pytest.mark.parametrize("multiplier", [2, 4, 8, 16])
def test_halving_is_exact_and_minimal_at_powers_of_two(multiplier):
    way = route(evenly(multiplier), "middle")
    check_order(way)
    assert list(way.moments) == evenly(multiplier)
    assert len(way.steps) == multiplier - 1


@given(increasing)
def test_halving_gives_the_model_nothing_but_middles(timesteps):
    way = route(timesteps, "middle")
    check_order(way)
    assert {step.timestep for step in way.steps} == {Fraction(1, 2)}


@given(multipliers)
def test_halving_keeps_steps_even_distinct_and_symmetric(multiplier):
    timesteps = evenly(multiplier)
    moments = route(timesteps, "middle").moments
    assert sorted(set(moments)) == list(moments)
    assert all(a + b == 1 for a, b in zip(moments, reversed(moments), strict=True))
    assert route(timesteps, "middle").largest_error(timesteps) <= Fraction(1, 8 * multiplier)


def test_thirds_by_halving_are_the_nearest_sixteenths():
    assert route(thirds(), "middle").moments == (Fraction(5, 16), Fraction(11, 16))


RATIOS = [Fraction(3), Fraction(5), Fraction(5, 2), Fraction(6)]  # 24 to 60 and 24 to 144


def reached(planned: Plan) -> list[Fraction]:
    """When each frame is shown that a model of middles makes, source frames among them."""
    times = {}
    for work in planned.pairs():
        moments = route(work.whole, "middle").moments
        for [place], moment in zip(work.outputs, moments, strict=True):
            times[place] = work.pair + moment
    for index, output in enumerate(planned.outputs):
        if isinstance(output, Source):
            times[index] = Fraction(output.index)
    return [times[index] for index in range(len(planned.outputs))]


@pytest.mark.parametrize("ratio", RATIOS, ids=str)
def test_middles_follow_a_frame_rate_evenly_and_in_order(ratio):
    times = reached(plan(11, ratio))
    assert times == sorted(set(times))
    steps = [(b - a) * ratio for a, b in itertools.pairwise(times)]
    assert all(abs(step - 1) <= Fraction(1, 4) for step in steps), "steps are those of the rate"
    errors = [abs(time - index / ratio) * ratio for index, time in enumerate(times)]
    assert max(errors) <= Fraction(1, 8)


def test_film_at_sixty_is_led_to_the_nearest_sixteenths():
    times = reached(plan(3, Fraction(5, 2)))
    assert times == [Fraction(sixteenths, 16) for sixteenths in (0, 6, 13, 19, 26, 32)]


@given(
    st.fractions(Fraction(1, 16), 12, max_denominator=1001).filter(lambda ratio: ratio != 1),
    st.integers(2, 12),
)
@settings(deadline=None)
def test_at_any_rate_middles_rise_and_stay_near_their_moments(ratio, count):
    planned = plan(count, ratio)
    times = reached(planned)
    assert times == sorted(set(times))
    for index, time in enumerate(times):
        assert abs(time - index / ratio) <= Fraction(1, 16)
    for work in planned.pairs():
        way = route(work.whole, "middle")
        check_order(way)
        assert {step.timestep for step in way.steps} == {Fraction(1, 2)}


@pytest.mark.parametrize("timesteps", [{1}, {999}, {500}, {1, 999}], ids=str)
def test_middles_never_stand_for_a_source_frame(timesteps):
    moments = route([Fraction(part, 1000) for part in sorted(timesteps)], "middle").moments
    assert all(0 < moment < 1 for moment in moments)


def test_the_largest_error_of_a_plan_is_told_for_models_of_middles_alone():
    middle, timed = catalog.find("amt-s"), catalog.find("rife-4.25")
    assert "0.025 of a source frame" in describe_error(plan(5, Fraction(5, 2)), middle)
    assert "0.021 of a source frame" in describe_error(plan(5, [3, 2, 4, 2]), middle)
    for exact in (plan(5, 8), plan(5, Fraction(1, 2)), plan(5, Fraction(4, 3))):
        assert describe_error(exact, middle) is None
    assert describe_error(plan(5, Fraction(5, 2)), timed) is None


def test_fixed_moments_are_refused_where_a_rate_does_not_meet_them():
    fixed = catalog.find("flavr-8x")
    check_reach(plan(9, Fraction(8, 3)), fixed)
    with pytest.raises(RequestError, match="2, 4, 8, a frame rate that is so many times"):
        check_reach(plan(9, Fraction(5, 2)), fixed)


def test_fixed_moments_have_no_route():
    with pytest.raises(RequestError, match="fixed"):
        route(thirds(), "fixed")
