"""GMFSS Fortuna: any moment between two frames by splatting both forwards; made for animation.

Global matching (`gmflow`) finds the motion at half size, a small network how far to trust it, and
softmax splatting (`splatting`) moves the frames and their features to the moment asked for. A grid
of convolutions merges what arrives. The variant "union" also shows it what RIFE 4.6 makes of the
halved frames.

Splatting pushes pixels of the frames forwards and never asks where a pixel of the new frame looks,
so there are no backward flows and no mask to hand out: `Interpolation` carries pictures alone.

Papers: "Softmax Splatting for Video Frame Interpolation", CVPR 2020, arXiv:2003.05534; "GMFlow:
Learning Optical Flow via Global Matching", CVPR 2022, arXiv:2111.13680. GMFSS itself has no paper;
its authors publish code and weights under the MIT licence (https://github.com/98mxr/GMFSS_Fortuna).

Deviations from the released code, none of which changes a float32 result beyond rounding:
    - a batch holds several timesteps of one pair, whose motion is found once;
    - flows, metrics and splatting stay in float32, also when the networks run in half precision;
    - the precision of matrix products is left as it is, where the released code lowers it for the
      whole process.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import CheckpointError
from . import rife
from .gmflow import REDUCTION, GmFlow
from .interface import Interpolation, InterpolationModel, Quality, Shapes, check_sides
from .matching import check_variant, matching_variant
from .moments import moments_like, numbers_like
from .splatting import softmax_splat
from .warp import warp

VARIANTS = ("base", "union")

_SIDE_MULTIPLE = 2 * REDUCTION
_RIFE_VARIANT = "4.6"
_WRAPPER_PREFIX = "module."
_RIFE_PREFIX = "ifnet."
_BASE_HEAD = "residual_model_head."
_HEAD = "residual_model_head0."
_FEATURES = (64, 128, 192)
_LARGEST_METRIC = 10.0
# a pixel counts as hidden in the other frame when going there and back misses it by more
_RELATIVE_MISS = 0.01
_LEAST_MISS_PX = 0.5


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop wrappers' prefixes; give RIFE's part and the variants' first layer our names.

    Keys are those of the published files, each after its file's part: "flownet.", "metricnet.",
    "feat_ext.", "fusionnet." and "ifnet.".
    """
    normalised: dict[str, Tensor] = {}
    rife_part: dict[str, Tensor] = {}
    for key, tensor in state_dict.items():
        component, dot, rest = key.removeprefix(_WRAPPER_PREFIX).partition(".")
        name = component + dot + rest.removeprefix(_WRAPPER_PREFIX)
        if name.startswith(_RIFE_PREFIX):
            rife_part[rest] = tensor
        else:
            normalised[name.replace(_BASE_HEAD, _HEAD)] = tensor
    for key, tensor in rife.normalise_state_dict(rife_part).items():
        normalised[_RIFE_PREFIX + key] = tensor
    return normalised


def identify(shapes: Shapes) -> str | None:
    """Name the variant whose tensors are exactly those of the normalised `shapes`.

    Returns:
        "base" or "union"; None where the file shares no more than half of its tensors' names with
        either and is thus of another architecture.

    Raises:
        CheckpointError: most names are those of GMFSS or of one of its parts, but tensors are
            missing, left over or of another shape.
    """
    _refuse_lone_part(shapes)
    return matching_variant(
        shapes,
        _expected_shapes(),
        family="GMFSS",
        remedy="Its files are damaged or of two variants; put all those of one variant into a "
        "folder and give that.",
    )


