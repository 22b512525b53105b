"""What is recorded beside a job's frames: everything that decided them, and how that compares.

The same job goes on where it was stopped. Where source frames have changed since, only what was
made from them is made again; where a setting has, the user hears which. Standard library alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, FrameError, VfiError
from ..models import store
from . import durable
from .findings import Findings
from .job_spec import DEFAULT_DIGITS
from .movie_frames import file_of
from .protocol import JobSpec
from .schedule import Plan
from .wire import job_from_json, job_to_json

RECORD_NAME = "vfi_job.json"

Record = dict[str, Any]

# These say how a job is run, not what it makes; the schedule's settings count by what they plan.
_INCIDENTAL = frozenset(
    {
        *("job_id", "device", "clear_cache_every", "free_memory_limit_gb", "overwrite"),
        *(
            "output_dir",
            "bad_frames",
            "busy_device",
            "link_sources",
            "movie",
            "codec",
            "movie_crf",
            "movie_rate",
            "movie_sound",
            "half_when_full",
            "cpu_when_full",
            "check_free_space",
            "compiles",  # to the same frames, but for rounding
        ),
        *("multiplier", "rate_ratio", "times", "skip_pairs", "keep_pairs", "hold_skipped", "loop"),
    }
)
ADDED_LATER: dict[str, Any] = {
    **{"tile_size": 0, "seed": 0, "number_digits": DEFAULT_DIGITS, "duplicates": "keep"},
    **{"guided_fill": "model", "vector_step": 0, "doubt_masks": False},
    **{"depth": "source", "compression": "auto", "quality": 0},
}
"""Settings that records of older versions do not know: left at these, a job is still theirs."""

# Without cuts, how they would be found does not matter.
_OF_CUTS = frozenset({"cut_threshold", "cut_pairs"})


def fingerprint(job: JobSpec, plan: Plan, precision: str) -> Record:
    """Return everything that decides the pixels and names of the output, as JSON values.

    Raises:
        FrameError: a source frame is missing.
        CheckpointError: the job's own checkpoint is missing.
    """
    made_from = {
        key: value
        for key, value in job_to_json(job).items()
        if key not in _INCIDENTAL and (key not in ADDED_LATER or value != ADDED_LATER[key])
    }
    if job.cuts == "off":
        made_from = {key: value for key, value in made_from.items() if key not in _OF_CUTS}
    made_from["precision"] = precision
    made_from["plan"] = hashlib.sha256(repr(plan.outputs).encode()).hexdigest()
    files = [_source_stamp(index, source) for index, source in enumerate(job.sources)]
    if job.checkpoint:
        files.append(_checkpoint_stamp(job.checkpoint))
    made_from["files"] = files
    return made_from


def changed_sources(before: Any, now: Record) -> frozenset[int] | None:
    """Return which source frames differ where nothing else does; None where something else does.

    Args:
        before: a record's fingerprint, whatever a file may hold.
        now: the job's own.
    """
    if not isinstance(before, dict) or not isinstance(before.get("files"), list):
        return None
    old, new = before["files"], now["files"]
    others = [{key: value for key, value in one.items() if key != "files"} for one in (before, now)]
    if others[0] != others[1] or len(old) != len(new):
        return None
    changed = frozenset(index for index in range(len(new)) if old[index] != new[index])
    if changed and max(changed) >= len(now["sources"]):
        return None  # the checkpoint
    return changed


def names_of(job: Mapping[str, Any]) -> str:
    """Return what tells the frames of one job from those of others in the same folder."""
    parts = ("name_prefix", "first_number", "number_digits", "suffix")
    return "/".join(str(job.get(part)) for part in parts)


def frame_names(record: Record) -> list[str]:
    """Return the names of the frames that a record tells of; none where it cannot be read."""
    try:
        job = job_from_json(record["job"])
        return [job.frame_name(index) for index in range(len(job.plan().outputs))]
    except (KeyError, VfiError):  # of another version
        return []


def take_former(
    records: dict[str, Record], job: JobSpec, names: Collection[str]
) -> list[tuple[Record, list[str]]]:
    """Take out of `records` those of jobs with frames of the same names, the latest first.

    Jobs whose frames all have other names keep their records: they share the folder.

    Args:
        records: as `read_records` returns them; changed.
        job: that is about to begin.
        names: of its frames.

    Returns:
        Each with the names of its frames.
    """
    own = names_of(job_to_json(job))
    taken = []
    for key, record in list(records.items()):
        theirs = frame_names(record)
        if key == own or not set(theirs).isdisjoint(names):
            taken.append((records.pop(key), theirs))
    return taken


def findings_of(record: Record) -> Findings | None:
    """Return what the record says was found; None where it does not, or not as we write it."""
    found: Any = record.get("found")
    try:
        pairs = {name: tuple(map(int, found[name])) for name in ("cuts", "duplicates")}
        until = found.get("until")  # older versions looked at all first
        return Findings(
            **pairs,
            until=None if until is None else max(0, int(until)),
            begin=max(0, int(found.get("begin", 0))),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def bad_frames_of(record: Record) -> list[str]:
    """Return the names of the frames that stand in for what the model could not make."""
    names = record.get("bad_frames")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def read_records(folder: Path) -> dict[str, Record]:
    """Return what is known of jobs in `folder`, by the names of their frames."""
    try:
        record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # no record, or not ours: then existing frames are not ours either
    if not isinstance(record, dict) or not isinstance(record.get("job"), dict):
        return {}
    others = record.pop("others", {})
    records = {names_of(record["job"]): record}
    if isinstance(others, dict):
        records.update(
            (name, other)
            for name, other in others.items()
            if isinstance(other, dict) and isinstance(other.get("job"), dict)
        )
    return records


def write_record(
    folder: Path,
    job: JobSpec,
    made_from: Record,
    findings: Findings | None,
    others: Mapping[str, Record],
    *,
    bad_frames: Sequence[str] = (),
) -> None:
    """Write the record of `job`, whole or not at all.

    Raises:
        OSError: the disk is full or gone; a record of before stays.
    """
    record: Record = {"made_from": made_from, "job": job_to_json(job)}
    if findings is not None:
        record["found"] = dataclasses.asdict(findings)
    if bad_frames:
        record["bad_frames"] = list(bad_frames)
    if others:
        record["others"] = dict(others)
    durable.write_json(folder / RECORD_NAME, record)
    durable.sync_folder(folder)


def _source_stamp(index: int, source: str) -> list[int]:
    try:
        return durable.stamp(file_of(source))
    except OSError as error:
        raise FrameError(
            f"Source frame {index + 1}, {source}, cannot be read ({error.strerror}): restore or "
            "re-render it, or trim the strip so that it is left out."
        ) from error


def _checkpoint_stamp(checkpoint: str) -> list[int]:
    try:
        return list(store.stamp(Path(checkpoint)))
    except OSError as error:
        raise CheckpointError(
            f"Checkpoint {checkpoint} cannot be read ({error.strerror}): give the path of a file "
            "of weights, or none to use the model's own."
        ) from error
