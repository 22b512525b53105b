"""IFRNet: any moment between two frames from one encoder and one decoder; never import bpy here.

Paper: "IFRNet: Intermediate Feature Refine Network for Efficient Frame Interpolation", 2022,
arXiv:2205.14620. The authors publish code and weights under the MIT licence.

Deviations from the released code, none of which changes a float32 result beyond rounding:
    - a batch holds several timesteps of one pair, whose features are computed once and whose mean
      is the pair's own;
    - at flow scales other than 1 the size searched at is rounded to what the network can take, and
      flow is scaled along each axis by itself;
    - flows accumulate in float32, also when the network runs in half precision.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .ifrnet_blocks import (
    FLOW_CHANNELS,
    FramePyramid,
    as_float32,
    decoders,
    resize,
    resize_flow,
    warp_both,
    working_size,
)
from .interface import Interpolation, InterpolationModel, Quality, Shapes, check_sides
from .matching import check_variant, matching_variant
from .moments import moments_like

PAD_MULTIPLE = 16
"""Sides of a frame must divide by this."""

_WRAPPER_PREFIX = "module."
_MASK_CHANNELS = 1
_RESIDUAL_CHANNELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What tells one IFRNet from another.

    Attributes:
        channels: widths of the pyramid's four levels, the finest first.
        side_width: channels of the decoders' side convolutions.
        first_kernel: side of the encoder's first convolution.
    """

    channels: tuple[int, int, int, int]
    side_width: int
    first_kernel: int = 3


VARIANTS: Mapping[str, Variant] = {
    "s": Variant(channels=(24, 36, 54, 72), side_width=24),
    "base": Variant(channels=(32, 48, 72, 96), side_width=32),
    "l": Variant(channels=(64, 96, 144, 192), side_width=64, first_kernel=7),
}
"""The three sizes. Files trained on Vimeo90K and on GoPro share their shapes."""


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the prefix that data-parallel training puts before every name."""
    return {key.removeprefix(_WRAPPER_PREFIX): tensor for key, tensor in state_dict.items()}


def identify(shapes: Shapes) -> str | None:
    """Name the variant whose tensors are exactly those of the normalised `shapes`.

    Returns:
        A name in `VARIANTS`; None where the file is of another architecture.

    Raises:
        CheckpointError: most names are IFRNet's, but tensors are missing, left over or of another
            shape; the message names the closest variant and the differences.
    """
    if any(key.startswith("feat_encoder.") for key in shapes):
        # AMT is IFRNet with an encoder and update blocks besides
        return None
    return matching_variant(shapes, _expected_shapes(), family="IFRNet")


def build(variant: str) -> IFRNet:
    """Construct the module of `variant` in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="IFRNet")
    return IFRNet(variant=VARIANTS[variant]).eval()


class IFRNet(InterpolationModel):
    """Interpolates by flows that four decoders refine together with features of the moment itself.

    Its features depend on the mean of both frames, so that there is nothing to encode once per
    frame. It accepts any timestep; which of them a file was trained for, its catalog entry says.
    Runs in float32, float16 and bfloat16. Its flows are float32 whatever it runs in.
    """

    def __init__(self, *, variant: Variant) -> None:
        super().__init__()
        self.encoder = FramePyramid(channels=variant.channels, first_kernel=variant.first_kernel)
        made = decoders(
            variant.channels,
            side_width=variant.side_width,
            final_outputs=FLOW_CHANNELS + _MASK_CHANNELS + _RESIDUAL_CHANNELS,
        )
        for name, decoder in made.items():
            self.add_module(name, decoder)

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frames at `timesteps` between two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], sides multiples of 16.
            features: of no use here.
            timesteps: T moments strictly inside (0, 1), in any order.
            quality: flow scale.

        Returns:
            T frames, flows and masks of H × W. A result does not depend on the other timesteps.

        Raises:
            FrameError: H or W does not divide by 16.
        """
        images = torch.cat(tuple(frames))
        size = images.shape[-2:]
        check_sides(size, PAD_MULTIPLE, "IFRNet")
        mean = as_float32(images).mean().to(images.dtype)
        images = images - mean
        shrunk = resize(images, working_size(size, quality.flow_scale, multiple=PAD_MULTIPLE))
        flow, others = self._decode(self.encoder(shrunk), timesteps)
        flow = resize_flow(flow, size)
        mask = resize(torch.sigmoid(others[:, :_MASK_CHANNELS]), size)
        residual = resize(others[:, _MASK_CHANNELS:], size)
        warped0, warped1 = warp_both(images, flow)
        merged = warped0 * mask + warped1 * (1 - mask) + mean + residual
        return Interpolation(
            frames=merged.clamp(0, 1), flow_t0=flow[:, :2], flow_t1=flow[:, 2:], mask=mask
        )

    def _decode(
        self, pyramid: Sequence[Tensor], timesteps: Sequence[float]
    ) -> tuple[Tensor, Tensor]:
        """Run the decoders from coarse to fine.

        Args:
            pyramid: features of both frames, (2, C, h, w) each, the finest first.
            timesteps: T moments.

        Returns:
            (T, 4, H, W) flow into frame0 and frame1 in float32; (T, 4, H, W) mask before its
            sigmoid, and residual.
        """
        coarsest = pyramid[-1]
        both = coarsest.flatten(0, 1).expand(len(timesteps), -1, -1, -1)
        moment = moments_like(timesteps, coarsest)
        moment = moment.expand(-1, 1, *coarsest.shape[-2:])
        output = self.get_submodule(f"decoder{len(pyramid)}")((both, moment))
        flow, hidden = as_float32(output[:, :FLOW_CHANNELS]), output[:, FLOW_CHANNELS:]
        for level in range(len(pyramid) - 1, 0, -1):
            views = warp_both(pyramid[level - 1], flow)
            decoder = self.get_submodule(f"decoder{level}")
            output = decoder((hidden, *views, flow.to(hidden.dtype)))
            flow = resize_flow(flow, output.shape[-2:]) + output[:, :FLOW_CHANNELS]
            hidden = output[:, FLOW_CHANNELS:]
        return flow, hidden


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of every variant's tensors, from modules that take no memory."""
    with torch.device("meta"):
        return {
            name: {key: tuple(t.shape) for key, t in IFRNet(variant=variant).state_dict().items()}
            for name, variant in VARIANTS.items()
        }
