"""RIFE's motion as the blocks' small outputs, evaluated only where it is read, in bands of rows.

Computes what `rife_plain` computes, up to rounding, in much less time on a CPU:

    - A block that works at 1/s of the frame sees it through a bilinear reduction, which for even s
      is the mean of the 2×2 pixels in the middle of every s×s: only there is the motion needed, and
      only there are both frames fetched. Masks and carried features, enlarged by S and then reduced
      by s, are enlarged by S/s: no kink of the coarser surface lies inside those 2×2 where S/s is
      even. (Enlarging by 2 twice is not enlarging by 4: flows are enlarged from each output's own
      size.)
    - The blocks' first layers (`rife_first`), blending, and all before them run in bands of rows.
    - What the last first layer has seen of the flow is kept for the result.
    - Pictures lie with channels last, as convolutions and `fetching` like it; flows row by row.

Never import bpy here.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from .crew import in_bands
from .rife_blocks import FLOW_CHANNELS, IMAGE_CHANNELS, Block, Correction
from .rife_first import Views, first_layer
from .rife_rows import at_rows, bands, columns_read, fetch_both, pixels_read, resized


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
        # as high as their blocks left them, but as wide as the frame already: (T, h, 4, W)
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
        flows, masks, timestep = self._flows, self._masks, self._timestep
        whole_flow = self._room_for_flow() if scale == 1 and flows and not mirrored else None
        if mirrored:
            flows, masks = [flow.roll(2, dims=2) for flow in flows], [-mask for mask in masks]
            timestep = 1 - timestep
        views = Views(
            sources=self._sources[::-1] if mirrored else self._sources,
            batch=len(timestep),
            flows=[columns_read(flow, scale) for flow in flows],
            size=size,
            scale=scale,
            whole_flow=whole_flow,
        )
        hidden = first_layer(block, views, timestep, [*masks, *self._carried])
        if whole_flow is not None:
            self._flows = [whole_flow]
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
        flow = columns_read(_widened(correction.flow, self._frame_size[1]), scale)
        rows = pixels_read(0, correction.flow.shape[2], scale)
        read = at_rows([flow], rows.flatten(), self._frame_size[0]).abs()
        return read.transpose(1, 2).reshape(len(read), 2, -1).amax(dim=2)

    def result(self) -> tuple[Tensor, Tensor]:
        """Return the flow (T, 4, H, W) and the mask before its sigmoid (T, 1, H, W)."""
        height, width = self._frame_size
        flow = self._room_for_flow()

        def run(top: int, bottom: int) -> None:
            rows = torch.arange(top, bottom, dtype=flow.dtype)
            flow[:, top:bottom] = at_rows(self._flows, rows, height)

        in_bands(run, bands(height, len(self._timestep) * width))
        first, *others = (resized(mask, self._frame_size) for mask in self._masks)
        return flow.transpose(1, 2), sum(others, start=first)

    def _room_for_flow(self) -> Tensor:
        height, width = self._frame_size
        return self._timestep.new_empty(len(self._timestep), height, FLOW_CHANNELS, width)


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
    flow = flow.transpose(1, 2)
    frames = flow.new_empty(batch, height, width, IMAGE_CHANNELS).permute(0, 3, 1, 2)

    def run(top: int, bottom: int) -> None:
        band = flow[:, top:bottom, None, :, None]
        view0, view1 = fetch_both(sources, band, pixels_read(top, bottom, 1), 1)
        frames[:, :, top:bottom] = torch.lerp(
            view1[:, :IMAGE_CHANNELS], view0[:, :IMAGE_CHANNELS], mask[:, :, top:bottom]
        )

    in_bands(run, bands(height, batch * width))
    return frames


def _widened(flow: Tensor, width: int) -> Tensor:
    """Enlarge (T, 4, h, w) along its rows to (T, h, 4, width)."""
    if flow.shape[3] != width:
        flow = resized(flow.contiguous(), (flow.shape[2], width))
    return flow.transpose(1, 2)
