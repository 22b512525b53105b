"""RIFE 4.x: any moment between two frames from coarse-to-fine flow; never import bpy here.

One cascade of blocks serves every released version from 4.0 to 4.26: they differ in numbers and in
a few choices, which `rife_variants.VARIANTS` holds as values.

Paper: "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", ECCV 2022,
arXiv:2011.06294. The authors publish code and weights under the MIT licence.

Deviations from the released code, none of which changes a float32 result beyond rounding:
    - a batch holds several timesteps of one pair, and each decides for itself whether its motion is
      large (4.0 and 4.1), so that a result does not depend on what it is computed together with;
    - inputs of a block are resized before they are joined, constants are made at their final size;
    - flows accumulate in float32, also when the networks run in half precision.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import FrameError
from .interface import Interpolation, InterpolationModel, Quality, Shapes
from .matching import matching_variant
from .rife_refine import ContextPyramid, RefinementNet
from .rife_variants import (
    VARIANTS,
    Head,
    Variant,
    pad_multiple,
    side_multiple,
    variant_named,
    variant_of_version,
)
from .warp import warp_each

__all__ = [
    "VARIANTS",
    "Rife",
    "build",
    "drop_refinement",
    "identify",
    "normalise_state_dict",
    "pad_multiple",
    "variant_of_version",
]

_LARGE_MOTION_PX = 32.0
_IMAGE_CHANNELS = 3
_FLOW_CHANNELS = 4

# Published files carry "module." from data-parallel training. Their encoder bears the name of our
# method and is, up to 4.12, a plain sequence whose activations take up numbers.
_WRAPPER_PREFIX = "module."
_TRAINING_ONLY = ("teacher.", "caltime.", "block_tea.")
_REFINEMENT = ("contextnet.", "unet.")
_BLOCK_NAME = re.compile(r"^block(\d)\.")
_HEAD_NAMES = {
    "encode.0.": "head.cnn0.",
    "encode.1.": "head.cnn1.",
    "encode.2.": "head.cnn1.",
    "encode.4.": "head.cnn2.",
    "encode.6.": "head.cnn3.",
    "encode.cnn": "head.cnn",
}


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop training-only tensors and the wrapper's prefix; name blocks and head as `Rife` does.

    Where two tensors would get one name, the later keeps its own, for `identify` to report.
    """
    normalised: dict[str, Tensor] = {}
    for key, tensor in state_dict.items():
        name = key.removeprefix(_WRAPPER_PREFIX)
        if name.startswith(_TRAINING_ONLY):
            continue
        ours = _our_name(name)
        normalised[name if ours in normalised else ours] = tensor
    return normalised


