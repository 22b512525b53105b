"""Layers that IFRNet and AMT share: the feature pyramid of a frame and the decoders of motion.

Names of submodules are those of the published checkpoints of both. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .moments import numbers_like
from .warp import warp_each

FLOW_CHANNELS = 4
"""A decoder's first channels: the flow into frame0, then that into frame1."""


class FramePyramid(nn.Module):
    """Features of a frame at a half, a quarter, an eighth and a sixteenth of its size."""

    def __init__(self, *, channels: Sequence[int], first_kernel: int) -> None:
        super().__init__()
        inputs = 3
        for level, width in enumerate(channels, start=1):
            kernel = first_kernel if level == 1 else 3
            layers = nn.Sequential(
                conv_prelu(inputs, width, kernel=kernel, stride=2), conv_prelu(width, width)
            )
            self.add_module(f"pyramid{level}", layers)
            inputs = width

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Return the features of (N, 3, H, W) frames, the finest first."""
        features: list[Tensor] = []
        hidden = frames
        for layers in self.children():
            hidden = layers(hidden)
            features.append(hidden)
        return features


class MotionDecoder(nn.Module):
    """Turns what is known at one level into what is known at twice its size."""

    def __init__(self, *, inputs: int, width: int, side_width: int, outputs: int) -> None:
        super().__init__()
        self.convblock = nn.Sequential(
            conv_prelu(inputs, width),
            SideResidualBlock(width=width, side_width=side_width),
            nn.ConvTranspose2d(width, outputs, 4, 2, 1),
        )

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        """Decode (T, C, H, W) parts, joined in order, to (T, outputs, 2H, 2W)."""
        decoded: Tensor = self.convblock(torch.cat(tuple(parts), dim=1))
        return decoded


class SideResidualBlock(nn.Module):
    """Five convolutions with a skip, of which two see the last `side_width` channels alone."""

    def __init__(self, *, width: int, side_width: int) -> None:
        super().__init__()
        self.widths = (width - side_width, side_width)
        self.conv1 = conv_prelu(width, width)
        self.conv2 = conv_prelu(side_width, side_width)
        self.conv3 = conv_prelu(width, width)
        self.conv4 = conv_prelu(side_width, side_width)
        self.conv5 = nn.Conv2d(width, width, 3, 1, 1)
        self.prelu = nn.PReLU(width)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the (N, width, H, W) result for inputs of that shape."""
        hidden = inputs
        for whole, side in ((self.conv1, self.conv2), (self.conv3, self.conv4)):
            kept, refined = whole(hidden).split(self.widths, dim=1)
            hidden = torch.cat((kept, side(refined)), dim=1)
        result: Tensor = self.prelu(inputs + self.conv5(hidden))
        return result


def decoders(
    channels: Sequence[int], *, side_width: int, final_outputs: int
) -> dict[str, MotionDecoder]:
    """Make the decoders of a pyramid of four levels, under their names, the coarsest first.

    Args:
        channels: widths of the pyramid's levels, the finest first.
        side_width: of every decoder's residual block.
        final_outputs: channels of the finest decoder's output.
    """
    made = {}
    for level in range(len(channels), 0, -1):
        width = channels[level - 1]
        is_first = level == len(channels)
        made[f"decoder{level}"] = MotionDecoder(
            inputs=2 * width + 1 if is_first else 3 * width + FLOW_CHANNELS,
            width=(2 if is_first else 3) * width,
            side_width=side_width,
            outputs=FLOW_CHANNELS + channels[level - 2] if level > 1 else final_outputs,
        )
    return made


def conv_prelu(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Make a convolution that keeps the size (but for its stride) and the activation after it."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.PReLU(outputs))


def warp_both(sources: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Warp (2, C, H, W), frame0's and frame1's, by (T, 4, H, W) flow, to (T, C, H, W) of each."""
    flows = flow.view(len(flow), 2, 2, *flow.shape[-2:]).transpose(0, 1)
    warped0, warped1 = warp_each(sources, flows)
    return warped0, warped1


def resize(image: Tensor, size: Sequence[int]) -> Tensor:
    """Resize (N, C, H, W) to `size`, height and width, bilinearly."""
    if image.shape[-2:] == tuple(size):
        return image
    return functional.interpolate(image, tuple(size), mode="bilinear", align_corners=False)


def resize_flow(flow: Tensor, size: Sequence[int]) -> Tensor:
    """Resize (N, 2n, H, W) flow, x before y, and measure it in the new size's pixels."""
    height, width = flow.shape[-2:]
    if (height, width) == tuple(size):
        return flow
    growth = numbers_like((size[1] / width, size[0] / height), flow).repeat(flow.shape[1] // 2)
    return resize(flow, size) * growth.view(1, -1, 1, 1)


def as_float32(tensor: Tensor) -> Tensor:
    """Return `tensor` in float32 at least: flows need more digits than half precision has."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def working_size(
    frame_size: Sequence[int], flow_scale: float, *, multiple: int, smallest: int = 1
) -> tuple[int, int]:
    """Return the height and width at which motion is searched, as close to the scale as fits.

    Args:
        frame_size: height and width of the frame, multiples of `multiple` themselves.
        flow_scale: wanted size relative to the frame.
        multiple: what both must divide by.
        smallest: what both must be at least, a multiple of `multiple`.
    """
    height, width = (
        max(smallest, multiple, round(side * flow_scale / multiple) * multiple)
        for side in frame_size
    )
    return height, width
