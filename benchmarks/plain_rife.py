"""RIFE 4.25 as it is usually written, to measure against: everything at the frame's size.

The reference's order of operations: features and flows are enlarged to the frame after each block,
both frames are warped whole, all inputs are joined and then reduced to the block's size. It borrows
the weights and layers of a `Rife`, and nothing of how that one runs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from blender_vfi.models.rife import Rife

_IMAGE = 3
_FLOW = 4


@dataclass(frozen=True, slots=True)
class PlainRife:
    """RIFE from 4.21, without ensemble or flow scale, in eager torch.

    Attributes:
        model: whose layers it runs; of a variant with a head that carries features.
    """

    model: Rife

    def encode(self, frame: Tensor) -> Tensor:
        """Compute the head's features of (1, 3, H, W): (1, C, H, W)."""
        assert self.model.head is not None
        first, *others = self.model.head.children()
        hidden: Tensor = first(frame)
        for layer in others:
            hidden = layer(functional.leaky_relu(hidden, 0.2))
        return hidden

    def __call__(
        self, frames: Sequence[Tensor], features: Sequence[Tensor], moment: float
    ) -> Tensor:
        """Make the frame at `moment` in (0, 1): (1, 3, H, W)."""
        frame0, frame1 = frames
        features0, features1 = features
        grid = _pixel_grid(frame0)
        timestep = frame0.new_full((1, 1, *frame0.shape[-2:]), moment)
        seen0, seen1 = (frame0, features0), (frame1, features1)
        mask, carried, flow = frame0.new_zeros(0), frame0.new_zeros(0), frame0.new_zeros(0)
        for index, (block, scale) in enumerate(
            zip(self.model.blocks, self.model.variant.scales, strict=True)
        ):
            parts = [seen0[0], seen1[0], seen0[1], seen1[1], timestep]
            if index:
                parts += [mask, carried]
            correction, mask, carried = _run(block, torch.cat(parts, 1), flow, scale)
            flow = flow + correction if index else correction
            seen0 = _warp(frame0, flow[:, :2], grid), _warp(features0, flow[:, :2], grid)
            seen1 = _warp(frame1, flow[:, 2:], grid), _warp(features1, flow[:, 2:], grid)
        weight = torch.sigmoid(mask)
        return seen0[0] * weight + seen1[0] * (1 - weight)


def _run(
    block: nn.Module, inputs: Tensor, flow: Tensor, scale: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Run one block: correction of the flow, mask and features, all of the frame's size."""
    inputs = _resized(inputs, 1 / scale)
    if flow.numel():
        inputs = torch.cat((inputs, _resized(flow, 1 / scale) / scale), 1)
    layers = dict(block.named_children())
    hidden = layers["conv0"](inputs)
    for layer in cast(nn.Sequential, layers["convblock"]):
        parts = dict(layer.named_children())
        hidden = parts["relu"](parts["conv"](hidden) * layer.get_parameter("beta") + hidden)
    raw = _resized(layers["lastconv"](hidden), scale)
    return raw[:, :_FLOW] * scale, raw[:, _FLOW : _FLOW + 1], raw[:, _FLOW + 1 :]


def _resized(image: Tensor, factor: float) -> Tensor:
    return functional.interpolate(image, scale_factor=factor, mode="bilinear", align_corners=False)


def _pixel_grid(frame: Tensor) -> Tensor:
    """Return (1, H, W, 2): where each pixel lies in `grid_sample`'s units."""
    height, width = frame.shape[-2:]
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, height, device=frame.device, dtype=frame.dtype),
        torch.linspace(-1, 1, width, device=frame.device, dtype=frame.dtype),
        indexing="ij",
    )
    return torch.stack((x, y), dim=-1)[None]


def _warp(image: Tensor, flow: Tensor, grid: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    offset = torch.stack((flow[:, 0] * 2 / (width - 1), flow[:, 1] * 2 / (height - 1)), dim=-1)
    return functional.grid_sample(
        image, grid + offset, mode="bilinear", padding_mode="border", align_corners=True
    )
