"""Small image sequences on disk, and jobs for them."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np

from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.protocol import JobSpec

from .image_files import decode_png, encode_png


def write_sequence(folder: Path, count: int, *, size=(24, 40), channels=3) -> list[Path]:
    """Write PNG frames named "f é 0001.png" and on, each brighter than the one before."""
    folder.mkdir(parents=True)
    paths = []
    for index in range(count):
        noise = np.random.default_rng(index).integers(0, 8, (*size, channels))
        codes = (noise + 20 * index).astype(np.uint8)
        paths.append(folder / f"f é {index + 1:04d}.png")
        paths[-1].write_bytes(encode_png(codes))
    return paths


def make_job(source: Path, output: Path, **settings: object) -> JobSpec:
    """Describe a job on the CPU with a name of its own."""
    return job_for_folder(source, output, job_id=uuid.uuid4().hex, device="cpu", **settings)


def read_png(path: Path) -> np.ndarray:
    """Read a PNG without the code under test: (H, W, C) codes."""
    return decode_png(path.read_bytes())


def visible_names(folder: Path) -> list[str]:
    """Names of what lies in a folder, without the job's record; hidden ones included.

    None where there is no folder: one that a job made goes with it when no frame came into it.
    """
    bookkeeping = {"vfi_job.json", ".vfi.lock", ".vfi.log"}
    if not folder.exists():
        return []
    return sorted(path.name for path in folder.iterdir() if path.name not in bookkeeping)
