"""RIFE's motion as pictures of the frame's size: any device, precision and scale.

The plain way: each correction is enlarged to the frame, both frames are warped with all of the
motion, and what a block sees is reduced from there. `rife_bands` computes the same on the CPU with
much less work, where scales allow it. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .rife_blocks import IMAGE_CHANNELS, Block, Correction
from .warp import ALL, Pixels, warp_each


class PlainMotion:
    """What is known of the motion between two frames, at some timesteps.

    Args:
        sources: two frames, each (1, C, H, W) with its features.
        timestep: (T, 1, 1, 1).
        adds_masks: whether the mask of a correction is added to those before, or replaces them.
    """

    def __init__(self, sources: Sequence[Tensor], timestep: Tensor, *, adds_masks: bool) -> None:
        self._sources = sources
        self._timestep = timestep
        self._adds_masks = adds_masks
        self._views: tuple[Tensor, Tensor] | None = (sources[0], sources[1])
        self._flow: Tensor | None = None
        self._mask: Tensor | None = None
        self._carried: Tensor | None = None

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
            The correction of H × W.
        """
        if self._views is None:
            assert self._flow is not None
            self._views = warp_both(self._sources, self._flow)
        views, timestep, mask, flow = self._views, self._timestep, self._mask, self._flow
        if mirrored:
            views, timestep = (views[1], views[0]), 1 - timestep
            mask = None if mask is None else -mask
            flow = None if flow is None else swapped(flow)
        parts = [view[:, :IMAGE_CHANNELS] for view in views]
        if views[0].shape[1] > IMAGE_CHANNELS:
            parts += [view[:, IMAGE_CHANNELS:] for view in views]
        parts += [part for part in (timestep, mask, self._carried) if part is not None]
        fitted = [_resized(part, size).expand(len(timestep), -1, *size) for part in parts]
        frame_size = self._sources[0].shape[-2:]
        if flow is not None:
            shrunk = _resized(flow, size) * (size[0] / frame_size[0])
            fitted.append(shrunk.to(fitted[0].dtype))
        small = block(torch.cat(fitted, dim=1), frame_size[0], is_last=is_last)
        return Correction(
            flow=_resized(small.flow, frame_size),
            mask=_resized(small.mask, frame_size),
            carried=None if small.carried is None else _resized(small.carried, frame_size),
        )

    def add(self, correction: Correction) -> None:
        """Take a correction over."""
        self._views = None
        self._flow = correction.flow if self._flow is None else self._flow + correction.flow
        earlier = self._mask if self._adds_masks else None
        self._mask = correction.mask if earlier is None else earlier + correction.mask
        self._carried = correction.carried

    @staticmethod
    def farthest(correction: Correction) -> Tensor:
        """Return how far a correction moves each frame at most: (T, 2), pixels."""
        return correction.flow.reshape(len(correction.flow), 2, -1).abs().amax(dim=2)

    def result(self) -> tuple[Tensor, Tensor]:
        """Return the flow (T, 4, H, W) and the mask before its sigmoid (T, 1, H, W)."""
        assert self._flow is not None
        assert self._mask is not None
        return self._flow, self._mask


def warp_both(
    sources: Sequence[Tensor], flow: Tensor, *, rows: Pixels = ALL, columns: Pixels = ALL
) -> tuple[Tensor, Tensor]:
    """Warp two (1, C, H, W) sources by (T, 4, H, W) flow, giving (T, C, H, W) of each.

    The flow may be that of some rows and columns; the result is, too.
    """
    warped0, warped1 = (
        warp_each(source, part[None], rows=rows, columns=columns)[0]
        for source, part in zip(sources, flow.chunk(2, dim=1), strict=True)
    )
    return warped0, warped1


def swapped(flow: Tensor) -> Tensor:
    """Exchange the flow into frame0 with the flow into frame1."""
    return torch.cat((flow[:, 2:], flow[:, :2]), dim=1)


def _resized(image: Tensor, size: Sequence[int]) -> Tensor:
    """Resize bilinearly; what is constant over the frame stays as it is, to be expanded."""
    if image.shape[-2:] in (tuple(size), (1, 1)):
        return image
    return functional.interpolate(image, tuple(size), mode="bilinear", align_corners=False)