def drop_refinement(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a normalised state dict of 4.0 to 4.4 without the refinement networks it may carry.

    It then fits the variant without ".refine", which is what most tools run of these versions.
    """
    return {key: tensor for key, tensor in state_dict.items() if not key.startswith(_REFINEMENT)}


def identify(shapes: Shapes) -> str | None:
    """Name the variant whose tensors are exactly those of the normalised `shapes`.

    Returns:
        A name in `VARIANTS`; None where the file shares no more than half of its tensors' names
        with every variant and is thus of another architecture.

    Raises:
        CheckpointError: most names are RIFE's, but tensors are missing, left over or of another
            shape; the message names the closest variant and the differences.
    """
    return matching_variant(shapes, _expected_shapes(), family="RIFE")


def build(variant: str) -> Rife:
    """Construct the module of `variant` in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    return Rife(variant=variant_named(variant)).eval()


class Rife(InterpolationModel):
    """Interpolates any moment by flows that a cascade of blocks refines from coarse to fine.

    Runs in float32, float16 and bfloat16. Its flows are float32 whatever it runs in.
    """

    def __init__(self, *, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.head = _HeadNet(variant.head) if variant.head else None
        first_inputs = 2 * (_IMAGE_CHANNELS + (variant.head.channels if variant.head else 0)) + 1
        later_inputs = first_inputs + 1 + variant.carried + _FLOW_CHANNELS
        self.blocks = nn.ModuleList(
            _Block(
                inputs=later_inputs if index else first_inputs, channels=channels, variant=variant
            )
            for index, channels in enumerate(variant.channels)
        )
        if variant.refines:
            is_parametric = variant.trunk == "prelu_skip"
            self.contextnet = ContextPyramid(is_parametric=is_parametric)
            self.unet = RefinementNet(is_parametric=is_parametric)

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Compute the head's features from 4.7, or the context pyramid where the variant refines.

        Args:
            frame: (1, 3, H, W) float in [0, 1], sides multiples of `pad_multiple`.

        Returns:
            One tensor (1, C, H, W); or four, of H/2 to H/16; or none.
        """
        if self.head is not None:
            return (self.head(frame.clamp(0, 1)),)
        if self.variant.refines:
            return tuple(self.contextnet(frame.clamp(0, 1)))
        return ()

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frames at `timesteps` between two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], sides multiples of `pad_multiple`.
            features: `encode(frame)` of each.
            timesteps: T moments strictly inside (0, 1), in any order.
            quality: flow scale and, where the variant has it, ensemble.

        Returns:
            T frames, flows and masks of H × W. A result does not depend on the other timesteps.

        Raises:
            FrameError: H or W does not divide as the variant needs at this flow scale.
        """
        images = torch.cat(tuple(frames)).clamp(0, 1)
        sources = images
        if self.head is not None:
            sources = torch.cat((images, torch.cat([feature for (feature,) in features])), dim=1)
        timestep = images.new_tensor(timesteps).view(-1, 1, 1, 1)
        flow, mask_logit = self._estimate_motion(sources, timestep, quality)
        warped0, warped1 = _warp_both(images, flow)
        mask = torch.sigmoid(mask_logit)
        merged = warped0 * mask + warped1 * (1 - mask)
        if self.variant.refines:
            contexts = (
                self.contextnet.warp(features[0], flow[:, :2]),
                self.contextnet.warp(features[1], flow[:, 2:]),
            )
            seen = (*images[:, None].expand(-1, len(flow), -1, -1, -1), warped0, warped1)
            correction = self.unet((*seen, mask_logit, flow.to(images.dtype)), *contexts)
            merged = (merged + correction).clamp(0, 1)
        return Interpolation(frames=merged, flow_t0=flow[:, :2], flow_t1=flow[:, 2:], mask=mask)

    def _estimate_motion(
        self, sources: Tensor, timestep: Tensor, quality: Quality, *, doubled: bool | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run the cascade.

        Args:
            sources: (2, C, H, W) both frames, each followed by its features.
            timestep: (T, 1, 1, 1).
            quality: flow scale and ensemble.
            doubled: whether to work at half the resolution; None decides by the motion found.

        Returns:
            (T, 4, H, W) flow into frame0 and frame1 in float32, (T, 1, H, W) mask before sigmoid.
        """
        variant = self.variant
        frame_size = sources.shape[-2:]
        _check_sides(frame_size, variant, quality.flow_scale, doubled=bool(doubled))
        may_double = variant.rechecks_large_motion and doubled is None
        is_ensemble = variant.ensemble and quality.ensemble
        views: tuple[Tensor, Tensor] = (sources[:1], sources[1:])
        flow: Tensor | None = None
        mask: Tensor | None = None
        carried: Tensor | None = None
        for index, (block, scale) in enumerate(zip(self.blocks, variant.scales, strict=True)):
            size = _working_size(frame_size, scale * (2 if doubled else 1), quality.flow_scale)
            if flow is not None:
                views = _warp_both(sources, flow)
            step = block(_arrange(*views, timestep, mask, carried), flow, size)
            if may_double and index == 1 and (is_large := _has_large_motion(step.flow)).any():
                return self._estimate_apart(sources, timestep, quality, is_large)
            # The released code does not repeat the first block's ensemble at doubled scales.
            if is_ensemble and not (doubled and index == 0):
                step = _mean_of_mirrored(step, block, views, timestep, mask, flow, size)
            flow = step.flow if flow is None else flow + step.flow
            mask = mask + step.mask if mask is not None and variant.adds_masks else step.mask
            carried = step.carried
        assert flow is not None
        assert mask is not None
        return flow, mask

    def _estimate_apart(
        self, sources: Tensor, timestep: Tensor, quality: Quality, is_large: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Run the cascade anew, at doubled scales for the timesteps whose motion is large."""
        parts: list[tuple[Tensor, tuple[Tensor, Tensor]]] = []
        for doubled, chosen in ((False, ~is_large), (True, is_large)):
            where = chosen.nonzero().flatten()
            if len(where):
                motion = self._estimate_motion(sources, timestep[where], quality, doubled=doubled)
                parts.append((where, motion))
        order = torch.cat([where for where, _ in parts]).argsort()
        flow = torch.cat([motion[0] for _, motion in parts])
        mask = torch.cat([motion[1] for _, motion in parts])
        return flow[order], mask[order]


class _Motion(NamedTuple):
    """A block's output at the frame's size: (T, 4 | 1 | carried, H, W)."""

    flow: Tensor
    mask: Tensor
    carried: Tensor | None


class _Block(nn.Module):
    """Estimates a correction of the motion at one resolution."""

    def __init__(self, *, inputs: int, channels: int, variant: Variant) -> None:
        super().__init__()
        self.used_outputs = _FLOW_CHANNELS + 1 + variant.carried
        self.has_skip = variant.trunk == "prelu_skip"
        self.conv0 = nn.Sequential(
            _convolution(inputs, channels // 2, stride=2, is_parametric=self.has_skip),
            _convolution(channels // 2, channels, stride=2, is_parametric=self.has_skip),
        )
        self.convblock = nn.Sequential(*(_trunk_layer(channels, variant) for _ in range(8)))
        self.lastconv: nn.Module = nn.ConvTranspose2d(channels, variant.outputs, 4, 2, 1)
        if variant.upsamples_in_block:
            self.lastconv = nn.Sequential(
                nn.ConvTranspose2d(channels, 4 * variant.outputs, 4, 2, 1), nn.PixelShuffle(2)
            )

    def forward(
        self, parts: Sequence[Tensor], flow: Tensor | None, size: tuple[int, int]
    ) -> _Motion:
        """Estimate from `parts` and the flow so far, at a working resolution.

        Args:
            parts: inputs in order, (1 or T, C, H, W), or (T, C, 1, 1) where constant over a frame;
                the first has the frame's size.
            flow: (T, 4, H, W), pixels of the frame.
            size: height and width to work at.
        """
        frame_size = parts[0].shape[-2:]
        batch = max(len(part) for part in parts)
        fitted = [_resize(part, size).expand(batch, -1, *size) for part in parts]
        if flow is not None:
            shrunk = _resize(flow, size) * (size[0] / frame_size[0])
            fitted.append(shrunk.to(parts[0].dtype))
        hidden = self.conv0(torch.cat(fitted, dim=1))
        trunk = self.convblock(hidden)
        raw = self.lastconv(trunk + hidden if self.has_skip else trunk)[:, : self.used_outputs]
        growth = frame_size[0] / raw.shape[-2]
        raw = _resize(raw, frame_size)
        delta = raw[:, :_FLOW_CHANNELS].to(torch.promote_types(raw.dtype, torch.float32)) * growth
        mask = raw[:, _FLOW_CHANNELS : _FLOW_CHANNELS + 1]
        carried = raw[:, _FLOW_CHANNELS + 1 :]
        return _Motion(delta, mask, carried if carried.shape[1] else None)


class _ScaledSkipConv(nn.Module):
    """A convolution whose result is scaled per channel before its input is added."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=groups)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.relu = nn.LeakyReLU(0.2, inplace=True)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.relu(torch.addcmul(inputs, self.conv(inputs), self.beta))
        return result


class _HeadNet(nn.Module):
    """Features of one frame at its own size."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(_IMAGE_CHANNELS, head.width, 3, 2, 1)
        for index in range(1, head.convolutions):
            self.add_module(f"cnn{index}", nn.Conv2d(head.width, head.width, 3, 1, 1))
        upsampling = nn.ConvTranspose2d(head.width, head.channels, 4, 2, 1)
        self.add_module(f"cnn{head.convolutions}", upsampling)
        # The pair of layers of 4.7 to 4.9 was released without an activation between them.
        self.has_activations = head.convolutions > 1

    def forward(self, image: Tensor) -> Tensor:
        first, *others = self.children()
        hidden: Tensor = first(image)
        for layer in others:
            if self.has_activations:
                hidden = functional.leaky_relu(hidden, 0.2, inplace=True)
            hidden = layer(hidden)
        return hidden


def _convolution(inputs: int, outputs: int, *, stride: int, is_parametric: bool) -> nn.Sequential:
    activation = nn.PReLU(outputs) if is_parametric else nn.LeakyReLU(0.2, inplace=True)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), activation)


def _trunk_layer(channels: int, variant: Variant) -> nn.Module:
    if variant.trunk == "residual":
        return _ScaledSkipConv(channels, variant.groups)
    is_parametric = variant.trunk == "prelu_skip"
    return _convolution(channels, channels, stride=1, is_parametric=is_parametric)


def _arrange(
    view0: Tensor, view1: Tensor, timestep: Tensor, mask: Tensor | None, carried: Tensor | None
) -> list[Tensor]:
    """List a block's inputs, but for the flow, in the order that its weights expect."""
    parts = [view0[:, :_IMAGE_CHANNELS], view1[:, :_IMAGE_CHANNELS]]
    if view0.shape[1] > _IMAGE_CHANNELS:
        parts += [view0[:, _IMAGE_CHANNELS:], view1[:, _IMAGE_CHANNELS:]]
    return parts + [part for part in (timestep, mask, carried) if part is not None]


def _mean_of_mirrored(
    step: _Motion,
    block: nn.Module,
    views: tuple[Tensor, Tensor],
    timestep: Tensor,
    mask: Tensor | None,
    flow: Tensor | None,
    size: tuple[int, int],
) -> _Motion:
    """Average `step` with what the block finds with time reversed."""
    parts = _arrange(views[1], views[0], 1 - timestep, None if mask is None else -mask, None)
    mirrored = block(parts, None if flow is None else _swapped(flow), size)
    return _Motion((step.flow + _swapped(mirrored.flow)) / 2, (step.mask - mirrored.mask) / 2, None)


def _swapped(flow: Tensor) -> Tensor:
    """Exchange the flow into frame0 with the flow into frame1."""
    return torch.cat((flow[:, 2:], flow[:, :2]), dim=1)


def _warp_both(sources: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Warp (2, C, H, W) sources by (T, 4, H, W) flow, giving (T, C, H, W) of each."""
    flows = flow.view(len(flow), 2, 2, *flow.shape[-2:]).transpose(0, 1)
    warped0, warped1 = warp_each(sources, flows)
    return warped0, warped1


def _has_large_motion(flow: Tensor) -> Tensor:
    """Tell for each of (T, 4, H, W) whether it moves both frames far: (T,) bool."""
    farthest = flow.reshape(len(flow), 2, -1).abs().amax(dim=2)
    return (farthest > _LARGE_MOTION_PX).all(dim=1)


def _resize(image: Tensor, size: Sequence[int]) -> Tensor:
    """Resize bilinearly; what is constant over the frame stays as it is, to be expanded."""
    if image.shape[-2:] in (tuple(size), (1, 1)):
        return image
    return functional.interpolate(image, tuple(size), mode="bilinear", align_corners=False)


def _working_size(frame_size: Sequence[int], scale: int, flow_scale: float) -> tuple[int, int]:
    height, width = frame_size
    return round(height * flow_scale / scale), round(width * flow_scale / scale)


def _check_sides(
    frame_size: Sequence[int], variant: Variant, flow_scale: float, *, doubled: bool
) -> None:
    multiple = side_multiple(variant, flow_scale, doubled=doubled)
    height, width = frame_size
    if height % multiple or width % multiple:
        raise FrameError(
            f"The padded frame is {width}×{height}: RIFE {variant.versions[0]} at flow scale "
            f"{flow_scale:g} needs sides that are multiples of {multiple}; pad it at the right and "
            "at the bottom."
        )


def _our_name(published: str) -> str:
    """Rename one tensor of a file to that of `Rife`."""
    for theirs, ours in _HEAD_NAMES.items():
        if published.startswith(theirs):
            return ours + published.removeprefix(theirs)
    return _BLOCK_NAME.sub(r"blocks.\1.", published)


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of every variant's tensors, from modules that take no memory."""
    with torch.device("meta"):
        return {
            name: {key: tuple(t.shape) for key, t in Rife(variant=variant).state_dict().items()}
            for name, variant in VARIANTS.items()
        }
