"""Catalog entry of IFUNet. Standard library alone."""

from __future__ import annotations

from .catalog_types import NONE_STATED, Checkpoint, CheckpointPart, Licence, ModelSpec

# IFUNet has no paper: this is the one that it builds on
_PAPER = (
    "Real-Time Intermediate Flow Estimation for Video Frame Interpolation, 2022, arXiv 2011.06294"
)

# neither the repository nor the archive of weights states one
_LICENCE = Licence(
    spdx=NONE_STATED,
    holder="98mxr",
    url="https://github.com/98mxr/IFUNet",
    commercial=False,
)

# what the author's archive holds; ComfyUI's IFUNet.pth is all of them in one file
_PARTS = tuple(
    CheckpointPart(component=name, filename=f"{name}.pkl", size_bytes=None, sha256=None)
    for name in ("flownet", "fusionnet", "refinenet")
)

IFUNET_MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="ifunet",
        architecture="ifunet",
        variant="ifunet",
        title="IFUNet",
        summary=(
            "A heavy relative of RIFE that rebuilds each picture a second time; needs a checkpoint "
            "file or folder from its author."
        ),
        paper=_PAPER,
        # the author's archive is on a drive that no tool can fetch from; no hash is known
        checkpoint=Checkpoint(
            filename="ifunet.safetensors",
            size_bytes=None,
            sha256=None,
            licence=_LICENCE,
            parts=_PARTS,
        ),
        parameters=31_517_477,
        pad_multiple=64,
        ensemble=True,
    ),
)
"""The one released IFUNet."""
