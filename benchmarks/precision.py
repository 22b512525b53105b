"""Tells what half precision costs in quality: hidden frames of the film in fp32, fp16 and bf16.

    python -m benchmarks.precision [--models rife-4.25,rife-4.6] [--triplets 4] [--record]

Every model makes the hidden frames of `quality`, of which the upper left 640×384 are taken, and in
which the numbers are rounded as on a GPU: stored in half, multiplied and added up in float32. A CPU
that cannot do that by itself takes up to a hundred times as long, and nothing is timed. Told are
PSNR against the frame that was hidden, and how far the frames are from those of fp32, in steps of 8
bits.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from blender_vfi.models import catalog
from blender_vfi.models.interface import InterpolationModel, Quality
from tools.quality import Picture, psnr, read_picture

from . import command_line, findings, results_file, weights
from .footage import film_frames
from .quality import hidden_frames

_MODELS = "rife-4.25,rife-4.6,rife-4.0"
_HEIGHT, _WIDTH = 384, 640
_STEPS = 255
_PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--models", default=_MODELS, help="names, with commas")
    parser.add_argument("--triplets", type=int, default=4, help="hidden frames (default: 4)")
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    triplets = _triplets(options.triplets)
    rows: list[tuple[findings.Cell, ...]] = []
    for name in options.models.split(","):
        model = weights.build(catalog.find(name)).model
        rows += ((f"{name} {precision}", *cells) for precision, *cells in compared(model, triplets))
    found = findings.Findings(
        command="python -m benchmarks.precision",
        columns={"model": 0, "PSNR dB": 2, "largest difference": 2, "mean difference": 3},
        rows=rows,
        remarks=[f"{len(triplets)} hidden frames of {_WIDTH}×{_HEIGHT}; differences from fp32"],
    )
    findings.report("precision", found, machine=machine, record=options.record)
    return 0


def compared(
    model: InterpolationModel, triplets: Sequence[Sequence[Picture]]
) -> list[tuple[str, float, float, float]]:
    """Make the middle of each triplet in every precision.

    Args:
        model: in fp32.
        triplets: three frames each, (H, W, 3) with sides as the model takes them.

    Returns:
        For each precision its name, the mean of PSNR in dB, and the largest and the mean difference
        from fp32, in steps of 8 bits.
    """
    rows: list[tuple[str, float, float, float]] = []
    exact: list[Picture] = []
    for name, dtype in _PRECISIONS.items():
        rounded = copy.deepcopy(model).to(dtype)
        made = [_middle(rounded, before, after, dtype) for before, _truth, after in triplets]
        exact = exact or made
        quality = [psnr(*pair) for pair in zip(made, (each[1] for each in triplets), strict=True)]
        apart = np.abs(np.stack(made) - np.stack(exact)) * _STEPS
        rows.append((name, float(np.mean(quality)), float(apart.max()), float(apart.mean())))
    return rows


def _middle(
    model: InterpolationModel, before: Picture, after: Picture, dtype: torch.dtype
) -> Picture:
    frames = [
        torch.from_numpy(picture).permute(2, 0, 1)[None].to(dtype) for picture in (before, after)
    ]
    with torch.inference_mode():
        features = [model.encode(frame) for frame in frames]
        made = model(frames, features, [0.5], Quality()).frames[0]
    picture: Picture = made.permute(1, 2, 0).float().clamp(0, 1).numpy()
    return picture


def _triplets(count: int) -> list[list[Picture]]:
    chosen = hidden_frames(count)
    with tempfile.TemporaryDirectory() as scratch:
        first = chosen[0] - 1
        paths = film_frames(Path(scratch), first=first, count=chosen[-1] + 2 - first)
        return [
            [
                np.ascontiguousarray(read_picture(paths[frame - first + step])[:_HEIGHT, :_WIDTH])
                for step in (-1, 0, 1)
            ]
            for frame in chosen
        ]


if __name__ == "__main__":
    sys.exit(main())
