"""RIFE's motion as the blocks' small outputs, evaluated only where it is read; for any device.

Computes what `rife_plain` computes, up to rounding, and moves a fraction of the bytes, which is
what a GPU spends its time on: a block that works at 1/s of the frame reads only the 2×2 pixels in
the middle of every s×s, so the motion is enlarged, and both frames are fetched, for these alone.
Masks and carried features go from one block's size to the next's without the frame's in between.
`rife_bands` says why that is the same, and does it in another way for the CPU. Never import bpy
here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .rife_blocks import IMAGE_CHANNELS, Block, Correction
from .rife_plain import swapped, warp_both
from .rife_rows import resized
from .warp import ALL, Pixels, enlarged_at

_Size = tuple[int, int]
_Seen = tuple[Sequence[Tensor], Tensor | None]


class SparseMotion:
    """What is known of the motion between two frames, at some timesteps.

    Args:
        sources: two frames, each (1, C, H, W) with its features.
        timestep: (T, 1, 1, 1).
        adds_masks: whether the mask of a correction is added to those before, or replaces them.
    """

    def __init__(self, sources: Sequence[Tensor], timestep: Tensor, *, adds_masks: bool) -> None:
        self._frames = sources
        # converted once, not before every look
        exact = torch.promote_types(timestep.dtype, torch.float32)
        self._sources = [source.to(exact) for source in sources]
        self._timestep = timestep
        self._adds_masks = adds_masks
        self._frame_size: _Size = sources[0].shape[-2], sources[0].shape[-1]
        self._flows: list[Tensor] = []  # each as large as its block left it
        self._masks: list[Tensor] = []
        self._carried: Tensor | None = None
        self._seen: _Seen | None = None  # until more is known

    def correction(
        self, block: Block, size: _Size, *, is_last: bool, mirrored: bool = False
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
        timestep, mask = self._timestep, _sum_of(self._masks, size)
        self._seen = self._seen or self._look(size, scale)
        views, flow = self._seen
        if mirrored:
            views, timestep = (views[1], views[0]), 1 - timestep
            mask = None if mask is None else -mask
            flow = None if flow is None else swapped(flow)
        parts = [view[:, :IMAGE_CHANNELS] for view in views]
        if views[0].shape[1] > IMAGE_CHANNELS:
            parts += [view[:, IMAGE_CHANNELS:] for view in views]
        carried = None if self._carried is None else resized(self._carried, size)
        parts += [part for part in (timestep, mask, carried, flow) if part is not None]
        seen = [part.to(timestep.dtype).expand(len(timestep), -1, *size) for part in parts]
        found: Correction = block(torch.cat(seen, dim=1), self._frame_size[0], is_last=is_last)
        return found

    def add(self, correction: Correction) -> None:
        """Take a correction over."""
        self._flows.append(correction.flow)
        self._masks = [*(self._masks if self._adds_masks else ()), correction.mask]
        self._carried = correction.carried
        self._seen = None

    def farthest(self, correction: Correction) -> Tensor:
        """Return how far a correction moves each frame at most: (T, 2), pixels.

        What lies between four values is farthest where it is nearest to one of them: in the pixels
        in the middle of each square that the correction has one value for.
        """
        scale = self._frame_size[0] // correction.flow.shape[2]
        height, width = correction.flow.shape[-2:]
        rows, columns = self._pixels((height, width), scale)
        read = enlarged_at([correction.flow], self._frame_size, rows, columns)
        return read.reshape(len(read), 2, -1).abs().amax(dim=2)

    def result(self) -> tuple[Tensor, Tensor]:
        """Return the flow (T, 4, H, W) and the mask before its sigmoid (T, 1, H, W)."""
        flow, mask = _sum_of(self._flows, self._frame_size), _sum_of(self._masks, self._frame_size)
        assert flow is not None
        assert mask is not None
        return flow, mask

    def _look(self, size: _Size, scale: int) -> _Seen:
        """Return both frames as the motion moves them, and the motion, in pixels of that size."""
        if not self._flows:
            return [resized(frame, size) for frame in self._frames], None
        rows, columns = self._pixels(size, scale)
        flow = self._flow_at(rows, columns)
        if scale <= 2:  # every pixel is read: only what later blocks find is still to be added
            self._flows = [flow]
        views = warp_both(self._sources, flow, rows=rows, columns=columns)
        if scale == 1:
            return views, flow
        return [functional.avg_pool2d(view, 2) for view in views], (
            functional.avg_pool2d(flow, 2) / scale
        )

    def _flow_at(self, rows: Pixels, columns: Pixels) -> Tensor:
        """Return the flow at some of the frame's pixels: (T, 4, rows, columns)."""
        if isinstance(rows, slice):
            whole = _sum_of(self._flows, self._frame_size)
            assert whole is not None
            return whole
        return enlarged_at(self._flows, self._frame_size, rows, columns)

    def _pixels(self, size: _Size, scale: int) -> tuple[Pixels, Pixels]:
        """Return which rows and which columns of the frame are read."""
        if scale <= 2:
            return ALL, ALL
        device = self._sources[0].device  # made there: a copy would wait for all before it
        middle = torch.arange(scale // 2 - 1, scale // 2 + 1, device=device)
        rows, columns = (
            (torch.arange(side, device=device)[:, None] * scale + middle).flatten() for side in size
        )
        return rows, columns


def _sum_of(fields: Sequence[Tensor], size: _Size) -> Tensor | None:
    """Enlarge fields of any size, and add them up; None of none."""
    enlarged = [resized(field, size) for field in fields]
    return sum(enlarged[1:], start=enlarged[0]) if enlarged else None
