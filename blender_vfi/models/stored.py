"""Which checkpoints lie on this machine, how much disk they take, and how one is removed.

Standard library alone: Blender's process imports this.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import CheckpointError
from .catalog import CATALOG, find
from .locations import shipped_folder, stored_path


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheckpoint:
    """A checkpoint on this machine.

    Attributes:
        model: name in the catalog of the model that it is for.
        title: what panels call that.
        size_bytes: of the stored file.
        is_shipped: whether it came with the add-on, and so belongs to it.
    """

    model: str
    title: str
    size_bytes: int
    is_shipped: bool


def list_stored(folder: Path) -> tuple[StoredCheckpoint, ...]:
    """Return the checkpoints in `folder` and those that came with the add-on, in catalog order."""
    found = []
    listed: set[Path] = set()
    for spec in CATALOG:
        for place in (shipped_folder(), folder):
            path = stored_path(place, spec)
            if path in listed:  # two models of one file
                continue
            try:
                size = path.stat().st_size
            except OSError:  # it is not there, or not for us to see
                continue
            listed.add(path)
            found.append(
                StoredCheckpoint(
                    model=spec.name,
                    title=spec.title,
                    size_bytes=size,
                    is_shipped=place == shipped_folder(),
                )
            )
    return tuple(found)


def remove_stored(folder: Path, model: str) -> int:
    """Remove a model's checkpoint from `folder`; return how many bytes that gives back.

    Its receipt stays: a file that is fetched later is compared with what was seen first.

    Raises:
        UnknownModelError: the catalog has no such model.
        CheckpointError: `folder` has none for it, or it cannot be removed.
    """
    spec = find(model)
    path = stored_path(folder, spec)
    if folder.resolve() == shipped_folder().resolve():
        raise CheckpointError(f"{spec.title} came with the add-on, and is removed with it.")
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not there any more: nothing was removed.") from None
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be removed ({error.strerror}): if the engine uses it, press Free "
            "Memory first; otherwise remove it yourself."
        ) from error
    return size
