"""Counts what RIFE asks of a GPU: bytes moved and operations begun, without a GPU.

    python -m benchmarks.traffic [--sizes 1920x1080 3840x2160] [--record]

A GPU spends the time of what is no convolution on moving bytes, and on beginning operations. Both
can be counted anywhere: RIFE 4.25, as it runs on a GPU, and a plain version of it (`plain_rife`)
run on tensors that have shapes and no contents. Each operation counts what it reads and what it
writes, once; one that reads single pixels counts the four around each, if that is less; one that
only looks at memory in another way counts nothing. What caches save is not counted, and nothing is
timed.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from blender_vfi.models import catalog, rife
from blender_vfi.models.interface import Quality

from . import command_line, findings
from .footage import moments
from .plain_rife import PlainRife

_MULTIPLIERS = (2, 4)
_PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16}
_OF_PIXELS = ("grid_sampler", "upsample")
_CORNERS = 4
_MADE_LIKE = "aten::new_"
"""Operations that take another tensor's device and kind of numbers alone."""
_GIB = 1 << 30

Size = tuple[int, int]


class Traffic(TorchDispatchMode):
    """Counts bytes and operations of what runs within it.

    Attributes:
        moved: bytes read and written by what is no convolution.
        convolved: those read and written by convolutions.
        operations: how many were begun.
    """

    def __init__(self) -> None:
        super().__init__()
        self.moved = self.convolved = self.operations = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the operation, and count it."""
        result = func(*args, **(kwargs or {}))
        if any(each.alias_info and not each.alias_info.is_write for each in func._schema.returns):
            return result  # a view
        if not _tensors(result):
            return result  # a question, such as which kind of numbers two kinds become
        name = func._schema.name
        written = sum(map(_bytes, _tensors(result)))
        read = [_bytes(tensor) for tensor in _tensors([*args, *(kwargs or {}).values()])]
        if any(kind in name for kind in _OF_PIXELS):
            read[0] = min(read[0], _CORNERS * written)
        if name.startswith(_MADE_LIKE):
            read = []
        if "conv" in name:
            self.convolved += sum(read) + written
        else:
            self.moved += sum(read) + written
        self.operations += 1
        return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Count and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument(
        "--sizes",
        type=command_line.size,
        nargs="+",
        default=[(1920, 1080), (3840, 2160)],
        metavar="WxH",
    )
    options = parser.parse_args(arguments)
    rows: list[tuple[findings.Cell, ...]] = []
    for size in options.sizes:
        for precision, dtype in _PRECISIONS.items():
            for multiplier in _MULTIPLIERS:
                name = f"{size[0]}×{size[1]} {precision} ×{multiplier}"
                rows.append((name, *compared(size, dtype, multiplier)))
    found = findings.Findings(
        command="python -m benchmarks.traffic",
        columns={
            "for each new frame": 0,
            "GiB moved": 2,
            "plain": 2,
            "ratio": 2,
            "GiB convolved": 2,
            "operations": 0,
            "plain ones": 0,
        },
        rows=rows,
    )
    findings.report("traffic", found, machine=None, record=options.record)
    return 0


def compared(size: Size, dtype: torch.dtype, multiplier: int) -> tuple[float, ...]:
    """Count for each new frame: see the columns in `main`."""
    with torch.device("meta"):
        model = rife.build(catalog.find(catalog.DEFAULT_MODEL).variant)
    model = model.to(dtype=dtype)
    own = _of_model(model, size, dtype, multiplier)
    plain = PlainRife(model)
    frames = _frames(size, dtype)
    earlier = plain.encode(frames[0])

    def run() -> None:
        features = plain.encode(frames[1])
        for moment in moments(multiplier):
            plain(frames, (earlier, features), moment)

    others, count = _counted(run), multiplier - 1
    return (
        own.moved / count / _GIB,
        others.moved / count / _GIB,
        others.moved / own.moved,
        own.convolved / count / _GIB,
        own.operations / count,
        others.operations / count,
    )


def bytes_of_model(size: Size, dtype: torch.dtype, multiplier: int) -> float:
    """Count what the default model reads and writes in memory for each new frame."""
    with torch.device("meta"):
        model = rife.build(catalog.find(catalog.DEFAULT_MODEL).variant)
    own = _of_model(model.to(dtype=dtype), size, dtype, multiplier)
    return (own.moved + own.convolved) / (multiplier - 1)


def _of_model(model: rife.Rife, size: Size, dtype: torch.dtype, multiplier: int) -> Traffic:
    frames = _frames(size, dtype)
    earlier = model.encode(frames[0])
    return _counted(
        lambda: model(frames, (earlier, model.encode(frames[1])), moments(multiplier), Quality())
    )


def _frames(size: Size, dtype: torch.dtype) -> list[Tensor]:
    """Return two frames, padded as the default model asks for, without contents."""
    multiple = rife.pad_multiple(catalog.find(catalog.DEFAULT_MODEL).variant)
    width, height = (math.ceil(side / multiple) * multiple for side in size)
    return [torch.empty(1, 3, height, width, device="meta", dtype=dtype) for _ in range(2)]


def _counted(run: Callable[[], None]) -> Traffic:
    with torch.inference_mode(), Traffic() as traffic:
        run()
    return traffic


def _tensors(values: Any) -> list[Tensor]:
    """Return all tensors among values, in lists too."""
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, (list, tuple)):
        return [tensor for value in values for tensor in _tensors(value)]
    return []


def _bytes(tensor: Tensor) -> int:
    """Return how much memory a tensor is of; what is expanded counts once."""
    own = (side for side, step in zip(tensor.shape, tensor.stride(), strict=True) if step)
    return math.prod(own) * tensor.element_size()


if __name__ == "__main__":
    sys.exit(main())
