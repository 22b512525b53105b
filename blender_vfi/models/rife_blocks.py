"""Networks of RIFE 4.x that hold weights: the blocks of its cascade and its head.

Kept apart from `rife`, which says in what order they run, and from `rife_plain` and `rife_bands`,
which make what a block sees. Never import bpy here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .rife_variants import Head, Variant

IMAGE_CHANNELS: Final = 3
FLOW_CHANNELS: Final = 4
_MOTION_CHANNELS: Final = FLOW_CHANNELS + 1


class Correction(NamedTuple):
    """What one block adds to the motion, either at the frame's size or at that of its output.

    Attributes:
        flow: (T, 4, h, w) float32 at least, in pixels of the frame: into frame0, into frame1.
        mask: (T, 1, h, w), the weight of frame0 before the sigmoid.
        carried: (T, C, h, w) features for the next block, where the variant has them.
    """

    flow: Tensor
    mask: Tensor
    carried: Tensor | None


class Block(nn.Module):
    """Estimates a correction of the motion at one resolution."""

    def __init__(self, *, inputs: int, channels: int, variant: Variant) -> None:
        super().__init__()
        self.carried = variant.carried
        self.has_skip = variant.trunk == "prelu_skip"
        self.has_shuffle = variant.upsamples_in_block
        self.conv0 = nn.Sequential(
            _convolution(inputs, channels // 2, stride=2, is_parametric=self.has_skip),
            _convolution(channels // 2, channels, stride=2, is_parametric=self.has_skip),
        )
        self.convblock = nn.Sequential(*(_trunk_layer(channels, variant) for _ in range(8)))
        self.lastconv: nn.Module = nn.ConvTranspose2d(channels, variant.outputs, 4, 2, 1)
        if variant.upsamples_in_block:
            self.lastconv = nn.Sequential(
                nn.ConvTranspose2d(channels, 4 * variant.outputs, 4, 2, 1), nn.PixelShuffle(2)
            )

    def forward(self, inputs: Tensor, frame_height: int, *, is_last: bool) -> Correction:
        """Estimate from all inputs joined in the published order, at the working resolution.

        Args:
            inputs: (T, C, h, w), sides multiples of four.
            frame_height: of the frame, whose pixels flows are counted in.
            is_last: whether no block follows that would want carried features.

        Returns:
            A correction of h × w, or half of that where the variant does not upsample in a block.
        """
        raw = self.lastconv(self._trunk(self.conv0[0](inputs)))
        return _as_correction(raw[:, : self._used_outputs(is_last)], frame_height)

    def started(self, inputs: Tensor, order: Tensor, *, is_top: bool) -> Tensor:
        """Run the first layer on some rows of the inputs.

        Args:
            inputs: (T, C, n, w); an even number of rows, above which, unless they are the top, is
                the row that the padding of the whole would otherwise stand for.
            order: (C,) which channel of the published order each of `inputs` is.
            is_top: whether they begin with the first row.

        Returns:
            (T, channels / 2, n // 2, w / 2).
        """
        first = self.conv0[0]
        assert isinstance(first, nn.Sequential)
        convolution, activation = first
        assert isinstance(convolution, nn.Conv2d)
        weight, padding = convolution.weight[:, order], (int(is_top), 1)
        hidden = functional.conv2d(inputs, weight, convolution.bias, stride=2, padding=padding)
        result: Tensor = activation(hidden)
        return result

    def finished(self, hidden: Tensor, frame_height: int, *, is_last: bool) -> Correction:
        """Run all layers but the first.

        Args:
            hidden: (T, channels / 2, h / 2, w / 2), the first layer's result.
            frame_height: of the frame, whose pixels flows are counted in.
            is_last: whether no block follows that would want carried features.
        """
        raw = self._enlarged(self._trunk(hidden), self._used_outputs(is_last))
        return _as_correction(raw, frame_height)

    def _used_outputs(self, is_last: bool) -> int:
        return _MOTION_CHANNELS + (0 if is_last else self.carried)

    def _trunk(self, hidden: Tensor) -> Tensor:
        hidden = self.conv0[1](hidden)
        trunk: Tensor = self.convblock(hidden)
        return trunk + hidden if self.has_skip else trunk

    def _enlarged(self, trunk: Tensor, used: int) -> Tensor:
        """Run the last layer, for those of its outputs that have a use: (T, used, h, w)."""
        layer = self.lastconv[0] if isinstance(self.lastconv, nn.Sequential) else self.lastconv
        assert isinstance(layer, nn.ConvTranspose2d)
        assert layer.bias is not None
        weight, bias = layer.weight, layer.bias
        if not self.has_shuffle:
            return functional.conv_transpose2d(
                trunk, weight[:, :used], bias[:used], stride=2, padding=1
            )
        # The pixel shuffle's four places are put before the channels, so that what it moves are
        # whole pixels, in rows of two: with channels last it then is a plain copy.
        places = weight.view(len(weight), -1, 2, 2, 4, 4)[:, :used].permute(0, 2, 3, 1, 4, 5)
        spread = functional.conv_transpose2d(
            trunk,
            places.reshape(len(weight), 4 * used, 4, 4),
            bias.view(-1, 2, 2)[:used].permute(1, 2, 0).flatten(),
            stride=2,
            padding=1,
        )
        batch, _, height, width = spread.shape
        pixels = spread.permute(0, 2, 3, 1).reshape(batch, height, width, 2, 2, used)
        shuffled = pixels.transpose(2, 3).reshape(batch, 2 * height, 2 * width, used)
        return shuffled.permute(0, 3, 1, 2)


class _ScaledSkipConv(nn.Module):
    """A convolution whose result is scaled per channel before its input is added."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=groups)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.relu = nn.LeakyReLU(0.2, inplace=True)

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.relu(torch.addcmul(inputs, self.conv(inputs), self.beta))
        return result


class HeadNet(nn.Module):
    """Features of one frame at its own size."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(IMAGE_CHANNELS, head.width, 3, 2, 1)
        for index in range(1, head.convolutions):
            self.add_module(f"cnn{index}", nn.Conv2d(head.width, head.width, 3, 1, 1))
        upsampling = nn.ConvTranspose2d(head.width, head.channels, 4, 2, 1)
        self.add_module(f"cnn{head.convolutions}", upsampling)
        # The pair of layers of 4.7 to 4.9 was released without an activation between them.
        self.has_activations = head.convolutions > 1

    def forward(self, image: Tensor) -> Tensor:
        """Encode (1, 3, H, W) to (1, C, H, W)."""
        first, *others = self.children()
        hidden: Tensor = first(image)
        for layer in others:
            if self.has_activations:
                hidden = functional.leaky_relu(hidden, 0.2, inplace=True)
            hidden = layer(hidden)
        return hidden


def _as_correction(raw: Tensor, frame_height: int) -> Correction:
    """Name the parts of a block's output, with the flow in pixels of the frame."""
    flow, mask = raw[:, :FLOW_CHANNELS], raw[:, FLOW_CHANNELS:_MOTION_CHANNELS]
    carried = raw[:, _MOTION_CHANNELS:]
    growth = frame_height / raw.shape[-2]
    flow = flow.to(torch.promote_types(raw.dtype, torch.float32)) * growth
    return Correction(flow, mask, carried if carried.shape[1] else None)


def _convolution(inputs: int, outputs: int, *, stride: int, is_parametric: bool) -> nn.Sequential:
    activation = nn.PReLU(outputs) if is_parametric else nn.LeakyReLU(0.2, inplace=True)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), activation)


def _trunk_layer(channels: int, variant: Variant) -> nn.Module:
    if variant.trunk == "residual":
        return _ScaledSkipConv(channels, variant.groups)
    is_parametric = variant.trunk == "prelu_skip"
    return _convolution(channels, channels, stride=1, is_parametric=is_parametric)
