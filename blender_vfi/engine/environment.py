"""The engine's own environment on disk: where it lies, whether it is whole, how it is removed.

No bpy and no torch here; the standard library alone. In its folder lie

    environment.json        written last: which of the folders beside it is the environment
    cpu-1f0c…/              a virtual environment; any that environment.json does not name is
                            half-made or outdated, never used, and removed by the next set-up
    downloads/              pip's cache, for the next try where one has failed
    setup.lock              held while one Blender sets up
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import sysconfig
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO

from ..errors import EngineSetupError, EngineStartError
from ..remedies import remedy
from .background import remove_tree
from .torch_builds import REQUIREMENTS

_RECORD = "environment.json"
_LOCK = "setup.lock"
_DOWNLOADS = "downloads"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRecord:
    """What is known of a finished environment.

    Attributes:
        folder: its name, beside the record.
        build: name of the build of torch.
        python_version: such as "3.13.5".
        packages: names and versions, as the engine itself tells them.
        requirements_sha256: hash of the requirements that it was made from.
    """

    folder: str
    build: str
    python_version: str
    packages: tuple[str, ...]
    requirements_sha256: str

    @property
    def is_outdated(self) -> bool:
        """Whether the add-on has come to need other versions since."""
        return self.requirements_sha256 != requirements_sha256()


def new_folder(root: Path, build: str) -> Path:
    """Return a name under `root` for an environment to be made."""
    return root / f"{build.lower()}-{uuid.uuid4().hex[:8]}"


def downloads_folder(root: Path) -> Path:
    """Return where pip keeps what it has downloaded until a set-up succeeds."""
    return root / _DOWNLOADS


def python_in(environment: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def read_record(root: Path) -> EnvironmentRecord | None:
    """Return what is known of the environment under `root`; None where there is no whole one."""
    try:
        values = json.loads((root / _RECORD).read_text(encoding="utf-8"))
        packages = tuple(map(str, values.pop("packages")))
        if set(values) | {"packages"} != {field.name for field in fields(EnvironmentRecord)}:
            return None
        record = EnvironmentRecord(packages=packages, **{key: str(values[key]) for key in values})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # whatever it is, it is not ours: a set-up replaces it
    return record if Path(record.folder).name == record.folder else None


def write_record(root: Path, record: EnvironmentRecord) -> None:
    """Make `record`'s environment the one that is used, at once or not at all."""
    temporary = root / f"{_RECORD}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(asdict(record), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(root / _RECORD)


def set_up_engine() -> str:
    """Say how the engine gets an environment of its own."""
    return remedy(
        panel="press Set Up Engine in Preferences > Add-ons > Frame Interpolation",
        terminal="run blender --online-mode -c vfi setup",
    )


def own_python() -> str:
    """Say how a Python that the user has made ready is taken for the engine."""
    return remedy(
        panel="choose My Python in Preferences > Add-ons > Frame Interpolation",
        terminal="name a Python that has what the engine needs with --engine-python",
    )


def environment_python(root: Path) -> str:
    """Return the interpreter of the environment under `root`.

    Raises:
        EngineStartError: there is no whole environment, or the Python it was made with is gone.
    """
    record = read_record(root)
    if record is None:
        raise EngineStartError(
            f"The engine has no environment of its own yet: {set_up_engine()}, or {own_python()}."
        )
    python = python_in(root / record.folder)
    if not python.exists():  # it points into Blender's own folder, which may have moved
        raise EngineStartError(
            f"The engine's environment {python.parents[1]} was made with a Python that is gone: "
            f"{set_up_engine()} to make it anew."
        )
    return str(python)


def remove_environment(root: Path) -> None:
    """Remove the environment, half-made ones and kept downloads; none is no error.

    Raises:
        EngineSetupError: something cannot be removed, or a set-up is going on.
    """
    with setting_up(root):
        (root / _RECORD).unlink(missing_ok=True)  # first: what remains is never used
        remove_leftovers(root, keep_downloads=False)


def remove_leftovers(root: Path, *, keep_downloads: bool) -> None:
    """Remove everything under `root` but the environment in use.

    Raises:
        EngineSetupError: something cannot be removed.
    """
    record = read_record(root)
    kept = {record.folder} if record is not None else set()
    if keep_downloads:
        kept.add(_DOWNLOADS)
    for folder in [path for path in root.iterdir() if path.is_dir()]:
        if folder.name in kept:
            continue
        try:
            remove_tree(folder)
        except OSError as error:
            raise EngineSetupError(
                f"{folder} cannot be removed ({error.strerror}): end the programs that use it, or "
                "remove it yourself."
            ) from error


@contextlib.contextmanager
def setting_up(root: Path) -> Iterator[None]:
    """Keep every other Blender from setting up in `root` meanwhile.

    Raises:
        EngineSetupError: another one does, or nothing can be written there.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / _LOCK).open("a")
    except OSError as error:
        raise EngineSetupError(
            f"{root} cannot be written to ({error.strerror}): the engine's environment belongs "
            f"there. Make it writable, or {own_python()}."
        ) from error
    with file:
        if not _take(file):
            raise EngineSetupError(
                "Another Blender is setting up or removing the engine: wait until it has finished."
            )
        yield  # closing the file gives the lock back, as does the death of the process


def requirements_sha256() -> str:
    """Return the hash by which an environment's requirements are known."""
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def blender_python() -> str:
    """Return the running program's own Python as a program that can be started.

    Raises:
        EngineSetupError: there is none. `sys.executable` may be Blender itself.
    """
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folders = (Path(sys.prefix, "bin"), Path(sys.prefix), Path(sysconfig.get_path("scripts")))
    names = (version, "python3", "python", "python.exe")
    candidates = [Path(sys.executable or "/")]
    candidates += [folder / name for folder in folders for name in names]
    for candidate in candidates:
        if candidate.name.lower().startswith("python") and candidate.is_file():
            return str(candidate)
    raise EngineSetupError(
        f"Blender's own Python {sys.version_info[0]}.{sys.version_info[1]} is no program that can "
        "be started: name another Python for the environment."
    )


def _take(file: IO[str]) -> bool:
    """Lock an open file, unless someone else has."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
