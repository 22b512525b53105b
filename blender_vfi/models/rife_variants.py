"""Which RIFE 4.x architectures there are, as values: one table for every released version.

Standard library alone, so that a catalog can be checked against it without torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

from ..errors import UnknownModelError

Trunk = Literal["prelu_skip", "leaky", "residual"]
"""What a block's eight middle layers are: PReLU layers with one skip over all of them (4.0, 4.1),
leaky layers without (4.2 to 4.4), or layers with a scaled skip each (from 4.5)."""

# How often a network halves its input: as often must a side divide.
_BLOCK_REDUCTION = 4
_HEAD_REDUCTION = 2
_REFINE_REDUCTION = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The network that makes features of one frame, to be warped along with it.

    Attributes:
        width: channels of its convolutions.
        channels: channels of its result.
        convolutions: how many precede the final upsampling; leaky ones, where there are several.
    """

    width: int
    channels: int
    convolutions: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What tells one RIFE 4.x architecture from another.

    Attributes:
        versions: the released versions that share it.
        channels: width of each block, coarse to fine.
        scales: each block's reduction of the frame at flow scale 1.
        trunk: the middle layers of a block.
        groups: groups of the convolutions there.
        upsamples_in_block: whether a block's output passes a pixel shuffle.
        outputs: channels of a block's output: four of flow, one of mask, and either features for
            the next block or, from 4.6 to 4.20, one that has weights but no use.
        carried: channels of these features.
        head: what encodes a frame, if anything does.
        adds_masks: whether a block corrects the mask; otherwise it replaces it.
        rechecks_large_motion: whether very large motion is searched once more at half resolution.
        refines: whether the file's second network corrects the blended picture.
        ensemble: whether it was released with the ensemble setting; others ignore it.
    """

    versions: tuple[str, ...]
    channels: tuple[int, ...] = (192, 128, 96, 64)
    scales: tuple[int, ...] = (8, 4, 2, 1)
    trunk: Trunk = "residual"
    groups: int = 1
    upsamples_in_block: bool = True
    outputs: int = 6
    carried: int = 0
    head: Head | None = None
    adds_masks: bool = False
    rechecks_large_motion: bool = False
    refines: bool = False
    ensemble: bool = True


_HEAD_8: Final = Head(width=32, channels=8)
_HEAD_LITE: Final = Head(width=16, channels=4)
_V4_0: Final = Variant(
    versions=("4.0", "4.1"),
    trunk="prelu_skip",
    upsamples_in_block=False,
    outputs=5,
    adds_masks=True,
    rechecks_large_motion=True,
)
_V4_2: Final = Variant(
    versions=("4.2", "4.3", "4.4"),
    trunk="leaky",
    upsamples_in_block=False,
    outputs=5,
    adds_masks=True,
)
_V4_21: Final = Variant(
    versions=("4.21", "4.22", "4.23"),
    channels=(256, 192, 96, 48),
    head=_HEAD_8,
    outputs=13,
    carried=8,
    ensemble=False,
)
_V4_25: Final = replace(
    _V4_21,
    versions=("4.25", "4.26"),
    channels=(192, 128, 96, 64, 32),
    scales=(16, 8, 4, 2, 1),
    head=_HEAD_LITE,
)

VARIANTS: Final[Mapping[str, Variant]] = {
    "4.0": _V4_0,
    "4.0.refine": replace(_V4_0, versions=("4.0.refine", "4.1.refine"), refines=True),
    "4.2": _V4_2,
    "4.2.refine": replace(_V4_2, versions=("4.2.refine", "4.3.refine", "4.4.refine"), refines=True),
    "4.5": Variant(versions=("4.5",), outputs=5, adds_masks=True),
    "4.6": Variant(versions=("4.6",), adds_masks=True),
    "4.7": Variant(versions=("4.7", "4.8", "4.9"), head=Head(width=16, channels=4, convolutions=1)),
    "4.10": Variant(
        versions=tuple(f"4.{minor}" for minor in (10, 11, 12, 13, 14, 15, 17, 18, 19, 24)),
        head=_HEAD_8,
    ),
    "4.12.lite": Variant(
        versions=("4.12.lite", "4.13.lite"),
        channels=(128, 96, 64, 48),
        head=Head(width=32, channels=4),
    ),
    "4.14.lite": Variant(versions=("4.14.lite",), groups=2, head=_HEAD_8),
    "4.15.lite": Variant(
        versions=("4.15.lite", "4.16.lite", "4.17.lite"),
        channels=(128, 96, 64, 48),
        head=_HEAD_LITE,
    ),
    "4.20": Variant(versions=("4.20",), channels=(384, 192, 96, 48), head=_HEAD_8),
    "4.21": _V4_21,
    "4.22.lite": replace(
        _V4_21, versions=("4.22.lite",), channels=(192, 128, 64, 32), head=_HEAD_LITE
    ),
    "4.25": _V4_25,
    "4.25.lite": replace(
        _V4_25,
        versions=("4.25.lite",),
        channels=(192, 128, 96, 64, 24),
        scales=(32, 16, 8, 4, 1),
    ),
    "4.25.heavy": replace(_V4_25, versions=("4.25.heavy",), channels=(384, 256, 192, 128, 64)),
    "4.26.heavy": replace(_V4_25, versions=("4.26.heavy",), head=Head(width=16, channels=16)),
}
"""Every architecture by name. A name that ends in ".refine" stands for a file of that version used
together with the refinement networks that it carries; without it they are left out."""


def variant_of_version(version: str) -> str:
    """Name the variant of a released version, such as "4.25" for "4.26".

    Raises:
        UnknownModelError: no such version was released.
    """
    for name, variant in VARIANTS.items():
        if version in variant.versions:
            return name
    known = ", ".join(version for variant in VARIANTS.values() for version in variant.versions)
    raise UnknownModelError(f"RIFE version {version!r} is not known; choose one of {known}.")


def pad_multiple(variant: str, flow_scale: float = 1.0) -> int:
    """Return what both sides of a padded frame must be a multiple of.

    Each block works at flow_scale / scale of the frame and halves that twice, both without a rest.
    Versions 4.0 and 4.1 may double their scales on seeing large motion, which is allowed for here.

    Raises:
        UnknownModelError: no such variant.
    """
    chosen = variant_named(variant)
    return side_multiple(chosen, flow_scale, doubled=chosen.rechecks_large_motion)


def side_multiple(variant: Variant, flow_scale: float, *, doubled: bool) -> int:
    """Return what sides must be a multiple of, with scales as they are or `doubled`."""
    ratio = Fraction(flow_scale).limit_denominator(1000)
    multiples = [_REFINE_REDUCTION if variant.refines else _HEAD_REDUCTION]
    for scale in variant.scales:
        divisor = _BLOCK_REDUCTION * scale * (2 if doubled else 1) * ratio.denominator
        multiples.append(divisor // math.gcd(divisor, ratio.numerator))
    return math.lcm(*multiples)


def variant_named(name: str) -> Variant:
    """Look up a variant.

    Raises:
        UnknownModelError: no such variant; the message lists the valid ones.
    """
    if name not in VARIANTS:
        raise UnknownModelError(
            f"RIFE variant {name!r} is not known; choose one of {', '.join(VARIANTS)}."
        )
    return VARIANTS[name]
