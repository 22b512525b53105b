"""Asks a model for the in-between frames of multilayer files: one motion for each layer's passes.

The loop uses it in place of `network.Network`. A frame's passes stay in main memory; one at a time
visits the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from ..models.catalog_types import ModelSpec
from .composition import ChannelLayout
from .device_frame import DeviceFrame
from .following import Follower, Motion, vectors_between
from .image_formats import FrameFormat
from .network import Network
from .passes import Pass, find_guides, in_layers, leading_pass
from .schedule import PairWork
from .staging import Download


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredLayout:
    """What the channels of a multilayer frame mean.

    Attributes:
        passes: every channel belongs to one; at least one is of colour.
    """

    passes: tuple[Pass, ...]

    @property
    def has_guides(self) -> bool:
        """Whether a layer with colour has the passes that guided models go by."""
        layers = in_layers(self.passes)
        return any(leading_pass(each) and find_guides(each) for each in layers)

    def held_passes(self, spec: ModelSpec) -> tuple[Pass, ...]:
        """List the passes that a model has no motion for, and that are taken from one frame."""
        if spec.yields_flow:
            return ()
        return tuple(one for one in self.passes if one.role != "colour")


@dataclass(frozen=True, slots=True)
class LayeredFrame:
    """A frame in main memory, and the pictures on the device that motion is looked for in.

    Attributes:
        passes: (C, H, W) float32 on the CPU.
        leading: one for each of the streams, in their order; None while it is not asked for.
        surfaces: what guided models know of a stream's pass, by its index.
    """

    passes: Tensor
    leading: list[DeviceFrame | None]
    surfaces: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Stream:
    """A pass that the network is shown, and those that follow what it finds there."""

    leading: Pass
    followers: tuple[Pass, ...]
    network: Network


class LayeredNetwork:
    """One model, ready to be asked for frames of passes.

    Args:
        network_for: asks the model for pictures of a layout.
        spec: the model's catalog entry.
        layout: what the frames' channels mean.
        device: where passes are moved, one at a time.
    """

    def __init__(
        self,
        network_for: Callable[[ChannelLayout], Network],
        spec: ModelSpec,
        layout: LayeredLayout,
        *,
        device: torch.device,
    ) -> None:
        self._device = device
        # without motion each colour is a picture of its own, one at a time on the device
        self._keeps_pictures = spec.yields_flow
        plan = _following(layout.passes) if spec.yields_flow else _alone(layout.passes)
        self._streams = [
            _Stream(leading, tuple(followers), network_for(_layout_of(leading)))
            for leading, followers in plan
        ]
        self._held = layout.held_passes(spec)

    def upload(self, frame: Tensor) -> LayeredFrame:
        """Take a frame (H, W, C)."""
        return LayeredFrame(frame.permute(2, 0, 1).contiguous(), [None] * len(self._streams))

    def prepare(self, frames: Tensor) -> LayeredFrame:
        """Make a source of the one frame (1, H, W, C) that `make` returned."""
        return self.upload(frames[0])

    def still(self, window: Sequence[LayeredFrame]) -> Tensor | None:
        """Return (1, H, W, C) where both frames of a pair are the same, and None elsewhere."""
        middle = len(window) // 2 - 1
        frame0, frame1 = window[middle].passes, window[middle + 1].passes
        return frame0.permute(1, 2, 0)[None].clone() if torch.equal(frame0, frame1) else None

    def on_host(self, frames: Tensor) -> Download:
        """Return (T, H, W, C) in main memory of what `make` returned: they are there."""
        return Download(frames)

    def send(self, window: Sequence[LayeredFrame], timesteps: Sequence[Fraction]) -> Download:
        """Return what `make` does."""
        return self.on_host(self.make(window, timesteps))

    def bare(self, window: Sequence[LayeredFrame]) -> list[LayeredFrame]:
        """Return the same frames: they are in main memory."""
        return list(window)

    def encode(self, window: Sequence[LayeredFrame]) -> None:
        """Compute what depends on single frames, where it is kept and not there yet."""
        if self._keeps_pictures:
            for index, stream in enumerate(self._streams):
                stream.network.encode(self._pictures(window, index))

    def make(self, window: Sequence[LayeredFrame], timesteps: Sequence[Fraction]) -> Tensor:
        """Return (T, H, W, C) float32 frames in main memory."""
        middle = len(window) // 2 - 1
        frame0, frame1 = window[middle].passes, window[middle + 1].passes
        frames = torch.empty((len(timesteps), *frame0.shape), dtype=torch.float32)
        with torch.inference_mode():
            for index, stream in enumerate(self._streams):
                made, motions = self._answer(index, window, timesteps)
                frames[:, list(stream.leading.channels)] = made.cpu()
                for at, motion in enumerate(motions if stream.followers else ()):
                    self._follow(stream, motion, frame0, frame1, frames[at])
            for at, timestep in enumerate(timesteps):
                self._hold(timestep, frame0, frame1, frames[at])
        return frames.permute(0, 2, 3, 1)

    def begin(self, work: PairWork) -> None:
        """Hear which pair is next; nothing here depends on it."""

    def _answer(
        self, index: int, window: Sequence[LayeredFrame], timesteps: Sequence[Fraction]
    ) -> tuple[Tensor, list[Motion]]:
        """Return one stream's leading pass, (T, C, H, W), and the motion that others follow."""
        network = self._streams[index].network
        made, answer = network.make_with_motion(self._pictures(window, index), timesteps)
        motions = [Motion.at(answer, at) for at in range(len(timesteps))]
        return made, [motion for motion in motions if motion is not None]

    def move(
        self, device: torch.device, dtype: torch.dtype, frames: Sequence[LayeredFrame]
    ) -> list[LayeredFrame]:
        """Go on elsewhere; frames are in main memory but for their pictures, which are let go."""
        self._device = device
        for stream in self._streams:
            stream.network.move(device, dtype, ())
        return [LayeredFrame(frame.passes, [None] * len(self._streams)) for frame in frames]

    def shrink_tiles(self, frames: Sequence[LayeredFrame]) -> int | None:
        """Go on in tiles of half the side; see `Network.shrink_tiles`."""
        held = frames if self._keeps_pictures else frames[:1]
        sides = [
            stream.network.shrink_tiles(self._pictures(held, index))
            for index, stream in enumerate(self._streams)
        ]
        return sides[0]

    def _pictures(self, window: Sequence[LayeredFrame], index: int) -> list[DeviceFrame]:
        stream = self._streams[index]
        pictures: dict[int, DeviceFrame] = {}
        for frame in window:
            picture = frame.leading[index] or pictures.get(id(frame))
            if picture is None:
                picture = stream.network.prepare(self._on_device(frame.passes, stream.leading))
            pictures[id(frame)] = picture
            if self._keeps_pictures:
                frame.leading[index] = picture
        return [pictures[id(frame)] for frame in window]

    def _on_device(self, passes: Tensor, one: Pass) -> Tensor:
        """Return (1, C, H, W), one pass of (C, H, W)."""
        return passes[list(one.channels)][None].to(self._device)

    def _follow(
        self, stream: _Stream, motion: Motion, frame0: Tensor, frame1: Tensor, made: Tensor
    ) -> None:
        """Fill in what follows one stream's motion."""
        depth = next((one for one in stream.followers if one.is_plain_depth), None)
        depths = (
            (self._on_device(frame0, depth)[:, :1], self._on_device(frame1, depth)[:, :1])
            if depth is not None
            else ()
        )
        follower = Follower(motion, *depths)
        for one in stream.followers:
            pass0, pass1 = (self._on_device(frame, one) for frame in (frame0, frame1))
            made[list(one.channels)] = follower.follow(one, pass0, pass1)[0].cpu()

    def _hold(self, timestep: Fraction, frame0: Tensor, frame1: Tensor, made: Tensor) -> None:
        """Take the passes without motion from the nearer frame."""
        for one in self._held:
            channels = list(one.channels)
            pass0, pass1 = frame0[channels][None], frame1[channels][None]
            if one.role == "vector":
                pass0, pass1 = vectors_between(one, pass0, pass1)
            made[channels] = pass0[0] if timestep <= Fraction(1, 2) else pass1[0]


