"""Catalog entries of FLAVR. Standard library alone."""

from __future__ import annotations

from .catalog_figures import figures_of
from .catalog_types import Checkpoint, Licence, ModelSpec

_PAPER = (
    "FLAVR: Flow-Agnostic Video Representations for Fast Frame Interpolation, 2020, "
    "arXiv 2012.08512"
)

# The authors link their weights from the code's repository without terms of their own: what is
# given here is the licence of that repository.
_LICENCE = Licence(
    spdx="Apache-2.0",
    holder="Tarun Kalluri and the FLAVR authors",
    url="https://github.com/tarun005/FLAVR",
    commercial=True,
)


def _flavr(variant: str, parameters: int, moments: str) -> ModelSpec:
    """Make the entry of the network that multiplies the frame rate by `variant`."""
    name = f"flavr-{variant}"
    return ModelSpec(
        name=name,
        architecture="flavr",
        variant=variant,
        title=f"FLAVR {variant}",
        summary=(
            f"Looks at four frames and makes {moments} without flow, for motion that curves or "
            "overlaps; needs a checkpoint file from its authors."
        ),
        paper=_PAPER,
        # no host is known that serves the authors' files unchanged
        checkpoint=Checkpoint(
            filename=f"{name}.safetensors",
            size_bytes=None,
            sha256=None,
            licence=_LICENCE,
        ),
        parameters=parameters,
        timesteps="fixed",
        fixed_multiplier=int(variant[0]),
        context=4,
        pad_multiple=8,
        pad_mode="replicate",
        smallest_side=8,
        # never released for fp16, and its activations are not normalised
        half_precision=False,
        yields_flow=False,
        flow_scale=False,
        figures=figures_of(name),
    )


FLAVR_MODELS: tuple[ModelSpec, ...] = (
    _flavr("2x", 42_061_571, "the middle one"),
    _flavr("4x", 42_084_297, "three between at once"),
    _flavr("8x", 42_121_941, "seven between at once"),
)
"""Every released FLAVR, by how many times it multiplies the frame rate."""
