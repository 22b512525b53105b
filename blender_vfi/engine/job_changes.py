"""Says what has changed since a folder's frames were made, setting by setting with both values.

Standard library alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from .job_record import ADDED_LATER, Record
from .job_spec import JobSpec
from .rates import rate_text
from .wire import job_to_json

_PACE = ("multiplier", "rate_ratio", "times")
_OF_PLAN = ("skip_pairs", "keep_pairs", "hold_skipped", "loop")
_LONGEST = 60


def describe_changes(record: Record | None, now: Record, job: JobSpec) -> str:
    """Say in words how a job differs from what a folder's record tells; nothing without a record.

    Args:
        record: of the frames that are there, as `job_record.read_records` returns it.
        now: the job's own fingerprint.
        job: that is refused.
    """
    before = None if record is None else record.get("made_from")
    if record is None or not isinstance(before, dict):
        return ""
    changes = [*_settings(before, now)]
    if before.get("plan") != now["plan"]:
        changes += _pace(record["job"], job_to_json(job))
    if before.get("sources") != now["sources"]:
        changes.append(
            "which source frames there are "
            f"(was {_sources(before.get('sources'))}, is {_sources(now['sources'])})"
        )
    if not changes and before.get("plan") != now["plan"]:
        changes.append("which frames are made")
    if not changes:
        changes.append("the checkpoint's file")
    return f"; since then, this has changed: {', '.join(changes)}"


def _settings(before: Record, now: Record) -> Iterator[str]:
    """Yield the changes of settings that a fingerprint has by their names."""
    for key in sorted((before.keys() | now.keys()) - {"plan", "sources", "files"}):
        old, new = (one.get(key, ADDED_LATER.get(key)) for one in (before, now))
        if old != new:
            yield _changed(key, old, new)


def _pace(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield the changes of settings that decide how many frames are made, and when.

    A multiplier may have given way to a rate or to times: both are named then.
    """
    old, new = ({key: one.get(key) for key in _PACE} for one in (before, now))
    if old != new:
        yield _change_of_pace(before, now)
    for key in _OF_PLAN:
        if before.get(key, now[key]) != now[key]:
            yield _changed(key, before[key], now[key])


def _change_of_pace(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say how the pace has changed: in frame rates, where both jobs tell them of one source."""
    was, is_now = _frame_rates(before), _frame_rates(now)
    if was and is_now and was[1] == is_now[1]:
        return f"frame rate (was {rate_text(was[0])}, is {rate_text(is_now[0])})"
    by_rate = all(one.get("times") is None and one.get("rate_ratio") for one in (before, now))
    old, new = _pace_of(before), _pace_of(now)
    return f"{'rate' if by_rate else 'pace'} (was {old}, is {new})"


def _frame_rates(settings: Mapping[str, Any]) -> tuple[Fraction, Fraction] | None:
    """Return the frame rate of a job's movie, and that of its source; None without a movie."""
    rate, ratio = settings.get("movie_rate"), settings.get("rate_ratio")
    if settings.get("times") is not None or not rate or not ratio:
        return None
    return Fraction(*rate), Fraction(*rate) / Fraction(*ratio)


def _pace_of(settings: Mapping[str, Any]) -> str:
    times, ratio, multiplier = (settings.get(key) for key in ("times", "rate_ratio", "multiplier"))
    if times is not None:
        return f"times {_short(times)}"
    if isinstance(ratio, list):
        return f"{'/'.join(map(str, ratio))} of the source's frame rate"
    return f"multiplier {_short(multiplier)}"


def _sources(sources: Any) -> str:
    if not isinstance(sources, list) or not sources:
        return _short(sources)
    return f"{len(sources)} from {_short(sources[0])} on"


def _changed(key: str, old: object, new: object) -> str:
    return f"{key.replace('_', ' ')} (was {_short(old)}, is {_short(new)})"


def _short(value: object) -> str:
    if isinstance(value, list):
        text = ", ".join(map(str, value))
    else:
        text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
