"""How much memory models work in, as far as it was measured. Standard library alone.

`python -m benchmarks.models` measures it: the most that a process took on the CPU in fp32 for a
frame of 1280×720, torch itself included. Models that share a network share a figure. It is what the
engine takes on Linux, where it keeps freed memory: up to half more than there is in use at a time,
as freed places are not always where the next picture fits. Elsewhere it is less.
"""

from __future__ import annotations

from typing import Final

from .catalog_types import ModelSpec

_MEASURED_PIXELS: Final = 1280 * 720
_MEBIBYTE: Final = 1 << 20

_LARGEST_BY_ARCHITECTURE: Final = {
    "rife": 746,
    "film": 6106,
    "amt": 5281,
    "ifrnet": 2734,
    "gmfss": 2819,
    "flavr": 5439,
    "emavfi": 3697,
    "cain": 685,
    "ifunet": 2228,
    "tlbvfi": 2661,
}
_BY_MODEL: Final = {
    "rife-4.25": 569,
    "rife-4.26": 569,
    "rife-4.6": 644,
    "rife-4.0.refine": 1145,
    "rife-4.1.refine": 1145,
    "rife-4.2.refine": 1077,
    "rife-4.3.refine": 1077,
    "rife-4.4.refine": 1077,
    "ifrnet": 1412,
    "ifrnet-gopro": 1412,
    "ifrnet-s": 1182,
    "ifrnet-s-gopro": 1182,
}
_COMPARES_ALL_WITH_ALL: Final = frozenset({"amt", "gmfss", "tlbvfi"})
"""They compare every place of one frame with every place of the other, or all among themselves."""


def working_bytes(spec: ModelSpec, pixels: int) -> int:
    """Estimate what `spec` takes in fp32 for one frame, or tile, of so many pixels; high rather."""
    measured = _BY_MODEL.get(spec.name) or _LARGEST_BY_ARCHITECTURE.get(
        spec.architecture, max(_LARGEST_BY_ARCHITECTURE.values())
    )
    share = pixels / _MEASURED_PIXELS
    if spec.architecture in _COMPARES_ALL_WITH_ALL:
        share = max(share, share**2)
    return int(measured * _MEBIBYTE * share)
