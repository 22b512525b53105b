"""The wire: every message survives it, and nothing else gets through."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_vfi.engine import protocol, schedule
from blender_vfi.engine.protocol import (
    Cancel,
    JobSpec,
    Progress,
    Run,
)
from blender_vfi.engine.wire import decode_line, encode_line, job_from_json, job_to_json
from blender_vfi.errors import ProtocolError, RequestError

pytestmark = pytest.mark.plain

MESSAGES = (*typing.get_args(protocol.Request), *typing.get_args(protocol.Event))
# lone surrogates: how Python names a file whose bytes are not UTF-8
TEXT = st.text(st.characters(), max_size=30)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def values(hint):
    """A strategy for what the annotation `hint` allows."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(option) for option in typing.get_args(hint)])
    if origin is typing.Literal:
        return st.sampled_from(typing.get_args(hint))
    if origin is tuple:
        return st.lists(values(typing.get_args(hint)[0]), max_size=4).map(tuple)
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{name: values(inner) for name, inner in hints.items()})
    plain = {int: st.integers(), str: TEXT, bool: st.booleans(), float: FINITE}
    return st.none() if hint is type(None) else plain[hint]


def job(**changes):
    fields = {
        "job_id": "a",
        "sources": ("/in/1.png", "/in/2.png"),
        "output_dir": "/out",
        "name_prefix": "f_",
        "suffix": ".png",
    }
    return JobSpec(**{**fields, **changes})


def line(**fields):
    return json.dumps(fields)


@pytest.mark.parametrize("message_type", MESSAGES, ids=lambda item: item.__name__)
@given(data=st.data())
@settings(max_examples=30)
def test_every_message_survives_the_wire(message_type, data):
    message = data.draw(values(message_type))
    encoded = encode_line(message)
    assert decode_line(encoded) == message
    assert encoded.isascii()
    assert encoded.count("\n") == 1
    assert encoded.endswith("\n")


@given(st.text(max_size=200))
def test_garbage_is_no_message(text):
    with pytest.raises(ProtocolError, match=r"Not a message|Unknown message"):
        decode_line(text)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "17", '"Run"', "{}", '{"type": 3}', '{"type": "Rum"}', "[" * 100_000],
)
def test_json_that_is_no_message_is_refused(text):
    with pytest.raises(ProtocolError, match=r"Not a message|Unknown message"):
        decode_line(text)


def test_unknown_message_is_named_and_the_known_ones_listed():
    with pytest.raises(ProtocolError, match=r"'Rum': expected one of Cancel, .*, Run"):
        decode_line(line(type="Rum"))


def test_missing_field_is_named():
    with pytest.raises(ProtocolError, match=r"Cancel: .*job_id"):
        decode_line(line(type="Cancel"))


def test_unknown_field_is_named():
    with pytest.raises(ProtocolError, match="Cancel: unknown field 'when'; expected job_id"):
        decode_line(line(type="Cancel", job_id="a", when=1))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("job_id", 7),
        ("job_id", None),
        ("sources", "/in/1.png"),
        ("sources", ["/in/1.png", 2]),
        ("multiplier", 2.5),
        ("multiplier", True),
        ("multiplier", "2"),
        ("multiplier", [2, None]),
        ("skip_pairs", [0.0]),
        ("rate_ratio", [2.5, 1]),
        ("rate_ratio", "5/2"),
        ("hold_skipped", 1),
        ("precision", "fp8"),
        ("precision", ["fp16"]),
        ("flow_scale", "1"),
        ("flow_scale", False),
        ("flow_scale", 10**400),
        ("checkpoint", {}),
        ("tile_size", 256.0),
        ("free_memory_limit_gb", "4"),
        ("seed", None),
    ],
)
def test_field_of_the_wrong_type_is_named(field, value):
    data = job_to_json(job()) | {field: value}
    with pytest.raises(ProtocolError, match=f"JobSpec.{field}"):
        job_from_json(data)
    with pytest.raises(ProtocolError, match=f"Run.job.{field}"):
        decode_line(line(type="Run", job=data))


def test_nested_job_must_be_an_object():
    with pytest.raises(ProtocolError, match=r"Run\.job: expected an object"):
        decode_line(line(type="Run", job="x"))


def test_whole_numbers_are_taken_for_fractions_but_stay_equal():
    message = Progress(
        job_id="a",
        frames_done=1,
        frames_total=2,
        frames_per_second=3.0,
        seconds_left=None,
        device_memory_bytes=0,
        host_memory_bytes=0,
        last_frame=None,
    )
    text = encode_line(message).replace("3.0", "3")
    assert decode_line(text) == message
    assert isinstance(decode_line(text).frames_per_second, float)


def test_job_left_at_its_defaults_reads_back_without_them():
    short = {key: value for key, value in job_to_json(job()).items() if key in job_fields()}
    assert job_from_json(short) == job()


def job_fields():
    return {"job_id", "sources", "output_dir", "name_prefix", "suffix"}


