"""Tells what the frame loop adds to the model: both make the same frames, from memory to nowhere.

    python -m benchmarks.loop [--frames 9] [--rounds 5] [--record]

RIFE 4.25 alone, and the loop with it, take turns in one process that is set as the engine's, on
1280×720 footage in fp32. Told are the best of the rounds, and the processor's time in it, which
other programs disturb less: the loop's pictures, padding and checks for what is still or no number.
"""

from __future__ import annotations

import gc
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from blender_vfi.engine import host_allocator
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, FrameSink, LoopPolicy
from blender_vfi.engine.schedule import plan
from blender_vfi.models import catalog
from blender_vfi.models.interface import InterpolationModel, Quality
from tools.quality import read_picture

from . import command_line, findings, results_file, weights
from .footage import Frames, Nowhere, film_frames, padded
from .serving import Serving

_MULTIPLIERS = (2, 4)


class Cost(NamedTuple):
    """What a new frame took."""

    seconds: float
    processor_seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--frames", type=int, default=9, help="source frames")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=Path, help="make frames of this folder's when told to")
    options = parser.parse_args(arguments)
    if options.serve:
        _serve(sorted(options.serve.iterdir()))
        return 0
    machine = results_file.machine()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        film_frames(folder, count=options.frames)
        rows = measure(folder, options.rounds)
    found = findings.Findings(
        command="python -m benchmarks.loop",
        columns={
            "": 0,
            "model alone s/frame": 3,
            "loop s/frame": 3,
            "over the model %": 1,
            "processor, model alone s": 3,
            "processor, loop s": 3,
            "over the model's %": 1,
        },
        rows=rows,
    )
    findings.report("loop", found, machine=machine, record=options.record)
    return 0


def measure(folder: Path, rounds: int) -> list[tuple[findings.Cell, ...]]:
    """Let both make all frames between those in `folder` in turn; return the table's rows."""
    rows: list[tuple[findings.Cell, ...]] = []
    with FromMemory(folder) as memory:
        for multiplier in _MULTIPLIERS:
            alone, loop = memory.best(multiplier, rounds)
            cells: list[findings.Cell] = [f"×{multiplier}"]
            for of_alone, of_loop in zip(alone, loop, strict=True):
                cells += [of_alone, of_loop, 100 * (of_loop / of_alone - 1)]
            rows.append(tuple(cells))
    return rows


class FromMemory(Serving):
    """A process, set as the engine's, that makes frames from memory.

    Args:
        folder: of PNG files of one size.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(["benchmarks.loop", "--serve", str(folder)], lets_threads_sleep=True)

    def cost(self, way: str, multiplier: int) -> Cost:
        """Make all frames once, by the model "alone" or by the "loop"."""
        return Cost(*self.ask(f"{way} {multiplier}"))

    def best(self, multiplier: int, rounds: int) -> tuple[Cost, Cost]:
        """Return the least of all rounds, of the model alone and of the loop."""
        found: dict[str, list[Cost]] = {"alone": [], "loop": []}
        for _ in range(rounds):
            for way, costs in found.items():
                costs.append(self.cost(way, multiplier))
        alone, loop = (Cost(*map(min, zip(*costs, strict=True))) for costs in found.values())
        return alone, loop


def _serve(paths: Sequence[Path]) -> None:
    host_allocator.keep_freed()
    spec = catalog.find(catalog.DEFAULT_MODEL)
    model = weights.build(spec).model
    frames = [torch.from_numpy(read_picture(path)) for path in paths]
    pictures = [padded(frame) for frame in frames]
    ways: dict[str, Callable[[int], None]] = {
        "alone": lambda multiplier: run_alone(model, pictures, multiplier, Nowhere()),
        "loop": lambda multiplier: run_loop(model, frames, multiplier, Nowhere()),
    }
    with torch.inference_mode():
        ways["alone"](2)  # warms up
        gc.freeze()  # as the engine does
        for line in sys.stdin:
            way, multiplier = line.split()
            count = (len(frames) - 1) * (int(multiplier) - 1)
            host_allocator.hand_back()  # as the loop does at its end: both begin alike
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            ways[way](int(multiplier))
            took_s, took_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
            print(took_s / count, took_cpu_s / count, flush=True)


def run_alone(
    model: InterpolationModel, pictures: Sequence[Tensor], multiplier: int, sink: FrameSink
) -> None:
    """Make frames between pictures (1, 3, H, W), padded; the sink gets them padded, too."""
    features = model.encode(pictures[0])
    for index, (frame0, frame1) in enumerate(itertools.pairwise(pictures)):
        earlier, features = features, model.encode(frame1)
        for step in range(1, multiplier):
            made = model((frame0, frame1), (earlier, features), [step / multiplier], Quality())
            sink.store(index * multiplier + step, made.frames[0].permute(1, 2, 0))


def run_loop(
    model: InterpolationModel, frames: Sequence[Tensor], multiplier: int, sink: FrameSink
) -> None:
    """Make frames between frames (H, W, 3)."""
    spec = catalog.find(catalog.DEFAULT_MODEL)
    policy = LoopPolicy(device=torch.device("cpu"))
    loop = FrameLoop(model, spec, ChannelLayout(count=3), policy)
    loop.run(plan(len(frames), multiplier), Frames(frames), sink)


if __name__ == "__main__":
    sys.exit(main())
