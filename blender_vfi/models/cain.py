"""CAIN: the middle frame out of one network of channel attention, without flow; no bpy here.

Each 8×8 block of pixels becomes one place with 192 channels, so that a convolution sees far; then
gates over channels, which the mean over the whole frame decides, choose what moves where.

Paper: "Channel Attention Is All You Need for Video Frame Interpolation", AAAI 2020. The authors
publish their code under the MIT licence (https://github.com/myungsub/CAIN).

Deviations from the released code:
    - sides that do not divide are padded before the network instead of inside it, so that each
      frame's mean is taken over its padding too, which lies at the right and at the bottom alone;
      and they are padded to a multiple of 8, which is all that the network needs, instead of 128.
      Frames whose sides are multiples of 128 give the same result;
    - the picture is clamped to [0, 1].
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from ..errors import FrameError, RequestError
from .interface import Interpolation, InterpolationModel, Quality, Shapes
from .matching import check_variant, matching_variant

__all__ = ["VARIANTS", "Cain", "build", "identify", "normalise_state_dict"]

VARIANTS = ("cain",)
"""The one network that the authors released."""

BLOCK_SIDE = 8
"""Sides of a frame must divide by this."""

SMALLEST_SIDE = 2 * BLOCK_SIDE
"""Fewer than two places in a row have no neighbour to mirror at the edge."""

_CHANNELS = 3 * BLOCK_SIDE**2
_GROUPS = 5
_BLOCKS_PER_GROUP = 12
_GATE_REDUCTION = 16
_SLOPE = 0.2
_MIDDLE = 0.5
_TIMESTEP_TOLERANCE = 1e-6

_WRAPPER_PREFIX = "module."
_OUR_PREFIXES = {
    "encoder.interpolate.headConv.": "head.",
    "encoder.interpolate.body.": "groups.",
    "encoder.interpolate.tailConv.": "tail.",
}
_OUR_PARTS = {".conv.": ".", ".conv_du.": ".layers."}
"""A convolution and its mirrored edge are one module here; gates have a plainer name."""


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the prefix that data-parallel training left, and name layers as `Cain` does."""
    return {_our_name(key): tensor for key, tensor in state_dict.items()}


def identify(shapes: Shapes) -> str | None:
    """Name the variant that normalised `shapes` belong to; None if they are not CAIN's.

    Raises:
        CheckpointError: most names are CAIN's, but not all, or shapes differ.
    """
    return matching_variant(shapes, _expected_shapes(), family="CAIN")


def build(variant: str) -> Cain:
    """Construct the module in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="CAIN")
    return Cain().eval()


class Cain(InterpolationModel):
    """Makes the frame in the middle of two, and no other. Meant for float32."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(2 * _CHANNELS, _CHANNELS, 3, padding=1)
        self.groups = nn.Sequential(*(_Group() for _ in range(_GROUPS)))
        self.tail = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1)

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frame in the middle of two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], sides multiples of 8 and 16 or more.
            features: ignored, as is `quality`: nothing worth keeping depends on one frame alone.
            timesteps: 0.5, T times; the work is done once.
            quality: see above.

        Returns:
            T frames; no flows and no mask.

        Raises:
            RequestError: a timestep is not 0.5.
            FrameError: H or W is below 16 or not a multiple of 8.
        """
        for timestep in timesteps:
            _check_timestep(timestep)
        _check_sides(frames[0].shape[-2:])
        means = [frame.mean(dim=(2, 3), keepdim=True) for frame in frames]
        centred = [frame - mean for frame, mean in zip(frames, means, strict=True)]
        middle = self.make_middle(centred[0], centred[1]) + (means[0] + means[1]) / 2
        return Interpolation(frames=middle.clamp(0, 1).expand(len(timesteps), -1, -1, -1))

    def make_middle(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """Make the middle of two frames from which their means were taken, unclamped.

        Args:
            frame0: (N, 3, H, W) float, sides multiples of 8 and 16 or more.
            frame1: likewise.

        Returns:
            (N, 3, H, W) without the mean.
        """
        places = [pixel_unshuffle(frame, BLOCK_SIDE) for frame in (frame0, frame1)]
        hidden = self.head(torch.cat(places, dim=1))
        return pixel_shuffle(self.tail(hidden + self.groups(hidden)), BLOCK_SIDE)


class _Group(nn.Module):
    """Blocks one after another, and a convolution, beside a skip."""

    def __init__(self) -> None:
        super().__init__()
        blocks = (_Block() for _ in range(_BLOCKS_PER_GROUP))
        self.body = nn.Sequential(*blocks, _mirrored_convolution())

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = inputs + self.body(inputs)
        return result


class _Block(nn.Module):
    """Two convolutions and a gate beside a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _mirrored_convolution(), nn.LeakyReLU(_SLOPE), _mirrored_convolution(), _Gate()
        )

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = inputs + self.body(inputs)
        return result


class _Gate(nn.Module):
    """Scales every channel by a weight that the means of all channels decide."""

    def __init__(self) -> None:
        super().__init__()
        narrow = _CHANNELS // _GATE_REDUCTION
        self.layers = nn.Sequential(
            nn.Conv2d(_CHANNELS, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, _CHANNELS, 1)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        weights = torch.sigmoid(self.layers(inputs.mean(dim=(2, 3), keepdim=True)))
        return inputs * weights


def _mirrored_convolution() -> nn.Conv2d:
    return nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, padding_mode="reflect")


def _our_name(published: str) -> str:
    name = published.removeprefix(_WRAPPER_PREFIX)
    for prefix, ours in _OUR_PREFIXES.items():
        if name.startswith(prefix):
            name = ours + name.removeprefix(prefix)
            for part, our_part in _OUR_PARTS.items():
                name = name.replace(part, our_part)
            return name
    return name


def _check_timestep(timestep: float) -> None:
    if abs(timestep - _MIDDLE) > _TIMESTEP_TOLERANCE:
        raise RequestError(
            f"CAIN makes the middle between two frames alone, and was asked for timestep "
            f"{timestep:g}: ask for 0.5, and for others between its results, or choose a model for "
            "any moment."
        )


def _check_sides(size: Sequence[int]) -> None:
    height, width = size
    if height % BLOCK_SIDE or width % BLOCK_SIDE or min(height, width) < SMALLEST_SIDE:
        raise FrameError(
            f"The padded frame is {width}×{height}: CAIN needs sides that are multiples of "
            f"{BLOCK_SIDE} and at least {SMALLEST_SIDE}; pad it at the right and at the bottom."
        )


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of the network's tensors, from a module that takes no memory."""
    with torch.device("meta"):
        return {"cain": {key: tuple(t.shape) for key, t in Cain().state_dict().items()}}
