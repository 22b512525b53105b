"""FILM: frames with large motion, from flow found on shared features; never import bpy here.

Features of both frames come from one network that is run on every level of an image pyramid, so
that a fast object at full size and a slow one at a coarse level look alike. Motion is refined from
coarse to fine in both directions; a U-Net fuses both frames' warped images and features.

Paper: "FILM: Frame Interpolation for Large Motion", ECCV 2022, arXiv:2202.04901. The authors
publish code and weights under the Apache-2.0 licence. Their three trainings (L1, VGG, Style) share
this one architecture.

Deviations from the released code, none of which changes a float32 result beyond rounding:
    - a batch holds several timesteps of one pair, which share features and flows;
    - flows accumulate in float32, also when the networks run in half precision;
    - the picture is clamped to [0, 1], as are the frames that come in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad

from ..errors import FrameError
from .interface import Interpolation, InterpolationModel, Quality, Shapes
from .matching import check_variant, matching_variant
from .moments import moments_like
from .warp import warp, warp_each

__all__ = ["VARIANTS", "Film", "build", "identify", "normalise_state_dict"]

VARIANTS = ("film",)
"""The one architecture that all published weights share."""

_IMAGE_CHANNELS = 3
_FLOW_CHANNELS = 2
_PYRAMID_LEVELS = 7
_FUSED_LEVELS = 5
_FEATURE_CHANNELS = (64, 128, 256, 512)
# width and number of 3×3 convolutions of the flow estimators of levels 0, 1 and 2, which have one
# each, and of the one that all coarser levels share
_FLOW_WIDTHS = (32, 64, 128, 256)
_FLOW_CONVOLUTIONS = 3
_FUSION_CHANNELS = (64, 128, 256, 512)
_SMALLEST_SIDE = 1 << (_PYRAMID_LEVELS - 1)

_WRAPPER_PREFIX = "module."
_OUR_PREFIXES = {
    "extract.extract_sublevels.convs.": "features.levels.",
    "predict_flow._predictors.0._convs.": "motion.estimators.2.",
    "predict_flow._predictors.1._convs.": "motion.estimators.1.",
    "predict_flow._predictors.2._convs.": "motion.estimators.0.",
    "predict_flow._predictor._convs.": "motion.estimators.3.",
    "fuse.convs.": "fusion.steps.",
    "fuse.output_conv.": "fusion.output.",
}
"""Published names list the estimators from coarse to fine; ours go by level."""


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the wrapper's prefix, and name networks as `Film` does; unknown names stay."""
    return {
        _our_name(key.removeprefix(_WRAPPER_PREFIX)): tensor for key, tensor in state_dict.items()
    }


def identify(shapes: Shapes) -> str | None:
    """Name the variant that normalised `shapes` belong to; None if they are not FILM's.

    Raises:
        CheckpointError: most names are FILM's, but not all, or shapes differ.
    """
    return matching_variant(shapes, _expected_shapes(), family="FILM")


def build(variant: str) -> Film:
    """Construct the module in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="FILM")
    return Film().eval()


class Film(InterpolationModel):
    """Interpolates by fusing both frames, warped to the moment, at five resolutions.

    It takes any timestep by scaling its flows, though it was trained on the middle alone. It
    blends by a network instead of a mask, so that its flows are reported without one. Runs in
    float32, float16 and bfloat16.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = _FeatureNet()
        self.motion = _MotionNet()
        self.fusion = _FusionNet()

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Compute the feature pyramid of one frame.

        Args:
            frame: (1, 3, H, W) float in [0, 1], both sides 64 or more.

        Returns:
            Seven tensors (1, C, H / 2^level, W / 2^level), fine to coarse; C is 64, 192, 448, then
            960.

        Raises:
            FrameError: a side is below 64.
        """
        height, width = frame.shape[-2:]
        if min(height, width) < _SMALLEST_SIDE:
            raise FrameError(
                f"The padded frame is {width}×{height}: FILM halves it six times and needs sides "
                f"of {_SMALLEST_SIDE} or more; pad it at the right and at the bottom."
            )
        return tuple(self.features(_pyramid(frame.clamp(0, 1), _PYRAMID_LEVELS)))

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frames at `timesteps` between two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], both sides 64 or more; multiples of 64
                lose nothing at the coarse levels.
            features: `encode(frame)` of each.
            timesteps: T moments strictly inside (0, 1), in any order.
            quality: ignored; FILM searches motion at all resolutions as it is.

        Returns:
            T frames, and the flows (T, 2, H, W) float32 that warped the frames at full size;
            no mask. A result does not depend on the other timesteps.
        """
        # A frame's flow into the other one, shortened to the part of the way that lies between,
        # serves as the moment's own: motion is taken to be linear and locally alike.
        flows = self.motion(features)[:_FUSED_LEVELS]
        timestep = moments_like(timesteps, flows[0])
        moment_flows = [
            torch.stack((flow[1] * timestep, flow[0] * (1 - timestep))) for flow in flows
        ]
        images = [_pyramid(frame.clamp(0, 1), _FUSED_LEVELS) for frame in frames]

        def aligned(level: int) -> list[Tensor]:
            sources = [(images[side][level], features[side][level]) for side in (0, 1)]
            return _align(sources, moment_flows[level])

        picture = self.fusion(aligned)
        return Interpolation(
            frames=picture.clamp(0, 1), flow_t0=moment_flows[0][0], flow_t1=moment_flows[0][1]
        )


