"""Measures all that counts on a GPU, in one command: RIFE 4.25 alone, and from PNG to PNG.

    python -m benchmarks.gpu [--record] [--sizes 1920x1080 3840x2160] [--frames 17]
    python -m benchmarks.gpu --device cpu --sizes 256x144 --frames 3

The second line rehearses it where there is no GPU. For each size, in fp32 and fp16, at ×2 and ×4,
it tells the new frames a second of the model alone, of a plain version of it (`plain_rife`) and of
a whole job from PNG to PNG; how busy the GPU was in the job, by nvidia-smi; the most memory that
torch took there; how much of its memory's measured speed the model alone took, by the bytes that
`traffic` counts; and how much of the bus's the frames took that came and went. The frame loop makes
frames from memory with copies beside what is computed, and with one thing after another: told is
how many times as fast that is, and, as a check, whether the frames are the same to the last bit. On
a GPU it also compiles the model, as `--compile` does, and tells how many times as fast it is then.

Where there are two GPUs or more, it tells the same of jobs that all of them share, and how many
times as fast these are as those of the first one. `--device cuda:0` leaves that out,
`--device cuda:0,cuda:2` chooses; in the rehearsal, the CPU stands for two.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import torch
from PIL import Image
from torch import Tensor

from blender_vfi.engine import memory
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.limits import ALL_GPUS
from blender_vfi.engine.pipeline import Engine
from blender_vfi.models import catalog, compiling
from blender_vfi.models.compiling import BACKEND, CompiledModel
from blender_vfi.models.interface import Quality
from blender_vfi.models.rife import Rife
from tools.quality import read_picture

from . import command_line, copies, findings, results_file, traffic, weights
from .footage import film_frames, moments, padded
from .plain_rife import PlainRife
from .turns import in_turn, wait_for

_MULTIPLIERS = (2, 4)
_ROUNDS = 5
_SAMPLE_EVERY_MS = 100
_BUS_BYTES = 1 << 28
_COPIED_BYTES = 1 << 30
_COPIES_COLUMNS = {"loop frames/s": 1, "in order frames/s": 1, "of in order": 2, "check": 0}
_COMPILED_COLUMNS = {"compiled frames/s": 1, "of the model": 2}
_SHARED_COLUMNS = {"all GPUs frames/s": 1, "of one": 2, "all busy %": 0}
_NO_GPU = """\
There is no GPU here that torch can use (torch {torch}), and so nothing to measure. On a machine
that has one, install torch for it. To rehearse on the CPU:
python -m benchmarks.gpu --device cpu --sizes 256x144 --frames 3"""

Size = tuple[int, int]
Precision = Literal["fp32", "fp16"]
_DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "fp16": torch.float16}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code, 1 without a GPU, or where copies spoil frames."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--device", default="auto", help="auto takes all GPUs of the first kind")
    parser.add_argument(
        "--sizes",
        type=command_line.size,
        nargs="+",
        default=[(1920, 1080), (3840, 2160)],
        metavar="WxH",
    )
    parser.add_argument("--frames", type=int, default=17, help="source frames of a job")
    options = parser.parse_args(arguments)
    if options.device == "auto" and not memory.is_gpu(memory.choose_device("auto")):
        print(_NO_GPU.format(torch=torch.__version__))
        return 1
    devices = _devices(options.device)
    device = devices[0]
    machine = results_file.machine() | {"processor": memory.device_title(device)}
    bus, within = bus_bytes_per_second(device), memory_bytes_per_second(device)
    rows = [
        row
        for size in options.sizes
        for row in measure(devices, size, frames=options.frames, bus=bus, within=within)
    ]
    found = findings.Findings(
        command="python -m benchmarks.gpu",
        columns={
            "job": 0,
            "model frames/s": 1,
            "plain frames/s": 1,
            "ratio": 2,
            "PNG to PNG frames/s": 1,
            "busy %": 0,
            "peak MiB": 0,
            "memory %": 0,
            "bus %": 1,
            **_COPIES_COLUMNS,
            **_COMPILED_COLUMNS,
            **(_SHARED_COLUMNS if len(devices) > 1 else {}),
        },
        rows=rows,
        remarks=[
            f"memory: {within / 1e9:.0f} GB/s read and written"
            + (f", bus: {bus / 1e9:.1f} GB/s, there and back" if bus else "")
        ],
        chart=findings.Bars(
            title="New frames a second",
            columns=("model frames/s", "plain frames/s", "PNG to PNG frames/s"),
        ),
    )
    findings.report("gpu", found, machine=machine, record=options.record)
    return int(any(copies.DIFFERENT in row for row in rows))


def measure(
    devices: Sequence[torch.device],
    size: Size,
    *,
    frames: int,
    bus: float | None,
    within: float,
) -> list[tuple[findings.Cell, ...]]:
    """Measure one size in every precision that the device runs, at every multiplier.

    Args:
        devices: the first one alone, and jobs on all where there are others.
        size: of the frames.
        frames: source frames of a job.
        bus: see `bus_bytes_per_second`.
        within: see `memory_bytes_per_second`.
    """
    device = devices[0]
    rows: list[tuple[findings.Cell, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        sources = _footage(Path(scratch) / "in", size, frames)
        for precision in _precisions(device):
            for multiplier in _MULTIPLIERS:
                _forget_peak(device)
                alone, plain = _speeds(device, sources[:2], precision, multiplier)
                output = Path(scratch) / f"{precision}_{multiplier}"
                job, busy = _job_speed([device], sources, output, precision, multiplier)
                shared: tuple[findings.Cell, ...] = ()
                if len(devices) > 1:
                    output = output.with_name(f"{output.name}_shared")
                    by_all, all_busy = _job_speed(devices, sources, output, precision, multiplier)
                    shared = (by_all, by_all / job, all_busy)
                peak = _peak_mebibytes(device)  # before more is there
                beside = _loop_speeds(device, sources, precision, multiplier)
                compiled = _compiled_speed(device, sources[:2], precision, multiplier)
                moved = (1 + 1 / (multiplier - 1)) * 4 * 3 * size[0] * size[1]
                touched = traffic.bytes_of_model(size, _DTYPES[precision], multiplier)
                rows.append(
                    (
                        f"{size[0]}×{size[1]} {precision} ×{multiplier}",
                        *(alone, plain, alone / plain, job, busy, peak),
                        100 * alone * touched / within,
                        100 * job * moved / bus if bus else None,
                        *beside,
                        *compiled,
                        *shared,
                    )
                )
    return rows


def _devices(names: str) -> list[torch.device]:
    """Return the devices to measure; the CPU stands for two, under two names."""
    if names == "cpu":
        return [memory.choose_device("cpu"), torch.device("cpu", 0)]
    return memory.choose_devices(ALL_GPUS if names == "auto" else names)


def _precisions(device: torch.device) -> tuple[Precision, ...]:
    return ("fp32",) if device.type == "cpu" else ("fp32", "fp16")


def bus_bytes_per_second(device: torch.device) -> float | None:
    """Return how fast bytes go to the device and back, of locked memory; None for the CPU."""
    if device.type != "cuda":
        return None
    here = torch.empty(_BUS_BYTES, dtype=torch.uint8, pin_memory=True)
    there = here.to(device)
    best_s = float("inf")
    for _ in range(_ROUNDS):
        torch.cuda.synchronize(device)
        began_s = time.perf_counter()
        there.copy_(here, non_blocking=True)
        here.copy_(there, non_blocking=True)
        torch.cuda.synchronize(device)
        best_s = min(best_s, time.perf_counter() - began_s)
    return 2 * _BUS_BYTES / best_s


def memory_bytes_per_second(device: torch.device) -> float:
    """Return how fast the device copies within its memory, counting what it reads and writes."""
    source = torch.empty(_COPIED_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best_s = float("inf")
    for _ in range(_ROUNDS):
        wait_for(device)
        began_s = time.perf_counter()
        target.copy_(source)
        wait_for(device)
        best_s = min(best_s, time.perf_counter() - began_s)
    return 2 * _COPIED_BYTES / best_s


def _speeds(
    device: torch.device, paths: Sequence[Path], precision: Precision, multiplier: int
) -> tuple[float, float]:
    """Return the new frames a second of the model alone and of the plain version, in turn."""
    model, frames, timesteps = _ready(device, paths, precision, multiplier)
    plain = PlainRife(model)

    def run_model() -> None:
        features = model.encode(frames[1])
        model(frames, (earlier, features), timesteps, Quality())

    def run_plain() -> None:
        features = plain.encode(frames[1])
        for moment in timesteps:
            plain(frames, (earlier_plain, features), moment)

    with torch.inference_mode():
        earlier, earlier_plain = model.encode(frames[0]), plain.encode(frames[0])
        model_s, plain_s = in_turn(device, run_model, run_plain, rounds=_ROUNDS)
    return len(timesteps) / model_s, len(timesteps) / plain_s


def _compiled_speed(
    device: torch.device, paths: Sequence[Path], precision: Precision, multiplier: int
) -> tuple[float | None, float | None]:
    """Return the new frames a second of the compiled model, and how many times as fast that is.

    Nothing for the CPU, where `benchmarks.compile` takes the minutes, nor where it fails.
    """
    if not memory.is_gpu(device):
        return None, None
    model, frames, timesteps = _ready(device, paths, precision, multiplier)
    spec = catalog.find(catalog.DEFAULT_MODEL)
    compiled = CompiledModel(model, spec, device, backend=BACKEND)
    compiled.attend(on_compile=print, on_failure=print)

    def run_model() -> None:
        model(frames, (earlier, model.encode(frames[1])), timesteps, Quality())

    def run_compiled() -> None:
        features = compiled.encode(frames[1])
        for moment in timesteps:  # as jobs do
            compiled(frames, (earlier, features), [moment], Quality())

    with torch.inference_mode():
        earlier = model.encode(frames[0])
        model_s, compiled_s = in_turn(device, run_model, run_compiled, rounds=_ROUNDS)
    compiling.forget()
    if not compiled.is_compiled:
        return None, None
    return len(timesteps) / compiled_s, model_s / compiled_s


def _ready(
    device: torch.device, paths: Sequence[Path], precision: Precision, multiplier: int
) -> tuple[Rife, list[Tensor], list[float]]:
    """Return the model and the frames on the device, and the moments to make."""
    model = cast(Rife, weights.build(catalog.find(catalog.DEFAULT_MODEL)).model)
    model = model.to(device, _DTYPES[precision])
    frames = [
        padded(torch.from_numpy(read_picture(path))).to(device, _DTYPES[precision])
        for path in paths
    ]
    return model, frames, moments(multiplier)


def _loop_speeds(
    device: torch.device, paths: Sequence[Path], precision: Precision, multiplier: int
) -> tuple[findings.Cell, ...]:
    """Return the frame loop's new frames a second, in order too, the ratio and the check."""
    model, _, timesteps = _ready(device, paths[:2], precision, multiplier)
    frames = [torch.from_numpy(read_picture(path)) for path in paths]
    loop = copies.Loop(model, frames, multiplier, device=device, dtype=_DTYPES[precision])
    beside_s, in_order_s = in_turn(device, loop.run, loop.run_in_order, rounds=_ROUNDS)
    count = (len(paths) - 1) * len(timesteps)
    return count / beside_s, count / in_order_s, in_order_s / beside_s, loop.check()


