"""IFUNet: any moment by flows from a U-Net, a fusion mask, and a second look; no bpy here.

A U-Net with attention sees both frames and estimates their motion in three steps; a network of
dense blocks decides which warped frame to trust; a third network rebuilds the picture that results
once more out of each frame, and mixes.

IFUNet has no paper; its author 98mxr publishes it as a relative of RIFE
(https://github.com/98mxr/IFUNet): "Real-Time Intermediate Flow Estimation for Video Frame
Interpolation", ECCV 2022, arXiv:2011.06294.

Deviations from the released code, of which the first four do not change a float32 result beyond
rounding:
    - a batch holds several timesteps of one pair;
    - the refinement's features of a frame are computed once for both pairs that it belongs to;
    - flows accumulate in float32, also when the networks run in half precision;
    - tensors that only training needs, and enlarging layers of levels other than a block's own, are
      left out;
    - at flow scales other than 1 the size searched at is rounded to what the network can take;
    - the author has no ensemble. Ours runs each block on the frames in both orders and turns the
      second flow round before taking the mean, as RIFE's does; ComfyUI's version does not turn it.

Flows and mask are those that made the first picture: what follows them instead of the picture, such
as alpha, goes without the refinement.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..errors import CheckpointError
from .ifrnet_blocks import resize, resize_flow, warp_both, working_size
from .ifunet_blocks import FeatureNet, FusionNet, MotionBlock, RefineNet
from .interface import Interpolation, InterpolationModel, Quality, Shapes, check_sides
from .matching import check_variant, matching_variant
from .moments import moments_like

__all__ = ["VARIANTS", "IfUnet", "build", "identify", "normalise_state_dict"]

VARIANTS = ("ifunet",)
"""The one network that was released."""

SIDE_MULTIPLE = 32
"""Sides of a frame must divide by this."""

_ENLARGEMENTS = (16, 8, 4)
_CHANNELS = (256, 128, 64)
_WRAPPER_PREFIX = "module."
_PARTS = ("flownet", "fusionnet", "refinenet")
_TRAINING_PREFIXES = ("refinenet.degrad.", "degrad.")
_OUR_PARTS = {
    ".cbam.ChannelGate.mlp.1.": ".attention.channel.0.",
    ".cbam.ChannelGate.mlp.3.": ".attention.channel.2.",
    ".cbam.SpatialGate.spatial.conv.": ".attention.spatial.0.",
    ".cbam.SpatialGate.spatial.bn.": ".attention.spatial.1.",
    **{
        f".block{index}.maskconvx{enlargement}.": f".block{index}.maskconv."
        for index, enlargement in enumerate(_ENLARGEMENTS)
    },
}
_UNUSED_PART = ".maskconvx"


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop what inference does not use and wrappers' prefixes; name attention as we do.

    Keys are those of the one file that others made of the author's three, or of these, each after
    its file's part: "flownet.", "fusionnet." and "refinenet.".
    """
    normalised: dict[str, Tensor] = {}
    for key, tensor in state_dict.items():
        component, dot, rest = key.removeprefix(_WRAPPER_PREFIX).partition(".")
        name = component + dot + rest.removeprefix(_WRAPPER_PREFIX)
        for part, ours in _OUR_PARTS.items():
            name = name.replace(part, ours)
        if not name.startswith(_TRAINING_PREFIXES) and _UNUSED_PART not in name:
            normalised[name] = tensor
    return normalised


def identify(shapes: Shapes) -> str | None:
    """Name the variant that normalised `shapes` belong to; None if they are not IFUNet's.

    Raises:
        CheckpointError: most names are IFUNet's or those of one of its parts, but not all are
            there, or shapes differ.
    """
    _refuse_lone_part(shapes)
    return matching_variant(shapes, _expected_shapes(), family="IFUNet")


