"""Tells what each network spends its time on, to see what could be saved without another result.

    python -m benchmarks.operations [--models film,amt-g] [--record]

Each network makes one frame of 640×384 in fp32 on the CPU, padded where it must be, with what is
computed once for a source frame. torch's profiler tells the share of each kind of operation.
Convolutions and products of matrices are the network's own work; the rest is how it is written.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch
from torch.profiler import ProfilerActivity, profile

from blender_vfi.engine.padding import padded_side
from blender_vfi.models import catalog
from blender_vfi.models.catalog_types import ModelSpec
from blender_vfi.models.interface import Quality

from . import command_line, findings, results_file, weights
from .footage import moments, moving_noise

_HEIGHT, _WIDTH = 384, 640
_MODELS = "rife-4.25,ifrnet-l,amt-g,film,ema-vfi,gmfss-union,flavr-2x,tlbvfi"
_KINDS = {
    "convolution %": ("conv",),
    "matrices %": ("mm", "attention"),
    "fetching %": ("grid_sampler", "embedding_bag", "gather", "scatter", "index"),
    "moving %": ("copy_", "cat", "flip", "pad", "roll", "shuffle", "fill_", "zero_", "upsample"),
}
"""Parts of the names of operations; what has none of them is the rest."""
_REST = "other %"


def main(arguments: Sequence[str] | None = None) -> int:
    """Profile the models and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--models", default=_MODELS, help="names, with commas")
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    rows: list[tuple[findings.Cell, ...]] = []
    for name in options.models.split(","):
        found = shares(catalog.find(name))
        rows.append((name, *found.values()))
    found_all = findings.Findings(
        command="python -m benchmarks.operations",
        columns={"network": 0, **dict.fromkeys((*_KINDS, _REST), 0)},
        rows=rows,
    )
    findings.report("operations", found_all, machine=machine, record=options.record)
    return 0


def shares(spec: ModelSpec, size: tuple[int, int] = (_HEIGHT, _WIDTH)) -> dict[str, float]:
    """Return the share of each kind of operation in a frame of `spec`, in % of the time."""
    model = weights.build(spec).model
    height, width = (padded_side(side, spec, 1.0) for side in size)
    window = moving_noise(spec.context, (height, width))
    timesteps = moments(spec.fixed_multiplier or 2)
    with torch.inference_mode():
        earlier = [model.encode(frame) for frame in window[:-1]]
        with profile(activities=[ProfilerActivity.CPU]) as told:
            model(window, [*earlier, model.encode(window[-1])], timesteps, Quality())
    spent = dict.fromkeys((*_KINDS, _REST), 0.0)
    for event in told.key_averages():
        spent[kind_of(event.key)] += event.self_cpu_time_total
    total = sum(spent.values())
    return {kind: 100 * time / total for kind, time in spent.items()}


def kind_of(operation: str) -> str:
    """Return the kind that an operation of torch's belongs to, by its name."""
    return next(
        (kind for kind, parts in _KINDS.items() if any(part in operation for part in parts)), _REST
    )


if __name__ == "__main__":
    sys.exit(main())
