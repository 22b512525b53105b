"""A tiny architecture and its catalog entries, so that tests need no real checkpoint."""

from __future__ import annotations

import dataclasses
import io
import sys
import types
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from blender_vfi.errors import CheckpointError
from blender_vfi.models import catalog
from blender_vfi.models.catalog_types import Checkpoint, HubSource, ModelSpec, WheelSource
from blender_vfi.models.interface import InterpolationModel, Shapes

_TEMPLATE = catalog.find("rife-4.6")

WIDTHS = {"narrow": 2, "wide": 4}


class Toy(InterpolationModel):
    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        key.removeprefix("module."): tensor
        for key, tensor in state_dict.items()
        if not key.startswith("teacher.")
    }


def identify(shapes: Shapes) -> str | None:
    if "conv.weight" not in shapes:
        return None
    for variant, width in WIDTHS.items():
        if shapes["conv.weight"] == (width, 3, 3, 3):
            return variant
    raise CheckpointError(f"looks like toy, but conv.weight is {shapes['conv.weight']}")


def build(variant: str) -> InterpolationModel:
    return Toy(width=WIDTHS[variant]).eval()


def published_weights(variant: str = "narrow", seed: int = 0) -> dict[str, Tensor]:
    """Return weights as authors publish them: with a wrapper's prefix and a training-only net."""
    generator = torch.Generator().manual_seed(seed)
    width = WIDTHS[variant]
    return {
        "module.conv.weight": torch.randn(width, 3, 3, 3, generator=generator),
        "module.conv.bias": torch.randn(width, generator=generator),
        "teacher.weight": torch.randn(2, generator=generator),
    }


def as_pickle(weights: object, **options: bool) -> bytes:
    """Return the file that torch.save makes of `weights`."""
    buffer = io.BytesIO()
    torch.save(weights, buffer, **options)
    return buffer.getvalue()


def write(path: Path, content: bytes) -> Path:
    """Write a file, folders included, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def make_spec(
    name: str = "toy-narrow",
    *,
    architecture: str = "toy",
    sha256: str | None = None,
    size_bytes: int | None = None,
    sources: tuple[HubSource | WheelSource, ...] = (),
) -> ModelSpec:
    checkpoint = Checkpoint(
        filename=f"{name}.safetensors",
        size_bytes=size_bytes,
        sha256=sha256,
        licence=_TEMPLATE.checkpoint.licence,
        sources=sources,
    )
    return dataclasses.replace(
        _TEMPLATE,
        name=name,
        architecture=architecture,
        variant=name.partition("-")[2],
        checkpoint=checkpoint,
        parameters=56,
    )


def register(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make the toy the catalog's only architecture, under each of `names`."""
    for name in names:
        module = types.ModuleType(f"blender_vfi.models.{name}")
        vars(module).update(
            normalise_state_dict=normalise_state_dict, identify=identify, build=build
        )
        monkeypatch.setitem(sys.modules, module.__name__, module)
    entries = [
        dataclasses.replace(make_spec(f"{name}-{variant}"), architecture=name)
        for name in names
        for variant in WIDTHS
    ]
    monkeypatch.setattr(catalog, "CATALOG", tuple(entries))
