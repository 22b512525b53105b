"""RIFE 4.x: any moment between two frames from coarse-to-fine flow; never import bpy here.

One cascade of blocks serves every released version from 4.0 to 4.26: they differ in numbers and in
a few choices, which `rife_variants.VARIANTS` holds as values.

Paper: "Real-Time Intermediate Flow Estimation for Video Frame Interpolation", ECCV 2022,
arXiv:2011.06294. The authors publish code and weights under the MIT licence.

Deviations from the released code, none of which changes a float32 result beyond rounding:
    - a batch holds several timesteps of one pair, and each decides for itself whether its motion is
      large (4.0 and 4.1), so that a result does not depend on what it is computed together with;
    - inputs of a block are resized before they are joined, constants are made at their final size,
      and all is computed only where it is read (see `rife_sparse`, and `rife_bands` for the CPU);
    - flows accumulate in float32, also when the networks run in half precision.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..errors import FrameError
from .interface import Interpolation, InterpolationModel, Quality, Shapes
from .matching import matching_variant
from .moments import moments_like
from .rife_bands import BandedMotion, blended, nests
from .rife_blocks import FLOW_CHANNELS, IMAGE_CHANNELS, Block, Correction, HeadNet, suits_bands
from .rife_plain import PlainMotion, swapped, warp_both
from .rife_refine import ContextPyramid, RefinementNet
from .rife_sparse import SparseMotion
from .rife_variants import (
    VARIANTS,
    Variant,
    pad_multiple,
    side_multiple,
    variant_named,
    variant_of_version,
)

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
        self.head = HeadNet(variant.head) if variant.head else None
        first_inputs = 2 * (IMAGE_CHANNELS + (variant.head.channels if variant.head else 0)) + 1
        later_inputs = first_inputs + 1 + variant.carried + FLOW_CHANNELS
        self.blocks = nn.ModuleList(
            Block(
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
            One tensor (1, C, H, W), the picture and its features; or four, of H/2 to H/16; or none.
        """
        if self.head is not None:
            return (self.head(_laid_out(frame.clamp(0, 1))),)
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
        sources = self._sources(frames, features)
        timestep = moments_like(timesteps, sources[0])
        flow, mask_logit = self._estimate_motion(sources, timestep, quality)
        mask = torch.sigmoid(mask_logit)
        if self.variant.refines:
            merged = self._refined(sources, features, flow, mask_logit, mask)
        elif suits_bands(sources[0]):
            merged = blended(sources, flow, mask)
        else:
            warped0, warped1 = warp_both([s[:, :IMAGE_CHANNELS] for s in sources], flow)
            merged = torch.lerp(warped1, warped0, mask)
        return Interpolation(frames=merged, flow_t0=flow[:, :2], flow_t1=flow[:, 2:], mask=mask)

    def _sources(
        self, frames: Sequence[Tensor], features: Sequence[tuple[Tensor, ...]]
    ) -> list[Tensor]:
        """Return what there is to warp of each frame: (1, C, H, W), its picture first."""
        if self.head is not None:
            return [source for (source,) in features]
        return [_laid_out(frame.clamp(0, 1)) for frame in frames]

    def _refined(
        self,
        images: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        flow: Tensor,
        mask_logit: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """Merge the warped images, and let the second network correct the result."""
        warped0, warped1 = warp_both(images, flow)
        merged = torch.lerp(warped1, warped0, mask)
        contexts = (
            self.contextnet.warp(features[0], flow[:, :2]),
            self.contextnet.warp(features[1], flow[:, 2:]),
        )
        seen = (*(image.expand(len(flow), -1, -1, -1) for image in images), warped0, warped1)
        correction: Tensor = self.unet((*seen, mask_logit, flow.to(warped0.dtype)), *contexts)
        return (merged + correction).clamp(0, 1)

    def _estimate_motion(
        self,
        sources: Sequence[Tensor],
        timestep: Tensor,
        quality: Quality,
        *,
        doubled: bool | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Run the cascade.

        Args:
            sources: two frames, each (1, C, H, W) with its features.
            timestep: (T, 1, 1, 1).
            quality: flow scale and ensemble.
            doubled: whether to work at half the resolution; None decides by the motion found.

        Returns:
            (T, 4, H, W) flow into frame0 and frame1 in float32, (T, 1, H, W) mask before sigmoid.
        """
        variant = self.variant
        frame_size = sources[0].shape[-2:]
        _check_sides(frame_size, variant, quality.flow_scale, doubled=bool(doubled))
        may_double = variant.rechecks_large_motion and doubled is None
        is_ensemble = variant.ensemble and quality.ensemble
        factor = (2 if doubled else 1) / quality.flow_scale
        scales = [scale * factor for scale in variant.scales]
        motion = _kind_of_motion(sources[0], scales)(
            sources, timestep, adds_masks=variant.adds_masks
        )
        for index, (block, scale) in enumerate(zip(self.blocks, scales, strict=True)):
            assert isinstance(block, Block)
            size = round(frame_size[0] / scale), round(frame_size[1] / scale)
            is_last = index == len(scales) - 1
            found = motion.correction(block, size, is_last=is_last)
            if may_double and index == 1:
                is_large = (motion.farthest(found) > _LARGE_MOTION_PX).all(dim=1)
                if is_large.any():
                    return self._estimate_apart(sources, timestep, quality, is_large)
            # The released code does not repeat the first block's ensemble at doubled scales.
            if is_ensemble and not (doubled and index == 0):
                mirrored = motion.correction(block, size, is_last=is_last, mirrored=True)
                found = _mean_of_mirrored(found, mirrored)
            motion.add(found)
        return motion.result()

    def _estimate_apart(
        self, sources: Sequence[Tensor], timestep: Tensor, quality: Quality, is_large: Tensor
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


def _kind_of_motion(
    source: Tensor, scales: Sequence[float]
) -> type[PlainMotion | SparseMotion | BandedMotion]:
    """Choose how to know of the motion: three ways to one result."""
    if not nests(scales):
        return PlainMotion
    return BandedMotion if suits_bands(source) else SparseMotion


def _mean_of_mirrored(correction: Correction, mirrored: Correction) -> Correction:
    """Average what a block finds with what it finds with time reversed."""
    return Correction(
        flow=(correction.flow + swapped(mirrored.flow)) / 2,
        mask=(correction.mask - mirrored.mask) / 2,
        carried=None,
    )


def _laid_out(image: Tensor) -> Tensor:
    """Put the channels last where convolutions and bands like it."""
    return image.contiguous(memory_format=torch.channels_last) if suits_bands(image) else image


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
