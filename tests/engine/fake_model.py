"""A model without weights that blends, and writes down what it was asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from blender_vfi.models import catalog
from blender_vfi.models.cache import ModelCache
from blender_vfi.models.catalog_types import ModelSpec
from blender_vfi.models.interface import Interpolation, InterpolationModel, Quality
from blender_vfi.models.loading import LoadedModel

CPU = torch.device("cpu")


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of the model: the mean of each frame in the window, and what else it was given."""

    means: tuple[float, ...]
    features: tuple[tuple[float, ...], ...]
    shape: tuple[int, ...]
    timesteps: tuple[float, ...]
    quality: Quality


class FakeModel(InterpolationModel):
    """Cross-fades the middle two frames; says that nothing moves."""

    def __init__(
        self,
        *,
        yields_flow: bool = True,
        before_encode: Callable[[int], None] = lambda _number: None,
        before_call: Callable[[int, int], None] = lambda _number, _batch: None,
    ) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.encoded: list[float] = []
        self._yields_flow = yields_flow
        self._before_encode = before_encode
        self._before_call = before_call
        self._attempts = {"encode": 0, "call": 0}

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        self._attempts["encode"] += 1
        self._before_encode(self._attempts["encode"])
        self.encoded.append(_mean(frame))
        return (frame.mean(),)

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        self._attempts["call"] += 1
        self._before_call(self._attempts["call"], len(timesteps))
        self.calls.append(
            Call(
                means=tuple(_mean(frame) for frame in frames),
                features=tuple(tuple(_mean(item) for item in items) for items in features),
                shape=tuple(frames[0].shape),
                timesteps=tuple(timesteps),
                quality=quality,
            )
        )
        middle = len(frames) // 2 - 1
        later = torch.tensor(timesteps)[:, None, None, None]
        blend = frames[middle] * (1 - later) + frames[middle + 1] * later
        if not self._yields_flow:
            return Interpolation(frames=blend)
        flow = torch.zeros(len(timesteps), 2, *blend.shape[-2:])
        mask = (1 - later).expand(-1, 1, *blend.shape[-2:])
        return Interpolation(frames=blend, flow_t0=flow, flow_t1=flow, mask=mask)


class SmallDeviceModel(FakeModel):
    """Runs out of memory wherever it is shown more pixels, times timesteps, than fit."""

    def __init__(self, most_pixels: int, *, most_to_encode: int | None = None) -> None:
        super().__init__()
        self._most_pixels = most_pixels
        self._most_to_encode = most_to_encode or most_pixels
        self.refused: list[tuple[int, ...]] = []

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        self._fit(frame, 1, self._most_to_encode)
        return super().encode(frame)

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        self._fit(frames[0], len(timesteps), self._most_pixels)
        return super().forward(frames, features, timesteps, quality)

    def _fit(self, frame: Tensor, count: int, most_pixels: int) -> None:
        height, width = frame.shape[-2:]
        if height * width * count > most_pixels:
            self.refused.append((height, width, count))
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


class PictureModel(FakeModel):
    """Cross-fades and says nothing of motion; takes and makes only what a display shows."""

    def __init__(self) -> None:
        super().__init__(yields_flow=False)

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        shown = [frame.clamp(0, 1) for frame in frames]
        made = super().forward(shown, features, timesteps, quality)
        return Interpolation(frames=made.frames.clamp(0, 1))


def fake_spec(**changes: object) -> ModelSpec:
    """Return the default model's entry with fields changed."""
    return dataclasses.replace(catalog.find(catalog.DEFAULT_MODEL), **changes)


def fake_cache(model: InterpolationModel, loads: list[str] | None = None) -> ModelCache:
    """Return a cache that always loads `model`, and appends the name asked for to `loads`."""

    def load(
        spec: ModelSpec, *, before_device: Callable[[], None] = lambda: None, **_options: object
    ) -> LoadedModel:
        if loads is not None:
            loads.append(spec.name)
        before_device()
        return LoadedModel(
            model=model,
            spec=spec,
            checkpoint=Path("none"),
            sha256="",
            device=CPU,
            dtype=torch.float32,
            memory_bytes=0,
        )

    return ModelCache(free_memory=lambda _device: 1 << 40, release=lambda _device: None, load=load)


def _mean(tensor: Tensor) -> float:
    return round(float(tensor.mean()), 4)
