"""Networks of RIFE 4.x that hold weights: the blocks of its cascade and its head.

Kept apart from `rife`, which says in what order they run, and from `rife_plain` and `rife_bands`,
which make what a block sees. Never import bpy here.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .rife_variants import Head, Variant
from .transposed import doubled

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

    @property
    def first(self) -> nn.Conv2d:
        """The first layer, whose activation is `activated`."""
        convolution = cast(nn.Sequential, self.conv0[0])[0]
        assert isinstance(convolution, nn.Conv2d)
        return convolution

    def activated(self, hidden: Tensor) -> Tensor:
        """Run the first layer's activation, in place where it can be."""
        result: Tensor = cast(nn.Sequential, self.conv0[0])[1](hidden)
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
        used *= 4 if self.has_shuffle else 1
        return doubled(trunk, layer.weight[:, :used], layer.bias[:used], shuffles=self.has_shuffle)


class _ScaledSkipConv(nn.Module):
    """A convolution whose result is scaled per channel before its input is added."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self._groups = groups
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=groups)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.relu = nn.LeakyReLU(0.2, inplace=True)
        self._scaled: tuple[Tensor, Tensor] | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        if suits_bands(inputs):
            found = functional.conv2d(inputs, *self._scaled_layer(), padding=1, groups=self._groups)
            found += inputs
        else:
            found = torch.addcmul(inputs, self.conv(inputs), self.beta)
        result: Tensor = self.relu(found)
        return result

    def _scaled_layer(self) -> tuple[Tensor, Tensor]:
        """Return weights and bias that scale too: all else is then done in place.

        A fresh picture, as `torch.addcmul` makes, costs as much as a small convolution.
        """
        if self._scaled is None:
            assert self.conv.bias is not None
            weight = self.conv.weight * self.beta.view(-1, 1, 1, 1)
            self._scaled = weight, self.conv.bias * self.beta.flatten()
        return self._scaled

    def _apply(self, *arguments: Any, **options: Any) -> Any:
        self._scaled = None
        return super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]

    def _load_from_state_dict(self, *arguments: Any, **options: Any) -> None:
        self._scaled = None
        super()._load_from_state_dict(*arguments, **options)


class HeadNet(nn.Module):
    """Features of one frame at its own size."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(IMAGE_CHANNELS, head.width, 3, 2, 1)
        for index in range(1, head.convolutions):
            self.add_module(f"cnn{index}", nn.Conv2d(head.width, head.width, 3, 1, 1))
        self._upsampling = f"cnn{head.convolutions}"
        self.add_module(self._upsampling, nn.ConvTranspose2d(head.width, head.channels, 4, 2, 1))
        # The pair of layers of 4.7 to 4.9 was released without an activation between them.
        self.has_activations = head.convolutions > 1

    def forward(self, image: Tensor) -> Tensor:
        """Encode (1, 3, H, W) to (1, 3 + C, H, W): the picture itself, then its features."""
        layer = self.get_submodule(self._upsampling)
        assert isinstance(layer, nn.ConvTranspose2d)
        hidden = self._hidden(image)
        if not suits_bands(image):
            return torch.cat((image, layer(hidden)), dim=1)
        assert layer.bias is not None
        result = doubled(hidden, layer.weight, layer.bias, leading=IMAGE_CHANNELS)
        result[:, :IMAGE_CHANNELS] = image
        return result

    def _hidden(self, image: Tensor) -> Tensor:
        first, *others, _ = self.children()
        hidden: Tensor = first(image)
        for layer in others:
            if self.has_activations:
                hidden = functional.leaky_relu(hidden, 0.2, inplace=True)
            hidden = layer(hidden)
        if self.has_activations:
            hidden = functional.leaky_relu(hidden, 0.2, inplace=True)
        return hidden


def suits_bands(inputs: Tensor) -> bool:
    """Whether to compute in bands: by the processor, as written, without compiler or gradients."""
    is_plain_number = inputs.device.type == "cpu" and inputs.dtype == torch.float32
    is_free = not (torch.is_grad_enabled() or torch.compiler.is_compiling())
    return is_plain_number and is_free


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
