"""RIFE's motion as the blocks' small outputs, evaluated only where it is read, in bands of rows.

Computes what `rife_plain` computes, up to rounding, in less than half the time on a CPU:

    - A block that works at 1/s of the frame sees it through a bilinear reduction, which for even s
      is the mean of the 2×2 pixels in the middle of every s×s: only there is the motion needed, and
      only there are both frames fetched. Masks and carried features, enlarged by S and then reduced
      by s, are enlarged by S/s: no kink of the coarser surface lies inside those 2×2 where S/s is
      even. (Enlarging by 2 twice is not enlarging by 4: flows are enlarged from each output's own
      size.)
    - The blocks' first layers, blending, and all before them run in bands of rows that stay in the
      processor's cache. Fresh memory of a whole picture's size costs more than computing what goes
      into it.
    - Everything lies with channels last, as the convolutions and `fetching` like it.

Never import bpy here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from .fetching import fetch
from .rife_blocks import FLOW_CHANNELS, IMAGE_CHANNELS, Block, Correction

_BAND_POINTS: Final = 1 << 16
"""How many points of each frame a band fetches, about: a few MiB with all that belongs to them."""


def nests(scales: Sequence[float]) -> bool:
    """Whether bands compute the same as the plain way: scales 1 or even, each an even part.

    Args:
        scales: the blocks' reductions of the frame, coarse to fine.
    """
    finer_fit = all(coarse % (2 * fine) == 0 for coarse, fine in itertools.pairwise(scales))
    return finer_fit and all(scale == 1 or scale % 2 == 0 for scale in scales)


class BandedMotion:
    """What is known of the motion between two frames, at some timesteps.

    Args:
        sources: two frames, each (1, C, H, W) with its features, float32 on the CPU.
        timestep: (T, 1, 1, 1).
        adds_masks: whether the mask of a correction is added to those before, or replaces them.
    """

    def __init__(self, sources: Sequence[Tensor], timestep: Tensor, *, adds_masks: bool) -> None:
        self._sources = sources
        self._timestep = timestep
        self._adds_masks = adds_masks
        self._frame_size = sources[0].shape[-2], sources[0].shape[-1]
        # as high as their blocks left them, but as wide as the frame already: (T, h, W, 4)
        self._flows: list[Tensor] = []
        self._masks: list[Tensor] = []
        self._carried: list[Tensor] = []

    def correction(
        self, block: Block, size: tuple[int, int], *, is_last: bool, mirrored: bool = False
    ) -> Correction:
        """Ask a block what is still wrong.

        Args:
            block: which.
            size: height and width to work at.
            is_last: whether no block follows.
            mirrored: show it everything with time reversed.

        Returns:
            The correction, of the size of the block's output.
        """
        scale = self._frame_size[0] // size[0]
        flows, masks = self._flows, self._masks
        if mirrored:
            flows, masks = [flow.roll(2, dims=-1) for flow in flows], [-mask for mask in masks]
        inputs = _Inputs(
            sources=self._sources[::-1] if mirrored else self._sources,
            timestep=1 - self._timestep if mirrored else self._timestep,
            flows=[_columns_read(flow, scale) for flow in flows],
            masks=[_widened(mask, size[1]) for mask in masks],
            carried=[_widened(field, size[1]) for field in self._carried],
            size=size,
            scale=scale,
        )
        hidden = _first_layer(block, inputs)
        return block.finished(hidden, self._frame_size[0], is_last=is_last)

    def add(self, correction: Correction) -> None:
        """Take a correction over."""
        self._flows.append(_widened(correction.flow, self._frame_size[1]))
        self._masks = [*(self._masks if self._adds_masks else ()), correction.mask]
        self._carried = [] if correction.carried is None else [correction.carried]

    def farthest(self, correction: Correction) -> Tensor:
        """Return how far a correction moves each frame at most: (T, 2), pixels.

        What lies between four values is farthest where it is nearest to one of them: in the pixels
        in the middle of each square that the correction has one value for.
        """
        scale = self._frame_size[0] // correction.flow.shape[2]
        flow = _columns_read(_widened(correction.flow, self._frame_size[1]), scale)
        rows = _pixels_read(0, correction.flow.shape[2], scale)
        read = _at_rows([flow], rows.flatten(), self._frame_size[0]).abs()
        return read.reshape(len(read), -1, 2, 2).amax(dim=(1, 3))

    def result(self) -> tuple[Tensor, Tensor]:
        """Return the flow (T, 4, H, W) and the mask before its sigmoid (T, 1, H, W)."""
        height, width = self._frame_size
        batch = len(self._timestep)
        flow = self._flows[0].new_empty(batch, height, width, FLOW_CHANNELS)
        for top, bottom in _bands(height, batch * width):
            rows = torch.arange(top, bottom, dtype=flow.dtype)
            flow[:, top:bottom] = _at_rows(self._flows, rows, height)
        first, *others = (_resized(mask, self._frame_size) for mask in self._masks)
        return flow.permute(0, 3, 1, 2), sum(others, start=first)


def blended(sources: Sequence[Tensor], flow: Tensor, mask: Tensor) -> Tensor:
    """Warp both frames' pictures and merge them.

    Args:
        sources: two frames, each (1, C, H, W), colour first, float32 on the CPU.
        flow: (T, 4, H, W) in pixels.
        mask: (T, 1, H, W) in [0, 1], the weight of the first.

    Returns:
        (T, 3, H, W), channels last in memory.
    """
    batch, _, height, width = flow.shape
    flow, mask = flow.permute(0, 2, 3, 1), mask.permute(0, 2, 3, 1)
    frames = flow.new_empty(batch, height, width, IMAGE_CHANNELS)
    for top, bottom in _bands(height, batch * width):
        band = flow[:, top:bottom, None, None]
        view0, view1 = _fetch_both(sources, band, _pixels_read(top, bottom, 1), 1)
        frames[:, top:bottom] = torch.lerp(
            view1[..., :IMAGE_CHANNELS], view0[..., :IMAGE_CHANNELS], mask[:, top:bottom]
        )
    return frames.permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    """What a block sees, at its working size h × w, to be had some rows at a time.

    Attributes:
        sources: two frames, each (1, C, H, W).
        timestep: (T, 1, 1, 1).
        flows: their sum is the flow; each (T, h', g, w, 4) at the columns that are read.
        masks: their sum is the mask; each (T, h', w, 1).
        carried: features from the block before, (T, h', w, C), or none.
        size: h and w.
        scale: H / h.
    """

    sources: Sequence[Tensor]
    timestep: Tensor
    flows: Sequence[Tensor]
    masks: Sequence[Tensor]
    carried: Sequence[Tensor]
    size: tuple[int, int]
    scale: int

    def rows(self, first: int, last: int) -> Tensor:
        """Return rows `first` to `last` of all inputs joined: (T, C, last - first, w)."""
        height, width = self.size
        at = _pixels_read(first, last, self.scale)
        if self.flows:
            flow = _at_rows(self.flows, at.flatten(), self.scale * height)
            flow = flow.view(len(flow), *at.shape, *flow.shape[2:])
        else:
            group = at.shape[1]
            flow = at.new_zeros(len(self.timestep), len(at), group, group, width, FLOW_CHANNELS)
        parts = [
            *_fetch_both(self.sources, flow, at, self.scale),
            self.timestep.expand(-1, last - first, width, -1),
        ]
        own_rows = torch.arange(first, last, dtype=at.dtype)
        parts += [_at_rows(some, own_rows, height) for some in (self.masks, self.carried) if some]
        if self.flows:
            parts.append(_mean_of_points(flow) / self.scale)
        return torch.cat(parts, dim=-1).permute(0, 3, 1, 2)


def _first_layer(block: Block, inputs: _Inputs) -> Tensor:
    """Run a block's first layer: (T, C, h / 2, w / 2), channels last."""
    height, width = inputs.size
    batch = len(inputs.timestep)
    hidden: Tensor | None = None
    for top, bottom in _bands(height, batch * width * min(inputs.scale, 2) ** 2):
        # the row above is seen by two bands
        seen = inputs.rows(max(top - 1, 0), bottom)
        order = _published_order(inputs.sources[0].shape[1], seen.shape[1])
        band = block.started(seen, order, is_top=top == 0)
        if hidden is None:
            hidden = band.new_empty(batch, height // 2, width // 2, band.shape[1])
        hidden[:, top // 2 : bottom // 2] = band.permute(0, 2, 3, 1)
    assert hidden is not None
    return hidden.permute(0, 3, 1, 2)


def _published_order(source_channels: int, channels: int) -> Tensor:
    """Return which channel of the published order each is: there, both images come first."""
    order = torch.arange(channels)
    images, end = 2 * IMAGE_CHANNELS, 2 * source_channels
    by_source = torch.cat((order[:images].view(2, -1), order[images:end].view(2, -1)), dim=1)
    return torch.cat((by_source.flatten(), order[end:]))


def _bands(height: int, points_in_row: int) -> Iterator[tuple[int, int]]:
    """Cut a picture into bands of an even number of rows: each's first row and that after it."""
    rows = max(_BAND_POINTS // points_in_row // 2, 1) * 2
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def _pixels_read(first: int, last: int, scale: int) -> Tensor:
    """List along one axis of the frame which pixels are read: (last - first, 2), or 1 each."""
    positions = torch.arange(first, last, dtype=torch.float32)[:, None]
    if scale == 1:
        return positions
    return positions * scale + torch.tensor((scale // 2 - 1, scale // 2))


def _columns_read(field: Tensor, scale: int) -> Tensor:
    """Choose from (T, h, W, C) the columns read at `scale`: (T, h, 2, W / scale, C), or 1 each."""
    if scale == 1:
        return field[:, :, None]
    middle = slice(scale // 2 - 1, scale // 2 + 1)
    batch, height, width, channels = field.shape
    squares = field.view(batch, height, width // scale, scale, channels)
    return squares[:, :, :, middle].transpose(2, 3)


def _widened(field: Tensor, width: int) -> Tensor:
    """Enlarge (T, C, h, w) along its rows to (T, h, width, C)."""
    return _resized(field, (field.shape[2], width)).permute(0, 2, 3, 1)


def _resized(field: Tensor, size: tuple[int, int]) -> Tensor:
    if field.shape[-2:] == size:
        return field
    return functional.interpolate(field, size, mode="bilinear", align_corners=False)


def _at_rows(fields: Sequence[Tensor], rows: Tensor, height: int) -> Tensor:
    """Enlarge fields to `height`, at some rows only, and add them up.

    Args:
        fields: each (T, h, ...), with an h of its own.
        rows: (R,) rising, in [0, height).
        height: of the picture that they are rows of.

    Returns:
        (T, R, ...).
    """
    weights: list[Tensor] = []
    parts: list[Tensor] = []
    for field in fields:
        count = field.shape[1]
        position = ((rows + 0.5) * (count / height) - 0.5).clamp_(0, count - 1)
        low, high = int(position[0]), min(int(position[-1]) + 2, count)
        near = torch.arange(low, high, dtype=rows.dtype)
        weights.append((1 - (position[:, None] - near).abs_()).clamp_(min=0))
        parts.append(field[:, low:high].flatten(2))
    enlarged = torch.cat(weights, dim=1) @ torch.cat(parts, dim=1)
    return enlarged.view(len(enlarged), len(rows), *fields[0].shape[2:])


def _fetch_both(
    sources: Sequence[Tensor], flow: Tensor, rows: Tensor, scale: int
) -> tuple[Tensor, Tensor]:
    """Fetch two frames where flow points to.

    Args:
        sources: two frames, each (1, C, H, W).
        flow: (T, R, g, g, Q, 4) at the pixels that are read for each of R × Q pixels.
        rows: (R, g) of these.
        scale: of which their columns are.

    Returns:
        (T, R, Q, C) of each.
    """
    columns = _pixels_read(0, flow.shape[4], scale).t()
    view0, view1 = (
        fetch(
            source,
            (columns + part[..., 0]).flatten(2, 3),
            (rows[..., None, None] + part[..., 1]).flatten(2, 3),
        )
        for source, part in zip(sources, (flow[..., :2], flow[..., 2:]), strict=True)
    )
    return view0, view1


def _mean_of_points(flow: Tensor) -> Tensor:
    """Average (T, R, g, g, Q, 4) over the pixels that are read for one."""
    first, *others = flow.flatten(2, 3).unbind(2)
    return sum(others, start=first) / (1 + len(others))