class _FeatureNet(nn.Module):
    """Runs one short network down from every level, and joins what lies at the same resolution."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (_IMAGE_CHANNELS, *_FEATURE_CHANNELS)
        self.levels = nn.ModuleList(
            nn.Sequential(_convolution(before, width), _convolution(width, width))
            for before, width in zip(inputs, _FEATURE_CHANNELS, strict=False)
        )

    def forward(self, images: Sequence[Tensor]) -> list[Tensor]:
        """Return features (N, C, H, W) for every one of `images`, fine to coarse."""
        joined: list[list[Tensor]] = [[] for _ in images]
        # the weights that follow expect what went through fewer of our levels first
        for start in reversed(range(len(images))):
            hidden = images[start]
            for depth, (level, parts) in enumerate(zip(self.levels, joined[start:], strict=False)):
                hidden = level(avg_pool2d(hidden, 2) if depth else hidden)
                parts.append(hidden)
        return [torch.cat(parts, dim=1) for parts in joined]


class _MotionNet(nn.Module):
    """Finds the flow between two feature pyramids, coarse to fine, in both directions at once."""

    def __init__(self) -> None:
        super().__init__()
        self.estimators = nn.ModuleList(
            _flow_estimator(2 * sum(_FEATURE_CHANNELS[: level + 1]), width)
            for level, width in enumerate(_FLOW_WIDTHS)
        )

    def forward(self, features: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Estimate from the (1, C, H, W) features of both frames, fine to coarse.

        One direction after the other: both at once would hold twice the features.

        Returns:
            For each level (2, 2, H, W) in its pixels, float32 at least: where each frame looks in
            the other.
        """
        first, second = features
        ways = zip(self._one_way(first, second), self._one_way(second, first), strict=True)
        return [torch.cat(pair) for pair in ways]

    def _one_way(self, own: Sequence[Tensor], other: Sequence[Tensor]) -> list[Tensor]:
        """Return for each level (1, 2, H, W): where one frame looks in the other."""
        flows: list[Tensor] = []
        for level in reversed(range(len(own))):
            estimate = self.estimators[min(level, len(self.estimators) - 1)]
            seen, flow = other[level], None
            if flows:
                flow = _resize_bilinear(2 * flows[-1], own[level].shape[-2:])
                seen = warp(seen, flow, align_corners=False)
            change = estimate(torch.cat((own[level], seen), dim=1))
            change = change.to(torch.promote_types(change.dtype, torch.float32))
            flows.append(change if flow is None else flow + change)
        return flows[::-1]


class _FusionNet(nn.Module):
    """Makes the picture from what lies aligned at each resolution, coarse to fine."""

    def __init__(self) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        coarser = _aligned_channels(_FUSED_LEVELS - 1)
        for level in reversed(range(_FUSED_LEVELS - 1)):
            width = _FUSION_CHANNELS[level]
            steps.append(
                nn.Sequential(
                    nn.Sequential(nn.Conv2d(coarser, width, 2)),
                    _convolution(_aligned_channels(level) + width, width),
                    _convolution(width, width),
                )
            )
            coarser = width
        self.steps = nn.ModuleList(steps)
        self.output = nn.Conv2d(coarser, _IMAGE_CHANNELS, 1)

    def forward(self, aligned: Callable[[int], list[Tensor]]) -> Tensor:
        """Return the picture (T, 3, H, W).

        Args:
            aligned: gives the parts (T, C, H, W) of a level, 0 the finest; asked for once, and when
                they are needed, since those of the finest take more than all that was before.
        """
        hidden = torch.cat(aligned(len(self.steps)), dim=1)
        for level, step in zip(reversed(range(len(self.steps))), self.steps, strict=True):
            enlarge, *merge = step.children()
            parts = aligned(level)
            hidden = interpolate(hidden, parts[0].shape[-2:], mode="nearest")
            # an even kernel keeps the size if one row and column of zeros follow
            parts.append(enlarge(pad(hidden, (0, 1, 0, 1))))
            hidden = torch.cat(parts, dim=1)
            parts.clear()
            for convolution in merge:
                hidden = convolution(hidden)
        picture: Tensor = self.output(hidden)
        return picture


def _convolution(inputs: int, outputs: int, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2), nn.LeakyReLU(0.2, inplace=True)
    )


def _flow_estimator(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        _convolution(inputs, width),
        *(_convolution(width, width) for _ in range(_FLOW_CONVOLUTIONS - 1)),
        _convolution(width, width // 2, size=1),
        nn.Sequential(nn.Conv2d(width // 2, _FLOW_CHANNELS, 1)),
    )


def _aligned_channels(level: int) -> int:
    """Return the channels of both frames' warped images, features and flows at one level."""
    feature_channels = sum(_FEATURE_CHANNELS[: level + 1])
    return 2 * (_IMAGE_CHANNELS + feature_channels + _FLOW_CHANNELS)


def _align(sources: Sequence[Sequence[Tensor]], flows: Tensor) -> list[Tensor]:
    """Warp both frames' (1, C, H, W) sources by (2, T, 2, H, W) flows; the flows come last."""
    warped = [
        warp_each(source, flow[None], align_corners=False)[0]
        for frame_sources, flow in zip(sources, flows, strict=True)
        for source in frame_sources
    ]
    return [*warped, *flows.to(warped[0].dtype)]


def _pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """Return `image` and its halvings, fine to coarse."""
    images = [image]
    while len(images) < levels:
        images.append(avg_pool2d(images[-1], 2))
    return images


def _resize_bilinear(image: Tensor, size: Sequence[int]) -> Tensor:
    return interpolate(image, tuple(size), mode="bilinear", align_corners=False)


def _our_name(published: str) -> str:
    for theirs, ours in _OUR_PREFIXES.items():
        if published.startswith(theirs):
            return ours + published.removeprefix(theirs)
    return published


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of the module's tensors, from one that takes no memory."""
    with torch.device("meta"):
        tensors = Film().state_dict()
    return {"film": {key: tuple(tensor.shape) for key, tensor in tensors.items()}}
