"""TLB-VFI: the middle of two frames, whose latent a diffusion finds along a Brownian bridge.

An encoder makes features of each frame, and one latent of both with a blank between. Diffusion
fills the blank in; a decoder turns it into the picture, by looking at both frames as they are and
warped to the middle. Never import bpy here.

Paper: "TLB-VFI: Temporal-Aware Latent Brownian Bridge Diffusion for Video Frame Interpolation",
2025, arXiv:2507.04984. Neither code nor weights come with a licence; this is written from notes on
what the network computes, and compared with its results.

Deviations from the released code, none of which changes a float32 result beyond rounding, but for
the last two:
    - large maps are computed in strips of rows, so that a frame takes a fraction of the memory;
    - tensors that are published but never used are dropped;
    - noise comes from a seed, and is the same for each pair of frames;
    - frames are padded outside, to the same sides;
    - flow scale 1 is the released default, to search motion at half the size; 2 and more search it
      at the full size, as released for scale 1;
    - a pair without any pixel darker than half is treated as others are; the released code takes it
      for one in another range.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ..errors import RequestError
from .ifrnet_blocks import resize_flow
from .interface import Interpolation, InterpolationModel, Quality, Shapes, check_sides
from .matching import check_variant, matching_variant
from .tlbvfi_blocks import nearest_code
from .tlbvfi_decoder import Decoder
from .tlbvfi_diffusion import Denoiser, noise_for, walk
from .tlbvfi_encoder import LATENT_CHANNELS, Encoder
from .tlbvfi_motion import REFINED_WIDTHS
from .warp import warp

VARIANTS = ("tlbvfi",)
"""The one network that the authors released."""

SIDE_MULTIPLE = 256
"""Sides of a frame must divide by this; the released code pads to twice as much."""

_CODES = 8192
_MIDDLE = 0.5
_TIMESTEP_TOLERANCE = 1e-6
_BLANK = 0.5
_DEFAULT_SEARCH_SCALE = 0.5

_WRAPPER_PREFIX = "vqgan."
_ALIAS_PREFIX = "cond_stage_model."
_UNUSED = re.compile(
    r"(m_t|m_tminus|variance_t|variance_tminus|variance_t_tminus|posterior_variance_t"
    r"|decoder\.up\.\d\.cross_attn\.out_conv\..*"
    r"|(encoder\.down\.[023]|decoder\.up\.[124])\.block\.0\.nin_shortcut\..*)"
)
"""The schedule, which is computed here, and layers that nothing runs through."""


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop what is there twice and what is never used, and the prefix of the autoencoder."""
    named = {
        key.removeprefix(_WRAPPER_PREFIX): tensor
        for key, tensor in state_dict.items()
        if not key.startswith(_ALIAS_PREFIX)
    }
    return {key: tensor for key, tensor in named.items() if not _UNUSED.fullmatch(key)}


def identify(shapes: Shapes) -> str | None:
    """Name the variant that normalised `shapes` belong to; None if they are not TLB-VFI's.

    Raises:
        CheckpointError: most names are TLB-VFI's, but not all, or shapes differ.
    """
    return matching_variant(shapes, _expected_shapes(), family="TLB-VFI")


