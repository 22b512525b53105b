"""Measures how true the passes of new frames are, against frames that Blender has rendered.

    python -m benchmarks.passes [--frames 9] [--keep FOLDER]

Renders two scenes with Cycles and multilayer EXR, leaves every second frame out, makes them with
RIFE 4.25, and compares each pass with the render that was left out; likewise the frame before
("held") and the mean of both neighbours ("mixed").
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blender_vfi.engine import images
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.pipeline import Engine

from .passes_scene import render

Values = NDArray[np.float64]
SCENES = {"slow": (288, 24), "fast": (192, 8)}
"""Height of the frames, and in how many the cube crosses the picture."""

_FAR = 1e9  # of Depth: the background
_OFF = 0.02


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of the passes; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=9, help="to render, an odd number")
    parser.add_argument("--keep", type=Path, help="folder to render into, and to leave it all in")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        for name, (height, crossing) in SCENES.items():
            folder = (options.keep or Path(scratch)) / name
            rendered = render(
                folder / "rendered", frames=options.frames, height=height, crossing=crossing
            )
            made = _interpolate(rendered[::2], folder)
            print(f"{name:<42}{'made':>10}{'held':>10}{'mixed':>10}")
            for title, row in _means(rendered, made).items():
                print(f"{title:<42}" + "".join(map(_cell, row)), flush=True)
    return 0


def _interpolate(sources: list[Path], folder: Path) -> list[Path]:
    kept, output = folder / "kept", folder / "made"
    kept.mkdir()
    for index, path in enumerate(sources):
        shutil.copy(path, kept / f"shot_{index + 1:04d}.exr")
    job = job_for_folder(kept, output, job_id="passes", device="cpu")
    Engine().run(job)
    return sorted(output.glob("*.exr"))


def _means(rendered: list[Path], made: list[Path]) -> dict[str, list[float]]:
    """Return for each measure its mean over the frames that were left out: made, held, mixed."""
    found: dict[str, list[list[float]]] = defaultdict(list)
    for index in range(1, len(rendered), 2):
        frames = [
            images.read_frame(path) for path in (made[index], *rendered[index - 1 : index + 2])
        ]
        for item in frames[0].header.format.passes:
            ours, before, truth, after = (
                frame.pixels[..., list(item.channels)].astype(np.float64) for frame in frames
            )
            for title, measure in _MEASURES.get(item.role, {}).items():
                row = [measure(ours, truth), measure(before, truth)]
                # there is nothing between two ids
                row.append(np.nan if item.role == "id" else measure((before + after) / 2, truth))
                found[f"{item.title.split('.')[-1]}: {title}"].append(row)
            if item.name.startswith("Crypto"):
                known = set(before[..., ::2].ravel()) | set(after[..., ::2].ravel())
                foreign = len(set(ours[..., ::2].ravel()) - known)
                found[f"{item.name}: foreign ids"].append([float(foreign), 0.0, 0.0])
            if item.role == "vector":
                # it reaches to the next of all frames, and is taken to reach to the next kept one
                found["Vector: mean error"].append([_error(ours, truth / 2), np.nan, np.nan])
                found["Vector: mean length"].append(
                    [float(np.abs(truth / 2).mean()), np.nan, np.nan]
                )
    return {title: list(np.mean(rows, axis=0)) for title, rows in found.items()}


def _cell(value: float) -> str:
    return f"{'' if np.isnan(value) else f'{value:.4f}':>10}"


def _error(ours: Values, truth: Values) -> float:
    return float(np.abs(ours - truth).mean())


def _share_off(ours: Values, truth: Values) -> float:
    """Return which share of the pixels is further off than a few hundredths of the distance."""
    return float(np.mean(np.abs(np.minimum(ours, _FAR) - np.minimum(truth, _FAR)) > _OFF * truth))


def _share_right(ours: Values, truth: Values) -> float:
    """Return which share of the pixels has the right first id."""
    return float(np.mean(ours[..., 0] == truth[..., 0]))


_MEASURES: dict[str, dict[str, Callable[[Values, Values], float]]] = {
    "colour": {"mean error": _error},
    "data": {"mean error": _error},
    "surface": {"mean error": _error},
    "normal": {"mean error": _error},
    "depth": {"share over 2 % off": _share_off},
    "id": {"share with the right id": _share_right},
}

if __name__ == "__main__":
    sys.exit(main())
