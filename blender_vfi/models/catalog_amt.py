"""Catalog entries of AMT. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass

from .catalog_figures import figures_of
from .catalog_types import Checkpoint, HubSource, Licence, ModelSpec, Timesteps

_PAPER = (
    "AMT: All-Pairs Multi-Field Transforms for Efficient Frame Interpolation, 2023, "
    "arXiv 2304.09790"
)

# of the authors' repository; the card of their files on Hugging Face says CC-BY-NC-SA-4.0, which
# asks for more of those who pass changed weights on, and allows no more to those who use them
_LICENCE = Licence(
    spdx="CC-BY-NC-4.0",
    holder="MCG, Nankai University",
    url="https://github.com/MCG-NKU/AMT",
    commercial=False,
)

_REPOSITORY = "lalala125/AMT"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Release:
    """One published file of AMT; without a known hash the first one seen is kept to."""

    name: str
    variant: str
    title: str
    summary: str
    parameters: int
    published: str
    size_bytes: int | None = None
    sha256: str | None = None
    timesteps: Timesteps = "middle"


_RELEASES = (
    _Release(
        name="amt-s",
        variant="s",
        title="AMT-S",
        summary="Small, yet good at large motion; not for commercial use.",
        parameters=2_990_543,
        published="amt-s.pth",
    ),
    _Release(
        name="amt-l",
        variant="l",
        title="AMT-L",
        summary="Between AMT-S and AMT-G in speed and quality; not for commercial use.",
        parameters=12_935_367,
        published="amt-l.pth",
    ),
    _Release(
        name="amt-g",
        variant="g",
        title="AMT-G",
        summary="Slow and careful with large motion and occlusion; not for commercial use.",
        parameters=30_638_919,
        published="amt-g.pth",
        size_bytes=122_649_595,
        sha256="a39af8744e8e6db16ebd29cb3dd09596fae38f360d8bb024288b3fe468256d07",
    ),
    _Release(
        name="amt-s-gopro",
        variant="s",
        title="AMT-S (GoPro)",
        summary="AMT-S for any moment, from GoPro's motion; not for commercial use.",
        parameters=2_990_543,
        published="gopro_amt-s.pth",
        timesteps="any",
    ),
)


def _amt(release: _Release) -> ModelSpec:
    """Make the entry of one published file."""
    source = HubSource(repo_id=_REPOSITORY, filename=release.published)
    return ModelSpec(
        name=release.name,
        architecture="amt",
        variant=release.variant,
        title=release.title,
        summary=release.summary,
        paper=_PAPER,
        checkpoint=Checkpoint(
            filename=f"{release.name}.safetensors",
            size_bytes=release.size_bytes,
            sha256=release.sha256,
            licence=_LICENCE,
            sources=(source,),
        ),
        parameters=release.parameters,
        timesteps=release.timesteps,
        pad_multiple=16,
        pad_mode="replicate",
        smallest_side=128,
        figures=figures_of(release.name),
    )


AMT_MODELS: tuple[ModelSpec, ...] = tuple(_amt(release) for release in _RELEASES)
"""Every released AMT, the smallest first; only that trained on GoPro reaches any moment."""
