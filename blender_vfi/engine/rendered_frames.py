"""Frames of a job that were rendered after all, and stand in the place of made ones.

`vfi_rendered.json` beside the frames names them, so that no later job makes them again: neither a
resumed one nor an overwriting one, as long as the source frames beside them are the same. A file
apart from the job's record, since Blender writes this one and the engine that. Standard library
alone: Blender's process imports this.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import OutputError, RequestError, VfiError
from . import durable
from .job_record import RECORD_NAME, read_records
from .job_spec import JobSpec
from .wire import job_from_json

RENDERED_NAME = "vfi_rendered.json"

_VERSION = 1


def read_job(folder: Path) -> JobSpec:
    """Return the job whose frames lie in a folder.

    Args:
        folder: a job's output folder.

    Raises:
        RequestError: it has no record of one, or one of another version.
    """
    latest = next(iter(read_records(folder).values()), {})
    try:
        return job_from_json(latest["job"])
    except (KeyError, TypeError, VfiError) as error:
        raise RequestError(
            "{folder} has no record of a job that this version can read ({name}): give the folder "
            "that a job has written.",
            folder=folder,
            name=RECORD_NAME,
        ) from error


def rendered_names(folder: Path) -> frozenset[str]:
    """Return the names of the real renders in a job's folder.

    One is none any more where it is gone or written over, or where a source frame beside it has
    changed: it shows a scene of before.
    """
    return frozenset(
        name
        for name, noted in _read(folder).items()
        if durable.stamp_if_there(folder / name) == noted.get("stamp")
        and all(
            durable.stamp_if_there(Path(source)) == stamp
            for source, stamp in noted["sources"].items()
        )
    )


def note_rendered(folder: Path, name: str, sources: Iterable[str]) -> None:
    """Note that a made frame has been replaced by a real render.

    Args:
        folder: the job's output folder.
        name: of the file there, as it lies there now.
        sources: paths of the source frames before and after it.

    Raises:
        OutputError: the note cannot be written.
    """
    frames = _read(folder)
    frames[name] = {
        "stamp": durable.stamp_if_there(folder / name),
        "sources": {source: durable.stamp_if_there(Path(source)) for source in sources},
    }
    path = folder / RENDERED_NAME
    try:
        durable.write_json(path, {"version": _VERSION, "frames": frames})
    except OSError as error:
        raise OutputError(
            "{path} cannot be written ({reason}): check free space and permissions of the folder.",
            path=path,
            reason=error.strerror,
        ) from error


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what is noted, by names; a damaged note is none, and its frames are made again."""
    try:
        content = json.loads((folder / RENDERED_NAME).read_text(encoding="utf-8"))
        frames = content["frames"] if content["version"] == _VERSION else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if not isinstance(frames, dict):
        return {}
    return {
        name: noted
        for name, noted in frames.items()
        if isinstance(noted, dict) and isinstance(noted.get("sources"), dict)
    }
