"""Shows what it saves to keep main memory that was freed for the next frame, and what it takes.

    python -m benchmarks.allocator [--models plain-rife rife-4.25 …] [--size 640x384] [--record]

Runs each model on two frames of moving noise on the CPU in fp32, with memory handed to the system
as soon as it is freed, which is glibc's own way, and with memory kept, which is the engine's: in a
process of its own each, in turn. `plain-rife` is RIFE 4.25 as in benchmarks/plain_rife.py.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor

from blender_vfi.engine import host_allocator, memory
from blender_vfi.engine.padding import padded_side
from blender_vfi.models import catalog
from blender_vfi.models.interface import Quality
from blender_vfi.models.rife import Rife

from . import command_line, findings, results_file, weights
from .footage import moments, moving_noise
from .plain_rife import PlainRife

_PLAIN = "plain-rife"
_MODELS = (_PLAIN, "rife-4.25", "ifrnet-l", "film")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What one process has come to.

    Attributes:
        seconds: for a new frame, the median.
        faults: pages that the system has handed out for one, the median.
        peak_mib: the most that the process ever held, torch itself included.
        left_mib: held after the last frame, when all that is kept was handed back.
    """

    seconds: float
    faults: float
    peak_mib: float
    left_mib: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Report a row for each model; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--models", nargs="+", default=_MODELS, metavar="NAME")
    parser.add_argument("--size", type=command_line.size, default="640x384", metavar="WxH")
    parser.add_argument("--frames", type=int, default=3, help="timed, in each process")
    parser.add_argument("--rounds", type=int, default=2, help="processes of each kind")
    parser.add_argument("--one", choices=["freed", "kept"], help="measure here and print JSON")
    options = parser.parse_args(arguments)
    width, height = options.size
    if options.one:
        if options.one == "kept" and not host_allocator.keep_freed():
            parser.exit(1, "No Linux with glibc, or its allocator is set by the environment.\n")
        found = measure(options.models[0], (height, width), options.frames)
        print(json.dumps(dataclasses.asdict(found)))
        return 0
    machine = results_file.machine()
    rows = [
        _row(name, *_compared(name, (width, height), options.frames, options.rounds))
        for name in options.models
    ]
    table = findings.Findings(
        command="python -m benchmarks.allocator",
        columns={
            "model": 0,
            "freed s/frame": 3,
            "kept s/frame": 3,
            "ratio": 2,
            "pages freed": 0,
            "pages kept": 0,
            "peak MiB freed": 0,
            "peak MiB kept": 0,
            "MiB left": 0,
        },
        rows=rows,
        remarks=[
            f"{width}×{height}, fp32, CPU; the best of {options.rounds} processes each",
            "pages: that the system hands out for a frame; left: held when all is handed back",
        ],
        chart=findings.Bars(
            title=f"Seconds for a new frame of {width}×{height}",
            columns=("freed s/frame", "kept s/frame"),
        ),
    )
    findings.report("allocator", table, machine=machine, record=options.record)
    return 0


def measure(name: str, size: tuple[int, int], frames: int) -> Measured:
    """Make frames of (height, width) in this process, after one that is not counted."""
    make = _maker(name, size)
    seconds, faults = [], []
    with torch.inference_mode():
        make()
        for _ in range(frames):
            before, began_s = _faults(), time.perf_counter()
            make()
            seconds.append(time.perf_counter() - began_s)
            faults.append(_faults() - before)
    memory.clear_cache(torch.device("cpu"))
    return Measured(
        seconds=statistics.median(seconds),
        faults=statistics.median(faults),
        peak_mib=memory.peak_memory_bytes() / 2**20,
        left_mib=memory.resident_memory_bytes() / 2**20,
    )


def _maker(name: str, size: tuple[int, int]) -> Callable[[], object]:
    """Return what encodes a window's frames and makes those between its middle two."""
    spec = catalog.find(catalog.DEFAULT_MODEL if name == _PLAIN else name)
    height, width = (padded_side(side, spec, 1.0) for side in size)
    built = weights.build(spec).model
    window = moving_noise(spec.context, (height, width))
    if name == _PLAIN:
        plain = PlainRife(cast(Rife, built))
        return lambda: plain(window, [plain.encode(frame) for frame in window], 0.5)
    timesteps = moments(spec.fixed_multiplier or 2)

    def make() -> Tensor:
        features = [built.encode(frame) for frame in window]
        made: Tensor = built(window, features, timesteps, Quality()).frames
        return made

    return make


def _compared(
    name: str, size: tuple[int, int], frames: int, rounds: int
) -> tuple[Measured, Measured]:
    """Measure both ways in turn, of (width, height); return the fastest of each."""
    found: dict[str, list[Measured]] = {"freed": [], "kept": []}
    for _ in range(rounds):
        for way, measured in found.items():
            command = [sys.executable, "-m", "benchmarks.allocator", "--one", way]
            command += ["--models", name, "--size", "{}x{}".format(*size), "--frames", str(frames)]
            told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            measured.append(Measured(**json.loads(told.splitlines()[-1])))
    freed, kept = (min(found[way], key=lambda one: one.seconds) for way in ("freed", "kept"))
    return freed, kept


def _row(name: str, freed: Measured, kept: Measured) -> tuple[findings.Cell, ...]:
    is_plain = name == _PLAIN
    title = catalog.find(catalog.DEFAULT_MODEL if is_plain else name).title
    return (
        f"{title}, plain" if is_plain else title,
        freed.seconds,
        kept.seconds,
        freed.seconds / kept.seconds,
        freed.faults,
        kept.faults,
        freed.peak_mib,
        kept.peak_mib,
        kept.left_mib,
    )


def _faults() -> int:
    import resource  # not there on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


if __name__ == "__main__":
    sys.exit(main())
