"""Which golden files RIFE has, and which variant each belongs to."""

from __future__ import annotations

from ..golden_data import golden_names

GOLDEN = golden_names("rife_*")
REAL = [name for name in GOLDEN if name.endswith("_real")]
RECIPE = [name for name in GOLDEN if name not in REAL]

_OTHERWISE_NAMED = {
    "rife_4.0_bigmotion": "4.0",
    "rife_4.0_real": "4.0.refine",
    "rife_4.0_refine": "4.0.refine",
    "rife_4.3_refine": "4.2.refine",
    "rife_4.13": "4.10",
}


def expected_variant(name: str) -> str:
    """Name the variant that a golden file's network belongs to, as the file is published."""
    return _OTHERWISE_NAMED.get(name, name.removeprefix("rife_").removesuffix("_real"))
