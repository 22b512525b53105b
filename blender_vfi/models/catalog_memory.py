"""How much memory models work in, as far as it was measured. Standard library alone.

`python -m benchmarks.models` measures it: the most that a process took on the CPU in fp32 for a
frame of 1280×720, torch itself included. Models that share a network share a figure.
"""

from __future__ import annotations

from typing import Final

from .catalog_types import ModelSpec

_MEASURED_PIXELS: Final = 1280 * 720
_MEBIBYTE: Final = 1 << 20

_LARGEST_BY_ARCHITECTURE: Final = {
    "rife": 715,
    "film": 6106,
    "amt": 4696,
    "ifrnet": 1970,
    "gmfss": 2104,
    "flavr": 4390,
    "emavfi": 3086,
    "cain": 618,
    "ifunet": 1424,
    "tlbvfi": 2509,
}
_BY_MODEL: Final = {
    "rife-4.25": 569,
    "rife-4.26": 569,
    "rife-4.6": 627,
    "rife-4.0.refine": 1105,
    "rife-4.1.refine": 1105,
    "rife-4.2.refine": 989,
    "rife-4.3.refine": 989,
    "rife-4.4.refine": 989,
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
