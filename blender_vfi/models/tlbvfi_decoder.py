"""TLB-VFI's decoder: the latent of the middle and both frames' features become the picture.

At each size, what the latent says looks at what both frames show, as they are and warped to the
middle. Names of submodules are those of the published checkpoint. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .ifrnet_blocks import resize_flow
from .tlbvfi_blocks import (
    ResidualBlock,
    TemporalLayers,
    WindowAttention,
    WindowLayers,
    group_norm,
    norm_and_convolve,
)
from .tlbvfi_encoder import LATENT_CHANNELS, LEVEL_WIDTHS, TEMPORAL_WIDTH
from .tlbvfi_motion import FlowGuess, FlowRefinement
from .tlbvfi_strips import Rows, by_rows, normaliser
from .warp import warp

_WIDTHS = (64, 128, 128, 128, 256)
"""Channels at a half of the frame's size, a quarter, and so on."""

_WARPED_LEVELS = 3  # where features are fine enough for their motion to count
_EXPANSION = 4
_GATE_REDUCTION = 4
_HEAD_WIDTHS = (64, 32)
_CHANNELS_PER_HEAD_GROUP = 4
_MASK_AND_RESIDUAL = 4


class Decoder(nn.Module):
    """Rebuilds the middle from its latent, the features of both frames, and motion."""

    def __init__(self) -> None:
        super().__init__()
        self.flownet = FlowGuess()
        self.refinenet = FlowRefinement()
        self.conv_in = nn.Conv3d(LATENT_CHANNELS, TEMPORAL_WIDTH, 3, padding=1)
        self.mid = TemporalLayers(TEMPORAL_WIDTH, collapses=True)
        befores = (*_WIDTHS[1:], TEMPORAL_WIDTH)
        self.up = nn.ModuleList(
            _Level(before, width, features=features, is_warped=level < _WARPED_LEVELS)
            for level, (before, width, features) in enumerate(
                zip(befores, _WIDTHS, LEVEL_WIDTHS[1:], strict=True)
            )
        )
        self.norm_out = group_norm(_WIDTHS[0])
        self.conv_out = nn.Conv2d(_WIDTHS[0], _HEAD_WIDTHS[0], 3, padding=1)
        self.moduleout = _head()

    def find_motion(
        self,
        frame0: Tensor,
        frame1: Tensor,
        features0: Sequence[Tensor],
        features1: Sequence[Tensor],
    ) -> Tensor:
        """Return (1, 4, H, W) flow of the middle into frame0 and into frame1, in pixels.

        Args:
            frame0: (1, 3, H, W), sides multiples of 16; in [0, 1] if it is a whole frame,
                in [-1, 1] if it is a smaller one.
            frame1: likewise.
            features0: the first four maps of frame0's pyramid.
            features1: of frame1's.
        """
        flow: Tensor = self.refinenet(self.flownet(frame0, frame1), features0, features1)
        return flow

    def forward(
        self,
        latent: Tensor,
        features0: Sequence[Tensor],
        features1: Sequence[Tensor],
        flow: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Decode a latent.

        Args:
            latent: (1, 3, 3, h, w), of the three frames.
            features0: of frame0, at a half of its size, a quarter, ... and 1/32.
            features1: of frame1, likewise.
            flow: (1, 4, 32h, 32w) in pixels.

        Returns:
            (1, 1, 32h, 32w) mask, the weight of the warped frame0; (1, 3, 32h, 32w) what to add
            to the merged frames, in [-1, 1].
        """
        hidden = self.mid(self.conv_in(latent))[:, :, 0]
        flows = []
        for features in features0:
            # halved again and again as released: not the same as one resize
            flow = resize_flow(flow, features.shape[-2:])
            flows.append(flow)
        for index in reversed(range(len(self.up))):
            hidden = self.up[index](hidden, features0[index], features1[index], flows[index])
        hidden = self._make_picture(hidden)
        return torch.sigmoid(hidden[:, 3:]), torch.sigmoid(hidden[:, :3]) * 2 - 1

    def _make_picture(self, hidden: Tensor) -> Tensor:
        """Return the (1, 4, H, W) residual and mask for (1, 64, H, W), before their sigmoid."""
        norms = [layer for layer in self.moduleout if isinstance(layer, nn.GroupNorm)]
        first, *others = [layer for layer in self.moduleout if isinstance(layer, nn.Conv2d)]
        normalise = normaliser(self.norm_out, hidden)
        hidden = by_rows(
            lambda rows: first(self.conv_out(functional.silu(normalise(rows), inplace=True))),
            hidden,
            widest=_HEAD_WIDTHS[0],
            halo=2,
        )
        for norm, convolution in zip(norms, others, strict=True):
            hidden = norm_and_convolve(norm, convolution, hidden, activate=functional.relu)
        return hidden


class _Level(nn.Module):
    """Refines the middle's features, compares them with both frames', and doubles their size."""

    def __init__(self, inputs: int, width: int, *, features: int, is_warped: bool) -> None:
        super().__init__()
        self.block = nn.ModuleList([ResidualBlock(inputs, width)])
        self.attn = nn.ModuleList([WindowAttention(width)] if width == TEMPORAL_WIDTH else [])
        self.cross_attn = _FrameAttention(
            width, context=(4 if is_warped else 2) * features, is_warped=is_warped
        )
        self.upsample = nn.ModuleDict({"conv": nn.Conv2d(width, width, 3, padding=1)})

    def forward(self, hidden: Tensor, map0: Tensor, map1: Tensor, flow: Tensor) -> Tensor:
        """Return (1, width, 2H, 2W).

        Args:
            hidden: (1, inputs, H, W).
            map0: (1, features, H, W) of frame0.
            map1: of frame1.
            flow: (1, 4, H, W), in pixels of this size.
        """
        for layer in (*self.block, *self.attn):
            hidden = layer(hidden)
        hidden = self.cross_attn(hidden, map0, map1, flow)
        convolution = self.upsample["conv"]
        return by_rows(
            lambda rows: convolution(functional.interpolate(hidden[:, :, rows], scale_factor=2)),
            hidden,
            widest=4 * hidden.shape[1],
            halo=2,
            ratio=2,
        )


class _FrameAttention(WindowLayers):
    """Attention from the middle's features to both frames'."""

    def __init__(self, width: int, *, context: int, is_warped: bool) -> None:
        super().__init__(width)
        self._is_warped = is_warped
        self._expanded = _EXPANSION * width
        self.proj_in = _projection(context, width)

    def forward(self, hidden: Tensor, map0: Tensor, map1: Tensor, flow: Tensor) -> Tensor:
        """Write over (1, width, H, W), and return it; the others are as for `_Level`."""
        return self.attend(hidden, self._context(map0, map1, flow))

    def _context(self, map0: Tensor, map1: Tensor, flow: Tensor) -> Tensor:
        expand, gate, project = self.proj_in[:6], self.proj_in[6], self.proj_in[7:]

        def expanded(rows: Rows) -> Tensor:
            parts = [map0[:, :, rows], map1[:, :, rows]]
            if self._is_warped:
                flows = flow[:, :, rows].chunk(2, dim=1)
                parts += [
                    warp(features, part, rows=rows)
                    for features, part in zip((map0, map1), flows, strict=True)
                ]
            result: Tensor = expand(torch.cat(parts, dim=1))
            return result

        hidden = by_rows(expanded, map0, widest=self._expanded, halo=2)
        weights = gate(hidden)
        return by_rows(
            lambda rows: project(hidden[:, :, rows] * weights), hidden, widest=self._expanded
        )


class _Gate(nn.Module):
    """Weighs channels by the means of all of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // _GATE_REDUCTION
        # the first and the last only reshape where they are published
        self.gate = nn.Sequential(
            nn.Identity(),
            nn.Linear(channels, narrow, bias=False),
            nn.SiLU(),
            nn.Linear(narrow, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """Return (1, C, 1, 1) weights for (1, C, H, W)."""
        weights: Tensor = self.gate(hidden.mean(dim=(2, 3)))
        return weights[..., None, None]


def _projection(inputs: int, outputs: int) -> nn.Sequential:
    """Make the inverted bottleneck that turns both frames' features into what is looked at."""
    wide = _EXPANSION * outputs
    return nn.Sequential(
        nn.Conv2d(inputs, wide, 1),
        nn.BatchNorm2d(wide),
        nn.GELU(),
        nn.Conv2d(wide, wide, 3, padding=1, groups=wide),
        nn.BatchNorm2d(wide),
        nn.GELU(),
        _Gate(wide),
        nn.Conv2d(wide, outputs, 1),
        nn.BatchNorm2d(outputs),
    )


def _head() -> nn.Sequential:
    """Make the layers that turn features into a residual and a mask."""
    first, second = _HEAD_WIDTHS
    return nn.Sequential(
        nn.Conv2d(first, first, 3, padding=1),
        nn.GroupNorm(first // _CHANNELS_PER_HEAD_GROUP, first),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, padding=1),
        nn.GroupNorm(second // _CHANNELS_PER_HEAD_GROUP, second),
        nn.ReLU(),
        nn.Conv2d(second, _MASK_AND_RESIDUAL, 3, padding=1),
    )
