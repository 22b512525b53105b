"""Times every model on a 1280×720 pair, and tells how much memory it takes.

    python -m benchmarks.models [--models rife-4.25,film] [--only-missing]

Each model runs through the frame loop in fp32 on the CPU, in a process of its own. Models that
share a network are measured once. The results go to benchmarks/results/models.json after each
model, so that a run that was stopped goes on with --only-missing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from blender_vfi.engine import host_allocator, memory
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import Plan, plan
from blender_vfi.models import catalog
from blender_vfi.models.catalog_types import ModelSpec

from . import results_file, weights
from .footage import Frames, Nowhere

_HEIGHT, _WIDTH = 720, 1280
_MOTION_PX = 12
_SLOW_S = 10.0
"""A model that takes longer for a run is not run again."""


def measure(spec: ModelSpec) -> dict[str, Any]:
    """Run `spec` in this process; return what was found, as JSON has it."""
    machine = results_file.machine()  # before the load of this run
    built = weights.build(spec)
    policy = LoopPolicy(device=torch.device("cpu"))
    loop = FrameLoop(built.model, spec, ChannelLayout(count=3), policy)
    planned = plan(2, spec.fixed_multiplier or 2)
    source = _pair()
    durations_s = [_duration_s(loop, planned, source)]
    is_slow = durations_s[0] > _SLOW_S
    if not is_slow:  # the first run has warmed up
        durations_s = [_duration_s(loop, planned, source) for _ in range(2)]
    return {
        "weights": built.weights,
        "seconds_per_frame": round(statistics.median(durations_s) / planned.between_count, 3),
        "frames_per_run": planned.between_count,
        "is_warmed_up": not is_slow,
        "peak_memory_bytes": memory.peak_memory_bytes(),
        **machine,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure models one after another and print a table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", metavar="NAMES", help="names, with commas (default: all)")
    parser.add_argument("--only-missing", action="store_true", help="keep what is in the file")
    parser.add_argument("--output", type=Path, default=results_file.MODELS)
    parser.add_argument("--one", metavar="NAME", help="measure here and print JSON")
    options = parser.parse_args(arguments)
    if options.one:
        host_allocator.keep_freed()  # as the engine does
        print(json.dumps(measure(catalog.find(options.one))))
        return 0
    names = options.models.split(",") if options.models else None
    return _measure_all(names, options.output, only_missing=options.only_missing)


def representatives(names: Sequence[str] | None = None) -> dict[str, list[str]]:
    """Return the first model of each network, with the names of all that have it.

    Args:
        names: models whose networks are meant; None for all.

    Raises:
        UnknownModelError: there is no such model.
    """
    wanted = {_network(catalog.find(name)) for name in names} if names else None
    groups: dict[tuple[str, str], list[str]] = {}
    for spec in catalog.CATALOG:
        if wanted is None or _network(spec) in wanted:
            groups.setdefault(_network(spec), []).append(spec.name)
    return {members[0]: members for members in groups.values()}


def _network(spec: ModelSpec) -> tuple[str, str]:
    return spec.architecture, spec.variant


def _measure_all(names: Sequence[str] | None, output: Path, *, only_missing: bool) -> int:
    code = 0
    print(f"{'model':<18}{'s/frame':>9}{'peak MiB':>10}  weights")
    for name, members in representatives(names).items():
        results = results_file.read(output)
        if not (only_missing and name in results):
            found = _in_own_process(name)
            if found is None:
                code = 1
                continue
            results[name] = {"stands_for": members, **found}
            order = [spec.name for spec in catalog.CATALOG]
            ordered = {key: results[key] for key in sorted(results, key=order.index)}
            results_file.write(output, ordered)
        row = results[name]
        print(
            f"{name:<18}{row['seconds_per_frame']:>9.2f}"
            f"{row['peak_memory_bytes'] / 2**20:>10.0f}  {row['weights']}"
            f"{', beside other work' if results_file.is_disturbed(row) else ''}",
            flush=True,
        )
    return code


def _in_own_process(name: str) -> dict[str, Any] | None:
    """Measure in a process that has run nothing else; None where it failed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.models", "--one", name],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{name:<18} failed with exit code {done.returncode}", flush=True)
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _duration_s(loop: FrameLoop, planned: Plan, source: Frames) -> float:
    began_s = time.perf_counter()
    loop.run(planned, source, Nowhere())
    return time.perf_counter() - began_s


def _pair() -> Frames:
    """Draw two smooth frames of the same noise, the second moved."""
    generator = torch.Generator().manual_seed(0)
    frame = torch.zeros(1, 3, _HEIGHT, _WIDTH)
    for cells in (6, 24, 96):
        coarse = torch.rand(1, 3, cells, 2 * cells, generator=generator)
        frame += torch.nn.functional.interpolate(coarse, (_HEIGHT, _WIDTH), mode="bicubic") / 3
    first = frame.clamp(0, 1)[0].permute(1, 2, 0).contiguous()
    return Frames((first, first.roll(_MOTION_PX, 1)))


if __name__ == "__main__":
    sys.exit(main())
