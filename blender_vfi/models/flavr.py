"""FLAVR: the frames between the middle two of four, by 3D convolutions; never import bpy here.

It has no notion of motion: an encoder and a decoder look at four frames as one volume, and the
result is 1, 3 or 7 evenly spaced frames at once. Its gates and the mean that it subtracts are taken
over all of the volume, so that a part of a frame alone gives a slightly different picture.

Paper: "FLAVR: Flow-Agnostic Video Representations for Fast Frame Interpolation", WACV 2023,
arXiv:2012.08512 (2020). The authors publish code under the Apache-2.0 licence.

Deviations from the released code, none of which changes a float32 result beyond rounding: the
picture is clamped to [0, 1], as are the frames that come in.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from ..errors import FrameError, RequestError
from .interface import Interpolation, InterpolationModel, Quality, Shapes
from .matching import check_variant, matching_variant

__all__ = ["VARIANTS", "Flavr", "Variant", "build", "identify", "normalise_state_dict"]

_CONTEXT = 4
_IMAGE_CHANNELS = 3
_WIDTHS = (64, 128, 256, 512)
_FUSED_WIDTH = 64
_SLOPE = 0.2
_SIDE_MULTIPLE = 8
_TIMESTEP_TOLERANCE = 1e-6
_WRAPPER_PREFIX = "module."


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What tells one FLAVR network from another.

    Attributes:
        outputs: how many frames it makes at once, evenly spaced.
        encoder_bias: whether the 3×3×3 convolutions of its encoder have a bias.
    """

    outputs: int
    encoder_bias: bool

    @property
    def timesteps(self) -> tuple[float, ...]:
        """The moments that it makes."""
        return tuple(index / (self.outputs + 1) for index in range(1, self.outputs + 1))


VARIANTS: Mapping[str, Variant] = {
    "2x": Variant(outputs=1, encoder_bias=False),
    "4x": Variant(outputs=3, encoder_bias=True),
    "8x": Variant(outputs=7, encoder_bias=True),
}
"""Every released network by how many times it multiplies the frame rate."""


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the prefix that data-parallel training left; the other names are ours."""
    return {key.removeprefix(_WRAPPER_PREFIX): tensor for key, tensor in state_dict.items()}


def identify(shapes: Shapes) -> str | None:
    """Name the variant that normalised `shapes` belong to; None if they are not FLAVR's.

    Raises:
        CheckpointError: most names are FLAVR's, but not all, or shapes differ.
    """
    return matching_variant(shapes, _expected_shapes(), family="FLAVR")


def build(variant: str) -> Flavr:
    """Construct the module of `variant` in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="FLAVR")
    return Flavr(variant=VARIANTS[variant]).eval()