def build(variant: str) -> Gmfss:
    """Construct the module of `variant` in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="GMFSS")
    return Gmfss(has_rife=variant == "union").eval()


class Gmfss(InterpolationModel):
    """Interpolates any moment by splatting both frames and their features to it.

    Runs in float32, float16 and bfloat16.
    """

    def __init__(self, *, has_rife: bool) -> None:
        super().__init__()
        self.flownet = GmFlow()
        self.metricnet = _MetricNet()
        self.feat_ext = _FeatureNet()
        self.fusionnet = _GridNet(pictures=3 if has_rife else 4)
        self.ifnet = rife.build(_RIFE_VARIANT) if has_rife else None

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Compute the features that are splatted later.

        Args:
            frame: (1, 3, H, W) float in [0, 1], sides even.

        Returns:
            (1, 64, H/2, W/2), (1, 128, H/4, W/4) and (1, 192, H/8, W/8).
        """
        return tuple(self.feat_ext(frame.clamp(0, 1)))

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frames at `timesteps` between two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], sides multiples of 64.
            features: `encode(frame)` of each.
            timesteps: T moments strictly inside (0, 1), in any order.
            quality: flow scale; the ensemble setting has no effect.

        Returns:
            T frames of H × W; neither flows nor masks, since frames are moved forwards.

        Raises:
            FrameError: H or W is no multiple of 64.
        """
        check_sides(frames[0].shape[-2:], _SIDE_MULTIPLE, "GMFSS")
        halves = [_scaled(frame.clamp(0, 1), 0.5) for frame in frames]
        flows = self._find_flows(halves[0], halves[1], quality.flow_scale)
        metrics = self.metricnet(halves[0], halves[1], flows)
        moments = moments_like(timesteps, flows)
        arrived = [
            _splat_pyramid((halves[index], *features[index]), distance * flow, distance * metric)
            for index, (distance, flow, metric) in enumerate(
                ((moments, flows[:1], metrics[:1]), (1 - moments, flows[1:], metrics[1:]))
            )
        ]
        pictures = [arrived[0][0], arrived[1][0]]
        if self.ifnet is None:
            stills = [half.expand_as(pictures[0]) for half in halves]
            pictures = [stills[0], *pictures, stills[1]]
        else:
            guess = self.ifnet(
                halves, [self.ifnet.encode(half) for half in halves], timesteps, Quality()
            ).frames
            pictures.insert(1, guess)
        merged = [torch.cat(level, dim=1) for level in zip(*(a[1:] for a in arrived), strict=True)]
        return Interpolation(frames=self.fusionnet(torch.cat(pictures, dim=1), merged).clamp(0, 1))

    def _find_flows(self, half0: Tensor, half1: Tensor, flow_scale: float) -> Tensor:
        """Return (2, 2, H/2, W/2) flows in pixels of the halved frames: to frame1, and back."""
        size = half0.shape[-2:]
        working = [max(round(side * flow_scale / REDUCTION), 1) * REDUCTION for side in size]
        flows: Tensor = self.flownet(*(_resized(half, working) for half in (half0, half1)))
        growth = numbers_like((size[1] / working[1], size[0] / working[0]), flows)
        return _resized(flows, size) * growth.view(1, 2, 1, 1)


class _MetricNet(nn.Module):
    """Says how far each pixel's motion can be trusted, and thus which wins where several land."""

    def __init__(self) -> None:
        super().__init__()
        self.metric_in = nn.Conv2d(14, 64, 3, padding=1)
        self.metric_net1 = _activated_convolution(64)
        self.metric_net2 = _activated_convolution(64)
        self.metric_net3 = _activated_convolution(64)
        self.metric_out = _activated_convolution(2)

    def forward(self, half0: Tensor, half1: Tensor, flows: Tensor) -> Tensor:
        """Judge both directions.

        Args:
            half0: (1, 3, h, w) frame0 in [0, 1].
            half1: (1, 3, h, w) frame1.
            flows: (2, 2, h, w) in pixels, from frame0 to frame1 and back, float32 at least.

        Returns:
            (2, 1, h, w) in [-10, 10], in the dtype of `flows`.
        """
        images = torch.cat((half0, half1)).to(flows.dtype)
        others = warp(images.flip(0), flows, outside="zeros")
        unlike = (images - others).abs().mean(dim=1, keepdim=True)
        height, width = flows.shape[-2:]
        extent = numbers_like(((width - 1) / 2, (height - 1) / 2), flows).view(1, 2, 1, 1)
        parts = (images, -unlike, flows / extent, _is_hidden(flows).to(flows.dtype))
        # both directions stand beside each other as channels, kind by kind
        inputs = torch.cat([part.reshape(1, -1, height, width) for part in parts], dim=1)
        hidden = self.metric_in(inputs.to(half0.dtype))
        for layer in (self.metric_net1, self.metric_net2, self.metric_net3):
            hidden = layer(hidden) + hidden
        metrics = torch.tanh(self.metric_out(hidden).to(flows.dtype)) * _LARGEST_METRIC
        return metrics.view(2, 1, height, width)


