"""Golden vectors: rebuilds their weights, loads their arrays, says what they are.

Every manifest `tests/golden/<name>.json` lists the tensors of one network with the range that their
values are drawn from, so that no checkpoint is needed; `tests/golden/README.md` has the rule.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

GOLDEN_DIR = Path(__file__).parent / "golden"


def golden_names(pattern: str) -> list[str]:
    """Return the names of the manifests that match a glob pattern; at least one must."""
    names = sorted(path.stem for path in GOLDEN_DIR.glob(f"{pattern}.json"))
    assert names, f"no golden manifest matches {pattern!r} in {GOLDEN_DIR}"
    return names


def load_manifest(name: str) -> dict[str, Any]:
    return json.loads((GOLDEN_DIR / f"{name}.json").read_text(encoding="utf-8"))


def load_arrays(name: str) -> dict[str, Tensor]:
    """Load a golden file's arrays as they are stored: uint8 images, float32 results."""
    with np.load(GOLDEN_DIR / f"{name}.npz", allow_pickle=False) as archive:
        return {key: torch.from_numpy(archive[key]) for key in archive.files}


def as_float(image: Tensor) -> Tensor:
    """Turn a uint8 image into the float32 in [0, 1] that the networks were given."""
    return image.float() / 255


def manifest_shapes(manifest: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes by key, of a recipe's tensors or of the real checkpoint."""
    if "checkpoint_keys" in manifest:
        return {key: tuple(shape) for key, shape in manifest["checkpoint_keys"].items()}
    return {entry["key"]: tuple(entry["shape"]) for entry in manifest["state_dict"]}


def recipe_weights(manifest: Mapping[str, Any]) -> dict[str, Tensor]:
    """Draw a manifest's weights and check them against its recipe_sha256.

    Tensors marked "derived" follow from the architecture and are left out, of the hash as well.
    """
    weights: dict[str, np.ndarray] = {}
    for entry in manifest["state_dict"]:
        if entry["init"] == "derived":
            continue
        weights[entry["key"]] = (
            weights[entry["alias_of"]] if entry["init"] == "alias" else _drawn(entry)
        )
    digest = hashlib.sha256()
    for key in sorted(weights):
        digest.update(key.encode())
        digest.update(np.ascontiguousarray(weights[key]).tobytes())
    assert digest.hexdigest() == manifest["recipe_sha256"], "the recipe gives other weights"
    return {key: torch.from_numpy(values) for key, values in weights.items()}


def _drawn(entry: Mapping[str, Any]) -> np.ndarray:
    shape = tuple(entry["shape"])
    if entry["init"] == "zeros":
        return np.zeros(shape, entry["dtype"])
    assert entry["init"] == "uniform", entry
    stream = np.random.RandomState(zlib.crc32(entry["key"].encode()))
    words = stream.randint(0, 2**32, size=int(np.prod(shape)), dtype=np.uint32)
    uniform = (words & 0xFFFFFF) * 2.0**-24
    values = (uniform * 2 - 1) * entry["amp"] + entry["centre"]
    return values.astype(np.float32).reshape(shape)
