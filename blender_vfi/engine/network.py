"""Asks a model for the in-between frames of one window: whole, or in tiles where memory is small.

It knows what the network is shown of a frame, how large a picture it is shown at a time, and what
is computed once per frame. When, and in what order, is the loop's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import torch
from torch import Tensor

from ..models.catalog_types import ModelSpec
from ..models.interface import Interpolation, InterpolationModel, Quality
from .composition import (
    ChannelLayout,
    View,
    brightest,
    colour_of,
    compose,
    picture_of,
    premultiplied,
    straightened,
    views_beside,
)
from .device_frame import DeviceFrame, Shown, bare, size_of
from .light import ExposedCurve, LightCurve, curve_for, exposed_curve_for, mean_stops
from .padding import padded, padded_side, side_multiple
from .schedule import PairWork
from .soundness import are_sound, mended
from .staging import Download, staging_for, uploaded
from .tiling import SMALLEST_WHEN_FULL, Tile, Tiling, largest_tile

_SAMPLING = 4
"""Of so many rows and columns, one is enough to tell a frame's exposure."""


class Network:
    """One model, ready to be asked.

    Args:
        model: module in evaluation mode, on `device` and in `dtype`.
        spec: the model's catalog entry.
        layout: what the frames' channels mean.
        device: where.
        dtype: in which number format the model runs; frames are composed in float32.
        quality: handed to the model.
        tile_size: longest side of a tile; 0 for whole frames.
        before_call: called before each call of the model.
        on_unsound: told the moments whose answers are infinite or no number, and whether they are
            asked again in fp32; where they are not, it says whether both frames are blended there,
            in place of the earlier one alone, or raises.
        copies_beside: whether CUDA copies frames beside what it computes.
    """

    def __init__(
        self,
        model: InterpolationModel,
        spec: ModelSpec,
        layout: ChannelLayout,
        *,
        device: torch.device,
        dtype: torch.dtype,
        quality: Quality,
        tile_size: int,
        before_call: Callable[[], None],
        on_unsound: Callable[[Sequence[Fraction], bool], bool],
        copies_beside: bool = True,
    ) -> None:
        self._model = model
        self._spec = spec
        self._layout = layout
        self._device = device
        self._dtype = dtype
        self._quality = quality
        self._multiple = side_multiple(spec, quality.flow_scale)
        self._largest = self._fitting_tile(tile_size) if tile_size else 0
        self._before_call = before_call
        self._on_unsound = on_unsound
        self._staging_for = partial(staging_for, copies_beside=copies_beside)
        self._staging = self._staging_for(device)
        self._exact: Network | None = None

    def upload(self, frame: Tensor) -> DeviceFrame:
        """Bring a frame (H, W, C) to the device."""
        with self._staging.beside():
            held = self.prepare(uploaded(frame.permute(2, 0, 1)[None], self._device))
        self._staging.hand_over(held.channels)
        return held

    def prepare(self, channels: Tensor) -> DeviceFrame:
        """Make a source of a frame (1, C, H, W) that is on the device."""
        channels = premultiplied(channels, self._layout)
        if not self._spec.yields_flow:
            views = views_beside(channels, self._layout)
            return DeviceFrame(channels, views, brightest(channels, self._layout))
        if not self._layout.is_linear:
            return DeviceFrame(channels)
        sample = channels[..., ::_SAMPLING, ::_SAMPLING]
        stops = mean_stops(colour_of(sample, self._layout))
        return DeviceFrame(channels, brightest=brightest(sample, self._layout), stops=stops)

    def begin(self, work: PairWork) -> None:
        """Hear which pair is next; nothing here depends on it."""

    def encode(self, window: Sequence[DeviceFrame]) -> None:
        """Compute what depends on single frames, where that is not there yet.

        Tiles are encoded when they are asked for, and not kept: memory is what they are there for.
        """
        curve = self._curve(window)
        with torch.inference_mode():
            for view in self._views(window):
                for frame in window:
                    shown = self._show(frame, view, curve)
                    if shown.features is None and not self._is_tiled(shown.picture):
                        shown.features = self._model.encode(shown.picture)

    def make(self, window: Sequence[DeviceFrame], timesteps: Sequence[Fraction]) -> Tensor:
        """Return (T, C, H, W) float32 frames on the device."""
        return self.make_with_motion(window, timesteps)[0]

    def make_with_motion(
        self, window: Sequence[DeviceFrame], timesteps: Sequence[Fraction]
    ) -> tuple[Tensor, Interpolation]:
        """Return the frames that `make` does, and what the model said of their colour."""
        with torch.inference_mode():
            answers, sound = self._answers(window, timesteps)
            if not bool(sound.all()):
                if self._dtype is not torch.float32:
                    return self._make_exactly(window, timesteps, sound)
                answers = self._mend(answers, sound, window, timesteps)
            return self._composed(answers, window)

    def send(self, window: Sequence[DeviceFrame], timesteps: Sequence[Fraction]) -> Download:
        """Make frames and bring them to main memory.

        Where downloads are late, so is the judgement whether they are pictures: nothing waits here.
        """
        if not self._staging.is_late:
            return self.on_host(self.make(window, timesteps))
        with torch.inference_mode():
            answers, sound = self._answers(window, timesteps)
            frames, _ = self._composed(answers, window)
        return self._staging.download(_channels_last(frames), sound)

    def bare(self, window: Sequence[DeviceFrame]) -> list[DeviceFrame]:
        """Return the same frames, shown to no network yet."""
        return bare(window)

    def _answers(
        self, window: Sequence[DeviceFrame], timesteps: Sequence[Fraction]
    ) -> tuple[dict[View, Interpolation], Tensor]:
        """Return the model's answers, padded, and which of the moments are sound."""
        self.encode(window)
        size = size_of(window)
        answers = {
            view: self._ask([frame.shown[view] for frame in window], timesteps, size)
            for view in self._views(window)
        }
        return answers, are_sound(list(answers.values()))

    def _composed(
        self, answers: Mapping[View, Interpolation], window: Sequence[DeviceFrame]
    ) -> tuple[Tensor, Interpolation]:
        """Return frames (T, C, H, W), and what was said of their colour."""
        middle = len(window) // 2 - 1
        frame0, frame1 = window[middle].channels, window[middle + 1].channels
        cropped = {view: _cropped(answer, *size_of(window)) for view, answer in answers.items()}
        curve = self._curve(window)
        code = curve if isinstance(curve, LightCurve) else None
        return compose(cropped, frame0, frame1, self._layout, code), cropped["colour"]

    def _make_exactly(
        self, window: Sequence[DeviceFrame], timesteps: Sequence[Fraction], sound: Tensor
    ) -> tuple[Tensor, Interpolation]:
        """Make frames in fp32, with a copy of the model that is kept for those to come."""
        self._on_unsound(_unsound(timesteps, sound), True)
        if self._exact is None:
            self._exact = Network(
                copy.deepcopy(self._model).float(),
                self._spec,
                self._layout,
                device=self._device,
                dtype=torch.float32,
                quality=self._quality,
                tile_size=0,
                before_call=self._before_call,
                on_unsound=self._on_unsound,
            )
        self._exact._largest = self._largest
        return self._exact.make_with_motion(bare(window), timesteps)

    def _mend(
        self,
        answers: dict[View, Interpolation],
        sound: Tensor,
        window: Sequence[DeviceFrame],
        timesteps: Sequence[Fraction],
    ) -> dict[View, Interpolation]:
        blends = self._on_unsound(_unsound(timesteps, sound), False)
        earlier, later = window[len(window) // 2 - 1 :][:2]
        return {
            view: mended(
                answer,
                sound,
                (earlier.shown[view].picture, later.shown[view].picture),
                timesteps,
                blends=blends,
            )
            for view, answer in answers.items()
        }

    def still(self, window: Sequence[DeviceFrame]) -> Tensor | None:
        """Return (1, C, H, W) where both frames of a pair are the same, and None elsewhere."""
        middle = len(window) // 2 - 1
        frame0, frame1 = window[middle].channels, window[middle + 1].channels
        with self._staging.beside():
            is_same = torch.equal(frame0, frame1)
        if not is_same:
            return None
        is_straight = self._layout.has_straight_alpha
        return straightened(frame0, self._layout) if is_straight else frame0.clone()

    def on_host(self, frames: Tensor) -> Download:
        """Bring what `make` or `still` returned to main memory, as (T, H, W, C)."""
        return self._staging.download(_channels_last(frames))

    def move(
        self, device: torch.device, dtype: torch.dtype, frames: Sequence[DeviceFrame]
    ) -> list[DeviceFrame]:
        """Go on elsewhere, with the model and these frames; what they were shown as is let go."""
        self._model.to(device=device, dtype=dtype)
        self._device, self._dtype, self._exact = device, dtype, None
        self._staging = self._staging_for(device)
        with self._staging.beside():
            moved = [
                replace(frame, channels=uploaded(frame.channels, device), shown={})
                for frame in frames
            ]
        for frame in moved:
            self._staging.hand_over(frame.channels)
        return moved

    def shrink_tiles(self, frames: Sequence[DeviceFrame]) -> int | None:
        """Go on in tiles of half the side, at first of half the frame.

        Args:
            frames: all that are held; features of them as a whole are let go.

        Returns:
            The tiles' longest side; None where they would become too small to find motion in.
        """
        longest = max(self._padded_size(frames[0]))
        now = min(self._largest or longest, longest)
        smaller = self._fitting_tile(max(now // 2, SMALLEST_WHEN_FULL))
        if smaller >= now:
            return None
        self._largest = smaller
        for frame in frames:
            for shown in frame.shown.values():
                shown.features = None
        return smaller

    def _fitting_tile(self, tile_size: int) -> int:
        return largest_tile(
            tile_size, multiple=self._multiple, smallest_side=self._spec.smallest_side
        )

    def _views(self, window: Sequence[DeviceFrame]) -> list[View]:
        """List what has to be asked for: what one frame shows, the others must show as well."""
        return ["colour", *sorted(frozenset().union(*(frame.views for frame in window)))]

    def _curve(self, window: Sequence[DeviceFrame]) -> LightCurve | ExposedCurve | None:
        """Return how light is shown to the network, else None."""
        if not self._layout.is_linear:
            return None
        most = max(frame.brightest for frame in window)
        if self._spec.yields_flow:
            return exposed_curve_for(sum(frame.stops for frame in window) / len(window), most)
        return curve_for(most)

    def _show(
        self, frame: DeviceFrame, view: View, curve: LightCurve | ExposedCurve | None
    ) -> Shown:
        shown = frame.shown.get(view)
        if shown is None or shown.curve != curve:
            picture = picture_of(frame.channels, self._layout, view, curve)
            picture = padded(picture, *self._padded_size(frame), self._spec.pad_mode)
            shown = Shown(picture.to(self._dtype).contiguous(), curve)
            frame.shown[view] = shown
        return shown

    def _padded_size(self, frame: DeviceFrame) -> tuple[int, int]:
        height, width = (
            padded_side(side, self._spec, self._quality.flow_scale)
            for side in frame.channels.shape[-2:]
        )
        return height, width

    def _is_tiled(self, picture: Tensor) -> bool:
        return 0 < self._largest < max(picture.shape[-2:])

    def _ask(
        self, window: Sequence[Shown], timesteps: Sequence[Fraction], size: tuple[int, int]
    ) -> Interpolation:
        """Ask for a whole picture, of which `size`, height and width, is not padding."""
        pictures = [shown.picture for shown in window]
        if not self._is_tiled(pictures[0]):
            features = [shown.features or () for shown in window]
            return self._call(pictures, features, timesteps, size)

        def make(tile: Tile) -> Interpolation:
            # one frame may stand in the window twice, and is encoded once
            parts = {id(picture): tile.cut(picture).contiguous() for picture in pictures}
            features = {key: self._model.encode(part) for key, part in parts.items()}
            keys = [id(picture) for picture in pictures]
            answer = self._call(
                [parts[key] for key in keys],
                [features[key] for key in keys],
                timesteps,
                (size[0] - tile.rows.start, size[1] - tile.columns.start),
            )
            return answer if self._needs_motion else Interpolation(frames=answer.frames)

        height, width = pictures[0].shape[-2:]
        tiling = Tiling(
            height,
            width,
            largest=self._largest,
            multiple=self._multiple,
            smallest_side=self._spec.smallest_side,
        )
        return tiling.interpolate(make)

    @property
    def _needs_motion(self) -> bool:
        return self._spec.yields_flow and (self._layout.has_alpha or self._layout.is_linear)

    def _call(
        self,
        pictures: list[Tensor],
        features: list[tuple[Tensor, ...]],
        timesteps: Sequence[Fraction],
        size: tuple[int, int],
    ) -> Interpolation:
        """Call the model; `size` of the pictures or more, from their upper left, is not padding."""
        self._before_call()
        moments = [float(timestep) for timestep in timesteps]
        height, width = pictures[0].shape[-2:]
        shown = (min(size[0], height), min(size[1], width))
        quality = self._quality
        if shown != (height, width):
            quality = replace(quality, picture_size=shown)
        answer: Interpolation = self._model(pictures, features, moments, quality)
        return answer


def _channels_last(frames: Tensor) -> Tensor:
    return frames.permute(0, 2, 3, 1).contiguous()


def _unsound(timesteps: Sequence[Fraction], sound: Tensor) -> list[Fraction]:
    return [
        moment for moment, is_sound in zip(timesteps, sound.tolist(), strict=True) if not is_sound
    ]


def _cropped(result: Interpolation, height: int, width: int) -> Interpolation:
    """Cut the padding off the right and bottom of everything in `result`."""

    def cut(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor[..., :height, :width]

    return Interpolation(
        frames=result.frames[..., :height, :width],
        flow_t0=cut(result.flow_t0),
        flow_t1=cut(result.flow_t1),
        mask=cut(result.mask),
    )
