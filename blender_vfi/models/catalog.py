"""Which models exist, as data: names, checkpoints, licences, limits.

No torch, so that panels can list them. Standard library alone. The entries stand in one file for
each architecture, beside it.
"""

from __future__ import annotations

import difflib

from ..errors import UnknownModelError
from ..remedies import remedy
from .catalog_amt import AMT_MODELS
from .catalog_cain import CAIN_MODELS
from .catalog_emavfi import EMAVFI_MODELS
from .catalog_film import FILM_MODELS
from .catalog_flavr import FLAVR_MODELS
from .catalog_gmfss import GMFSS_MODELS
from .catalog_guided import GUIDED
from .catalog_ifrnet import IFRNET_MODELS
from .catalog_ifunet import IFUNET_MODELS
from .catalog_rife import RIFE_MODELS
from .catalog_tlbvfi import TLBVFI_MODELS
from .catalog_types import ModelSpec

CATALOG: tuple[ModelSpec, ...] = (
    *RIFE_MODELS,
    GUIDED,
    *FILM_MODELS,
    *AMT_MODELS,
    *IFRNET_MODELS,
    *GMFSS_MODELS,
    *FLAVR_MODELS,
    *EMAVFI_MODELS,
    *CAIN_MODELS,
    *IFUNET_MODELS,
    *TLBVFI_MODELS,
)
"""Every model, the default first."""

DEFAULT_MODEL = "rife-4.25"
_MOST_NAMED = 3
_LEAST_LIKENESS = 0.6


def find(name: str) -> ModelSpec:
    """Return the entry called `name`.

    Raises:
        UnknownModelError: there is none; the message begins with the nearest names.
    """
    by_name = {spec.name: spec for spec in CATALOG}
    if name in by_name:
        return by_name[name]
    nearest = _nearest(name.lower())
    *others, last = nearest or [""]
    named = f"{', '.join(others)} or {last}" if others else last
    guess = f" Did you mean {named}?" if nearest else ""
    lists = remedy(
        panel="The setting Model lists",
        terminal="The command models lists",
        python="python -m blender_vfi models lists",
    )
    raise UnknownModelError(f"No model is called {name!r}.{guess} {lists} all {len(CATALOG)}.")


def _nearest(text: str) -> list[str]:
    """Return the names that are, or begin, most like `text`; among equals the default first."""

    def likeness(name: str) -> float:
        parts = {name, name[: len(text)]}
        return max(difflib.SequenceMatcher(None, part, text).ratio() for part in parts)

    likenesses = {spec.name: likeness(spec.name) for spec in CATALOG}
    near = [name for name, value in likenesses.items() if value >= _LEAST_LIKENESS]
    near.sort(key=lambda name: (-likenesses[name], name != DEFAULT_MODEL))
    return near[:_MOST_NAMED]