class _FeatureNet(nn.Module):
    """Features of one frame at 1/2, 1/4 and 1/8 of its size."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = _two_convolutions(3, _FEATURES[0], stride=2)
        self.block2 = _two_convolutions(_FEATURES[0], _FEATURES[1], stride=2)
        self.block3 = _two_convolutions(_FEATURES[1], _FEATURES[2], stride=2)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        first = self.block1(frame)
        second = self.block2(first)
        return first, second, self.block3(second)


class _GridNet(nn.Module):
    """Merges pictures and features of three sizes into one picture of twice the largest size.

    Layers are named as in the published file: a row for each size, a column for each step.
    """

    def __init__(self, *, pictures: int) -> None:
        super().__init__()
        self.residual_model_head0 = _two_convolutions(3 * pictures, _FEATURES[0])
        for row, channels in enumerate(_FEATURES):
            head = _two_convolutions(2 * channels, channels)
            self.add_module(f"residual_model_head{row + 1}", head)
            for column in (1, 4, 5):
                step = _two_convolutions(channels, channels)
                self.add_module(f"residual_model_{row}{column}", step)
        for row, (larger, smaller) in enumerate(itertools.pairwise(_FEATURES)):
            for column in (0, 1):
                step = _two_convolutions(larger, smaller, stride=2)
                self.add_module(f"downsample_model_{row + 1}{column}", step)
            for column in (4, 5):
                step = _two_convolutions(smaller, larger, is_upsampling=True)
                self.add_module(f"upsample_model_{row}{column}", step)
        self.residual_model_tail = _Tail()

    def forward(self, pictures: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Walk the grid: down twice, straight on, and up twice.

        Args:
            pictures: (T, 9 or 12, h, w).
            features: (T, 128, h, w), (T, 256, h/2, w/2) and (T, 384, h/4, w/4).

        Returns:
            (T, 3, 2h, 2w).
        """
        heads = [self._layer(f"residual_model_head{row + 1}")(features[row]) for row in range(3)]
        nodes = [self.residual_model_head0(pictures) + heads[0]]
        for row in (1, 2):
            nodes.append(self._layer(f"downsample_model_{row}0")(nodes[-1]) + heads[row])
        nodes = [self._straight(row, 1, node) for row, node in enumerate(nodes)]
        for row in (1, 2):
            nodes[row] = nodes[row] + self._layer(f"downsample_model_{row}1")(nodes[row - 1])
        for column in (4, 5):
            nodes = [self._straight(row, column, node) for row, node in enumerate(nodes)]
            for row in (1, 0):
                raised = self._layer(f"upsample_model_{row}{column}")(nodes[row + 1])
                nodes[row] = nodes[row] + raised
        result: Tensor = self.residual_model_tail(nodes[0])
        return result

    def _straight(self, row: int, column: int, node: Tensor) -> Tensor:
        result: Tensor = node + self._layer(f"residual_model_{row}{column}")(node)
        return result

    def _layer(self, name: str) -> nn.Module:
        return self.get_submodule(name)


class _Tail(nn.Module):
    """Turns features into a picture of twice the size."""

    def __init__(self) -> None:
        super().__init__()
        channels = _FEATURES[0]
        self.conv_before_upsample = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU()
        )
        self.upsample = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PixelShuffle(2)
        )
        self.conv_last = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.conv_last(self.upsample(self.conv_before_upsample(inputs)))
        return result


def _activated_convolution(outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.PReLU(), nn.Conv2d(64, outputs, 3, padding=1))


def _two_convolutions(
    inputs: int, outputs: int, *, stride: int = 1, is_upsampling: bool = False
) -> nn.Sequential:
    """Make two convolutions, each after its activation; the first changes size and channels."""
    first: nn.Module = nn.Conv2d(inputs, outputs, 3, stride, 1)
    if is_upsampling:
        first = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)
    return nn.Sequential(nn.PReLU(), first, nn.PReLU(), nn.Conv2d(outputs, outputs, 3, padding=1))


def _splat_pyramid(layers: Sequence[Tensor], flow: Tensor, metric: Tensor) -> list[Tensor]:
    """Move a halved frame and its features to T moments.

    Args:
        layers: (1, 3, h, w), then features of h × w, h/2 × w/2 and h/4 × w/4.
        flow: (T, 2, h, w) in pixels, where each pixel goes.
        metric: (T, 1, h, w).

    Returns:
        The layers, T of each.
    """
    half, *features = layers
    # what has one size moves together
    moved = softmax_splat(torch.cat((half, features[0]), dim=1), flow, metric)
    arrived = [moved[:, : half.shape[1]], moved[:, half.shape[1] :]]
    for scale, feature in zip((0.5, 0.25), features[1:], strict=True):
        arrived.append(softmax_splat(feature, _scaled(flow, scale) * scale, _scaled(metric, scale)))
    return arrived


def _is_hidden(flows: Tensor) -> Tensor:
    """Tell which (2, 1, h, w) pixels the other frame lacks, from flows there and back."""
    backs = flows.flip(0)
    miss = (flows + warp(backs, flows, outside="zeros")).norm(dim=1, keepdim=True)
    length = flows.norm(dim=1, keepdim=True) + backs.norm(dim=1, keepdim=True)
    is_hidden: Tensor = miss > _RELATIVE_MISS * length + _LEAST_MISS_PX
    return is_hidden


def _scaled(image: Tensor, scale: float) -> Tensor:
    return functional.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False)


def _resized(image: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    return functional.interpolate(image, tuple(size), mode="bilinear", align_corners=False)


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of both variants' tensors, from modules that take no memory."""
    with torch.device("meta"):
        return {
            name: {key: tuple(t.shape) for key, t in build(name).state_dict().items()}
            for name in VARIANTS
        }


def _refuse_lone_part(shapes: Shapes) -> None:
    """Say what is missing when the file is one of those that make up a checkpoint of GMFSS."""
    expected = _expected_shapes()["base"]
    for component in ("flownet", "metricnet", "feat_ext", "fusionnet"):
        if shapes and all(f"{component}.{key}" in expected for key in shapes):
            raise CheckpointError(
                f"It is the part {component!r} of GMFSS alone: give the folder that holds all "
                "files of the checkpoint."
            )
