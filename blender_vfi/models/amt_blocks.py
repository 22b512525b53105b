"""Layers of AMT: the encoder of what is correlated, and the updates that correlation drives.

Names of submodules are those of the published checkpoints. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .ifrnet_blocks import FLOW_CHANNELS

CORRELATION_LEVELS = 4
CORRELATION_RADIUS = 3
CORRELATION_CHANNELS = 2 * CORRELATION_LEVELS * (2 * CORRELATION_RADIUS + 1) ** 2
"""Both directions, all levels, a square window around each position."""

_FLOW_KERNEL = 7
_SLOPE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderWidths:
    """Channels of the encoder of what is correlated.

    Attributes:
        stem: of the first convolution.
        stages: of the results of its three stages.
        outputs: of the features.
        has_bottlenecks: whether a residual block narrows to a quarter of its width inside.
        is_deep: whether the third stage has two more blocks.
    """

    stem: int
    stages: tuple[int, int, int]
    outputs: int
    has_bottlenecks: bool = False
    is_deep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateWidths:
    """Channels inside an update.

    Attributes:
        correlation: of the convolutions on the similarities, one or two.
        flow: of the two convolutions on the flow.
        motion: of what both are joined to.
        hidden: of all that follows.
    """

    correlation: tuple[int, ...]
    flow: tuple[int, int]
    motion: int
    hidden: int


class CorrelationEncoder(nn.Module):
    """Features of a frame at an eighth of its size, normalised for each frame by itself."""

    def __init__(self, *, widths: EncoderWidths) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths.stem, 7, 2, 3)
        block = _Bottleneck if widths.has_bottlenecks else _BasicBlock
        inputs = widths.stem
        for index, width in enumerate(widths.stages, start=1):
            first = block(inputs=inputs, width=width, stride=1 if index == 1 else 2)
            second = block(inputs=width, width=width, stride=1)
            self.add_module(f"layer{index}", nn.Sequential(first, second))
            inputs = width
        if widths.is_deep:
            self.layer3_2 = nn.Sequential(
                *(block(inputs=inputs, width=inputs, stride=1) for _ in range(2))
            )
        self.conv2 = nn.Conv2d(inputs, widths.outputs, 1)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the (N, outputs, H/8, W/8) features of (N, 3, H, W) frames."""
        first, *stages, last = self.children()
        hidden = _normalised(first(frames))
        for stage in stages:
            hidden = stage(hidden)
        features: Tensor = last(hidden)
        return features


class _Residual(nn.Module):
    """Convolutions, each normalised and rectified, with a skip around them."""

    def __init__(
        self, *, inputs: int, width: int, stride: int, layers: Sequence[nn.Conv2d]
    ) -> None:
        super().__init__()
        for index, layer in enumerate(layers, start=1):
            self.add_module(f"conv{index}", layer)
        self.convolutions = len(layers)
        # a sequence of one, since the published names have an index
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, width, 1, stride)) if stride != 1 else None
        )

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = inputs
        for index in range(1, self.convolutions + 1):
            hidden = _normalised(self.get_submodule(f"conv{index}")(hidden))
        if self.downsample is not None:
            inputs = functional.instance_norm(self.downsample(inputs))
        return torch.relu(inputs + hidden)


class _BasicBlock(_Residual):
    def __init__(self, *, inputs: int, width: int, stride: int) -> None:
        layers = (nn.Conv2d(inputs, width, 3, stride, 1), nn.Conv2d(width, width, 3, 1, 1))
        super().__init__(inputs=inputs, width=width, stride=stride, layers=layers)


class _Bottleneck(_Residual):
    def __init__(self, *, inputs: int, width: int, stride: int) -> None:
        inside = width // 4
        layers = (
            nn.Conv2d(inputs, inside, 1),
            nn.Conv2d(inside, inside, 3, stride, 1),
            nn.Conv2d(inside, width, 1),
        )
        super().__init__(inputs=inputs, width=width, stride=stride, layers=layers)


class MotionUpdate(nn.Module):
    """Corrects flow and features of one level by what the similarities say."""

    def __init__(self, *, features: int, widths: UpdateWidths) -> None:
        super().__init__()
        first, *second = widths.correlation
        self.convc1 = nn.Conv2d(CORRELATION_CHANNELS, first, 1)
        self.convc2 = nn.Conv2d(first, second[0], 3, 1, 1) if second else None
        self.convf1 = nn.Conv2d(FLOW_CHANNELS, widths.flow[0], _FLOW_KERNEL, 1, _FLOW_KERNEL // 2)
        self.convf2 = nn.Conv2d(*widths.flow, 3, 1, 1)
        joined = widths.correlation[-1] + widths.flow[1]
        self.conv = nn.Conv2d(joined, widths.motion, 3, 1, 1)
        known = widths.motion + FLOW_CHANNELS + features
        self.gru = _two_convolutions(known, widths.hidden, widths.hidden)
        self.feat_head = _two_convolutions(widths.hidden, widths.hidden, features)
        self.flow_head = _two_convolutions(widths.hidden, widths.hidden, FLOW_CHANNELS)

    def forward(self, features: Tensor, flow: Tensor, correlation: Tensor) -> tuple[Tensor, Tensor]:
        """Return what to add to features and flow.

        Args:
            features: (T, C, H, W).
            flow: (T, 4, H, W) in pixels of that size.
            correlation: (T, CORRELATION_CHANNELS, H, W).
        """
        similar = _leaky(self.convc1(correlation))
        if self.convc2 is not None:
            similar = _leaky(self.convc2(similar))
        moved = _leaky(self.convf2(_leaky(self.convf1(flow))))
        motion = _leaky(self.conv(torch.cat((similar, moved), dim=1)))
        hidden = self.gru(torch.cat((motion, flow, features), dim=1))
        return self.feat_head(hidden), self.flow_head(hidden)


def _two_convolutions(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, width, 3, 1, 1),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(width, outputs, 3, 1, 1),
    )


def _normalised(hidden: Tensor) -> Tensor:
    return torch.relu(functional.instance_norm(hidden))


def _leaky(hidden: Tensor) -> Tensor:
    return functional.leaky_relu(hidden, _SLOPE)
