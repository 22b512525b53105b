"""Lists of times and speed ramps: exact moments, whichever way time runs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_vfi.engine.schedule import Between, Hold, Source
from blender_vfi.engine.times import (
    SpeedCurve,
    parse_speed_curve,
    parse_time,
    plan_at,
    read_times,
    times_at_speed,
)
from blender_vfi.errors import RequestError

pytestmark = pytest.mark.plain

HALF = Fraction(1, 2)


@st.composite
def requests(draw):
    """Frame count, and times in its range."""
    count = draw(st.integers(2, 12))
    moments = st.fractions(0, count - 1, max_denominator=300) | st.integers(0, count - 1)
    return count, [Fraction(moment) for moment in draw(st.lists(moments, min_size=1, max_size=30))]


def moment(output):
    return output.index if isinstance(output, Source) else output.pair + output.timestep


@given(requests())
def test_every_output_has_its_exact_time_and_whole_ones_are_source_frames(request):
    count, times = request
    made = plan_at(count, times)
    assert [moment(output) for output in made.outputs] == times
    for output, time in zip(made.outputs, times, strict=True):
        assert isinstance(output, Source) == (time.denominator == 1)
        assert isinstance(output, Source) or 0 < output.timestep < 1


@given(requests(), st.data())
def test_running_backwards_gives_the_same_frames_the_other_way_round(request, data):
    count, times = request
    skip = data.draw(st.frozensets(st.integers(0, count - 2)))
    there, back = (plan_at(count, way, skip=skip) for way in (times, times[::-1]))
    assert back.outputs == there.outputs[::-1]


@given(requests())
def test_reversed_source_frames_mirror_the_plan(request):
    count, times = request
    mirrored = plan_at(count, [count - 1 - time for time in times])
    assert [count - 1 - moment(output) for output in mirrored.outputs] == times


@given(requests(), st.data())
def test_pairs_have_rising_moments_and_every_unfinished_place_once(request, data):
    count, times = request
    made = plan_at(count, times)
    finished = data.draw(st.frozensets(st.integers(0, len(times) - 1)))
    covered = []
    for work in made.pairs(finished):
        assert list(work.whole) == sorted(set(work.whole))
        assert list(work.timesteps) == sorted(set(work.timesteps))
        assert set(work.timesteps) <= set(work.whole)
        for timestep, places in zip(work.timesteps, work.outputs, strict=True):
            assert {made.outputs[place] for place in places} == {Between(work.pair, timestep)}
            covered += places
        assert work.last_output == max(place for places in work.outputs for place in places)
    assert sorted(covered) == [
        place
        for place, output in enumerate(made.outputs)
        if isinstance(output, Between) and place not in finished
    ]


@given(requests(), st.data())
def test_skipped_pairs_hold_the_earlier_frame_and_others_stay(request, data):
    count, times = request
    skip = data.draw(st.frozensets(st.integers(0, count - 2)))
    kept = frozenset(range(count - 1)) - skip
    made = plan_at(count, times, skip=skip)
    assert plan_at(count, times, keep=kept) == made
    for whole, output in zip(plan_at(count, times).outputs, made.outputs, strict=True):
        if isinstance(whole, Between) and whole.pair in skip:
            assert output == Hold(whole.pair)
        else:
            assert output == whole


def test_a_loop_goes_round_at_any_moment():
    times = [Fraction(time) for time in ("5/2", "3", "7/2", "-1/2")]
    made = plan_at(3, times, loop=True)
    assert made.outputs == (Between(2, HALF), Source(0), Between(0, HALF), Between(2, HALF))
    assert made.spacing(2) == (HALF, Fraction(-1))


def test_spacing_tells_which_way_time_runs_and_where_it_halts():
    made = plan_at(5, [Fraction(time) for time in ("2", "3/2", "1/2", "1/2", "3/4")])
    assert made.spacing(1) == (-HALF, Fraction(-1))
    assert made.spacing(2) == (Fraction(-1), Fraction(0))
    assert made.spacing(4) == (Fraction(1, 4), Fraction(1, 4))


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([], "No times: give one for each output frame"),
        (["-1/10"], r"Time 1, -0.1: 3 source frames have the times 0 to 2"),
        (["0", "2.01"], r"Time 2, 2.01: .* leave out what lies beyond"),
    ],
)
def test_times_outside_the_source_are_refused_by_their_place(times, message):
    with pytest.raises(RequestError, match=message):
        plan_at(3, [Fraction(time) for time in times])


def test_a_hundred_thousand_frames_at_a_third_of_the_speed_do_not_drift():
    curve = SpeedCurve(frames=(0,), speeds=(Fraction(1, 3),))
    times = times_at_speed(curve, 33_335, last_key=0)
    assert len(times) == 100_003
    made = plan_at(33_335, times).outputs
    assert made[::3] == tuple(map(Source, range(33_335)))


def test_a_ramp_of_a_hundred_thousand_frames_ends_to_the_exact_fraction():
    curve = SpeedCurve(
        frames=(0, 50_000, 100_000), speeds=(Fraction(1, 3), Fraction(2, 3), Fraction(1, 3))
    )
    times = times_at_speed(curve, 50_001, last_key=100_000)
    assert (len(times), times[50_000], times[100_000]) == (100_001, 25_000, 50_000)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=5),
    st.booleans(),
    st.integers(2, 60),
)
@settings(deadline=None)
def test_a_ramp_of_rising_time_is_the_integral_of_its_speed(keys, is_smooth, count):
    frames = [sum(step for step, _ in keys[: index + 1]) for index in range(len(keys))]
    curve = SpeedCurve(
        frames=tuple(frames),
        speeds=tuple(Fraction(speed, 10) for _, speed in keys),
        is_smooth=is_smooth,
    )
    times = times_at_speed(curve, count, last_key=frames[-1])
    assert times[0] == 0
    assert list(times) == sorted(set(times))
    assert times[-1] <= count - 1 < times[-1] + 4
    # from key to key, either way, speed is on average in the middle between both
    for begin, end, slow, fast in zip(
        frames, frames[1:], curve.speeds, curve.speeds[1:], strict=False
    ):
        if end < len(times):
            assert times[end] - times[begin] == (slow + fast) / 2 * (end - begin)


def test_a_ramp_ends_with_the_source_or_with_a_still():
    slowing = parse_speed_curve("0:1, 4:0", is_smooth=False)
    times = times_at_speed(slowing, 10, last_key=4)
    assert times == (0, Fraction(7, 8), Fraction(3, 2), Fraction(15, 8), 2)
    assert times_at_speed(parse_speed_curve("0:2", is_smooth=True), 6, last_key=0) == (0, 2, 4)


def test_a_ramp_that_begins_backwards_begins_at_the_end():
    backwards = parse_speed_curve("0:-1", is_smooth=True)
    assert times_at_speed(backwards, 4, last_key=0) == (3, 2, 1, 0)
    there_and_back = parse_speed_curve("0:1, 6:-1", is_smooth=False)
    times = times_at_speed(there_and_back, 10, last_key=6)
    assert times == times[::-1]
    assert max(times) == Fraction(3, 2)


def test_a_ramp_without_end_is_refused():
    with pytest.raises(RequestError, match="choose a higher speed after output frame 0"):
        times_at_speed(parse_speed_curve("0:0.001", is_smooth=True), 3, last_key=0)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("", "No speed keys"),
        ("0", "Speed key '0': must be an output frame"),
        ("a:1", "Speed key 'a:1'"),
        ("0:fast", "Speed key '0:fast'"),
        ("0.5:1", "Speed key '0.5:1'"),
        ("0:1/0", "Time '1/0'"),
        ("0:1, 0:2", "Speed key at frame 0 after one at 0: frames must rise"),
    ],
)
def test_bad_speed_keys_are_named(keys, message):
    with pytest.raises(RequestError, match=message):
        parse_speed_curve(keys, is_smooth=True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("12", 12), (" 12.5 ", "25/2"), ("25/2", "25/2"), (0.1, "1/10"), (3, 3), ("-1", -1)],
)
def test_times_are_read_as_they_are_meant(written, meant):
    assert parse_time(written) == Fraction(meant)


@pytest.mark.parametrize("bad", ["", "x", "1e5", "1/0", "1/2/3", float("nan"), None, "٣x"])
def test_what_is_no_time_is_refused(bad):
    with pytest.raises(RequestError, match="must be a number of source frames"):
        parse_time(bad)


def test_a_file_of_times_has_one_a_line_and_comments(tmp_path):
    path = tmp_path / "times.txt"
    path.write_text("# there\n0\n0.5  # half\n\n 3/2\n1\n", encoding="utf-8")
    assert read_times(path) == (0, HALF, Fraction(3, 2), 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0\n1\nhalf\n", r"times.txt, line 3: Time 'half'"),
        (b"# nothing\n", "has no times"),
        (b"\xff\xfe\x00", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_file_of_times_is_named_with_its_line(tmp_path, content, message):
    path = tmp_path / "times.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RequestError, match=message):
        read_times(path)
