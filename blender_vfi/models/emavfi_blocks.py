"""Layers of EMA-VFI: the backbone around its attention, motion heads, refinement.

Names of submodules are those of the published checkpoints. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .emavfi_attention import AttentionStage, as_image, as_tokens
from .ifrnet_blocks import FLOW_CHANNELS, as_float32, conv_prelu, resize, resize_flow

HEAD_REDUCTIONS = (16, 8)
"""How much smaller than the frame the features are that each motion head sees, in their order."""

_CONV_LEVELS = 3
_MASK_CHANNELS = 1
_UNSHUFFLED = 4
_PICTURE_CHANNELS = 3


class Features(NamedTuple):
    """What the backbone knows of both frames.

    Attributes:
        appearance: (2, C, h, w) at 1, 1/2, 1/4, 1/8 and 1/16 of the frame's size.
        motion: (2, M, h, w) at 1/8 and 1/16: how each place moves towards the other frame.
    """

    appearance: list[Tensor]
    motion: list[Tensor]


class Backbone(nn.Module):
    """Convolutions on each frame alone, then attention from each frame to the other.

    Args:
        width: channels at full size; each of the four levels below has twice those above it.
        depths: blocks of attention at 1/8 and at 1/16.
    """

    def __init__(self, *, width: int, depths: tuple[int, int]) -> None:
        super().__init__()
        widths = [width << level for level in range(_CONV_LEVELS + len(depths))]
        self.block1 = _ConvBlock(_PICTURE_CHANNELS, widths[0])
        self.patch_embed2 = conv_prelu(widths[0], widths[1], stride=2)
        self.block2 = _ConvBlock(widths[1], widths[1])
        self.patch_embed3 = conv_prelu(widths[1], widths[2], stride=2)
        self.block3 = _ConvBlock(widths[2], widths[2])
        self.patch_embed4 = _CrossScaleEmbedding(widths[:_CONV_LEVELS], widths[3])
        self.block4 = AttentionStage(width=widths[3], depth=depths[0])
        self.norm4 = nn.LayerNorm(widths[3], eps=1e-6)
        self.patch_embed5 = _Embedding(widths[3], widths[4])
        self.block5 = AttentionStage(width=widths[4], depth=depths[1])
        self.norm5 = nn.LayerNorm(widths[4], eps=1e-6)

    def encode(self, frames: Tensor) -> tuple[Tensor, ...]:
        """Compute what depends on one frame alone.

        Args:
            frames: (N, 3, H, W), sides multiples of 16.

        Returns:
            Features at 1, 1/2 and 1/4 of the size, and (N, H/8, W/8, C) tokens.
        """
        full = self.block1(frames)
        half = self.block2(self.patch_embed2(full))
        quarter = self.block3(self.patch_embed3(half))
        return full, half, quarter, self.patch_embed4((full, half, quarter))

    def forward(self, encoded: Sequence[Tensor]) -> Features:
        """Let both frames, as `encode` returns them, know of each other."""
        *levels, tokens = encoded
        eighth, motion8 = self.block4(tokens)
        eighth = as_image(self.norm4(eighth))
        sixteenth, motion16 = self.block5(self.patch_embed5(eighth))
        appearance = [*levels, eighth, as_image(self.norm5(sixteenth))]
        return Features(appearance=appearance, motion=[motion8, motion16])


class MotionHead(nn.Module):
    """Corrects flow and mask with features of one level.

    Args:
        channels: of appearance and of motion features, each.
        width: of the convolutions.
        reduction: how much smaller than the frame the features are.
        is_first: whether no flow is known yet.
    """

    def __init__(self, *, channels: int, width: int, reduction: int, is_first: bool) -> None:
        super().__init__()
        self._enlargement = reduction // _UNSHUFFLED
        known = 2 if is_first else 4
        others = known * _PICTURE_CHANNELS
        others += 0 if is_first else _MASK_CHANNELS + FLOW_CHANNELS
        self.conv = nn.Sequential(
            conv_prelu(4 * channels // _UNSHUFFLED**2 + others, width),
            conv_prelu(width, width),
            conv_prelu(width, FLOW_CHANNELS + _MASK_CHANNELS),
        )

    def forward(
        self, features: Tensor, pictures: Tensor, flow: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Estimate what to add to flow and mask.

        Args:
            features: (T, 4 · channels, h, w) motion and appearance of both frames.
            pictures: (T, C, H, W) frames and, where flow is known, warped frames and mask.
            flow: (T, 4, H, W) in pixels, float32 at least; None for the first head.

        Returns:
            (T, 4, H, W) flow in float32 at least, (T, 1, H, W) mask before its sigmoid.
        """
        size = pictures.shape[-2:]
        small = [side // self._enlargement for side in size]
        # in two steps, whose order of channels is not that of a single one
        unfolded = functional.pixel_shuffle(functional.pixel_shuffle(features, 2), 2)
        parts = [unfolded, resize(pictures, small)]
        if flow is not None:
            parts.append(resize_flow(flow, small).to(features.dtype))
        output = self.conv(torch.cat(parts, dim=1))
        found, mask = output.split((FLOW_CHANNELS, _MASK_CHANNELS), dim=1)
        return resize_flow(as_float32(found), size), resize(mask, size)


class Refinement(nn.Module):
    """U-Net that predicts a correction in [-1, 1] of the blended picture."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        pictures = 4 * _PICTURE_CHANNELS + _MASK_CHANNELS + FLOW_CHANNELS
        self.down0 = _HalvingPair(pictures + 2 * width, 4 * width)
        self.down1 = _HalvingPair(8 * width, 8 * width)
        self.down2 = _HalvingPair(16 * width, 16 * width)
        self.down3 = _HalvingPair(32 * width, 32 * width)
        self.up0 = _doubling(64 * width, 16 * width)
        self.up1 = _doubling(32 * width, 8 * width)
        self.up2 = _doubling(16 * width, 4 * width)
        self.up3 = _doubling(8 * width, 2 * width)
        self.conv = nn.Conv2d(2 * width, _PICTURE_CHANNELS, 3, 1, 1)

    def forward(self, pictures: Tensor, contexts: Iterator[Tensor]) -> Tensor:
        """Predict (T, 3, H, W).

        Args:
            pictures: (T, 17, H, W) frame0, frame1, both warped, mask before its sigmoid, flow.
            contexts: warped appearance of both frames, (T, 2C, h, w) at 1 to 1/16 of the size,
                each made when it is needed.
        """
        hidden = torch.cat((pictures, next(contexts)), dim=1)
        skips: list[Tensor] = []
        downs = (self.down0, self.down1, self.down2, self.down3)
        for down, context in zip(downs, contexts, strict=True):
            skips.append(down(hidden))
            hidden = torch.cat((skips[-1], context), dim=1)
        for up, skip in zip((self.up0, self.up1, self.up2), reversed(skips[:-1]), strict=True):
            hidden = torch.cat((up(hidden), skip), dim=1)
        return torch.sigmoid(self.conv(self.up3(hidden))) * 2 - 1


class _ConvBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(*conv_prelu(inputs, outputs), *conv_prelu(outputs, outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.conv(inputs)
        return result


class _CrossScaleEmbedding(nn.Module):
    """Makes tokens at 1/8 from all levels above, each seen through several dilations."""

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(inputs, widths[0], 3, 2 << step, padding=dilation, dilation=dilation)
            for step, inputs in enumerate(reversed(widths))
            for dilation in range(1, (1 << step) + 1)
        )
        self.proj = nn.Conv2d(widths[0] * len(self.layers), width, 1)
        self.norm = nn.LayerNorm(width)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        seen = [level for step, level in enumerate(reversed(levels)) for _ in range(1 << step)]
        views = [layer(level) for layer, level in zip(self.layers, seen, strict=True)]
        tokens: Tensor = self.norm(as_tokens(self.proj(torch.cat(views, dim=1))))
        return tokens


class _Embedding(nn.Module):
    """Makes tokens of half the size."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, width, 3, 2, 1)
        self.norm = nn.LayerNorm(width)

    def forward(self, image: Tensor) -> Tensor:
        tokens: Tensor = self.norm(as_tokens(self.proj(image)))
        return tokens


class _HalvingPair(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv_prelu(inputs, outputs, stride=2)
        self.conv2 = conv_prelu(outputs, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.conv2(self.conv1(inputs))
        return result


def _doubling(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.PReLU(outputs))
