"""Catalog entries of IFRNet. Standard library alone."""

from __future__ import annotations

from .catalog_figures import figures_of
from .catalog_types import Checkpoint, HubSource, Licence, ModelSpec

_PAPER = (
    "IFRNet: Intermediate Feature Refine Network for Efficient Frame Interpolation, 2022, "
    "arXiv 2205.14620"
)

_LICENCE = Licence(
    spdx="MIT",
    holder="Lingtong Kong (ltkong218)",
    url="https://github.com/ltkong218/IFRNet",
    commercial=True,
)

# Size in bytes, SHA-256 and source by name; without a known hash the first one seen is kept to.
# The others are on their authors' own drive, which no tool can fetch from: give them as files.
_FILES: dict[str, tuple[int | None, str | None, HubSource]] = {
    "ifrnet": (
        None,
        None,
        HubSource(repo_id="pavlichenko/ifrnet_vimeo", filename="IFRNet_Vimeo90K.pth"),
    ),
    "ifrnet-gopro": (
        19_860_576,
        "ca40c40e4a394d3158dd858528f3b404f99b6a2ae0848f02298d1730847b5161",
        HubSource(repo_id="pavlichenko/ifrnet_gopro", filename="IFRNet_GoPro.pth"),
    ),
}

# variant, suffix of the name, title, parameters, what to say of the size
_SIZES = (
    ("base", "", "IFRNet", 4_959_692, "Light and even"),
    ("s", "-s", "IFRNet S", 2_803_610, "The smallest of its family"),
    ("l", "-l", "IFRNet L", 19_699_460, "The most careful of its family"),
)


def _ifrnet(
    variant: str, suffix: str, title: str, parameters: int, praise: str, *, is_gopro: bool
) -> ModelSpec:
    """Make the entry of one size, trained on Vimeo90K (the middle alone) or on GoPro."""
    name = f"ifrnet{suffix}{'-gopro' if is_gopro else ''}"
    reach = "any moment, from GoPro's motion" if is_gopro else "trained at the middle of two frames"
    size_bytes, sha256, source = _FILES.get(name, (None, None, None))
    return ModelSpec(
        name=name,
        architecture="ifrnet",
        variant=variant,
        title=f"{title} (GoPro)" if is_gopro else title,
        summary=f"{praise}; {reach}.",
        paper=_PAPER,
        checkpoint=Checkpoint(
            filename=f"{name}.safetensors",
            size_bytes=size_bytes,
            sha256=sha256,
            licence=_LICENCE,
            sources=(source,) if source else (),
        ),
        parameters=parameters,
        timesteps="any" if is_gopro else "middle",
        pad_multiple=16,
        pad_mode="replicate",
        smallest_side=16,
        figures=figures_of(name),
    )


IFRNET_MODELS: tuple[ModelSpec, ...] = tuple(
    _ifrnet(*size, is_gopro=is_gopro) for size in _SIZES for is_gopro in (False, True)
)
"""Every released IFRNet, the base size first."""
