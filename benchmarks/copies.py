"""Lets the frame loop copy frames beside what a GPU computes, and one thing after another.

A part of `benchmarks.gpu`: both ways make the same frames, from memory to nowhere. On devices that
are not CUDA's they are one way, and this rehearses it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from blender_vfi.engine import memory
from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, FrameSink, LoopPolicy
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.staging import staged
from blender_vfi.models import catalog
from blender_vfi.models.interface import InterpolationModel

from .footage import Frames, Nowhere

SAME, DIFFERENT = "same frames", "DIFFERENT FRAMES"


class Loop:
    """The frame loop around the default model.

    Args:
        model: of the default kind, on `device` and in `dtype`.
        frames: (H, W, 3) in [0, 1].
        multiplier: how many frames become of one.
        device: where.
        dtype: the model's.
    """

    def __init__(
        self,
        model: InterpolationModel,
        frames: Sequence[Tensor],
        multiplier: int,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._model = model
        self._frames = [staged(frame, device) for frame in frames]  # as the threads that read do
        self._plan = plan(len(frames), multiplier)
        self._device = device
        self._dtype = dtype

    def run(self) -> None:
        """Make all frames as jobs do."""
        self._make(Nowhere(), copies_beside=True)

    def run_in_order(self) -> None:
        """Make all frames, one thing after another."""
        self._make(Nowhere(), copies_beside=False)

    def check(self) -> str:
        """Tell whether both ways make the same frames, to the last bit."""
        beside, in_order = _Digests(), _Digests()
        self._make(beside, copies_beside=True)
        self._make(in_order, copies_beside=False)
        return SAME if beside.found == in_order.found else DIFFERENT

    def _make(self, sink: FrameSink, *, copies_beside: bool) -> None:
        policy = LoopPolicy(
            device=self._device,
            dtype=self._dtype,
            largest_batch=memory.largest_batch(self._device),
            copies_beside=copies_beside,
        )
        spec = catalog.find(catalog.DEFAULT_MODEL)
        loop = FrameLoop(self._model, spec, ChannelLayout(count=3), policy)
        loop.run(self._plan, Frames(self._frames), sink)


class _Digests:
    """Takes frames, and keeps what tells one from another."""

    def __init__(self) -> None:
        self.found: list[tuple[int, bytes]] = []

    def store(self, output_index: int, frame: Tensor) -> None:
        """Note the frame."""
        pixels = frame.contiguous().numpy()
        self.found.append((output_index, hashlib.blake2b(pixels.data).digest()))