def build(variant: str) -> TlbVfi:
    """Construct the module in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="TLB-VFI")
    return TlbVfi().eval()


class TlbVfi(InterpolationModel):
    """Makes the frame in the middle of two, and no other. Meant for float32.

    The same seed gives the same frame, whatever the device and whatever else is made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.quantize = nn.ModuleDict({"embedding": nn.Embedding(_CODES, LATENT_CHANNELS)})
        self.quant_conv = nn.Conv2d(LATENT_CHANNELS, LATENT_CHANNELS, 1)
        self.post_quant_conv = nn.Conv2d(LATENT_CHANNELS, LATENT_CHANNELS, 1)
        self.denoise_fn = Denoiser()

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Compute the features of one frame.

        Args:
            frame: (1, 3, H, W) float in [0, 1], sides multiples of 256.

        Returns:
            Five tensors (1, C, H / 2^n, W / 2^n), n = 1 to 5; C is 64, 128, 128, 128, 256.

        Raises:
            FrameError: H or W does not divide by 256.
        """
        check_sides(frame.shape[-2:], SIDE_MULTIPLE, "TLB-VFI")
        _, *features = self.encoder.pyramid(frame, levels=len(self.encoder.down))
        return tuple(features)

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frame in the middle of two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], sides multiples of 256.
            features: `encode(frame)` of each.
            timesteps: 0.5, T times; the work is done once.
            quality: the seed of the noise; flow scale, see above; and how much of the frames is
                picture, since motion is not searched in padding.

        Returns:
            T frames, with flows, and the mask that weighs the warped frames before a correction
            is added.

        Raises:
            RequestError: a timestep is not 0.5.
            FrameError: H or W does not divide by 256.
        """
        for timestep in timesteps:
            _check_timestep(timestep)
        check_sides(frames[0].shape[-2:], SIDE_MULTIPLE, "TLB-VFI")
        known = self.make_latent(frames, [maps[-1] for maps in features])
        latent = walk(self.denoise_fn, known, noise_for(known, quality.seed))
        flow = self.find_motion(frames, features, quality)
        made = self.decode(latent, frames, features, flow)
        count = len(timesteps)
        return Interpolation(
            frames=made.frames.expand(count, -1, -1, -1),
            flow_t0=flow[:, :2].expand(count, -1, -1, -1),
            flow_t1=flow[:, 2:].expand(count, -1, -1, -1),
            mask=None if made.mask is None else made.mask.expand(count, -1, -1, -1),
        )

    def make_latent(self, frames: Sequence[Tensor], coarsest: Sequence[Tensor]) -> Tensor:
        """Compute the latent of both frames with a blank between.

        Args:
            frames: two, (1, 3, H, W) each.
            coarsest: the last of each one's features.

        Returns:
            (1, 3, 3, H / 32, W / 32): channels, frames, and places.
        """
        blank = torch.full_like(frames[0], _BLANK)
        blank_features = self.encoder.pyramid(blank, levels=len(self.encoder.down))[-1]
        latent = self.encoder(
            torch.cat((frames[0], blank, frames[1])),
            torch.cat((coarsest[0], blank_features, coarsest[1])),
        )
        return _frame_by_frame(self.quant_conv, latent)

    def find_motion(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        quality: Quality,
    ) -> Tensor:
        """Return (1, 4, H, W) flow of the middle into both frames, in pixels.

        Args:
            frames: two, (1, 3, H, W) each.
            features: `encode(frame)` of each.
            quality: flow scale, and the size of the picture within the padding.
        """
        scale = _DEFAULT_SEARCH_SCALE * quality.flow_scale
        levels = len(REFINED_WIDTHS) - 1
        if scale >= 1:
            fine = [
                (self.encoder.full_size(frame), *maps[:levels])
                for frame, maps in zip(frames, features, strict=True)
            ]
            return self.decoder.find_motion(frames[0], frames[1], *fine)
        searched = [_search_frame(frame, scale, quality.picture_size) for frame in frames]
        # as released, the guess is shown [-1, 1] here, and [0, 1] at the full size
        flow = self.decoder.find_motion(
            searched[0] * 2 - 1,
            searched[1] * 2 - 1,
            *(self.encoder.pyramid(frame, levels=levels) for frame in searched),
        )
        return resize_flow(flow, frames[0].shape[-2:])

    def decode(
        self,
        latent: Tensor,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        flow: Tensor,
    ) -> Interpolation:
        """Make the picture of a latent.

        Args:
            latent: (1, 3, 3, H / 32, W / 32), of all three frames.
            frames: two, (1, 3, H, W) each.
            features: `encode(frame)` of each.
            flow: (1, 4, H, W), as `find_motion` returns it.
        """
        codes = nearest_code(latent, self.get_parameter("quantize.embedding.weight"))
        codes = _frame_by_frame(self.post_quant_conv, codes)
        mask, residual = self.decoder(codes, features[0], features[1], flow)
        flow_t0, flow_t1 = flow[:, :2], flow[:, 2:]
        merged = warp(frames[0], flow_t0) * mask + warp(frames[1], flow_t1) * (1 - mask)
        return Interpolation(
            frames=(merged + residual).clamp(0, 1), flow_t0=flow_t0, flow_t1=flow_t1, mask=mask
        )


def _frame_by_frame(layer: nn.Module, video: Tensor) -> Tensor:
    """Apply a layer for pictures to each frame of (1, C, T, H, W)."""
    frames: Tensor = layer(video[0].transpose(0, 1))
    return frames.transpose(0, 1)[None]


def _search_frame(frame: Tensor, scale: float, picture_size: tuple[int, int] | None) -> Tensor:
    """Resize a frame without its padding, and pad it with grey to the padded size's share."""
    height, width = frame.shape[-2:]
    least = math.ceil(1 / scale)  # of which a pixel is left
    rows, columns = (max(side, least) for side in picture_size or (height, width))
    small = interpolate(
        frame[:, :, :rows, :columns], scale_factor=scale, mode="bilinear", align_corners=False
    )
    canvas = frame.new_full((1, 3, int(height * scale), int(width * scale)), _BLANK)
    canvas[:, :, : small.shape[2], : small.shape[3]] = small
    return canvas


def _check_timestep(timestep: float) -> None:
    if abs(timestep - _MIDDLE) > _TIMESTEP_TOLERANCE:
        raise RequestError(
            f"TLB-VFI makes the middle between two frames alone, and was asked for timestep "
            f"{timestep:g}: ask for 0.5, and for others between its results, or choose a model for "
            "any moment."
        )


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of the network's tensors, from a module that takes no memory."""
    with torch.device("meta"):
        return {"tlbvfi": {key: tuple(t.shape) for key, t in TlbVfi().state_dict().items()}}
