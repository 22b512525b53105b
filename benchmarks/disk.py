"""Times RIFE 4.25 from PNG to PNG against a plain loop, and tells what files add to the model.

    python -m benchmarks.disk [--frames 9] [--rounds 2] [--record]

The engine runs in a process of its own, warm, as behind Blender's button; a job's time is from
sending it to its end. The plain loop reads a 1280×720 PNG file with Pillow, runs RIFE as it is
usually written (`plain_rife`), and saves the new frames and the source's at Blender's default
compression, one thing after another. The model alone, in a process set as the engine's, makes the
same frames from memory, and keeps none. All take turns, on the same footage, and the best of the
rounds counts.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.models import catalog
from blender_vfi.models.rife import Rife

from . import command_line, findings, loop, results_file, weights
from .footage import film_frames, moments, padded
from .plain_rife import PlainRife

_BLENDERS_LEVEL = 1  # of zlib, for Blender's default compression of 15 %
_MULTIPLIERS = (2, 4)

Codes = npt.NDArray[np.uint8]
Way = Callable[[int], object]
"""Makes all new frames of the clip, for a multiplier."""


def measure(sources: Sequence[Path], folder: Path, rounds: int) -> list[tuple[findings.Cell, ...]]:
    """Run all ways in turn; return the table's rows.

    Args:
        sources: PNG files of one size, alone in their folder.
        folder: for what is made.
        rounds: how often.
    """
    model = cast(Rife, weights.build(catalog.find(catalog.DEFAULT_MODEL)).model)
    client = EngineClient()

    def engine(multiplier: int, cuts: Literal["hold", "off"] = "hold") -> None:
        output = folder / uuid.uuid4().hex
        job = job_for_folder(
            sources[0].parent, output, job_id=output.name, multiplier=multiplier, cuts=cuts
        )
        client.run(job)

    ways: dict[str, Way] = {
        "plain": lambda multiplier: run_plain(model, sources, multiplier, folder / "plain"),
        "engine": engine,
        "engine, cuts off": lambda multiplier: engine(multiplier, "off"),
    }
    with closing(client), torch.inference_mode():
        engine(2)  # loads the model
        with loop.FromMemory(sources[0].parent) as alone:
            ways["alone"] = lambda multiplier: alone.cost("alone", multiplier)
            return [
                row
                for multiplier in _MULTIPLIERS
                for row in _rows(_best(ways, multiplier, len(sources), rounds), multiplier)
            ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--frames", type=int, default=9, help="source frames")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sources = film_frames(folder / "in", count=options.frames)
        rows = measure(sources, folder, options.rounds)
    found = findings.Findings(
        command="python -m benchmarks.disk",
        columns={
            "": 0,
            "plain s/frame": 3,
            "engine s/frame": 3,
            "ratio": 2,
            "model alone s/frame": 3,
            "over the model %": 1,
        },
        rows=rows,
        chart=findings.Bars(
            title="Seconds for a new frame of 1280×720, from PNG to PNG",
            columns=("plain s/frame", "engine s/frame", "model alone s/frame"),
        ),
    )
    findings.report("disk", found, machine=machine, record=options.record)
    return 0


def run_plain(model: Rife, sources: Sequence[Path], multiplier: int, output: Path) -> list[Path]:
    """Make and save frames as a plain loop would, one after another; return their paths."""
    plain = PlainRife(model)
    output.mkdir(exist_ok=True)
    paths: list[Path] = []

    def save(codes: Codes) -> None:
        paths.append(output / f"{len(paths):04d}.png")
        Image.fromarray(codes).save(paths[-1], compress_level=_BLENDERS_LEVEL)

    codes = _read(sources[0])
    height, width = codes.shape[:2]
    save(codes)
    frame0 = padded(_picture(codes))
    features0 = plain.encode(frame0)
    for path in sources[1:]:
        codes = _read(path)
        frame1 = padded(_picture(codes))
        features1 = plain.encode(frame1)
        for moment in moments(multiplier):
            made = plain((frame0, frame1), (features0, features1), moment)
            picture = made[0, :, :height, :width].permute(1, 2, 0)
            save(picture.clamp(0, 1).mul(255).round().byte().contiguous().numpy())
        save(codes)
        frame0, features0 = frame1, features1
    return paths


def _best(ways: dict[str, Way], multiplier: int, sources: int, rounds: int) -> dict[str, float]:
    """Return the shortest time of each way for a new frame."""
    best_s = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            began_s = time.perf_counter()
            cost = way(multiplier)
            took_s = (time.perf_counter() - began_s) / ((sources - 1) * (multiplier - 1))
            best_s[name] = min(
                best_s[name], cost.seconds if isinstance(cost, loop.Cost) else took_s
            )
    return best_s


def _rows(best_s: dict[str, float], multiplier: int) -> list[tuple[findings.Cell, ...]]:
    plain_s, alone_s = best_s["plain"], best_s["alone"]
    return [
        (title, plain_s, engine_s, plain_s / engine_s, alone_s, 100 * (engine_s / alone_s - 1))
        for title, engine_s in (
            (f"×{multiplier}", best_s["engine"]),
            (f"×{multiplier}, cuts not looked for", best_s["engine, cuts off"]),
        )
    ]


def _read(path: Path) -> Codes:
    with Image.open(path) as image:
        return np.array(image)


def _picture(codes: Codes) -> Tensor:
    return torch.from_numpy(codes).float() / 255


if __name__ == "__main__":
    sys.exit(main())
