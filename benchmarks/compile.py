"""Shows what compiling a model costs and saves: the network as it is, and compiled, in turn.

    python -m benchmarks.compile [--models rife-4.25 …] [--size 640x384] [--device cpu]
        [--precision fp32] [--rounds 7] [--record]

Each round encodes one frame and makes one between two, as a job does for each pair at ×2, once with
each of both. The first call is timed apart, with nothing in PyTorch's cache on the disk. The
difference is the largest of a picture's values, in steps of 255. On the CPU, a model takes minutes.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from unittest import mock

import torch
from torch import Tensor

from blender_vfi.engine import memory
from blender_vfi.engine.padding import padded_side
from blender_vfi.models import catalog, compiling
from blender_vfi.models.catalog_types import ModelSpec
from blender_vfi.models.interface import InterpolationModel, Quality

from . import command_line, findings, results_file, weights
from .footage import moving_noise

_MODELS = ("rife-4.25", "rife-4.6", "ifrnet-s-gopro")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--models", nargs="+", default=_MODELS, metavar="NAME")
    parser.add_argument("--size", type=command_line.size, default="640x384", metavar="WxH")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    device = memory.choose_device(options.device)
    rows = []
    for name in options.models:
        spec = catalog.find(name)
        dtype = memory.choose_dtype(options.precision, device, half_precision=spec.half_precision)
        rows.append(measure(spec, options.size, device, dtype, rounds=options.rounds))
    found = findings.Findings(
        command="python -m benchmarks.compile",
        columns={
            "model": 0,
            "as it is ms": 1,
            "compiled ms": 1,
            "ratio": 2,
            "first call s": 1,
            "difference": 3,
        },
        rows=rows,
        remarks=[memory.device_title(device)],
    )
    findings.report("compile", found, machine=machine, record=options.record)
    return 0


def measure(
    spec: ModelSpec,
    size: tuple[int, int],
    device: torch.device,
    dtype: torch.dtype,
    *,
    rounds: int,
) -> tuple[findings.Cell, ...]:
    """Measure one model at one size, width and height, in one number format.

    Returns:
        A row of the table. Where it cannot be compiled, nothing stands for what is not known.
    """
    model = weights.build(spec).model.to(device, dtype)
    compiled = compiling.CompiledModel(model, spec, device, backend=compiling.BACKEND)
    compiled.attend(on_compile=lambda _words: None, on_failure=print)
    what = f"{spec.title}, {size[0]}×{size[1]}, {memory.dtype_name(dtype)}"
    with (
        tempfile.TemporaryDirectory() as cache,
        mock.patch.dict(os.environ, TORCHINDUCTOR_CACHE_DIR=cache),
        torch.inference_mode(),
    ):
        height, width = (padded_side(side, spec, 1.0) for side in reversed(size))
        frames = [frame.to(device, dtype) for frame in moving_noise(spec.context, (height, width))]
        earlier = model.encode(frames[0])
        _, plain = _timed(model, frames, earlier)
        first_s, made = _timed(compiled, frames, earlier)
        difference = float((made.float() - plain.float()).abs().max()) * 255
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for own, one in zip(times, (model, compiled), strict=True):
                own.append(_timed(one, frames, earlier)[0] * 1e3)
    compiling.forget()
    eager_ms, compiled_ms = map(statistics.median, times)
    if not compiled.is_compiled:
        return (what, eager_ms, None, None, None, None)
    return (what, eager_ms, compiled_ms, eager_ms / compiled_ms, first_s, difference)


def _timed(
    model: InterpolationModel, frames: Sequence[Tensor], earlier: tuple[Tensor, ...]
) -> tuple[float, Tensor]:
    """Return the seconds for one frame, the encoding of the later one included, and the frame."""
    began_s = time.perf_counter()
    features = [earlier] * (len(frames) - 1) + [model.encode(frames[-1])]
    made: Tensor = model(frames, features, [0.5], Quality()).frames
    float(made.flatten()[0])  # waits for the device
    return time.perf_counter() - began_s, made


if __name__ == "__main__":
    sys.exit(main())
