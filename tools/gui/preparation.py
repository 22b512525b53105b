"""What scenarios need before Blender starts: the zip, an installed add-on, and real footage."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

import build_addon
from blender_vfi.engine.departures import PYTHON_VARIABLE
from blender_vfi.models import catalog, loading
from blender_vfi.models.locations import FOLDER_VARIABLE
from tools.demo.footage import extract_frames, fetch_film

from .blenders import ROOT, Blender

_FIRST = 8  # a pan over grass with two animals: motion everywhere, and no cut
_SMALL, _SMALL_COUNT = (320, 180), 8
_LARGE_COUNT = 7


def build_zip(folder: Path) -> Path:
    """Build the zip as it is released, with the default model's weights; return its path.

    Raises:
        VfiError: the weights are not the published ones.
        SystemExit: they are missing.
    """
    spec = catalog.find(catalog.DEFAULT_MODEL)
    weights = Path(os.environ.get("BLENDER_VFI_TEST_WEIGHTS", ROOT / "build" / "weights"))
    published = weights / f"{spec.name}.pkl"
    if not published.is_file():
        raise SystemExit(f"{published} is missing: run `make weights` to fetch it")
    with tempfile.TemporaryDirectory() as scratch:
        loading.import_checkpoint(spec, published, Path(scratch))
        return build_addon.build(folder, Path(scratch))


def install(blender: Blender, addon: Path, resources: Path) -> None:
    """Install the zip into Blender's user folder `resources`, as a user would.

    Raises:
        SystemExit: Blender refuses it.
    """
    result = blender.run(
        ["--command", "extension", "install-file", "-r", "user_default", "-e", str(addon)],
        environment(resources),
    )
    if result.returncode != 0:
        raise SystemExit(f"{blender.title} refuses {addon}:\n{result.stdout}{result.stderr}")


def environment(resources: Path) -> dict[str, str]:
    """Return what Blender is told: its user folder, and the Python of the engine.

    Checkpoints may come from the zip alone, so the user's own are out of reach.
    """
    return {
        "BLENDER_USER_RESOURCES": str(resources),
        PYTHON_VARIABLE: sys.executable,
        FOLDER_VARIABLE: str(resources / "no-checkpoints"),
    }


def make_footage(folder: Path) -> None:
    """Make the shots in `folder` unless they are there: "shot", and the larger "shot_720p"."""
    if folder.is_dir():
        return
    film = fetch_film(ROOT / "build" / "footage")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    extract_frames(film, partial / "shot_720p", first=_FIRST, count=_LARGE_COUNT)
    for frame in extract_frames(film, partial / "shot", first=_FIRST, count=_SMALL_COUNT):
        with Image.open(frame) as picture:
            small = picture.resize(_SMALL, Image.Resampling.LANCZOS)
        small.save(frame)
    partial.rename(folder)