def build(variant: str) -> IfUnet:
    """Construct the module in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="IFUNet")
    return IfUnet().eval()


class IfUnet(InterpolationModel):
    """Interpolates any moment by flow, fusion and refinement.

    Runs in float32, float16 and bfloat16. Its flows are float32 whatever it runs in.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flownet = _FlowNet()
        self.fusionnet = FusionNet()
        self.refinenet = RefineNet()

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Compute the features that the refinement warps.

        Args:
            frame: (1, 3, H, W) float in [0, 1], sides multiples of 32.

        Returns:
            One tensor (1, 32, H/4, W/4).
        """
        return (self.refinenet.context0(frame.clamp(0, 1)),)

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frames at `timesteps` between two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], sides multiples of 32.
            features: `encode(frame)` of each.
            timesteps: T moments strictly inside (0, 1), in any order.
            quality: flow scale and ensemble.

        Returns:
            T frames, flows and masks of H × W; flows and masks without the refinement. A result
            does not depend on the other timesteps.

        Raises:
            FrameError: H or W does not divide by 32.
        """
        images = torch.cat(tuple(frames)).clamp(0, 1)
        check_sides(images.shape[-2:], SIDE_MULTIPLE, "IFUNet")
        moment = moments_like(timesteps, images)
        flow = self.flownet(images, moment, quality)
        warped0, warped1 = warp_both(images, flow)
        pair = [_repeated(image, len(flow)) for image in images]
        mask = self.fusionnet((*pair, warped0, warped1), flow)
        merged = warped0 * mask + warped1 * (1 - mask)
        contexts = [_repeated(context[0], len(flow)) for (context,) in features]
        refined = self.refinenet(pair, contexts, merged)
        return Interpolation(
            frames=refined.clamp(0, 1), flow_t0=flow[:, :2], flow_t1=flow[:, 2:], mask=mask
        )


class _FlowNet(nn.Module):
    """Estimates motion in three steps, each from the same features of what it has to see."""

    def __init__(self) -> None:
        super().__init__()
        self.fmap = FeatureNet()
        for index, (channels, size) in enumerate(zip(_CHANNELS, _ENLARGEMENTS, strict=True)):
            self.add_module(f"block{index}", MotionBlock(channels=channels, enlargement=size))

    def forward(self, images: Tensor, moment: Tensor, quality: Quality) -> Tensor:
        """Return (T, 4, H, W) float32 flow into frame0 and frame1.

        Args:
            images: (2, 3, H, W), both frames.
            moment: (T, 1, 1, 1) timesteps.
            quality: flow scale and ensemble.
        """
        flow: Tensor | None = None
        for index in range(len(_ENLARGEMENTS)):
            step = self._step(index, images, moment, flow, quality.flow_scale)
            if quality.ensemble:
                before = None if flow is None else _mirrored(flow)
                other = self._step(index, images.flip(0), 1 - moment, before, quality.flow_scale)
                step = (step + _mirrored(other)) / 2
            flow = step if flow is None else flow + step
        assert flow is not None
        return flow

    def _step(
        self, index: int, images: Tensor, moment: Tensor, flow: Tensor | None, flow_scale: float
    ) -> Tensor:
        """Return what block `index` adds to `flow`, at the frames' size."""
        size = images.shape[-2:]
        searched = working_size(size, flow_scale, multiple=SIDE_MULTIPLE)
        parts = [
            *(_repeated(image, len(moment)) for image in images),
            moment.expand(-1, -1, *size),
            *(() if flow is None else warp_both(images, flow)),
        ]
        seen = resize(torch.cat(parts, dim=1), searched)
        if flow is not None:
            seen = torch.cat((seen, resize_flow(flow, searched).to(seen.dtype)), dim=1)
        found: Tensor = self.get_submodule(f"block{index}")(self.fmap(seen, rises=index + 1))
        return resize_flow(found, size)


def _mirrored(flow: Tensor) -> Tensor:
    """Return (T, 4, H, W) `flow` for the frames in the other order."""
    return torch.cat((flow[:, 2:], flow[:, :2]), dim=1)


def _repeated(image: Tensor, count: int) -> Tensor:
    """Return a (count, C, H, W) view of a (C, H, W) image."""
    return image[None].expand(count, -1, -1, -1)


def _refuse_lone_part(shapes: Shapes) -> None:
    """Say what is missing when the file is one of the author's three."""
    expected = _expected_shapes()["ifunet"]
    for part in _PARTS:
        if shapes and all(f"{part}.{key}" in expected for key in shapes):
            raise CheckpointError(
                f"It is the part {part!r} of IFUNet alone: give the folder that holds all three "
                "files of the checkpoint."
            )


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of the network's tensors, from a module that takes no memory."""
    with torch.device("meta"):
        return {"ifunet": {key: tuple(t.shape) for key, t in IfUnet().state_dict().items()}}
