"""Recognises checkpoints by the names and shapes of their tensors, and builds the models for them.

File names never count. The architectures are those of the catalog; each is reached through the
three functions of `interface.ArchitectureModule`. Never import bpy here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from ..errors import CheckpointError
from . import catalog
from .interface import ArchitectureModule, InterpolationModel, Shapes

_LISTED = 4


def normalise(architecture: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `weights` under our names, without what only training needs."""
    return _module(architecture).normalise_state_dict(weights)


def fit(architecture: str, variant: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return normalised `weights` without the networks that `variant` leaves out on purpose.

    Only an architecture with a network that can be done without has any: files of RIFE 4.0 to 4.4
    carry one for refinement.
    """
    drop = getattr(_module(architecture), "drop_refinement", None)
    if drop is None or variant.endswith(".refine"):
        return dict(weights)
    return dict(drop(weights))


def variant_of(architecture: str, weights: Mapping[str, Tensor]) -> str | None:
    """Name the variant that normalised `weights` belong to; None if of another architecture.

    Raises:
        CheckpointError: they look like the architecture, but fit no variant of it.
    """
    return _module(architecture).identify(_shapes(weights))


def identify(weights: Mapping[str, Tensor], path: Path) -> tuple[str, str]:
    """Name the architecture and the variant that `weights`, as published, belong to.

    Args:
        weights: as they are in the file.
        path: the file, for messages.

    Raises:
        CheckpointError: they fit no architecture in the catalog, or more than one; the message
            says which shapes decided.
    """
    matches: list[tuple[str, str]] = []
    near_misses: list[CheckpointError] = []
    architectures = tuple(dict.fromkeys(spec.architecture for spec in catalog.CATALOG))
    for name in architectures:
        try:
            variant = variant_of(name, normalise(name, weights))
        except CheckpointError as error:
            near_misses.append(error)
        else:
            if variant is not None:
                matches.append((name, variant))
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = ", ".join(" ".join(match) for match in matches)
        raise CheckpointError(
            f"{path} fits more than one architecture: {listed}. Its tensors are "
            f"{_described(_shapes(weights))}."
        )
    if near_misses:
        listed = " ".join(str(error) for error in near_misses)
        raise CheckpointError(f"{path} fits no known variant. {listed}") from near_misses[0]
    raise CheckpointError(
        f"{path} is of no known architecture ({', '.join(architectures)}): its tensors are "
        f"{_described(_shapes(weights))}. Give a checkpoint of one of these."
    )


def build(
    architecture: str, variant: str, weights: Mapping[str, Tensor], path: Path
) -> InterpolationModel:
    """Construct the variant on the CPU with `weights`, in evaluation mode and without gradients.

    Args:
        architecture: module under `blender_vfi.models`.
        variant: name in its table.
        weights: normalised.
        path: the file that they came from, for messages.

    Raises:
        CheckpointError: names or shapes differ from the variant's, or a value is not finite.
    """
    model = _module(architecture).build(variant)
    _check_match(_shapes(model.state_dict()), _shapes(weights), f"{architecture} {variant}", path)
    for key, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"{path}: {key} holds values that are not finite (NaN or infinite), so every frame "
                "would be black: the checkpoint is damaged or its training failed; use another."
            )
    model.load_state_dict(weights, strict=True)
    return model.eval().requires_grad_(False)


def _check_match(expected: Shapes, actual: Shapes, what: str, path: Path) -> None:
    """Refuse `actual` unless it has exactly the names and shapes of `expected`."""
    differences: list[str] = []
    if missing := expected.keys() - actual.keys():
        differences.append(f"lacks {_listed(missing)}")
    if foreign := actual.keys() - expected.keys():
        differences.append(f"has {_listed(foreign)} besides")
    other = [
        f"{key} {actual[key]} instead of {shape}"
        for key, shape in expected.items()
        if key in actual and actual[key] != shape
    ]
    if other:
        differences.append(f"has {_listed(other)}")
    if differences:
        raise CheckpointError(
            f"{path} does not fit {what}: it {', '.join(differences)}. It is of another variant or "
            "architecture; choose the model that it belongs to, or another checkpoint."
        )


def _module(name: str) -> ArchitectureModule:
    return cast(ArchitectureModule, importlib.import_module(f"{__package__}.{name}"))


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in weights.items()}


def _described(shapes: Shapes) -> str:
    return _listed(f"{key} {shape}" for key, shape in shapes.items())


def _listed(items: Iterable[str]) -> str:
    """Join the first few of `items`, and say how many more there are."""
    ordered = sorted(items)
    rest = len(ordered) - _LISTED
    return ", ".join(ordered[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
