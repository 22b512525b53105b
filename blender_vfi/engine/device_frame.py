"""A frame on the device, and what of it has been shown to the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from .composition import View
from .light import ExposedCurve, LightCurve


@dataclass(slots=True)
class Shown:
    """What the network sees of a frame, (1, 3, H, W) padded, and its features once there."""

    picture: Tensor
    curve: LightCurve | ExposedCurve | None
    features: tuple[Tensor, ...] | None = None


@dataclass(frozen=True, slots=True)
class DeviceFrame:
    """A frame on the device: all its channels, and what of it has been shown to the network."""

    channels: Tensor
    views: frozenset[View] = frozenset()
    brightest: float = 1.0
    stops: float = 0.0
    shown: dict[View, Shown] = field(default_factory=dict)


def bare(window: Sequence[DeviceFrame]) -> list[DeviceFrame]:
    """Return the same frames, shown to no network yet."""
    # one frame may stand in the window twice
    frames = {id(frame): replace(frame, shown={}) for frame in window}
    return [frames[id(frame)] for frame in window]


def size_of(window: Sequence[DeviceFrame]) -> tuple[int, int]:
    """Return the height and width of frames of one size."""
    height, width = window[0].channels.shape[-2:]
    return height, width
