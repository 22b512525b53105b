"""Puts entries of the catalog into words, for terminals and pages. Standard library alone."""

from __future__ import annotations

from .catalog_types import HubSource, ModelSpec

FAMILIES = {
    "rife": "RIFE",
    "film": "FILM",
    "amt": "AMT",
    "ifrnet": "IFRNet",
    "gmfss": "GMFSS Fortuna",
    "flavr": "FLAVR",
    "emavfi": "EMA-VFI",
    "cain": "CAIN",
    "ifunet": "IFUNet",
    "tlbvfi": "TLB-VFI",
}
"""What people call each architecture, by the name of its module."""


def family(architecture: str) -> str:
    """Return what people call an architecture."""
    return FAMILIES.get(architecture, architecture)


def moments(spec: ModelSpec) -> str:
    """Say in a few words which moments between two frames a model gives, and how."""
    if spec.timesteps == "any":
        return "any"
    if spec.timesteps == "recursive":
        return "any, by recursion"
    if spec.timesteps == "middle":
        return "middle, others by halving"
    steps = [f"{step}/{spec.fixed_multiplier}" for step in range(1, spec.fixed_multiplier)]
    if len(steps) == 1:
        return f"{steps[0]} alone"
    return f"{steps[0]} to {steps[-1]}, at once"


def size(spec: ModelSpec) -> str:
    """Say how large the published file is; "~" where that follows from the weights alone."""
    about = "" if spec.checkpoint.size_bytes else "~"
    return f"{about}{spec.about_bytes / 1e6:.1f} MB"


def commercial(spec: ModelSpec) -> str:
    """Say whether the weights may be used commercially: yes or no."""
    return "yes" if spec.checkpoint.licence.commercial else "no"


def source(spec: ModelSpec) -> str:
    """Name the service that a checkpoint comes from, by the first of its sources."""
    for source in spec.checkpoint.sources:
        return "Hugging Face" if isinstance(source, HubSource) else "Python index"
    return "your own file"
