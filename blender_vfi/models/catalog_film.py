"""Catalog entries of FILM. Standard library alone."""

from __future__ import annotations

from .catalog_figures import figures_of
from .catalog_types import Checkpoint, HubSource, Licence, ModelSpec

_PAPER = "FILM: Frame Interpolation for Large Motion, 2022, arXiv 2202.04901"

_LICENCE = Licence(
    spdx="Apache-2.0",
    holder="Google LLC",
    url="https://github.com/google-research/frame-interpolation",
    commercial=True,
)


def _film(
    name: str, title: str, summary: str, file: str, sha256: str, *, bytes_per_weight: int
) -> ModelSpec:
    """Make the entry of one published file of the Style training, converted from TensorFlow."""
    return ModelSpec(
        name=name,
        architecture="film",
        variant="film",
        title=title,
        summary=summary,
        paper=_PAPER,
        checkpoint=Checkpoint(
            filename=f"{name}.safetensors",
            size_bytes=None,
            sha256=sha256,
            licence=_LICENCE,
            sources=(HubSource(repo_id="jkawamoto/frame-interpolation-pytorch", filename=file),),
            bytes_per_weight=bytes_per_weight,
        ),
        parameters=34_436_667,
        timesteps="recursive",
        pad_multiple=64,
        pad_mode="replicate",
        smallest_side=64,
        # its flows have no mask to go with them: a network does the blending
        yields_flow=False,
        flow_scale=False,
        figures=figures_of(name),
    )


FILM_MODELS: tuple[ModelSpec, ...] = (
    _film(
        "film",
        "FILM",
        "For very large motion, and between photographs; slower than RIFE.",
        "film_net_fp32.pt",
        "5f12cf580f1f027f1086f8806b635f8123cd76895a3425ec9aed9755b569357c",
        bytes_per_weight=4,
    ),
    _film(
        "film-fp16",
        "FILM (half-size download)",
        "FILM with weights rounded to half precision: half the download, nearly the same frames.",
        "film_net_fp16.pt",
        "bcf74d3a05dfc5c703d9f6f1b927d889610356dce98a85b9bf7d0a5eaa8f31f7",
        bytes_per_weight=2,
    ),
)
"""FILM in both published precisions; they share one architecture."""