class Flavr(InterpolationModel):
    """Makes all frames between the middle two of four consecutive ones in one pass."""

    def __init__(self, *, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.encoder = _Encoder(has_bias=variant.encoder_bias)
        self.decoder = nn.ModuleList(
            (
                _SameSize(512, 256),
                _DoubleSize(256 + 256, 128),
                _DoubleSize(128 + 128, 64),
                _SameSize(64 + 64, 64),
                _DoubleSize(64 + 64, 64),
            )
        )
        self.feature_fuse = _Fuse(_CONTEXT * 64, _FUSED_WIDTH)
        self.outconv = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(_FUSED_WIDTH, _IMAGE_CHANNELS * variant.outputs, 7),
        )

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frames at `timesteps` between the second and the third of four frames.

        Args:
            frames: four consecutive ones, each (1, 3, H, W) float in [0, 1], sides multiples of 8.
            features: ignored, as is `quality`: nothing depends on one frame alone.
            timesteps: T of `variant.timesteps`, in any order; all of them cost as much as one.
            quality: see above.

        Returns:
            T frames; no flows and no mask.

        Raises:
            RequestError: there are not four frames, or the network has no frame at a timestep.
            FrameError: H or W is not a multiple of 8.
        """
        chosen = [self._index_of(timestep) for timestep in timesteps]
        if len(frames) != _CONTEXT:
            raise RequestError(
                f"FLAVR was given {len(frames)} frames and needs {_CONTEXT} consecutive ones: two "
                "before and two after the gap; repeat the first or last one at a strip's ends."
            )
        height, width = frames[0].shape[-2:]
        if height % _SIDE_MULTIPLE or width % _SIDE_MULTIPLE:
            raise FrameError(
                f"The padded frame is {width}×{height}: FLAVR needs sides that are multiples of "
                f"{_SIDE_MULTIPLE}; pad it at the right and at the bottom."
            )
        volume = torch.stack(tuple(frames), dim=2).clamp(0, 1)
        return Interpolation(frames=self.make_all(volume)[chosen].clamp(0, 1))

    def make_all(self, volume: Tensor) -> Tensor:
        """Make every frame that the network has, unclamped.

        Args:
            volume: (1, 3, 4, H, W) float in [0, 1], four frames along the third axis.

        Returns:
            (outputs, 3, H, W), in the order of time.
        """
        mean = volume.mean(dim=(2, 3, 4), keepdim=True)
        *skips, hidden = self.encoder(volume - mean)
        for layer, skip in zip(self.decoder, [*reversed(skips), None], strict=True):
            hidden = leaky_relu(layer(hidden), _SLOPE)
            if skip is not None:
                hidden = torch.cat((hidden, skip), dim=1)
        # (1, C, 4, H, W) to (1, 4·C, H, W), one frame's channels after another's
        flat = hidden.transpose(1, 2).flatten(1, 2)
        pictures: Tensor = self.outconv(leaky_relu(self.feature_fuse(flat), _SLOPE))
        return (
            pictures.view(self.variant.outputs, _IMAGE_CHANNELS, *pictures.shape[-2:])
            + mean[0, :, 0]
        )

    def _index_of(self, timestep: float) -> int:
        for index, own in enumerate(self.variant.timesteps):
            if abs(timestep - own) < _TIMESTEP_TOLERANCE:
                return index
        listed = ", ".join(f"{own:g}" for own in self.variant.timesteps)
        raise RequestError(
            f"Timestep {timestep:g} is none that FLAVR {self.variant.outputs + 1}x makes: it makes "
            f"{listed}; choose a multiplier that needs these alone, or another model."
        )


class _Gate(nn.Module):
    """Scales every channel by a weight that the mean of all channels decides."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attn_layer = nn.Sequential(nn.Conv3d(channels, channels, 1), nn.Sigmoid())

    def forward(self, inputs: Tensor) -> Tensor:
        weights: Tensor = self.attn_layer(inputs.mean(dim=(2, 3, 4), keepdim=True))
        return inputs * weights


class _Encoder(nn.Module):
    """Features of the volume at the half, half, quarter, eighth and eighth of its size."""

    def __init__(self, *, has_bias: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(_IMAGE_CHANNELS, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=has_bias),
            nn.ReLU(inplace=True),
        )
        inputs = 64
        for number, width in enumerate(_WIDTHS, start=1):
            stride = 2 if number in (2, 3) else 1
            blocks = (
                _Residual(inputs, width, stride=stride, has_bias=has_bias),
                _Residual(width, width, stride=1, has_bias=has_bias),
            )
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            inputs = width

    def forward(self, volume: Tensor) -> list[Tensor]:
        """Return five tensors (1, C, 4, H', W'), fine to coarse; C is 64, 64, 128, 256, 512."""
        outputs: list[Tensor] = []
        for layer in self.children():
            volume = layer(volume)
            outputs.append(volume)
        return outputs


class _Residual(nn.Module):
    """Two 3×3×3 convolutions and a gate beside a skip; strides are in space alone."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, has_bias: bool) -> None:
        super().__init__()
        strides = (1, stride, stride)
        # single-entry sequences, since published names count the norm that was left out
        self.conv1 = nn.Sequential(nn.Conv3d(inputs, outputs, 3, strides, 1, bias=has_bias))
        self.conv2 = nn.Sequential(nn.Conv3d(outputs, outputs, 3, 1, 1, bias=has_bias))
        self.fg = _Gate(outputs)
        self.downsample: nn.Module = nn.Identity()
        if inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv3d(inputs, outputs, 1, strides, bias=False))

    def forward(self, inputs: Tensor) -> Tensor:
        change = self.fg(self.conv2(relu(self.conv1(inputs))))
        return relu(change + self.downsample(inputs))


class _SameSize(nn.Module):
    """A gated convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv3d(inputs, outputs, 3, 1, 1), _Gate(outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.conv(inputs)
        return result


class _DoubleSize(nn.Module):
    """A gated transposed convolution that doubles height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.upconv = nn.Sequential(
            nn.ConvTranspose3d(inputs, outputs, (3, 4, 4), (1, 2, 2), 1), _Gate(outputs)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.upconv(inputs)
        return result


class _Fuse(nn.Module):
    """Joins the four frames' channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.conv(inputs)
        return result


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of every variant's tensors, from modules that take no memory."""
    with torch.device("meta"):
        return {
            name: {key: tuple(t.shape) for key, t in Flavr(variant=variant).state_dict().items()}
            for name, variant in VARIANTS.items()
        }
