"""Whether a job's folder can be where it is wanted: asked before it is made. Standard library."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import OutputError


def check_apart_from_sources(folder: Path, sources: Iterable[str]) -> None:
    """Refuse a folder of source frames, so that none is ever overwritten.

    Raises:
        OutputError: it is one.
    """
    target = folder.resolve()
    for other in {Path(source).parent for source in sources}:
        # the same folder under another name, where the system does not tell case apart
        if _is_same_file(other, target) or other.resolve() == target:
            raise OutputError(
                f"Output folder {folder} is the folder {other} of the source frames: "
                "choose another folder, so that source frames can never be overwritten."
            )


def check_can_be_made(folder: Path) -> None:
    """Refuse a folder that could not be made or written to, as far as that is seen from outside.

    Raises:
        OutputError: it could not.
    """
    there = nearest_folder(folder)
    if not there.is_dir():
        raise cannot_be_written_to(folder, os.strerror(errno.ENOTDIR))
    if not os.access(there, os.W_OK | os.X_OK):
        raise cannot_be_written_to(folder, os.strerror(errno.EACCES))


def nearest_folder(folder: Path) -> Path:
    """Return the folder itself, or else the first of those that it would lie in that is there."""
    return next((each for each in (folder, *folder.parents) if _is_there(each)), folder)


def cannot_be_written_to(folder: Path, reason: str | None) -> OutputError:
    """Return the error that says so."""
    return OutputError(
        f"Output folder {folder} cannot be written to ({reason}): choose a folder that you may "
        "write to."
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a folder that may not be looked into
        return False


def _is_same_file(one: Path, two: Path) -> bool:
    try:
        return one.samefile(two)
    except OSError:  # not there, or not to be looked at, which is told when it is written to
        return False
