"""What others have measured of the models, by model and with the source. Standard library alone.

Only figures that were read in their source stand here; a model that is missing has none that could
be checked. RIFE 4 and GMFSS Fortuna were released without any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .catalog_types import Figure

_EMA_VFI: Final = "EMA-VFI (arXiv 2303.00440), table 1"
_IQ_VFI: Final = "IQ-VFI (CVPR 2024), table 1"
_MGM_VFI: Final = "MGMVFI (Motion-Guided Mamba for Video Frame Interpolation), table 1"
_FLAVR: Final = "FLAVR (arXiv 2012.08512), as listed by AIVFI's Video Frame Interpolation Rankings"
_FILM: Final = "FILM (arXiv 2202.04901), as listed by Papers with Code"

_TWO_FRAME_DATASETS: Final = (
    "Vimeo90K",
    "UCF101",
    "SNU-FILM Easy",
    "SNU-FILM Medium",
    "SNU-FILM Hard",
    "SNU-FILM Extreme",
)

_Result = tuple[float, float]
"""PSNR in dB and SSIM."""


def _figures(source: str, *results: _Result) -> tuple[Figure, ...]:
    """Name the results of a paper's table, in the order of `_TWO_FRAME_DATASETS`."""
    return tuple(
        Figure(dataset=dataset, psnr_db=psnr_db, ssim=ssim, source=source)
        for dataset, (psnr_db, ssim) in zip(_TWO_FRAME_DATASETS, results, strict=True)
    )


_FILM_FIGURES: Final = tuple(
    Figure(
        dataset=dataset,
        psnr_db=psnr_db,
        ssim=ssim,
        source=_FILM,
        remark="of the same network trained for PSNR; these weights are the Style training",
    )
    for dataset, psnr_db, ssim in (("Vimeo90K", 36.06, 0.970), ("UCF101", 35.32, 0.952))
)

_FIGURES: Final[Mapping[str, tuple[Figure, ...]]] = {
    "film": _FILM_FIGURES,
    "film-fp16": _FILM_FIGURES,
    "amt-l": _figures(
        _MGM_VFI,
        (36.35, 0.9815),
        (35.39, 0.9698),
        (39.95, 0.9913),
        (36.09, 0.9805),
        (30.75, 0.9384),
        (25.41, 0.8638),
    ),
    "amt-g": _figures(
        _IQ_VFI,
        (36.53, 0.982),
        (35.45, 0.970),
        (39.88, 0.991),
        (36.12, 0.981),
        (30.78, 0.939),
        (25.43, 0.865),
    ),
    "ifrnet": _figures(
        _EMA_VFI,
        (35.80, 0.9794),
        (35.29, 0.9693),
        (40.03, 0.9905),
        (35.94, 0.9793),
        (30.41, 0.9358),
        (25.05, 0.8587),
    ),
    "ifrnet-l": _figures(
        _IQ_VFI,
        (36.20, 0.981),
        (35.42, 0.970),
        (40.10, 0.991),
        (36.12, 0.980),
        (30.63, 0.937),
        (25.27, 0.861),
    ),
    "ema-vfi": _figures(
        _EMA_VFI,
        (36.64, 0.9819),
        (35.48, 0.9701),
        (39.98, 0.9910),
        (36.09, 0.9801),
        (30.94, 0.9392),
        (25.69, 0.8661),
    ),
    "ema-vfi-small": _figures(
        _EMA_VFI,
        (36.07, 0.9797),
        (35.34, 0.9696),
        (39.81, 0.9906),
        (35.88, 0.9795),
        (30.69, 0.9375),
        (25.47, 0.8632),
    ),
    "cain": _figures(
        _EMA_VFI,
        (34.65, 0.9730),
        (34.91, 0.9690),
        (39.89, 0.9900),
        (35.61, 0.9776),
        (29.90, 0.9292),
        (24.78, 0.8507),
    ),
    "flavr-2x": (Figure(dataset="Vimeo90K septuplets", psnr_db=36.25, ssim=0.975, source=_FLAVR),),
}


def figures_of(name: str) -> tuple[Figure, ...]:
    """Return the published figures of the model called `name`; none for most."""
    return _FIGURES.get(name, ())
