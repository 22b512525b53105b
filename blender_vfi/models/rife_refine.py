"""Second network in files of RIFE 4.0 to 4.4: corrects a blended picture; never import bpy here.

Context features of both frames, warped by the flow that `rife` found, feed a U-Net that predicts
what to add. Kept apart from `rife` since no later version has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from .warp import warp

_WIDTHS: Final = (16, 32, 64, 128)
_PICTURE_CHANNELS: Final = 4 * 3 + 1 + 4


class ContextPyramid(nn.Module):
    """Features of one frame at 1/2, 1/4, 1/8 and 1/16 of its size."""

    def __init__(self, *, is_parametric: bool) -> None:
        super().__init__()
        for level, (inputs, outputs) in enumerate(zip((3, *_WIDTHS), _WIDTHS, strict=False), 1):
            self.add_module(f"conv{level}", _HalvingPair(inputs, outputs, is_parametric))

    def forward(self, frame: Tensor) -> list[Tensor]:
        """Encode (1, 3, H, W) to four levels, fine to coarse."""
        levels: list[Tensor] = []
        hidden = frame
        for layer in self.children():
            hidden = layer(hidden)
            levels.append(hidden)
        return levels

    def warp(self, levels: Sequence[Tensor], flow: Tensor) -> list[Tensor]:
        """Warp a frame's (1, C, ...) levels by (T, 2, H, W) flow in the frame's pixels."""
        warped: list[Tensor] = []
        for level in levels:
            # Halved step by step as released: not the same as one resize to the level's size.
            flow = functional.avg_pool2d(flow, 2) / 2
            warped.append(warp(level.expand(len(flow), -1, -1, -1), flow))
        return warped


class RefinementNet(nn.Module):
    """U-Net that predicts a correction in [-1, 1] of the blended picture."""

    def __init__(self, *, is_parametric: bool) -> None:
        super().__init__()
        self.down0 = _HalvingPair(_PICTURE_CHANNELS, 32, is_parametric)
        self.down1 = _HalvingPair(64, 64, is_parametric)
        self.down2 = _HalvingPair(128, 128, is_parametric)
        self.down3 = _HalvingPair(256, 256, is_parametric)
        self.up0 = _doubling(512, 128, is_parametric)
        self.up1 = _doubling(256, 64, is_parametric)
        self.up2 = _doubling(128, 32, is_parametric)
        self.up3 = _doubling(64, 16, is_parametric)
        self.conv = nn.Conv2d(16, 3, 3, 1, 1)

    def forward(
        self, pictures: Sequence[Tensor], context0: Sequence[Tensor], context1: Sequence[Tensor]
    ) -> Tensor:
        """Predict (T, 3, H, W) from pictures, mask and flow, and each frame's warped context.

        Args:
            pictures: frame0, frame1, both warped, mask before its sigmoid, flow: 17 channels.
            context0: four levels as `ContextPyramid.warp` returns them.
            context1: likewise.
        """
        skips: list[Tensor] = []
        hidden = torch.cat(tuple(pictures), dim=1)
        downs = (self.down0, self.down1, self.down2, self.down3)
        for down, level0, level1 in zip(downs, context0, context1, strict=True):
            hidden = down(hidden)
            skips.append(hidden)
            hidden = torch.cat((hidden, level0, level1), dim=1)
        for up, skip in zip((self.up0, self.up1, self.up2), reversed(skips[:-1]), strict=True):
            hidden = torch.cat((up(hidden), skip), dim=1)
        return torch.sigmoid(self.conv(self.up3(hidden))) * 2 - 1


class _HalvingPair(nn.Module):
    def __init__(self, inputs: int, outputs: int, is_parametric: bool) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, 2, 1), _activation(outputs, is_parametric)
        )
        self.conv2 = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, 1, 1), _activation(outputs, is_parametric)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.conv2(self.conv1(inputs))
        return result


def _doubling(inputs: int, outputs: int, is_parametric: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), _activation(outputs, is_parametric)
    )


def _activation(channels: int, is_parametric: bool) -> nn.Module:
    """Return the parametric activation of 4.0 and 4.1, or the leaky one of 4.2 to 4.4."""
    return nn.PReLU(channels) if is_parametric else nn.LeakyReLU(0.2, inplace=True)
