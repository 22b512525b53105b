"""The first layer of RIFE's blocks, without the pictures that it is said to see.

It sees both frames as the motion known so far moves them, that motion, a mask and features that the
block before left, all resized to the working size, and joined. Here each of these is convolved on
its own, and the results added up: nothing is joined. What the block before left at half the working
size, and is to be enlarged by 2 and then convolved with stride 2, is convolved as it is: both steps
are linear, and together they are another 3×3 convolution. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .crew import in_bands
from .rife_blocks import FLOW_CHANNELS, IMAGE_CHANNELS, Block
from .rife_rows import at_rows, bands, fetch_both, pixels_read, resized


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Both frames as the motion moves them, at a working size h × w, some rows at a time.

    Attributes:
        sources: two frames, each (1, C, H, W).
        batch: T, how many moments.
        flows: their sum is the flow; each (T, h', 4, g, w) at the columns that are read.
        size: h and w.
        scale: H / h.
        whole_flow: (T, H, 4, W) to be filled with the flow's rows, where the scale is 1.
    """

    sources: Sequence[Tensor]
    batch: int
    flows: Sequence[Tensor]
    size: tuple[int, int]
    scale: int
    whole_flow: Tensor | None = None

    def rows(self, first: int, last: int) -> list[Tensor]:
        """Return rows of each view, then of the flow if any: each (T, C, last - first, w).

        All are sums over the `group ** 2` pixels that are read, the flow in pixels of the frame.
        """
        height, width = self.size
        at = pixels_read(first, last, self.scale)
        if not self.flows:
            shape = (self.batch, len(at), self.group, FLOW_CHANNELS, self.group, width)
            return list(fetch_both(self.sources, at.new_zeros(shape), at, self.scale))
        flow = at_rows(self.flows, at.flatten(), self.scale * height)
        if self.whole_flow is not None:
            seen_twice = first % 2  # the row above a band, which begins at an even one
            self.whole_flow[:, first + seen_twice : last] = flow[:, seen_twice:, :, 0]
        flow = flow.view(len(flow), *at.shape, *flow.shape[2:])
        views = fetch_both(self.sources, flow, at, self.scale)
        corner, *others = (
            flow[:, :, y, :, x] for y in range(self.group) for x in range(self.group)
        )
        total = sum(others, start=corner).transpose(1, 2)
        return [*views, total.contiguous(memory_format=torch.channels_last)]

    @property
    def group(self) -> int:
        """How many pixels of the frame are read for one, along each axis."""
        return 1 if self.scale == 1 else 2


def first_layer(block: Block, views: Views, timestep: Tensor, fields: Sequence[Tensor]) -> Tensor:
    """Run a block's first layer.

    Args:
        block: whose.
        views: the frames and the flow.
        timestep: (T, 1, 1, 1).
        fields: masks, whose sum is the mask, and features if there are any, each (T, C, h', w').

    Returns:
        (T, C, h / 2, w / 2), channels last in memory.
    """
    height, width = views.size
    layer = block.first
    weights = _weights(layer.weight, views)
    base = None
    if fields and all(2 * field.shape[2] == height for field in fields):
        known = torch.cat((timestep.expand(-1, -1, *fields[0].shape[2:]), *fields), dim=1)
        base = through_doubling(known, weights.pop(), layer.bias)
    size = (views.batch, height // 2, width // 2, layer.out_channels)
    hidden = layer.weight.new_empty(size).permute(0, 3, 1, 2) if base is None else base

    def run(top: int, bottom: int) -> None:
        # the row above is seen by two bands
        first = max(top - 1, 0)
        parts = views.rows(first, bottom)
        if base is None:
            parts.append(_field_rows(timestep, fields, first, bottom, views.size))
        bias = layer.bias if base is None else None
        found = _convolved(parts, weights, bias, padding=(int(top == 0), 1))
        at = slice(top // 2, bottom // 2)
        if base is not None:
            found += base[:, :, at]
        hidden[:, :, at] = block.activated(found)

    in_bands(run, bands(height, views.batch * width * views.group**2))
    return hidden


def through_doubling(field: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Enlarge a field by 2, bilinearly, and convolve it with stride 2 and padding 1, in one step.

    Args:
        field: (T, C, h, w), sides of 2 at least.
        weight: (K, C, 3, 3).
        bias: (K,).

    Returns:
        (T, K, h, w).
    """
    # Rows: which pixel of the enlarged is meant; columns: what it has of three pixels.
    taps = weight.new_tensor(((0.75, 0.25, 0), (0.25, 0.75, 0), (0, 0.75, 0.25)))
    result = functional.conv2d(field, taps.t() @ weight @ taps, bias, padding=1)
    height, width = field.shape[2:]
    # Beyond the edges, the enlarging sees the nearest pixel, and the convolution sees nothing.
    for axis, length in ((2, height), (3, width)):
        for pair, edge in ((0, 0), (length - 2, length - 1)):
            strip = field.narrow(axis, pair, 2)
            enlarged = resized(strip, (2 * strip.shape[2], 2 * strip.shape[3]))
            made = functional.conv2d(enlarged, weight, bias, stride=2, padding=1)
            result.narrow(axis, edge, 1).copy_(made.narrow(axis, edge - pair, 1))
    return result


def _weights(weight: Tensor, views: Views) -> list[Tensor]:
    """Take a first layer's weights apart: for each view, the flow if any, and all the rest.

    In the published order, both images come first, then the features of both, and the flow last.
    """
    channels = views.sources[0].shape[1]
    images, end = 2 * IMAGE_CHANNELS, 2 * channels
    pictures, features = weight[:, :images].chunk(2, dim=1), weight[:, images:end].chunk(2, dim=1)
    pixels = views.group**2
    parts = [torch.cat(pair, 1) / pixels for pair in zip(pictures, features, strict=True)]
    rest = weight[:, end:]
    if views.flows:
        parts.append(rest[:, -FLOW_CHANNELS:] / (pixels * views.scale))
        rest = rest[:, :-FLOW_CHANNELS]
    return [*parts, rest]


def _convolved(
    parts: Sequence[Tensor],
    weights: Sequence[Tensor],
    bias: Tensor | None,
    padding: tuple[int, int],
) -> Tensor:
    """Convolve parts of what a layer sees, with stride 2, and add up."""
    first, *others = (
        functional.conv2d(part, weight, bias if index == 0 else None, stride=2, padding=padding)
        for index, (part, weight) in enumerate(zip(parts, weights, strict=True))
    )
    for other in others:
        first += other
    return first


def _field_rows(
    timestep: Tensor, fields: Sequence[Tensor], first: int, last: int, size: tuple[int, int]
) -> Tensor:
    """Return rows of the timestep, the mask and the features: (T, C, last - first, w)."""
    height, width = size
    rows = torch.arange(first, last, dtype=torch.float32)
    parts = [timestep.expand(-1, last - first, width, -1)]
    masks = [field for field in fields if field.shape[1] == 1]
    features = [field for field in fields if field.shape[1] > 1]
    for some in (masks, features):
        if some:
            widened = [
                resized(field, (field.shape[2], width)).permute(0, 2, 3, 1) for field in some
            ]
            parts.append(at_rows(widened, rows, height))
    return torch.cat(parts, dim=-1).permute(0, 3, 1, 2)
