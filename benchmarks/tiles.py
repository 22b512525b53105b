"""Shows what frames made in tiles lose against whole ones.

    python -m benchmarks.tiles [--pairs 6] [--tiles 512 256 128] [--device cpu] [--save FOLDER]
        [--record]

Takes every second frame of 1280×720 footage as a source, makes the frames between with RIFE 4.25,
whole and in tiles, and compares them with each other and with the film's own frames.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from blender_vfi.engine import images
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.padding import padded_side, side_multiple
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.tiling import Tiling, largest_tile
from blender_vfi.models import catalog
from blender_vfi.models.loading import LoadedModel, load_model

from . import command_line, findings, results_file
from .footage import Frames, film_frames

_LONGEST = 64  # pairs; beyond, the film cuts to its title


def main(arguments: Sequence[str] | None = None) -> int:
    """Report differences and PSNR; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--pairs", type=int, default=6, help="of the film's, spread evenly")
    parser.add_argument("--tiles", type=int, nargs="+", default=[512, 256, 128])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--save", type=Path, help="folder for the last pair's frames")
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    device = torch.device(options.device)
    model = load_model(catalog.find(catalog.DEFAULT_MODEL), device=device, dtype=torch.float32)
    triples = _triples(options.pairs)
    whole: list[Tensor] = []
    rows: list[tuple[findings.Cell, ...]] = []
    for tile_size in (0, *options.tiles):
        made = [_between(model, device, first, last, tile_size) for first, _, last in triples]
        whole = whole or made
        differences = [(a - b).abs() * 255 for a, b in zip(made, whole, strict=True)]
        scores = [_psnr(a, truth) for a, (_, truth, _) in zip(made, triples, strict=True)]
        name = str(tile_size or "whole")
        mean = sum(float(d.mean()) for d in differences) / len(made)
        largest = max(float(d.max()) for d in differences)
        work = _work(model, tile_size, made[0])
        rows.append((name, mean, largest, sum(scores) / len(made), min(scores), work))
        if options.save:
            _save(options.save, f"tiles_{name}.png", made[-1])
    found = findings.Findings(
        command="python -m benchmarks.tiles",
        columns={"tiles": 0, "mean": 3, "max": 1, "PSNR dB": 2, "worst": 2, "work": 2},
        rows=rows,
        remarks=(
            "mean and max: absolute difference from whole frames, in steps of 8 bits",
            "worst: the lowest PSNR; work: pixels that the model sees, whole frames being 1",
        ),
    )
    findings.report("tiles", found, machine=machine, record=options.record)
    return 0


def _triples(count: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return a source frame, the film's own between, and the next source, spread over the film."""
    starts = [2 * (index * _LONGEST // count) for index in range(count)]
    with tempfile.TemporaryDirectory() as scratch:
        paths = film_frames(Path(scratch), first=0, count=2 * _LONGEST + 1)
        frames = {
            index: torch.from_numpy(images.read_frame(paths[index]).pixels)
            for start in starts
            for index in range(start, start + 3)
        }
    return [(frames[start], frames[start + 1], frames[start + 2]) for start in starts]


def _between(
    model: LoadedModel, device: torch.device, first: Tensor, last: Tensor, tile_size: int
) -> Tensor:
    made: list[Tensor] = []

    class Only:
        def store(self, _output_index: int, frame: Tensor) -> None:
            made.append(frame)

    policy = LoopPolicy(device=device, tile_size=tile_size)
    FrameLoop(model.model, model.spec, ChannelLayout(count=3), policy).run(
        plan(2, 2), Frames((first, last)), Only()
    )
    return made[0]


def _work(model: LoadedModel, tile_size: int, frame: Tensor) -> float:
    """Return how much more the model sees in tiles, since they overlap."""
    multiple = side_multiple(model.spec, 1.0)
    height, width = (padded_side(side, model.spec, 1.0) for side in frame.shape[:2])
    if not tile_size:
        return 1.0
    largest = largest_tile(tile_size, multiple=multiple, smallest_side=model.spec.smallest_side)
    tiles = Tiling(height, width, largest=largest, multiple=multiple).tiles
    return sum(tile.rows.length * tile.columns.length for tile in tiles) / (height * width)


def _psnr(made: Tensor, truth: Tensor) -> float:
    return -10 * math.log10(float(((made - truth) ** 2).mean()) + 1e-12)


def _save(folder: Path, name: str, frame: Tensor) -> None:
    from PIL import Image  # the tests' own; no reader of ours is needed to look at a picture

    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray((frame * 255).round().byte().numpy()).save(folder / name)


if __name__ == "__main__":
    sys.exit(main())
