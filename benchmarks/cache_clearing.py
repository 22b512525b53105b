"""Shows what clearing the device's cache every N pairs of frames costs and saves.

    python -m benchmarks.cache_clearing [--every 1 10 100 1000] [--pairs 40] [--size 1280x720]
        [--device auto] [--precision auto] [--model rife-4.25] [--record]

Makes one frame in each pair of moving noise, in memory, once for each N: no file takes part. A
GPU's allocator keeps what it has been given, as the engine does with main memory on Linux; clearing
hands back what is not in use, for other programs, and the next pair asks for it anew.
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import statistics
import sys
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from blender_vfi.engine import host_allocator, memory
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import PairWork, plan
from blender_vfi.models import catalog
from blender_vfi.models.loading import LoadedModel, load_model

from . import command_line, findings, results_file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What one N has come to.

    Attributes:
        mean_seconds: for a new frame, all clearings included.
        held_mib: memory held between two pairs, the mean: on a GPU what its allocator keeps from
            other programs, on the CPU what the process occupies.
        peak_mib: likewise, the most at any time; on the CPU, the most between two pairs.
    """

    mean_seconds: float
    held_mib: float
    peak_mib: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Report a row for each N; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--every", type=int, nargs="+", default=[1, 2, 5, 10, 100, 1000])
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--size", type=command_line.size, default="1280x720", metavar="WxH")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--model", default=catalog.DEFAULT_MODEL)
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    host_allocator.keep_freed()  # as the engine does, here and below
    device = memory.choose_device(options.device)
    spec = catalog.find(options.model)
    dtype = memory.choose_dtype(options.precision, device, half_precision=spec.half_precision)
    model = load_model(spec, device=device, dtype=dtype)
    width, height = options.size
    unfrozen_s = _clearing_seconds(device)
    gc.freeze()
    measure(model, device, (height, width), pairs=3, every=1)  # what is only done once
    rows: list[tuple[findings.Cell, ...]] = []
    for every in options.every:
        found = measure(model, device, (height, width), pairs=options.pairs, every=every)
        rows.append((str(every), found.mean_seconds, found.held_mib, found.peak_mib))
    clearing_s = _clearing_seconds(device)
    table = findings.Findings(
        command="python -m benchmarks.cache_clearing",
        columns={"every N pairs": 0, "s/new frame": 4, "held MiB": 0, "peak MiB": 0},
        rows=rows,
        remarks=[
            f"{spec.title}, {width}×{height}, {memory.dtype_name(dtype)}, "
            f"{memory.device_title(device)}, {options.pairs} pairs",
            f"one clearing of an empty cache: {clearing_s * 1e3:.2f} ms; "
            f"{unfrozen_s * 1e3:.1f} ms where all that torch's import made is looked through",
        ],
    )
    findings.report("cache_clearing", table, machine=machine, record=options.record)
    return 0


def measure(
    model: LoadedModel, device: torch.device, size: tuple[int, int], *, pairs: int, every: int
) -> Measured:
    """Make one frame in each of so many pairs, clearing the cache after every `every`."""
    memory.clear_cache(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    ends = _MovingNoise(size)
    moments, held = [time.perf_counter()], []

    def note(_work: PairWork) -> None:
        moments.append(time.perf_counter())
        held.append(_held_bytes(device))

    policy = LoopPolicy(
        device=device,
        dtype=model.dtype,
        clear_cache_every=every,
        largest_batch=memory.largest_batch(device),
    )
    FrameLoop(model.model, model.spec, ChannelLayout(count=3), policy).run(
        plan(pairs + 1, 2), ends, ends, on_pair=note
    )
    steps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    peak = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else max(held)
    return Measured(
        # the first pair loads two frames, and what follows it is cleared at the end alone
        mean_seconds=statistics.fmean(steps[1:] or steps),
        held_mib=statistics.fmean(held) / 2**20,
        peak_mib=peak / 2**20,
    )


class _MovingNoise:
    """Frames that are all alike but for their place: made when asked for, and thrown away."""

    def __init__(self, size: tuple[int, int]) -> None:
        drawn = torch.Generator().manual_seed(1)
        self._picture = torch.rand((*size, 3), generator=drawn)

    def load(self, index: int) -> Tensor:
        return self._picture.roll(4 * index, dims=1)

    def store(self, _output_index: int, _frame: Tensor) -> None:
        """Let the frame go."""


def _held_bytes(device: torch.device) -> int:
    if memory.is_gpu(device):
        return memory.device_memory_bytes(device)
    return memory.resident_memory_bytes()


def _clearing_seconds(device: torch.device) -> float:
    memory.clear_cache(device)
    begin = time.perf_counter()
    memory.clear_cache(device)
    return time.perf_counter() - begin


if __name__ == "__main__":
    sys.exit(main())
