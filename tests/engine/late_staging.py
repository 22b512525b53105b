"""Downloads as CUDA's are: under way until somebody waits for them, and wrong until then."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from blender_vfi.engine import network
from blender_vfi.engine.staging import Download, InOrder, Staging

POISON = 777.0


class _Arrival:
    """Ends when asked to."""

    def __init__(self, arrive: Callable[[], None]) -> None:
        self._arrive = arrive

    def synchronize(self) -> None:
        self._arrive()


class LateStaging:
    """The CPU in the place of a CUDA device.

    Attributes:
        under_way: downloads that nobody has waited for.
        most_under_way: how many these were at most as another one began.
        most_held: how many uploaded frames were held at most.
    """

    is_late = True

    def __init__(self) -> None:
        self.under_way = self.most_under_way = self.most_held = 0
        self._held: dict[int, weakref.ref[Tensor]] = {}  # tensors are equal by what they hold

    def beside(self) -> nullcontext[None]:
        return nullcontext()

    def hand_over(self, frame: Tensor) -> None:
        self._held[id(frame)] = weakref.ref(frame)
        held = [one for one in self._held.values() if one() is not None]
        self.most_held = max(self.most_held, len(held))

    def download(self, frames: Tensor, sound: Tensor | None = None) -> Download:
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.under_way += 1
        there = torch.full_like(frames, POISON)
        sound_there = None if sound is None else torch.zeros_like(sound)

        def arrive() -> None:
            self.under_way -= 1
            there.copy_(frames)
            if sound is not None and sound_there is not None:
                sound_there.copy_(sound)

        return Download(there, sound_there, _Arrival(arrive))


@pytest.fixture
def late(monkeypatch) -> LateStaging:
    """Have all devices bring frames late, as long as the test runs."""
    return installed(monkeypatch, LateStaging())


def installed(monkeypatch: pytest.MonkeyPatch, staging: LateStaging) -> LateStaging:
    """Have all devices bring frames by `staging`; return it."""

    def staging_for(_device: torch.device, *, copies_beside: bool) -> Staging:
        return staging if copies_beside else InOrder()

    monkeypatch.setattr(network, "staging_for", staging_for)
    return staging
