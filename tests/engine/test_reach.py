from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_vfi.engine.reach import Route, route
from blender_vfi.errors import RequestError

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


def test_fixed_moments_have_no_route():
    with pytest.raises(RequestError, match="fixed"):
        route(thirds(), "fixed")
