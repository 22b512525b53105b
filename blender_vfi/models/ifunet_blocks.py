"""Layers of IFUNet: features by a U-Net with attention, motion, fusion, refinement.

Names of submodules are those of the published checkpoints, but for the attention's. Never import
bpy here. Every (N, 4, H, W) flow looks into frame0 with its first two channels, into frame1 with
the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pad

from .ifrnet_blocks import as_float32, conv_prelu, resize, resize_flow
from .warp import warp

FLOW_CHANNELS = 4
FEATURE_INPUTS = 17
"""Two frames, two warped frames, the timestep, and the flow so far."""

_FIRST_INPUTS = 7
_WIDTH = 256
_GATE_REDUCTION = 16
_SLOPE = 0.2
_RESIDUAL_SCALE = 0.2
_REFINED_AT = (4, 2, 1)
_LARGEST_LOGIT = 4.0


class FeatureNet(nn.Module):
    """What both frames show together, at 1/16, 1/8 or 1/4 of their size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(
            nn.Conv2d(_FIRST_INPUTS, FEATURE_INPUTS, 1), nn.PReLU(FEATURE_INPUTS)
        )
        widths = (FEATURE_INPUTS, *(_WIDTH * 2**power // 8 for power in range(5)))
        for level in range(1, 6):
            down = _Down(widths[level - 1], widths[level], attends=level > 1)
            self.add_module(f"conv{level}", down)
        for level in range(5, 2, -1):
            up = _Up(widths[level], widths[level - 1], attends=level == 5)
            self.add_module(f"deconv{level}", up)

    def forward(self, inputs: Tensor, *, rises: int) -> Tensor:
        """Return the features of (N, 7 or 17, H, W) inputs, sides multiples of 32.

        Args:
            inputs: without or with warped frames and flow.
            rises: how often to double the size on the way up from 1/32: 1, 2 or 3.
        """
        hidden = self.conv0(inputs) if inputs.shape[1] == _FIRST_INPUTS else inputs
        levels: list[Tensor] = []
        for level in range(1, 6):
            hidden = self.get_submodule(f"conv{level}")(hidden)
            levels.append(hidden)
        for level in range(5, 5 - rises, -1):
            hidden = self.get_submodule(f"deconv{level}")(hidden, levels[level - 2])
        return hidden


class _Down(nn.Module):
    """Halves the size."""

    def __init__(self, inputs: int, outputs: int, *, attends: bool) -> None:
        super().__init__()
        self.conv1 = conv_prelu(inputs, outputs, stride=2)
        self.conv2 = conv_prelu(outputs, outputs)
        self.attention = _Attention(outputs) if attends else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.attention(self.conv2(self.conv1(inputs)))
        return result


class _Up(nn.Module):
    """Doubles the size, and joins what was seen there on the way down."""

    def __init__(self, inputs: int, outputs: int, *, attends: bool) -> None:
        super().__init__()
        half = inputs // 2
        self.deconv = nn.Sequential(nn.ConvTranspose2d(inputs, half, 4, 2, 1), nn.PReLU(half))
        self.conv1 = conv_prelu(inputs, half)
        self.conv2 = conv_prelu(half, outputs)
        self.attention = _Attention(outputs) if attends else nn.Identity()

    def forward(self, inputs: Tensor, skip: Tensor) -> Tensor:
        joined = torch.cat((self.deconv(inputs), skip), dim=1)
        result: Tensor = self.attention(self.conv2(self.conv1(joined)))
        return result


class _Attention(nn.Module):
    """Scales channels by what is in the whole frame, then places by what is around them.

    Paper: "CBAM: Convolutional Block Attention Module", 2018, arXiv:1807.06521.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // _GATE_REDUCTION
        self.channel = nn.Sequential(
            nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels)
        )
        self.spatial = nn.Sequential(nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1))

    def forward(self, inputs: Tensor) -> Tensor:
        logits = self.channel(inputs.mean(dim=(2, 3))) + self.channel(inputs.amax(dim=(2, 3)))
        gated = inputs * torch.sigmoid(logits)[:, :, None, None]
        summary = torch.cat(
            (gated.amax(dim=1, keepdim=True), gated.mean(dim=1, keepdim=True)), dim=1
        )
        return gated * torch.sigmoid(self.spatial(summary))


class MotionBlock(nn.Module):
    """Turns features at one level into flow at the size that was searched at."""

    def __init__(self, *, channels: int, enlargement: int) -> None:
        super().__init__()
        self.enlargement = enlargement
        self.convblock = nn.Sequential(*(conv_prelu(channels, channels) for _ in range(6)))
        self.flowconv = nn.Conv2d(channels, FLOW_CHANNELS, 3, padding=1)
        self.maskconv = nn.Conv2d(channels, 9 * enlargement**2, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return float32 (N, 4, H, W) flow for (N, channels, H / enlargement, …) features."""
        hidden = self.convblock(features) + features
        flow = as_float32(self.flowconv(hidden))
        return self._enlarged(flow, self.maskconv(hidden).to(flow.dtype))

    def _enlarged(self, flow: Tensor, logits: Tensor) -> Tensor:
        """Make every new pixel a learned mean of the nine around it."""
        count, _, height, width = flow.shape
        size = self.enlargement
        shares = logits.view(count, 1, 9, size, size, height, width).softmax(dim=2)
        edged = pad(flow * size, (1, 1, 1, 1))
        # one of the nine at a time: all at once would take nine times the memory
        mixed = flow.new_zeros(count, FLOW_CHANNELS, size, size, height, width)
        for place in range(9):
            row, column = divmod(place, 3)
            near = edged[:, :, row : row + height, column : column + width]
            mixed.addcmul_(shares[:, :, place], near[:, :, None, None])
        ordered = mixed.permute(0, 1, 4, 2, 5, 3)
        return ordered.reshape(count, FLOW_CHANNELS, size * height, size * width)


class FusionNet(nn.Module):
    """Decides which warped frame to trust where, at a quarter of the size.

    Paper: "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", 2018,
    arXiv:1809.00219.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_first = nn.Conv2d(16, 64, 3, padding=1)
        self.body = nn.Sequential(*(_DenseBlocks() for _ in range(6)))
        self.conv_body = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_up1 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_up2 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_hr = nn.Conv2d(64, 64, 3, padding=1)
        self.conv_last = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, pictures: Sequence[Tensor], flow: Tensor) -> Tensor:
        """Return the (N, 1, H, W) weight of the warped frame0 in [0, 1].

        Args:
            pictures: frame0, frame1, and both warped, (N, 3, H, W) each.
            flow: (N, 4, H, W), pixels.
        """
        quarter = tuple(side // 4 for side in flow.shape[-2:])
        seen = resize(torch.cat(tuple(pictures), dim=1), quarter)
        small = resize_flow(flow, quarter).to(seen.dtype)
        hidden = self.conv_first(torch.cat((seen, small), dim=1))
        hidden = hidden + self.conv_body(self.body(hidden))
        for layer in (self.conv_up1, self.conv_up2):
            hidden = _leaky(layer(interpolate(hidden, scale_factor=2.0, mode="nearest")))
        return torch.sigmoid(self.conv_last(_leaky(self.conv_hr(hidden))))


class _DenseBlocks(nn.Module):
    """Three dense blocks beside a skip."""

    def __init__(self) -> None:
        super().__init__()
        for number in range(1, 4):
            self.add_module(f"rdb{number}", _DenseBlock())

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = inputs
        for block in self.children():
            hidden = block(hidden)
        return torch.add(inputs, hidden, alpha=_RESIDUAL_SCALE)


class _DenseBlock(nn.Module):
    """Five convolutions, each of which sees the results of all before it."""

    def __init__(self) -> None:
        super().__init__()
        for number in range(5):
            outputs = 64 if number == 4 else 32
            layer = nn.Conv2d(64 + 32 * number, outputs, 3, padding=1)
            self.add_module(f"conv{number + 1}", layer)

    def forward(self, inputs: Tensor) -> Tensor:
        *layers, last = self.children()
        seen = inputs
        for layer in layers:
            seen = torch.cat((seen, _leaky(layer(seen))), dim=1)
        return torch.add(inputs, last(seen), alpha=_RESIDUAL_SCALE)


class RefineNet(nn.Module):
    """Fetches the detail that a first picture lost out of the frames once more."""

    def __init__(self) -> None:
        super().__init__()
        for index in range(3):
            self.add_module(f"block{index}", _RefiningBlock(inputs=12 if index else 6))
        self.context0 = nn.Sequential(conv_prelu(3, 16, stride=2), conv_prelu(16, 32, stride=2))
        self.context1 = nn.Sequential(conv_prelu(3, 16, stride=2), conv_prelu(16, 32, stride=2))
        self.decode = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Tanh()
        )

    def forward(
        self, frames: Sequence[Tensor], contexts: Sequence[Tensor], first: Tensor
    ) -> Tensor:
        """Return the refined (N, 3, H, W) picture in [0, 1].

        Args:
            frames: frame0 and frame1, (N, 3, H, W) each.
            contexts: `context0` of each.
            first: (N, 3, H, W) in [0, 1], the first picture.
        """
        pictures: list[Tensor] = []
        logits: list[Tensor] = []
        for frame, context in zip(frames, contexts, strict=True):
            picture, logit = self._fetched(frame, context, first)
            pictures.append(picture)
            logits.append(logit)
        logits.append(torch.zeros_like(logits[0]))
        shares = torch.cat(logits, dim=1).clamp(-_LARGEST_LOGIT, _LARGEST_LOGIT).softmax(dim=1)
        candidates = torch.stack((*pictures, first), dim=1)
        return (candidates * shares[:, :, None]).sum(dim=1)

    def _fetched(self, frame: Tensor, context: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
        """Rebuild `first` out of one frame; return that picture and how far to trust it."""
        inputs: tuple[Tensor, ...] = (frame, first)
        flow: Tensor | None = None
        logit: Tensor | None = None
        warped = frame
        for index, divisor in enumerate(_REFINED_AT):
            if logit is not None:
                inputs = (frame, first, warped, logit)
            block = self.get_submodule(f"block{index}")
            flow_step, logit_step = block(inputs, flow, divisor=divisor)
            flow = flow_step if flow is None else flow + flow_step
            logit = logit_step if logit is None else logit + logit_step
            warped = warp(frame, flow)
        assert flow is not None
        assert logit is not None
        small = resize_flow(flow, context.shape[-2:])
        seen = torch.cat((warp(context, small), self.context1(warped)), dim=1)
        return (warped + self.decode(seen)).clamp(0, 1), logit


class _RefiningBlock(nn.Module):
    """Estimates a correction of one frame's flow, and of how far to trust it."""

    def __init__(self, *, inputs: int) -> None:
        super().__init__()
        widths = (inputs, 64, 128, 256)
        self.conv0 = nn.Sequential(
            *(_normalised(widths[i], widths[i + 1], stride=2) for i in range(3))
        )
        self.convblock = nn.Sequential(*(_normalised(256, 256) for _ in range(6)))
        self.lastconv = nn.ConvTranspose2d(256, 4, 4, 2, 1)

    def forward(
        self, parts: Sequence[Tensor], flow: Tensor | None, *, divisor: int
    ) -> tuple[Tensor, Tensor]:
        """Return a (N, 2, H, W) flow in float32 and a (N, 1, H, W) logit.

        Args:
            parts: (N, C, H, W) inputs in order, sides multiples of 8 × `divisor`.
            flow: (N, 2, H, W) so far, pixels.
            divisor: how much smaller to look.
        """
        size = parts[0].shape[-2:]
        small = tuple(side // divisor for side in size)
        seen = resize(torch.cat(tuple(parts), dim=1), small)
        if flow is not None:
            seen = torch.cat((seen, resize_flow(flow, small).to(seen.dtype)), dim=1)
        hidden = self.conv0(seen)
        raw = self.lastconv(self.convblock(hidden) + hidden)
        return resize_flow(as_float32(raw[:, :2]), size), resize(raw[:, 2:3], size)


def _normalised(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
    )


def _leaky(hidden: Tensor) -> Tensor:
    return leaky_relu(hidden, _SLOPE)
