"""Frames are taken as they arrive, in order, with one batch under way at most."""

from __future__ import annotations

import weakref
from functools import partial

import pytest
import torch

from blender_vfi.engine.deliveries import Deliveries
from blender_vfi.engine.staging import Download

pytestmark = pytest.mark.torch


class Batch:
    """A batch of one number, and what becomes of it, in `log`."""

    def __init__(self, log: list[str], name: str, *, sound: bool = True) -> None:
        self._log, self._name = log, name
        self.download = Download(torch.zeros(1), torch.tensor([sound]), self)

    def synchronize(self) -> None:
        self._log.append(f"{self._name} waited for")

    def take(self, _frames: torch.Tensor) -> None:
        self._log.append(f"{self._name} taken")

    def again(self) -> None:
        self._log.append(f"{self._name} made again")


@pytest.fixture
def log() -> list[str]:
    return []


def add(deliveries, log, name, **options):
    batch = Batch(log, name, **options)
    deliveries.add(batch.download, batch.take, batch.again)


def test_a_batch_that_is_there_is_taken_at_once(log):
    deliveries = Deliveries()
    deliveries.add(Download(torch.zeros(1)), lambda _frames: log.append("taken"))
    deliveries.after(lambda: log.append("after"))
    assert log == ["taken", "after"]


def test_a_batch_under_way_is_taken_when_the_next_is_added(log):
    deliveries = Deliveries()
    add(deliveries, log, "first")
    deliveries.after(lambda: log.append("after first"))
    assert log == []
    add(deliveries, log, "second")
    assert log == ["first waited for", "first taken", "after first"]
    deliveries.settle()
    assert log[3:] == ["second waited for", "second taken"]
    deliveries.settle()
    assert len(log) == 5


def test_what_follows_a_batch_that_is_no_picture_waits_for_it_to_be_made_again(log):
    deliveries = Deliveries()
    bad, good = Batch(log, "bad", sound=False), Batch(log, "good")
    deliveries.add(
        bad.download, bad.take, lambda: deliveries.add(good.download, good.take, good.again)
    )
    deliveries.after(lambda: log.append("after"))
    add(deliveries, log, "next")
    assert log == ["bad waited for", "good waited for", "good taken", "after"]


def test_nothing_later_than_a_failure_is_taken(log):
    deliveries = Deliveries()

    def fail(_frames):
        raise OSError("the disk is full")

    deliveries.add(Batch(log, "first").download, fail)
    with pytest.raises(OSError, match="full"):
        add(deliveries, log, "second")
    deliveries.settle()
    assert log == ["first waited for"]


def test_in_a_hurry_what_is_under_way_arrives_and_is_taken_in_its_turn(log):
    deliveries = Deliveries()
    add(deliveries, log, "first")
    deliveries.hurry()
    assert log == ["first waited for"]
    add(deliveries, log, "second")
    assert log[1:] == ["first taken", "second waited for", "second taken"]


def test_with_time_again_a_batch_is_under_way_as_before(log):
    deliveries = Deliveries()
    deliveries.hurry()
    deliveries.take_time()
    add(deliveries, log, "first")
    assert log == []


@pytest.mark.parametrize("sound", [True, False])
def test_in_a_hurry_only_what_has_to_be_made_again_is_held(log, sound):
    deliveries = Deliveries()
    batch = Batch(log, "batch", sound=sound)
    source = torch.zeros(1)
    held = weakref.ref(source)
    deliveries.add(batch.download, batch.take, partial(log.append, source))
    del source
    deliveries.hurry()
    assert (held() is None) == sound
