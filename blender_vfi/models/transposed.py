"""Transposed convolutions of 4×4 with stride 2, which double a picture, as one convolution of 2×2.

Every pixel of the doubled picture sees 2×2 of the small one, and which of the sixteen weights they
count with depends only on where in its square of 2×2 it lies. So all four places of a square are
outputs of one convolution, at most a pixel apart. On the CPU that, and putting the pixels in place,
takes half the time of `torch.nn.functional.conv_transpose2d` where there are few outputs, and
leaves the channels last. Never import bpy here.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor
from torch.nn import functional

_TAPS: Final = (3, 1, 2, 0)
"""Which of four weights in a row count for the first pixel of a pair, then which for the second."""


def doubled(
    inputs: Tensor, weight: Tensor, bias: Tensor, *, shuffles: bool = False, leading: int = 0
) -> Tensor:
    """Run a transposed convolution of 4×4 with stride 2 and padding 1.

    Args:
        inputs: (N, C, H, W), channels last in memory for speed.
        weight: (C, K, 4, 4) as `torch.nn.ConvTranspose2d` has it.
        bias: (K,).
        shuffles: follow with a pixel shuffle, which doubles it once more.
        leading: how many channels to leave room for before the result's own, to be written to.

    Returns:
        (N, leading + K, 2H, 2W), or (N, leading + K / 4, 4H, 4W); channels last in memory, the
        leading ones with any values.
    """
    batch, _, height, width = inputs.shape
    side = 2 if shuffles else 1
    channels = weight.shape[1] // side**2
    # A shuffle's places come before the channels, so that a row of a square is moved as one.
    spread = weight.view(len(weight), channels, side, side, 4, 4).permute(2, 3, 1, 0, 4, 5)
    kernel = spread.flatten(0, 2)[:, :, _TAPS][..., _TAPS]
    kernel = kernel.view(-1, len(weight), 2, 2, 2, 2).permute(2, 4, 0, 1, 3, 5)
    inner_bias = bias.view(channels, side, side).permute(1, 2, 0).flatten()
    found = functional.conv2d(
        inputs, kernel.reshape(-1, len(weight), 2, 2), inner_bias.repeat(4), padding=1
    ).permute(0, 2, 3, 1)
    found = found.view(batch, height + 1, width + 1, 2, 2, side, side, channels)
    result = found.new_empty(batch, height, 2, side, width, 2, side, leading + channels)
    for below in (0, 1):
        for right in (0, 1):
            part = found[:, below : below + height, right : right + width, below, right]
            result[:, :, below, :, :, right, :, leading:] = part.transpose(2, 3)
    pixels = result.view(batch, 2 * side * height, 2 * side * width, leading + channels)
    return pixels.permute(0, 3, 1, 2)
