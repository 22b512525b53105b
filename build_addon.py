"""Builds the zip that Blender installs: the add-on with the default model's weights inside.

    python build_addon.py [--output dist] [--without-weights]

The same commit gives the same bytes: files in order, one date, fixed permissions. Blender's own
validator checks the result where there is the bpy module. Without weights, any Python of 3.11 or
newer will do, on any system, and nothing need be installed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from blender_vfi.engine.version import package_version
from blender_vfi.errors import VfiError
from blender_vfi.models import catalog, locations

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / "blender_vfi"

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_MODE = 0o644 << 16
_SHIPPED = {".py", ".toml", ".txt"}  # what lies beside them in a working tree is not ours to ship


def build(output: Path, weights: Path | None) -> Path:
    """Write the add-on's zip into the folder `output`, and return its path.

    Args:
        output: made when missing.
        weights: folder of stored checkpoints to ship under `weights/`; None for none.
    """
    files = {
        str(path.relative_to(PACKAGE)): path
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix in _SHIPPED
    }
    files["LICENSE"] = ROOT / "LICENSE"
    if weights is not None:
        files |= {
            f"weights/{path.relative_to(weights)}": path
            for path in weights.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
    output.mkdir(parents=True, exist_ok=True)
    target = output / f"blender_vfi-{package_version()}.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(Path(name).as_posix(), _DATE)
            entry.external_attr = _MODE
            entry.create_system = 3  # Unix, on whatever system this runs
            # weights are noise to a compressor: storing them spares every installation the work
            is_noise = name.endswith(".safetensors")
            entry.compress_type = zipfile.ZIP_STORED if is_noise else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name].read_bytes())
    return target


def default_weights(folder: Path) -> Path:
    """Copy the default model's verified checkpoint into `folder`, and return that.

    It is kept where `python -m blender_vfi` and Blender look for it, and fetched once.

    Raises:
        VfiError: it cannot be had, or is not the published one.
    """
    from blender_vfi.models.loading import ensure_stored  # torch, which a bare build can do without

    spec = catalog.find(catalog.DEFAULT_MODEL)
    stored = ensure_stored(spec)
    target = locations.stored_path(folder, spec)
    target.parent.mkdir(parents=True)
    for path in (stored, stored.with_suffix(".json")):
        shutil.copyfile(path, target.parent / path.name)
    return folder


def validate(addon: Path) -> None:
    """Let Blender's own extension tool check the zip.

    Raises:
        SystemExit: it is not a valid extension.
    """
    import bpy  # only here, to find the tool that came with it

    scripts = Path(bpy.utils.resource_path("LOCAL")) / "scripts"
    tool = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    result = subprocess.run(
        [sys.executable, str(tool), "validate", str(addon)], capture_output=True, text=True
    )
    if result.returncode != 0:
        raise SystemExit(f"Blender refuses {addon}:\n{result.stdout}{result.stderr}")


def main() -> int:
    """Build and check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=ROOT / "dist", metavar="FOLDER", help="(default: dist)"
    )
    parser.add_argument("--without-weights", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        weights = None if options.without_weights else default_weights(Path(scratch))
        addon = build(options.output.absolute(), weights)
    if importlib.util.find_spec("bpy") is None:
        print("Not checked by Blender's own tool: this Python has no bpy module.")
    else:
        validate(addon)
    digest = hashlib.sha256(addon.read_bytes()).hexdigest()
    print(f"{addon}\n{addon.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VfiError as problem:
        sys.exit(f"The add-on cannot be built: {problem}")
