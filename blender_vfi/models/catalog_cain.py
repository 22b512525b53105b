"""Catalog entry of CAIN. Standard library alone."""

from __future__ import annotations

from .catalog_figures import figures_of
from .catalog_types import Checkpoint, Licence, ModelSpec

_LICENCE = Licence(
    spdx="MIT",
    holder="Myungsub Choi",
    url="https://github.com/myungsub/CAIN",
    commercial=True,
)

CAIN_MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="cain",
        architecture="cain",
        variant="cain",
        title="CAIN",
        summary=(
            "Makes the middle of two frames without flow, by attention over channels; needs a "
            "checkpoint file from its authors."
        ),
        paper="Channel Attention Is All You Need for Video Frame Interpolation, 2020, AAAI",
        # the authors' file is on their own drive, which no tool can fetch from; no hash is known
        checkpoint=Checkpoint(
            filename="cain.safetensors",
            size_bytes=None,
            sha256=None,
            licence=_LICENCE,
        ),
        parameters=42_780_432,
        timesteps="middle",
        pad_multiple=8,
        pad_mode="reflect",
        smallest_side=16,
        # never released for fp16, and its activations are not normalised
        half_precision=False,
        yields_flow=False,
        flow_scale=False,
        figures=figures_of("cain"),
    ),
)
"""The one released CAIN."""
