"""Measures how close the models with published weights come to hidden frames of a real film.

    python -m benchmarks.quality [--triplets 12] [--models rife-4.25,gmfss-union]

Of Big Buck Bunny at 1280×720, every second frame is hidden, and made from its two neighbours by
each model and by blending them. The means of PSNR and SSIM over some hidden frames, evenly chosen,
go to benchmarks/results/quality.json. On two cores, 12 of them take about seven minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import plan
from blender_vfi.errors import CheckpointError
from blender_vfi.models import catalog
from tools.demo.footage import CREDIT
from tools.quality import Picture, psnr, read_picture, ssim

from . import results_file, weights
from .footage import MOVING, film_frames

MODELS = ("rife-4.0", "rife-4.0.refine", "rife-4.6", "rife-4.25", "gmfss-base", "gmfss-union")
BLENDING = "blending"

# A pan over grass with two animals.
_FIRST, _COUNT = MOVING, 48


def hidden_frames(triplets: int) -> list[int]:
    """Choose which of the hidden frames to make, evenly, by their number in the clip.

    Raises:
        ValueError: there are not as many.
    """
    hidden = range(_FIRST + 1, _FIRST + _COUNT - 1, 2)
    if not 1 <= triplets <= len(hidden):
        raise ValueError(f"{triplets} triplets: must be from 1 to {len(hidden)}")
    return [hidden[index * len(hidden) // triplets] for index in range(triplets)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure blending and each model, print a table, write the file; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triplets", type=int, default=12, help="hidden frames (default: 12)")
    parser.add_argument("--models", default=",".join(MODELS), help="names, with commas")
    parser.add_argument("--output", type=Path, default=results_file.QUALITY)
    options = parser.parse_args(arguments)
    chosen = hidden_frames(options.triplets)
    with tempfile.TemporaryDirectory() as scratch:
        paths = film_frames(Path(scratch), first=_FIRST, count=_COUNT)
        triplets = [
            tuple(read_picture(paths[frame - _FIRST + offset]) for offset in (-1, 0, 1))
            for frame in chosen
        ]
    results: dict[str, Any] = {}
    print(f"{'model':<18}{'PSNR dB':>9}{'SSIM':>9}")
    for name in (BLENDING, *options.models.split(",")):
        results[name] = _measured(name, triplets)
        row = results[name]
        print(f"{name:<18}{row['psnr_db']:>9.2f}{row['ssim']:>9.4f}", flush=True)
    about = {"footage": CREDIT, "frames": chosen, **results_file.machine()}
    results_file.write(options.output, {**about, "results": results})
    return 0


def _measured(name: str, triplets: list[tuple[Picture, ...]]) -> dict[str, Any]:
    if name == BLENDING:
        made = [(before + after) / 2 for before, _truth, after in triplets]
        about: dict[str, Any] = {}
    else:
        made, about = _interpolated(name, triplets)
    pairs = [(picture, truth) for picture, (_, truth, _) in zip(made, triplets, strict=True)]
    return {
        "psnr_db": round(float(np.mean([psnr(*pair) for pair in pairs])), 3),
        "ssim": round(float(np.mean([ssim(*pair) for pair in pairs])), 5),
        **about,
    }


def _interpolated(
    name: str, triplets: list[tuple[Picture, ...]]
) -> tuple[list[Picture], dict[str, Any]]:
    """Make the middle of each triplet with the model called `name`."""
    spec = catalog.find(name)
    built = weights.build_published(spec)
    if built is None:
        raise CheckpointError(
            f"The published weights of {name} are not on this machine: run `make weights`."
        )
    policy = LoopPolicy(device=torch.device("cpu"))
    loop = FrameLoop(built.model, spec, ChannelLayout(count=3), policy)
    made: list[Picture] = []
    for before, _truth, after in triplets:
        ends = _Ends(before, after)
        loop.run(plan(2, 2), ends, ends)
        assert ends.made is not None
        # as a file of 8 bits would hold it
        made.append(np.round(np.clip(ends.made, 0, 1) * 255).astype(np.float32) / 255)
    return made, {"sha256": built.sha256}


class _Ends:
    """The two frames around a hidden one; takes what is made between them."""

    def __init__(self, before: Picture, after: Picture) -> None:
        self._frames = (before, after)
        self.made: Picture | None = None

    def load(self, index: int) -> torch.Tensor:
        return torch.from_numpy(self._frames[index])

    def store(self, output_index: int, frame: torch.Tensor) -> None:
        """Keep the frame."""
        self.made = frame.numpy()


if __name__ == "__main__":
    sys.exit(main())
