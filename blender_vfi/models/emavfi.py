"""EMA-VFI: any moment between two frames, by attention from each frame to the other.

What resembles a place in the other frame sharpens its features, and how far away it is tells its
motion. Never import bpy here.

Paper: "Extracting Motion and Appearance via Inter-Frame Attention for Efficient Video Frame
Interpolation", 2023, arXiv:2303.00440. The authors publish code and weights under the Apache
licence 2.0.

Deviations from the released code, none of which changes a float32 result beyond rounding:
    - frames are RGB here; the network is given BGR, as its training and its demos did;
    - a batch holds several timesteps of one pair, whose features are computed once, and what
      depends on one frame alone once per frame;
    - attention averages positions rather than embedded positions, measured from the window;
    - masks of attention follow both sides of the map; the released code keeps that of another map
      with as many windows;
    - at flow scales other than 1 the size searched at is rounded to what the network can take, and
      flow is scaled along each axis by itself;
    - flows accumulate in float32, also when the network runs in half precision.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .emavfi_blocks import HEAD_REDUCTIONS, Backbone, Features, MotionHead, Refinement
from .ifrnet_blocks import resize, resize_flow, warp_both, working_size
from .interface import Interpolation, InterpolationModel, Quality, Shapes, check_sides
from .matching import check_variant, matching_variant
from .moments import moments_like

PAD_MULTIPLE = 32
"""Sides of a frame must divide by this, as in the published demos; the network needs 16."""

_COARSEST = max(HEAD_REDUCTIONS)
_WRAPPER_PREFIX = "module."
# buffers that the released code writes into its files on the way
_CACHED = ("attn_mask", "HW")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What tells one EMA-VFI from another.

    Attributes:
        width: channels of the backbone at full size.
        depths: its blocks of attention at 1/8 and at 1/16.
    """

    width: int
    depths: tuple[int, int]


VARIANTS: Mapping[str, Variant] = {
    "base": Variant(width=32, depths=(4, 4)),
    "small": Variant(width=16, depths=(2, 2)),
}
"""The two sizes. Files trained at the middle alone and at any timestep share their shapes."""


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the prefix of data-parallel training, and masks that were kept for one frame size."""
    return {
        key.removeprefix(_WRAPPER_PREFIX): tensor
        for key, tensor in state_dict.items()
        if key.rpartition(".")[2] not in _CACHED
    }


def identify(shapes: Shapes) -> str | None:
    """Name the variant whose tensors are exactly those of the normalised `shapes`.

    Returns:
        A name in `VARIANTS`; None where the file is of another architecture.

    Raises:
        CheckpointError: most names are EMA-VFI's, but tensors are missing, left over or of another
            shape; the message names the closest variant and the differences.
    """
    return matching_variant(shapes, _expected_shapes(), family="EMA-VFI")


def build(variant: str) -> EmaVfi:
    """Construct the module of `variant` in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="EMA-VFI")
    return EmaVfi(variant=VARIANTS[variant]).eval()