def _job_speed(
    devices: Sequence[torch.device],
    sources: Sequence[Path],
    output: Path,
    precision: Precision,
    multiplier: int,
) -> tuple[float, float | None]:
    """Return the new frames a second of a warm engine's job, and how busy the GPUs were, in %."""
    settings: dict[str, Any] = {"precision": precision}
    engine = Engine(devices=devices)
    for name in ("warm", "timed"):
        job = job_for_folder(
            sources[0].parent, output / name, job_id=name, multiplier=multiplier, **settings
        )
        with _watching(devices) as samples:
            finished = engine.run(job)
    busy = statistics.mean(samples) if samples else None
    return finished.frames_made / finished.duration_s, busy


@contextmanager
def _watching(devices: Sequence[torch.device]) -> Iterator[list[float]]:
    """Sample how busy CUDA devices are, in %, into a list that is full at the end."""
    samples: list[float] = []
    tool = shutil.which("nvidia-smi")
    if devices[0].type != "cuda" or tool is None:
        yield samples
        return
    watcher = subprocess.Popen(
        [
            *(tool, "-i", ",".join(str(device.index or 0) for device in devices)),
            "--query-gpu=utilization.gpu",
            *("--format=csv,noheader,nounits", "-lms", str(_SAMPLE_EVERY_MS)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield samples
    finally:
        watcher.terminate()
        printed, _ = watcher.communicate()
        samples += [float(line) for line in printed.split() if line.isdecimal()]


def _footage(folder: Path, size: Size, count: int) -> list[Path]:
    """Return the film's frames, resized where they must be."""
    paths = film_frames(folder, count=count)
    for path in paths:
        with Image.open(path) as picture:
            if picture.size != size:
                picture.resize(size, Image.Resampling.LANCZOS).save(path, compress_level=1)
    return paths


def _forget_peak(device: torch.device) -> None:
    memory.clear_cache(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak_mebibytes(device: torch.device) -> float:
    """Return the most that torch took of the device; of the CPU, that the process ever took."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 2**20
    return memory.peak_memory_bytes() / 2**20


if __name__ == "__main__":
    sys.exit(main())
