"""Frame rates are read as they are meant, and stay exact."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_vfi.engine.rates import (
    nearest_frame,
    parse_rate,
    rate_text,
    ratio_between,
    ratio_from_pair,
)
from blender_vfi.errors import RequestError

pytestmark = pytest.mark.plain


@pytest.mark.parametrize(
    ("text", "whole_rate"),
    [
        *(("23.976", 24), ("23.98", 24), ("23.97", 24), ("23.9760", 24), ("23.976024", 24)),
        *(("23.976023976023978", 24), ("29.97", 30), ("29.970", 30), ("47.952", 48)),
        *(("47.95", 48), ("59.94", 60), ("59.9401", 60), ("119.88", 120), ("119.880", 120)),
        *(("14.985", 15), ("71.928", 72), ("239.76", 240)),
    ],
)
def test_decimals_of_television_mean_its_exact_rates(text, whole_rate):
    assert parse_rate(text) == Fraction(whole_rate * 1000, 1001)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        *(("25", 25), ("60", 60), (" 50 ", 50), ("24.0", 24), ("24.000", 24), ("60.", 60)),
        *(("24000/1001", Fraction(24000, 1001)), ("60000 / 1001", Fraction(60000, 1001))),
        *(("12.5", Fraction(25, 2)), ("23.5", Fraction(47, 2)), ("25/2", Fraction(25, 2))),
        *(("99.9", Fraction(999, 10)), ("24.975", Fraction(999, 40)), ("29.9", Fraction(299, 10))),
        *(("59.99", Fraction(5999, 100)), ("23.99", Fraction(2399, 100))),
    ],
)
def test_other_rates_are_what_they_say(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "0", "0.0", "-24", "24/0", "0/5", "1e3", "nan", "inf", "23,976", "24 fps", "٢٤/"]
)
def test_what_is_no_rate_is_refused_with_examples(text):
    with pytest.raises(RequestError, match=r"must be a number above 0, such as 60, 12\.5, 59\.94"):
        parse_rate(text)


@given(st.integers(1, 240), st.booleans())
def test_every_written_rate_of_a_preset_reads_back(whole_rate, is_ntsc):
    is_family = whole_rate % 12 == 0 or whole_rate % 15 == 0
    rate = Fraction(whole_rate * 1000, 1001) if is_ntsc and is_family else Fraction(whole_rate)
    assert parse_rate(rate_text(rate)) == rate


def test_rates_are_written_as_people_do():
    written = [rate_text(Fraction(rate)) for rate in ("24", "24000/1001", "60000/1001", "25/2")]
    assert written == ["24", "23.976", "59.94", "12.5"]


def test_ratio_of_two_rates_is_exact():
    assert ratio_between(Fraction(24000, 1001), Fraction(60000, 1001)) == Fraction(5, 2)
    assert ratio_between(Fraction(24), Fraction(60000, 1001)) == Fraction(2500, 1001)
    assert ratio_between(Fraction(60), Fraction(24)) == Fraction(2, 5)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (24, 24, "From 24 to 24 frames a second: The frame rate is the source's own"),
        (1, 257, "From 1 to 257 frames a second: A frame rate of 257 times the source's: .* 256"),
        (60, 3, "From 60 to 3 frames a second: A frame rate of 1/20 times .* from 1/16"),
    ],
)
def test_a_ratio_out_of_range_is_refused_by_both_rates(source, target, message):
    with pytest.raises(RequestError, match=message):
        ratio_between(Fraction(source), Fraction(target))


@pytest.mark.parametrize(
    "pair", [(), (5,), (5, 2, 1), (5, 0), (0, 5), (-5, -2), (5.0, 2), (True, 2)]
)
def test_a_pair_that_is_no_ratio_is_refused(pair):
    with pytest.raises(RequestError, match=r"must be two whole numbers above 0, such as \(5, 2\)"):
        ratio_from_pair(pair)


def test_a_pair_need_not_be_in_lowest_terms():
    assert ratio_from_pair((60, 24)) == Fraction(5, 2)


def test_a_ratio_of_endless_digits_is_refused_in_a_short_message():
    with pytest.raises(RequestError) as caught:
        ratio_from_pair((10**400, 1))
    assert len(str(caught.value)) < 200


@given(st.fractions(-1000, 1000), st.integers(-1000, 1000))
def test_rounding_to_frames_is_the_same_wherever_a_moment_lies(moment, frames):
    rounded = nearest_frame(moment)
    assert abs(rounded - moment) <= Fraction(1, 2)
    assert nearest_frame(moment + frames) == rounded + frames