def layout_of(frame_format: FrameFormat) -> ChannelLayout | LayeredLayout:
    """Say what the channels of frames like these mean to the loop."""
    if frame_format.is_multilayer:
        return LayeredLayout(passes=frame_format.passes)
    return ChannelLayout(
        count=len(frame_format.channel_names),
        is_linear=frame_format.is_linear,
        alpha_mode=frame_format.alpha_mode,
    )


def _layout_of(one: Pass) -> ChannelLayout:
    return ChannelLayout(
        count=len(one.channels),
        is_linear=True,
        alpha_mode="premultiplied" if "A" in one.letters else "none",
    )


def _following(passes: Sequence[Pass]) -> Iterator[tuple[Pass, list[Pass]]]:
    """Pair each layer's leading pass with those that follow it.

    Layers without colour follow the first one that has some.
    """
    layers = in_layers(passes)
    first = next(one for one in map(leading_pass, layers) if one is not None)
    colourless = [one for layer in layers if leading_pass(layer) is None for one in layer]
    for layer in layers:
        leading = leading_pass(layer)
        if leading is not None:
            followers = [one for one in layer if one is not leading]
            yield leading, followers + (colourless if leading is first else [])


def _alone(passes: Sequence[Pass]) -> Iterator[tuple[Pass, list[Pass]]]:
    for one in passes:
        if one.role == "colour":
            yield one, []
