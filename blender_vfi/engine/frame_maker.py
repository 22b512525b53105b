"""What the loop asks for frames, whatever these are made of: one picture, or many passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from ..models.catalog_types import ModelSpec
from .composition import ChannelLayout
from .guided import Guidance, GuidedNetwork
from .layered import LayeredLayout, LayeredNetwork
from .network import Network
from .schedule import PairWork
from .staging import Download

_HeldFrame = TypeVar("_HeldFrame")


class FrameMaker(Protocol[_HeldFrame]):
    """What makes frames, of one picture or of many passes; see `Network` for what each does."""

    def upload(self, frame: Tensor) -> _HeldFrame:
        """Take a source frame (H, W, C)."""

    def begin(self, work: PairWork) -> None:
        """Hear which pair is next."""

    def encode(self, window: Sequence[_HeldFrame]) -> None:
        """Compute what depends on single frames."""

    def make(self, window: Sequence[_HeldFrame], timesteps: Sequence[Fraction]) -> Tensor:
        """Return T frames, in the maker's own form."""

    def still(self, window: Sequence[_HeldFrame]) -> Tensor | None:
        """Return the one frame, in the form of `make`, where both of a pair are the same."""

    def on_host(self, frames: Tensor) -> Download:
        """Bring what `make` or `still` returned to main memory, as (T, H, W, C)."""

    def send(self, window: Sequence[_HeldFrame], timesteps: Sequence[Fraction]) -> Download:
        """Make frames and bring them to main memory, without waiting for either where possible."""

    def bare(self, window: Sequence[_HeldFrame]) -> list[_HeldFrame]:
        """Return frames that hold only what others can be made from again."""

    def prepare(self, frames: Tensor) -> _HeldFrame:
        """Make a source of the one frame that `make` returned."""

    def shrink_tiles(self, frames: Sequence[_HeldFrame]) -> int | None:
        """Take smaller tiles from now on; None where there are none."""

    def move(
        self, device: torch.device, dtype: torch.dtype, frames: Sequence[_HeldFrame]
    ) -> list[_HeldFrame]:
        """Go on elsewhere, with the model and these frames."""


def maker_of(
    network_for: Callable[[ChannelLayout], Network],
    spec: ModelSpec,
    layout: ChannelLayout | LayeredLayout,
    device: torch.device,
    guidance: Guidance | None,
) -> FrameMaker[Any]:
    """Choose what makes frames of a layout."""
    if not isinstance(layout, LayeredLayout):
        return network_for(layout)
    if spec.is_guided and guidance is not None and layout.has_guides:
        return GuidedNetwork(network_for, spec, layout, device=device, guidance=guidance)
    return LayeredNetwork(network_for, spec, layout, device=device)