class EmaVfi(InterpolationModel):
    """Interpolates by flows from attention across both frames, and corrects the blended picture.

    It accepts any timestep; which of them a file was trained for, its catalog entry says. Runs in
    float32, float16 and bfloat16. Its flows are float32 whatever it runs in.
    """

    def __init__(self, *, variant: Variant) -> None:
        super().__init__()
        self.feature_bone = Backbone(width=variant.width, depths=variant.depths)
        self.block = nn.ModuleList(
            MotionHead(
                channels=variant.width * reduction,
                width=4 * variant.width,
                reduction=reduction,
                is_first=reduction == _COARSEST,
            )
            for reduction in HEAD_REDUCTIONS
        )
        self.unet = Refinement(width=variant.width)

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Compute the convolutions before attention, which see one frame alone.

        Args:
            frame: (1, 3, H, W) float in [0, 1], RGB, sides multiples of 32.

        Returns:
            Features at 1, 1/2 and 1/4 of the size, and tokens at 1/8.

        Raises:
            FrameError: H or W does not divide by 32.
        """
        check_sides(frame.shape[-2:], PAD_MULTIPLE, "EMA-VFI")
        return self.feature_bone.encode(_channels_reversed(frame))

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frames at `timesteps` between two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], RGB, sides multiples of 32.
            features: `encode` of each.
            timesteps: T moments strictly inside (0, 1), in any order.
            quality: flow scale; with the ensemble setting, pictures, flows and masks are the mean
                of those of the frames as they are and turned by 180°, as the authors test.

        Returns:
            T frames, flows and masks of H × W. A result does not depend on the other timesteps.

        Raises:
            FrameError: H or W does not divide by 32.
        """
        check_sides(frames[0].shape[-2:], PAD_MULTIPLE, "EMA-VFI")
        images = _channels_reversed(torch.cat(tuple(frames)))
        encoded = [torch.cat(pair) for pair in zip(*features, strict=True)]
        picture, flow, mask = self._interpolate(images, encoded, timesteps, quality.flow_scale)
        if quality.ensemble:
            turned = _turned(images)
            again = self.feature_bone.encode(turned)
            others = self._interpolate(turned, again, timesteps, quality.flow_scale)
            picture = (picture + _turned(others[0])) / 2
            flow = (flow - _turned(others[1])) / 2
            mask = (mask + _turned(others[2])) / 2
        return Interpolation(
            frames=_channels_reversed(picture),
            flow_t0=flow[:, :2],
            flow_t1=flow[:, 2:],
            mask=mask,
        )

    def _interpolate(
        self,
        images: Tensor,
        encoded: Sequence[Tensor],
        timesteps: Sequence[float],
        flow_scale: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (T, 3, H, W) pictures, (T, 4, H, W) flow and (T, 1, H, W) mask.

        Args:
            images: (2, 3, H, W) both frames, BGR.
            encoded: what the backbone encodes them to.
            timesteps: T moments.
            flow_scale: size at which motion is searched, relative to the frame.
        """
        size = images.shape[-2:]
        features = self.feature_bone(encoded)
        searched, known = images, features
        working = working_size(size, flow_scale, multiple=_COARSEST)
        if working != tuple(size):
            searched = resize(images, working)
            known = self.feature_bone(self.feature_bone.encode(searched))
        flow, logit = self._find_motion(searched, known, timesteps)
        flow, logit = resize_flow(flow, size), resize(logit, size)
        warped0, warped1 = warp_both(images, flow)
        originals = _both(images, len(timesteps))
        pictures = (originals, warped0, warped1, logit, flow.to(images.dtype))
        contexts = _warped_levels(features.appearance, flow)
        residual = self.unet(torch.cat(pictures, dim=1), contexts)
        mask = torch.sigmoid(logit)
        merged = warped0 * mask + warped1 * (1 - mask)
        return (merged + residual).clamp(0, 1), flow, mask

    def _find_motion(
        self, images: Tensor, features: Features, timesteps: Sequence[float]
    ) -> tuple[Tensor, Tensor]:
        """Estimate motion with one head after the other, the coarsest first.

        Returns:
            (T, 4, H, W) flow into frame0 and frame1, float32 at least; (T, 1, H, W) mask before
            its sigmoid.
        """
        count = len(timesteps)
        moment = moments_like(timesteps, images)
        originals = _both(images, count)
        coarse, fine = (
            torch.cat((moment * motion[:1], (1 - moment) * motion[1:], _both(look, count)), dim=1)
            for motion, look in zip(
                reversed(features.motion), reversed(features.appearance), strict=False
            )
        )
        first, second = self.block
        flow, mask = first(coarse, originals, None)
        pictures = torch.cat((originals, *warp_both(images, flow), mask), dim=1)
        correction, change = second(fine, pictures, flow)
        return flow + correction, mask + change


def _warped_levels(appearance: Sequence[Tensor], flow: Tensor) -> Iterator[Tensor]:
    """Warp (2, C, ...) levels of both frames by (T, 4, H, W) flow, to (T, 2C, ...) each."""
    for level in appearance:
        # shrunk step by step as released: not the same as one resize to the level's size
        flow = resize_flow(flow, level.shape[-2:])
        yield torch.cat(warp_both(level, flow), dim=1)


def _both(pair: Tensor, count: int) -> Tensor:
    """Return (2, C, H, W) of both frames as (count, 2C, H, W)."""
    return pair.flatten(0, 1).expand(count, -1, -1, -1)


def _channels_reversed(image: Tensor) -> Tensor:
    """Turn RGB into BGR, or back."""
    return image.flip(1)


def _turned(image: Tensor) -> Tensor:
    """Turn by 180 degrees; flows must change their sign besides."""
    return image.flip(2, 3)


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of every variant's tensors, from modules that take no memory."""
    with torch.device("meta"):
        return {
            name: {key: tuple(t.shape) for key, t in EmaVfi(variant=variant).state_dict().items()}
            for name, variant in VARIANTS.items()
        }
