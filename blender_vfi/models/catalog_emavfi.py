"""Catalog entries of EMA-VFI. Standard library alone."""

from __future__ import annotations

from .catalog_figures import figures_of
from .catalog_types import Checkpoint, Licence, ModelSpec

_PAPER = (
    "Extracting Motion and Appearance via Inter-Frame Attention for Efficient Video Frame "
    "Interpolation, 2023, arXiv 2303.00440"
)

_LICENCE = Licence(
    spdx="Apache-2.0",
    holder="Multimedia Computing Group, Nanjing University (MCG-NJU)",
    url="https://github.com/MCG-NJU/EMA-VFI",
    commercial=True,
)

# variant, suffix of the name, title, parameters, what to say of the size
_SIZES = (
    ("base", "", "EMA-VFI", 65_662_359, "Careful and heavy"),
    ("small", "-small", "EMA-VFI small", 14_489_815, "Lighter, and nearly as careful"),
)


def _emavfi(
    variant: str, suffix: str, title: str, parameters: int, praise: str, *, is_timed: bool
) -> ModelSpec:
    """Make the entry of one size, trained at the middle alone or at any timestep (the "_t" files).

    The authors publish on a drive that no tool can fetch from: ours, ours_t, ours_small and
    ours_small_t, each .pkl, must be given as files.
    """
    name = f"ema-vfi{suffix}{'-t' if is_timed else ''}"
    published = f"ours{suffix.replace('-', '_')}{'_t' if is_timed else ''}.pkl"
    reach = "any moment" if is_timed else "trained at the middle of two frames"
    return ModelSpec(
        name=name,
        architecture="emavfi",
        variant=variant,
        title=f"{title} (any moment)" if is_timed else title,
        summary=f"{praise}; {reach}; needs the authors' {published}.",
        paper=_PAPER,
        checkpoint=Checkpoint(
            filename=f"{name}.safetensors", size_bytes=None, sha256=None, licence=_LICENCE
        ),
        parameters=parameters,
        timesteps="any" if is_timed else "middle",
        pad_multiple=32,
        pad_mode="replicate",
        smallest_side=32,
        ensemble=True,
        figures=figures_of(name),
    )


EMAVFI_MODELS: tuple[ModelSpec, ...] = tuple(
    _emavfi(*size, is_timed=is_timed) for size in _SIZES for is_timed in (False, True)
)
"""Every released EMA-VFI, the base size first."""
