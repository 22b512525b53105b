"""Catalog entry of the render-guided model, which has no weights of its own.

Standard library alone.
"""

from __future__ import annotations

from dataclasses import replace

from .catalog_rife import RIFE_MODELS

GUIDED = replace(
    RIFE_MODELS[0],
    name="guided",
    title="Guided by Passes",
    summary="For multilayer EXR with Vector and Depth: moves what is seen as the renderer says.",
    is_guided=True,
    figures=(),
)
"""Moves surfaces by their rendered vectors; RIFE 4.25 finds what these do not know."""
