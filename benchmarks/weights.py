"""Builds any model of the catalog without a download.

With its published weights where they are on this machine: in the folder of checkpoints, or where
`make weights` puts them. Otherwise with weights that are drawn as the golden tests draw theirs,
which compute the same and make no picture.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch

from blender_vfi.models import loading, locations
from blender_vfi.models.catalog_types import ModelSpec
from blender_vfi.models.interface import ArchitectureModule, InterpolationModel
from tests.golden_data import golden_names, load_manifest, manifest_shapes, recipe_weights

_FETCHED = Path("build/weights")

WeightsKind = Literal["published", "drawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltModel:
    """A model that is ready to run on the CPU in fp32.

    Attributes:
        model: in evaluation mode, without gradients.
        weights: whether they are the published ones.
        sha256: hash of the published file; None for drawn weights.
    """

    model: InterpolationModel
    weights: WeightsKind
    sha256: str | None = None


def build(spec: ModelSpec) -> BuiltModel:
    """Build `spec` with its published weights if they are here, else with drawn ones."""
    return build_published(spec) or _build_drawn(spec)


def build_published(spec: ModelSpec) -> BuiltModel | None:
    """Build `spec` with its published weights; None where they are not on this machine.

    Raises:
        CheckpointError: what lies there is not the published file.
    """
    if locations.find_file(spec) is not None:
        checkpoint = None
    else:
        checkpoint = _fetched(spec)
        if checkpoint is None:
            return None
    loaded = loading.load_model(
        spec,
        device=torch.device("cpu"),
        dtype=torch.float32,
        checkpoint=checkpoint,
        offline=True,
    )
    return BuiltModel(model=loaded.model, weights="published", sha256=loaded.sha256)


def _fetched(spec: ModelSpec) -> Path | None:
    """Return what tools/fetch_weights.py has brought for `spec`: a file, or the folder of parts."""
    folder = _FETCHED / spec.architecture
    if spec.checkpoint.parts:
        is_here = all((folder / part.filename).is_file() for part in spec.checkpoint.parts)
        return folder if is_here else None
    path = _FETCHED / f"{spec.name.removesuffix('.refine')}.pkl"
    return path if path.is_file() else None


def _build_drawn(spec: ModelSpec) -> BuiltModel:
    module = module_of(spec)
    manifest = load_manifest(manifest_of(spec, module))
    weights = module.normalise_state_dict(recipe_weights(manifest))
    model = module.build(spec.variant)
    model.load_state_dict(weights, strict=True)
    return BuiltModel(model=model.requires_grad_(False), weights="drawn")


def module_of(spec: ModelSpec) -> ArchitectureModule:
    """Return the module that builds `spec`."""
    module = importlib.import_module(f"blender_vfi.models.{spec.architecture}")
    return cast(ArchitectureModule, module)


def manifest_of(spec: ModelSpec, module: ArchitectureModule) -> str:
    """Name the golden manifest of exactly `spec`'s network.

    Raises:
        LookupError: there is none.
    """
    for name in golden_names(f"{spec.architecture}*"):
        manifest = load_manifest(name)
        if "state_dict" not in manifest:  # of published weights
            continue
        blank = {key: torch.zeros(shape) for key, shape in manifest_shapes(manifest).items()}
        normalised = module.normalise_state_dict(blank)
        if module.identify({k: tuple(t.shape) for k, t in normalised.items()}) == spec.variant:
            return name
    raise LookupError(f"tests/golden has no weights for {spec.architecture} {spec.variant}")
