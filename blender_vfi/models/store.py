"""The folder of stored checkpoints: what lies there, where it came from, whether it was changed.

Each checkpoint lies beside a receipt, `<name>.json`, which records the hash of the published file
and of the stored one. The receipt outlives the checkpoint: where nobody published a hash, the one
that was seen first is compared with from then on. The zip's own `weights` folder has the same
layout. Standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..errors import CheckpointError
from ..remedies import as_checkpoint
from .catalog_types import ModelSpec, combined_sha256
from .locations import stored_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is known about a stored checkpoint.

    Attributes:
        file_sha256: hash of the stored file.
        source_sha256: hash of the published file that it was made from.
        architecture: module that builds it.
        variant: name in that module's table of variants.
        licence: SPDX name of the authors' terms.
    """

    file_sha256: str
    source_sha256: str
    architecture: str
    variant: str
    licence: str


def receipt_path(folder: Path, spec: ModelSpec) -> Path:
    """Return where the receipt of `spec`'s checkpoint lies under `folder`."""
    return stored_path(folder, spec).with_suffix(".json")


def read_receipt(folder: Path, spec: ModelSpec) -> Receipt | None:
    """Return the receipt of `spec`'s checkpoint, None where none was ever stored.

    Raises:
        CheckpointError: the receipt is damaged.
    """
    path = receipt_path(folder, spec)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CheckpointError(_damaged_receipt(path, str(error))) from error
    names = {field.name for field in fields(Receipt)}
    if not isinstance(values, dict) or set(values) != names:
        raise CheckpointError(_damaged_receipt(path, f"it must hold {', '.join(sorted(names))}"))
    if not all(isinstance(value, str) for value in values.values()):
        raise CheckpointError(_damaged_receipt(path, "every value must be text"))
    return Receipt(**values)


def write_receipt(folder: Path, spec: ModelSpec, receipt: Receipt) -> None:
    """Record `receipt` for `spec`'s checkpoint, whole or not at all."""
    with replacing(receipt_path(folder, spec)) as temporary:
        temporary.write_text(json.dumps(asdict(receipt), indent=2) + "\n", encoding="utf-8")


def find_stored(folder: Path, spec: ModelSpec) -> Path | None:
    """Return `spec`'s checkpoint under `folder` once it is known to be unchanged.

    Returns:
        The path of a safetensors file; None where `folder` has none for `spec`.

    Raises:
        CheckpointError: the file differs from what was stored, or was made from another one than
            the catalog names; it stays where it is, unused.
    """
    path = stored_path(folder, spec)
    if not path.is_file():
        return None
    receipt = read_receipt(folder, spec)
    if receipt is None:
        raise CheckpointError(
            f"{path} has no record of where it came from ({receipt_path(folder, spec).name} is "
            f"missing): delete it to have it fetched, or give it {as_checkpoint()} to use it as it "
            "is."
        )
    actual = sha256_of(path)
    if actual != receipt.file_sha256:
        raise CheckpointError(
            f"{path} was changed or damaged after it was stored: its SHA-256 is {actual}, it was "
            f"{receipt.file_sha256}. Delete it to have it fetched again."
        )
    published = spec.checkpoint.sha256 or receipt.source_sha256
    made_from = (receipt.architecture, receipt.source_sha256)
    if made_from != (spec.architecture, published):
        raise CheckpointError(
            f"{path} was made from a {receipt.architecture} file with SHA-256 "
            f"{receipt.source_sha256}; {spec.name} needs the {spec.architecture} file with "
            f"{published}. Delete it and its .json to have the right one fetched."
        )
    return path


def part_files(spec: ModelSpec, folder: Path) -> dict[str, Path]:
    """Return the file of each part of `spec`'s checkpoint in `folder`, by component.

    Raises:
        CheckpointError: a part is missing, or `spec`'s checkpoint has none.
    """
    if not spec.checkpoint.parts:
        raise CheckpointError(
            f"{folder} is a folder; the checkpoint of {spec.name} is one file: give its path."
        )
    found: dict[str, Path] = {}
    for part in spec.checkpoint.parts:
        names = (part.filename, *part.other_filenames)
        present = [folder / name for name in names if (folder / name).is_file()]
        if not present:
            raise CheckpointError(
                f"{folder} lacks {' or '.join(names)}: {spec.name} is made of "
                f"{len(spec.checkpoint.parts)} files; put them all there, or give the folder that "
                "has them."
            )
        found[part.component] = present[0]
    return found


def sha256_of_published(spec: ModelSpec, path: Path) -> str:
    """Return the hash by which a published checkpoint is known, be it a file or a folder of parts.

    Raises:
        CheckpointError: a part is missing in the folder.
    """
    if not path.is_dir():
        return sha256_of(path)
    files = part_files(spec, path)
    return combined_sha256({component: sha256_of(file) for component, file in files.items()})


def stamp(path: Path) -> tuple[int, ...]:
    """Return size and time of change of a user's checkpoint: a changed one is another one.

    Raises:
        OSError: it is not there.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    statuses = [file.stat() for file in files if not file.is_dir()]
    return tuple(value for status in statuses for value in (status.st_size, status.st_mtime_ns))


def discard(path: Path) -> None:
    """Remove a file, or a folder with what is in it; one that is not there is no error."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file at `path`, in hexadecimal, in constant memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a name to write to that becomes `target` when the block ends well.

    No reader ever sees a part of the file, and neither an error nor a loss of power leaves one
    under `target`: the name lies in the same folder, and the bytes are on disk before the
    change.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        # mkstemp's files are for their owner alone; a cache may be shared by a farm's users
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _damaged_receipt(path: Path, reason: str) -> str:
    return (
        f"{path} is no record of a stored checkpoint: {reason}. Delete it and the .safetensors "
        "file of the same name to have both made again."
    )
