"""TLB-VFI's encoder: features of each frame at six sizes, and a latent of the three together.

How brightness changes over time, in 3D wavelets, says where in the features something happens.
Names of submodules are those of the published checkpoint. Never import bpy here.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from .moments import numbers_like
from .tlbvfi_blocks import (
    ResidualBlock,
    TemporalLayers,
    WindowAttention,
    group_norm,
    norm_each_frame,
)
from .tlbvfi_strips import by_rows

LATENT_CHANNELS = 3
LEVEL_WIDTHS = (64, 64, 128, 128, 128, 256)
"""Channels of a frame's features at its full size, a half, a quarter, and so on to 1/32."""

REDUCTION = 2 ** (len(LEVEL_WIDTHS) - 1)
"""How much smaller than the frame its latent is."""

TEMPORAL_WIDTH = LEVEL_WIDTHS[-1]

_GREY_WEIGHTS = (0.2989, 0.587, 0.114)
_WAVELET_WIDTH = 64
_BANDS = 8
_WAVELET_CHANNELS = 3 * (_BANDS - 1)  # of the detail between two pairs of frames, and of all three


class Encoder(nn.Module):
    """Turns frames into features and the latent that diffusion begins with."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, LEVEL_WIDTHS[0], 3, padding=1)
        self.down = nn.ModuleList(
            _Level(before, after, attends=after == TEMPORAL_WIDTH)
            for before, after in itertools.pairwise(LEVEL_WIDTHS)
        )
        self.mid = TemporalLayers(TEMPORAL_WIDTH)
        self.frequency_extractor = _FrequencyExtractor()
        self.norm_out = group_norm(TEMPORAL_WIDTH)
        self.conv_out = nn.Conv3d(TEMPORAL_WIDTH, LATENT_CHANNELS, 3, padding=1)

    def pyramid(self, frame: Tensor, *, levels: int) -> list[Tensor]:
        """Compute one frame's features, the finest first.

        Args:
            frame: (1, 3, H, W) in [0, 1], sides multiples of 2^levels, or of 256 with all levels.
            levels: how often it is halved, at most 5.

        Returns:
            levels + 1 tensors, (1, `LEVEL_WIDTHS[n]`, H / 2^n, W / 2^n).
        """
        features = [self.full_size(frame)]
        for level in self.down[:levels]:
            features.append(level(features[-1]))
        return features

    def full_size(self, frame: Tensor) -> Tensor:
        """Compute the first of the features alone: (1, 64, H, W)."""
        return by_rows(
            lambda rows: self.conv_in(frame[:, :, rows]), frame, widest=LEVEL_WIDTHS[0], halo=2
        )

    def forward(self, frames: Tensor, coarsest: Tensor) -> Tensor:
        """Relate three frames.

        Args:
            frames: (3, 3, H, W) in [0, 1], sides multiples of 32.
            coarsest: (3, 256, H / 32, W / 32), the last of each one's pyramid.

        Returns:
            (1, 3, 3, H / 32, W / 32): channels, frames, and places.
        """
        hidden = coarsest + self.frequency_extractor(frames).sigmoid() * coarsest
        hidden = self.mid(hidden.transpose(0, 1)[None])
        latent: Tensor = self.conv_out(functional.silu(norm_each_frame(self.norm_out, hidden)))
        return latent


class _Level(nn.Module):
    """Refines features, and halves them."""

    def __init__(self, inputs: int, outputs: int, *, attends: bool) -> None:
        super().__init__()
        self.block = nn.ModuleList([ResidualBlock(inputs, outputs)])
        self.attn = nn.ModuleList([WindowAttention(outputs)] if attends else [])
        self.downsample = nn.ModuleDict({"conv": nn.Conv2d(outputs, outputs, 3, stride=2)})

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (1, outputs, H / 2, W / 2) for (1, inputs, H, W)."""
        hidden = inputs
        for layer in (*self.block, *self.attn):
            hidden = layer(hidden)
        halve = self.downsample["conv"]
        # the kernel lies on each pair and what follows it, so that zeros follow the last
        return by_rows(
            lambda rows: halve(functional.pad(hidden[:, :, rows], (0, 1, 0, 1))),
            hidden,
            widest=hidden.shape[1],
            halo=2,
            ratio=0.5,
        )


class _FrequencyExtractor(nn.Module):
    """Features of what changes between neighbouring pixels and frames, at 1/32 of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(_WAVELET_CHANNELS, _WAVELET_WIDTH, 3, stride=2, padding=1)
        self.Blocks = nn.ModuleList(
            [
                _QuarterBlock(_WAVELET_WIDTH, _WAVELET_WIDTH),
                _QuarterBlock(_WAVELET_WIDTH, TEMPORAL_WIDTH),
            ]
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Return (1, 256, H / 32, W / 32) for three frames (3, 3, H, W)."""
        weights = numbers_like(_GREY_WEIGHTS, frames).view(1, 3, 1, 1)
        grey = (frames * weights).sum(dim=1)[None, None]
        pairs = _wavelets(grey)
        whole = _wavelets(pairs[:, :1])
        hidden: Tensor = torch.cat((pairs[0, 1:].flatten(0, 1), whole[0, 1:].flatten(0, 1)))[None]
        hidden = self.conv_in(hidden)
        for block in self.Blocks:
            hidden = block(hidden)
        return hidden


class _QuarterBlock(nn.Module):
    """Quarters the size by two convolutions of stride 2, beside one of stride 4."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = group_norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)
        self.norm2 = group_norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 5, stride=2, padding=2)
        self.shortcut = nn.Conv2d(inputs, outputs, 5, stride=4, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.conv1(functional.relu(self.norm1(inputs)))
        hidden = self.conv2(functional.relu(self.norm2(hidden)))
        result: Tensor = self.shortcut(inputs) + hidden
        return result


def _wavelets(video: Tensor) -> Tensor:
    """Split (1, 1, T, H, W) into Haar's eight bands over time, height and width.

    Returns:
        (1, 8, T - 1, H, W): sums and differences of neighbours, the sum of all eight first.
    """
    filters = [numbers_like(pair, video) * 0.5**1.5 for pair in ((1.0, 1.0), (-1.0, 1.0))]
    kernels = [torch.einsum("t,h,w->thw", *axes) for axes in itertools.product(filters, repeat=3)]
    # behind the last row and column lies black
    return functional.conv3d(functional.pad(video, (0, 1, 0, 1)), torch.stack(kernels)[:, None])
