"""Catalog entry of TLB-VFI. Standard library alone."""

from __future__ import annotations

from .catalog_types import NONE_STATED, Checkpoint, HubSource, Licence, ModelSpec

# neither the repository nor the page of the file states one: users have to accept that
_LICENCE = Licence(
    spdx=NONE_STATED,
    holder="Zonglin Lyu and Chen Chen, University of Central Florida",
    url="https://github.com/ZonglinL/TLBVFI",
    commercial=False,
)

TLBVFI_MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="tlbvfi",
        architecture="tlbvfi",
        variant="tlbvfi",
        title="TLB-VFI",
        summary=(
            "Makes up by diffusion what no motion leads to, from a seed; very slow, and best for "
            "single frames."
        ),
        paper=(
            "TLB-VFI: Temporal-Aware Latent Brownian Bridge Diffusion for Video Frame "
            "Interpolation, 2025, arXiv 2507.04984"
        ),
        checkpoint=Checkpoint(
            filename="tlbvfi.safetensors",
            # the file holds the autoencoder twice, so that the weights do not tell its size
            size_bytes=None,
            sha256=None,
            licence=_LICENCE,
            sources=(HubSource(repo_id="ucfzl/TLBVFI", filename="vimeo_unet.pth"),),
        ),
        parameters=44_226_860,
        timesteps="middle",
        pad_multiple=512,
        pad_mode="reflect",
        smallest_side=256,
        # the released code leaves such a side as it is
        kept_side=256,
        # never released for fp16; the code that is nearest to a latent depends on its last digits
        half_precision=False,
        draws_noise=True,
    ),
)
"""The one released TLB-VFI."""
