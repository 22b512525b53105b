"""Times RIFE 4.25 alone against a plain version of it, and shows that they make the same frames.

    python -m benchmarks.speed [--rounds 4] [--threads 1] [--frames FRAME0 FRAME1] [--record]

Both run in turn in one process, in fp32 on the CPU, on two frames of the test footage or the two
that are named. Told is the best of all rounds, per in-between frame and with what is computed once
for each source frame, as in a long sequence: for one source frame per pair. Memory is the peak of
processes that run only one of the two.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from blender_vfi.engine import memory
from blender_vfi.models import catalog
from blender_vfi.models.interface import Quality
from blender_vfi.models.rife import Rife, pad_multiple
from tools.demo.footage import extract_frames, fetch_film
from tools.quality import read_picture

from . import findings, results_file, weights
from .plain_rife import PlainRife

_MODEL = "rife-4.25"
_MULTIPLIERS = (2, 4)
_WAYS = ("plain", "rife")

Way = Callable[[Sequence[Tensor], int], Tensor]
"""Encodes one frame and makes the in-between frames of a pair, for a multiplier."""


def measure(frames: Sequence[Tensor], rounds: int) -> dict[str, dict[str, float]]:
    """Run both ways in turn; return what was found for each multiplier.

    Args:
        frames: two, each (1, 3, H, W) float32 in [0, 1], sides as the model takes them.
        rounds: how often, after one that warms up.
    """
    ways = _ways(frames)
    rows: dict[str, dict[str, float]] = {}
    for multiplier in _MULTIPLIERS:
        best_s = dict.fromkeys(_WAYS, float("inf"))
        made: dict[str, Tensor] = {}
        for is_counted in (False, *[True] * rounds):
            for name, way in ways.items():
                began_s = time.perf_counter()
                made[name] = way(frames, multiplier)
                took_s = (time.perf_counter() - began_s) / (multiplier - 1)
                if is_counted:
                    best_s[name] = min(best_s[name], took_s)
        difference = (made["rife"] - made["plain"]).abs()
        rows[f"x{multiplier}"] = {
            **{f"{name}_seconds_per_frame": round(best_s[name], 4) for name in _WAYS},
            "ratio": round(best_s["plain"] / best_s["rife"], 2),
            "largest_difference": float(difference.max()),
            "mean_difference": float(difference.mean()),
        }
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--frames", type=Path, nargs=2, metavar="FILE")
    findings.add_record_option(parser)
    parser.add_argument("--peak-of", choices=_WAYS, help="run this alone, print its peak memory")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.peak_of:
        with torch.inference_mode():
            frames = _read(options.frames)
            _ways(frames, [options.peak_of])[options.peak_of](frames, 2)
        print(memory.peak_memory_bytes())
        return 0
    machine = results_file.machine()
    # first, since a new process counts what the one that started it has
    peaks = [f"{name} {_peak_in_own_process(name, options) / 2**20:.0f} MiB" for name in _WAYS]
    with torch.inference_mode():
        found = measure(_read(options.frames), options.rounds)
    findings.report("speed", _as_findings(found, peaks), machine=machine, record=options.record)
    return 0


def _as_findings(found: dict[str, dict[str, float]], peaks: Sequence[str]) -> findings.Findings:
    columns = {"": 0, "plain s/frame": 3, "rife s/frame": 3, "ratio": 2}
    return findings.Findings(
        command="python -m benchmarks.speed",
        columns={**columns, "largest difference": 6, "mean difference": 8},
        rows=[(f"×{multiplier}", *found[f"x{multiplier}"].values()) for multiplier in _MULTIPLIERS],
        remarks=[f"peak memory: {', '.join(peaks)}"],
        chart=findings.Bars(
            title="Seconds for a new frame of 1280×720, the model alone",
            columns=("plain s/frame", "rife s/frame"),
        ),
    )


def _ways(frames: Sequence[Tensor], names: Sequence[str] = _WAYS) -> dict[str, Way]:
    """Return ways by name, the features of the pair's first frame at hand as in a sequence."""
    model = cast(Rife, weights.build(catalog.find(_MODEL)).model)
    plain = PlainRife(model)
    earlier_plain = plain.encode(frames[0]) if "plain" in names else None
    earlier = model.encode(frames[0]) if "rife" in names else ()

    def run_plain(pair: Sequence[Tensor], multiplier: int) -> Tensor:
        features = (cast(Tensor, earlier_plain), plain.encode(pair[1]))
        return torch.cat([plain(pair, features, moment) for moment in _moments(multiplier)])

    def run_rife(pair: Sequence[Tensor], multiplier: int) -> Tensor:
        features = (earlier, model.encode(pair[1]))
        made = [model(pair, features, [moment], Quality()) for moment in _moments(multiplier)]
        return torch.cat([one.frames for one in made])

    ways: dict[str, Way] = {"plain": run_plain, "rife": run_rife}
    return {name: ways[name] for name in names}


def _moments(multiplier: int) -> list[float]:
    return [step / multiplier for step in range(1, multiplier)]


def _read(paths: Sequence[Path] | None) -> list[Tensor]:
    """Read two frames, by default of the film, and pad them as the engine does."""
    with tempfile.TemporaryDirectory() as scratch:
        if not paths:
            film = fetch_film(Path("build/footage"))
            first, _, second = extract_frames(film, Path(scratch), first=60, count=3)
            paths = (first, second)
        pictures = [torch.from_numpy(read_picture(path)) for path in paths]
    multiple = pad_multiple(_MODEL.removeprefix("rife-"))
    frames: list[Tensor] = []
    for picture in pictures:
        height, width = picture.shape[:2]
        padding = (0, -width % multiple, 0, -height % multiple)
        frames.append(functional.pad(picture.permute(2, 0, 1)[None], padding).contiguous())
    return frames


def _peak_in_own_process(name: str, options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "benchmarks.speed", "--peak-of", name]
    command += ["--threads", str(options.threads)]
    if options.frames:
        command += ["--frames", *map(str, options.frames)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