def test_requests_and_events_are_told_apart_by_type():
    assert isinstance(decode_line(encode_line(Cancel(job_id="a"))), protocol.Request)
    assert isinstance(decode_line(encode_line(Run(job=job()))), protocol.Request)
    assert len({message.__name__ for message in MESSAGES}) == len(MESSAGES) == 26


def test_frame_names_have_four_digits_at_least():
    named = job(first_number=9_999, name_prefix="f 1_")
    assert [named.frame_name(index) for index in (0, 1)] == ["f 1_9999.png", "f 1_10000.png"]
    assert job().frame_name(0) == "f_0001.png"


def test_a_sound_job_passes_its_check():
    job(multiplier=(2,), skip_pairs=(0,), flow_scale=0.5, first_number=0).check()
    job(tile_size=128, free_memory_limit_gb=0.0, seed=2**32 - 1).check()


def test_a_rate_ratio_plans_in_place_of_the_multiplier():
    spec = job(rate_ratio=(60, 24), hold_skipped=True)
    spec.check()
    assert spec.ratio == Fraction(5, 2)
    assert spec.plan() == schedule.plan(2, Fraction(5, 2))
    assert job_from_json(job_to_json(spec)) == spec
    assert job().ratio is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"precision": "fp8"}, "Precision fp8: must be one of auto, fp32"),
        ({"flow_scale": 3.0}, "Flow scale 3.0: must be one of 0.25"),
        ({"suffix": ".gif"}, "Output format .gif: must be one of .png"),
        ({"clear_cache_every": 0}, "Clear cache every 0 pairs: .* from 1 to 1000"),
        ({"clear_cache_every": 1001}, "from 1 to 1000"),
        ({"clear_cache_every": 2.5}, "must be a whole number"),
        ({"tile_size": 127}, "Tile size 127: must be 0, or a whole number of at least 128 pixels"),
        ({"tile_size": -1}, "Tile size -1: .* choose 512 where memory is small"),
        ({"tile_size": 256.5}, "Tile size 256.5"),
        ({"free_memory_limit_gb": -0.5}, "Free memory limit -0.5 GB: must be 0 or more; choose 0"),
        ({"free_memory_limit_gb": float("nan")}, "Free memory limit nan GB"),
        ({"free_memory_limit_gb": float("inf")}, "Free memory limit inf GB"),
        ({"seed": -1}, "Seed -1: must be a whole number from 0 to 4294967295"),
        ({"seed": 2**32}, "Seed 4294967296"),
        ({"vector_step": -1}, "Vector step -1: .* frame step that the frames were rendered with"),
        ({"guided_fill": "guess"}, "Guided fill guess: must be one of model, mix"),
        ({"first_number": -1}, "First frame number -1"),
        ({"output_dir": "out"}, "Output folder 'out': must be an absolute path"),
        ({"name_prefix": "a/b"}, "Name prefix 'a/b': must not contain a slash"),
        ({"name_prefix": "..\\b"}, "must not contain a slash"),
        ({"name_prefix": "a\0"}, "must not contain a slash"),
        ({"multiplier": 1}, "Multiplier 1: must be a whole number from 2 to 256"),
        ({"sources": ("/in/1.png",)}, "at least 2 frames"),
        ({"skip_pairs": (1,)}, "2 frames have the pairs 0 to 0"),
        ({"rate_ratio": (5, 0)}, r"Rate ratio \(5, 0\): must be two whole numbers above 0"),
        ({"rate_ratio": (5, 2, 1)}, "must be two whole numbers"),
        ({"rate_ratio": (514, 2)}, "A frame rate of 257 times the source's"),
        (
            {"rate_ratio": (5, 2), "multiplier": 3},
            r"Multiplier 3 and rate ratio \(5, 2\): give one",
        ),
        ({"rate_ratio": (5, 2), "multiplier": (2,)}, "give one of them"),
    ],
)
def test_setting_out_of_range_is_named_before_any_file_is_touched(changes, message):
    with pytest.raises(RequestError, match=message):
        job(**changes).check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cuts": "melt"}, "Cuts melt: must be one of hold, blend, off"),
        ({"cut_threshold": 0.0}, "Cut threshold 0.0: must be above 0"),
        ({"cut_threshold": 1.5}, "Cut threshold 1.5: must be above 0 and at most 1"),
        ({"cut_threshold": float("nan")}, "Cut threshold nan"),
        ({"cut_pairs": (0, 1)}, "Cut in pair 1: 2 frames have the pairs 0 to 0"),
        ({"cut_pairs": (0,), "cuts": "off"}, "choose hold or blend"),
    ],
)
def test_settings_of_cuts_out_of_range_are_named(changes, message):
    with pytest.raises(RequestError, match=message):
        job(**changes).check()


def test_known_cuts_are_in_the_plan_of_both_processes():
    kinds = [type(output).__name__ for output in job(cut_pairs=(0,)).plan().outputs]
    assert kinds == ["Source", "Hold", "Source"]
    kinds = [type(output).__name__ for output in job(cut_pairs=(0,), cuts="blend").plan().outputs]
    assert kinds == ["Source", "Dissolve", "Source"]
