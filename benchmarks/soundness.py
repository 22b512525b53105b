"""Shows what it costs to look at every answer of a model for values that are no numbers.

    python -m benchmarks.soundness [--size 1280x720] [--device cpu] [--precision fp32] [--record]

Times a model's answer for one moment, and the look at that answer, on frames of noise. It waits for
the device after each, as a job does when it takes the frame.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch

from blender_vfi.engine import memory
from blender_vfi.engine.padding import padded_side
from blender_vfi.engine.soundness import are_sound
from blender_vfi.models import catalog
from blender_vfi.models.interface import Interpolation, Quality
from blender_vfi.models.loading import load_model

from . import command_line, findings, results_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Report both times; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--size", type=command_line.size, default="1280x720", metavar="WxH")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--model", default=catalog.DEFAULT_MODEL)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    device = memory.choose_device(options.device)
    spec = catalog.find(options.model)
    dtype = memory.choose_dtype(options.precision, device, half_precision=spec.half_precision)
    model = load_model(spec, device=device, dtype=dtype).model
    width, height = (padded_side(side, spec, 1.0) for side in options.size)
    frames = [torch.rand(1, 3, height, width, device=device, dtype=dtype) for _ in range(2)]

    def answer() -> Interpolation:
        features = [model.encode(frame) for frame in frames]
        made: Interpolation = model(frames, features, [0.5], Quality())
        return made

    with torch.inference_mode():
        made = answer()
        looked_s = _seconds(lambda: bool(are_sound([made]).all()), options.repeats)
        made_s = _seconds(lambda: float(answer().frames.flatten()[0]), max(options.repeats // 4, 1))
    found = findings.Findings(
        command="python -m benchmarks.soundness",
        columns={"model": 0, "answer ms": 1, "look ms": 2, "share %": 2},
        rows=[(spec.title, made_s * 1e3, looked_s * 1e3, 100 * looked_s / made_s)],
        remarks=[f"{width}×{height}, {memory.dtype_name(dtype)}, {memory.device_title(device)}"],
    )
    findings.report("soundness", found, machine=machine, record=options.record)
    return 0


def _seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median time of `work`, which reads a value and so waits for the device."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
