"""How TLB-VFI finds motion: a guess from the pictures, refined by the encoder's features.

Names of submodules are those of the published checkpoint. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .ifrnet_blocks import conv_prelu, resize, resize_flow
from .tlbvfi_strips import Rows, by_rows
from .warp import warp

_GUESS_WIDTHS = (240, 150, 90)
_GUESS_SCALES = (4, 2, 1)
_GUESS_CONVOLUTIONS = 8
_FLOW_CHANNELS = 4

REFINED_WIDTHS = (64, 64, 128, 128)
"""Channels of the features that refine flow, at the full size, a half, a quarter and an eighth."""

_STEPS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
_HALO = 8  # seven convolutions of 3×3 in a row, and even
_LEAST_LENGTH = 1e-12


class FlowGuess(nn.Module):
    """Guesses the flow of the middle into both frames, from the pictures, coarse to fine."""

    def __init__(self) -> None:
        super().__init__()
        for index, (width, scale) in enumerate(zip(_GUESS_WIDTHS, _GUESS_SCALES, strict=True)):
            inputs = 6 + (_FLOW_CHANNELS if index else 0)
            self.add_module(f"block{index}", _GuessBlock(inputs, width, scale=scale))

    def forward(self, frame0: Tensor, frame1: Tensor) -> Tensor:
        """Return (1, 4, H / 2, W / 2) flow, in its own pixels, for two frames (1, 3, H, W).

        Sides must be multiples of 16.
        """
        first, *others = self.children()
        flow: Tensor = first(torch.cat((frame0, frame1), dim=1))
        for block in others:
            whole = resize_flow(flow, frame0.shape[-2:])
            warped = (warp(frame0, whole[:, :2]), warp(frame1, whole[:, 2:]))
            flow = flow + block(torch.cat((*warped, whole), dim=1))
        return flow


class _GuessBlock(nn.Module):
    """Corrects the flow from what is seen at one scale; what it is given is only resized."""

    def __init__(self, inputs: int, width: int, *, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.conv0 = nn.Sequential(
            conv_prelu(inputs, width // 2, stride=2), conv_prelu(width // 2, width, stride=2)
        )
        self.convblock = nn.Sequential(
            *(conv_prelu(width, width) for _ in range(_GUESS_CONVOLUTIONS))
        )
        self.conv1 = nn.ConvTranspose2d(width, _FLOW_CHANNELS, 4, 2, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (1, 4, H / 2, W / 2) for (1, inputs, H, W)."""
        height, width = pictures.shape[-2:]
        small = resize(pictures, (height // self.scale, width // self.scale))
        hidden = self.conv0(small)
        change = self.conv1(self.convblock(hidden) + hidden)
        return resize(change, (height // 2, width // 2))


class FlowRefinement(nn.Module):
    """Refines the flow at an eighth, a quarter, a half and the full size, by features."""

    def __init__(self) -> None:
        super().__init__()
        for level, width in enumerate(REFINED_WIDTHS, start=1):
            self.add_module(f"rf_block{level}", _RefinementBlock(width))

    def forward(
        self, flow: Tensor, features0: Sequence[Tensor], features1: Sequence[Tensor]
    ) -> Tensor:
        """Return (1, 4, H, W) flow.

        Args:
            flow: (1, 4, H / 2, W / 2), a guess.
            features0: of frame0, (1, `REFINED_WIDTHS[n]`, H / 2^n, W / 2^n), the finest first.
            features1: of frame1, likewise.
        """
        levels = list(zip(self.children(), features0, features1, strict=True))
        for block, map0, map1 in reversed(levels):
            flow = block(resize_flow(flow, map0.shape[-2:]), map0, map1)
        return flow


class _RefinementBlock(nn.Module):
    """Corrects both flows, from how each frame's features fit the middle's, as far as it is seen.

    Features of the middle are those of both frames, merged where either one is hidden.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.occl_convs = nn.Sequential(
            *_pointwise(2 * width, width), *_pointwise(width, width), nn.Conv2d(width, 1, 1)
        )
        self.corr_convs = nn.Sequential(*_pointwise(len(_STEPS), width), *_pointwise(width, width))
        self.flow_convs = nn.Sequential(*conv_prelu(2, width), *conv_prelu(width, width))
        self.motion_convs = conv_prelu(2 * width, width)
        self.gru = nn.Sequential(*conv_prelu(3 * width + 2, width), *conv_prelu(width, width))
        self.flow_head = nn.Sequential(*conv_prelu(width, width), nn.Conv2d(width, 2, 3, padding=1))

    def forward(self, flow: Tensor, map0: Tensor, map1: Tensor) -> Tensor:
        """Return (1, 4, H, W) flow for a flow of that size and (1, width, H, W) features."""
        maps = (map0, map1)
        edged = [functional.pad(features, (1, 1, 1, 1)) for features in maps]

        def refine(rows: Rows) -> Tensor:
            flows = flow[:, :, rows].chunk(2, dim=1)
            seen = [
                warp(features, part, rows=rows) for features, part in zip(maps, flows, strict=True)
            ]
            weight = self.occl_convs(torch.cat(seen, dim=1)).sigmoid()
            middle = seen[0] * weight + seen[1] * (1 - weight)
            refined = []
            for own, part, around in zip(seen, flows, edged, strict=True):
                likeness = self.corr_convs(_correlation(middle, around, part, rows.start))
                motion = self.motion_convs(torch.cat((likeness, self.flow_convs(part)), dim=1))
                known = torch.cat((middle, own, motion, part), dim=1)
                refined.append(part + self.flow_head(self.gru(known)))
            return torch.cat(refined, dim=1)

        return by_rows(refine, flow, widest=3 * map0.shape[1], halo=_HALO)


def _correlation(middle: Tensor, edged: Tensor, flow: Tensor, first_row: int) -> Tensor:
    """Compare features with what lies around the place that they come from.

    Args:
        middle: (1, C, h, W) some rows.
        edged: (1, C, H + 2, W + 2), a frame's features within an edge of zeros.
        flow: (1, 2, h, W) from the rows to the frame, in pixels.
        first_row: which of the H rows the first of h is.

    Returns:
        (1, 9, h, W) cosines, for the place itself and its eight neighbours, row by row.
    """
    height, width = edged.shape[2] - 2, edged.shape[3] - 2
    rows = torch.arange(first_row, first_row + flow.shape[2], device=flow.device)
    columns = torch.arange(width, device=flow.device)
    # a place beyond the border is the nearest at the border; its neighbours may lie on the edge
    x = (columns + flow[:, 0]).clamp(0, width - 1) + 1
    y = (rows[:, None] + flow[:, 1]).clamp(0, height - 1) + 1
    direction = middle / _length(middle)
    cosines = []
    for dy, dx in _STEPS:
        grid = torch.stack(((x + dx) / (width + 1), (y + dy) / (height + 1)), dim=-1) * 2 - 1
        found = functional.grid_sample(edged, grid, padding_mode="border", align_corners=True)
        cosines.append((direction * found).sum(dim=1, keepdim=True) / _length(found))
    return torch.cat(cosines, dim=1)


def _length(features: Tensor) -> Tensor:
    """Return the length of the vector of channels at every place, (N, 1, h, W)."""
    return (features.square().sum(dim=1, keepdim=True) + _LEAST_LENGTH).sqrt()


def _pointwise(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.PReLU(outputs))
