"""Lets a job make way for others that need its devices, such as a render of Blender's.

Asked from one thread, heeded in others: between two pairs of frames, each device's loop leaves it
with everything that it holds there, and comes back when it may. Standard library alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

Manner = Literal["go", "pause", "cpu"]
"""What a job on a GPU does: as ever; nothing, off the device; or go on, on the CPU."""

_LOOK_S = 0.1


class Courtesy:
    """What is asked of a running job, and what it has done so far.

    Args:
        on_change: told, in a thread of the job's, what it does from now on: that it makes way when
            the last of its devices is left, that it goes on when the first is taken again.
        on_leave: told, in a thread of the job's, that it has left its devices for good, where
            others were waiting for that.

    Attributes:
        changed: held while anything of this is changed.
        cpu_user: the one device of the job whose frames are made on the CPU meanwhile, or None:
            each more would take as much main memory again, for cores that are all in use.
    """

    def __init__(
        self,
        on_change: Callable[[Manner], None] = lambda _manner: None,
        on_leave: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_change = on_change
        self._on_leave = on_leave
        # held while others are told, so that they hear of changes in their order
        self.changed = threading.Condition(threading.RLock())
        self._manner: Manner = "go"
        self._told: Manner = "go"
        self._places: list[Place] = []
        self.cpu_user: Place | None = None

    @property
    def manner(self) -> Manner:
        """What is asked of the job now."""
        return self._manner

    @property
    def is_on_device(self) -> bool:
        """Whether the job holds memory of a GPU."""
        with self.changed:
            return any(place.is_on_device for place in self._places)

    @property
    def is_aside(self) -> bool:
        """Whether the job is away from a device of its own at present."""
        with self.changed:
            return any(place.is_aside for place in self._places)

    def place(self) -> Place:
        """Return what stands for one more device of the job."""
        place = Place(self)
        with self.changed:
            self._places.append(place)
        return place

    def ask(self, manner: Manner) -> bool:
        """Ask for something from now on; return whether nothing has to be waited for."""
        with self.changed:
            self._manner = manner
            self.changed.notify_all()
            return not self.is_on_device

    def leave(self) -> None:
        """Note that the job needs none of its devices any more, and tell who waits for that."""
        for place in list(self._places):
            place.leave()
        self.cpu_user = None

    def tell(self, manner: Manner) -> None:
        """Say what the job does from now on, if that is news: on one device, it makes no way."""
        if manner != "go" and self._manner != "go":
            manner = self._manner  # where one device goes on on the CPU, the others pause
        if manner != self._told and (manner == "go" or not self.is_on_device):
            self._told = manner
            self._on_change(manner)

    def forget(self, place: Place, *, is_awaited: bool) -> None:
        """Take a place away; where others wait for its device and it was the last one, tell so."""
        if place in self._places:
            self._places.remove(place)
        if is_awaited and self.is_aside:  # the job's other devices were left before
            self.tell(self._manner)
        elif is_awaited and not self.is_on_device:
            self._on_leave()
        if not self._places:
            self._told = "go"


class Place:
    """What stands for one device of a job; see `Courtesy.place`.

    Attributes:
        is_on_device: whether memory of a GPU is held here.

    Args:
        courtesy: of the job.
    """

    def __init__(self, courtesy: Courtesy) -> None:
        self._courtesy = courtesy
        self._heeded: Manner = "go"
        self.is_on_device = False

    @property
    def manner(self) -> Manner:
        """What is asked of the job here: of its devices, one at most goes on on the CPU."""
        asked = self._courtesy.manner
        return asked if asked != "cpu" or self._may_use_cpu else "pause"

    @property
    def is_aside(self) -> bool:
        """Whether the job is away from this device at present."""
        return self._heeded != "go"

    @property
    def _may_use_cpu(self) -> bool:
        return self._courtesy.cpu_user in (None, self)

    def wait(self, stop_if_cancelled: Callable[[], None]) -> None:
        """Wait until nobody else needs the device, however long that is, without taking it yet.

        Args:
            stop_if_cancelled: raises where it shall wait no longer.
        """
        with self._courtesy.changed:
            while (manner := self._courtesy.manner) != "go":
                if self.is_on_device:  # one that comes anew has left what it had there
                    self.is_on_device = False
                    self._courtesy.tell(manner)
                stop_if_cancelled()
                self._courtesy.changed.wait(_LOOK_S)

    def enter(self, stop_if_cancelled: Callable[[], None]) -> None:
        """Take the device, as soon as nobody else needs it, right before anything comes there.

        Args:
            stop_if_cancelled: raises where it shall wait no longer.
        """
        with self._courtesy.changed:
            self.wait(stop_if_cancelled)
            self.is_on_device = True
            self._courtesy.tell("go")

    def leave(self) -> None:
        """Note that the job needs this device no more, and tell who waits for that."""
        with self._courtesy.changed:
            was_on_device, self.is_on_device, self._heeded = self.is_on_device, False, "go"
            self._leave_cpu()
            self._courtesy.forget(self, is_awaited=was_on_device and self.manner != "go")

    def leave_for_cpu(self, stop_if_cancelled: Callable[[], None]) -> None:
        """Leave the device for good, and wait until the job's frames may be made on the CPU here.

        Args:
            stop_if_cancelled: raises where it shall wait no longer.
        """
        self.leave()
        with self._courtesy.changed:
            while not self._may_use_cpu:
                stop_if_cancelled()
                self._courtesy.changed.wait(_LOOK_S)
            self._courtesy.cpu_user = self

    def _leave_cpu(self) -> None:
        if self._courtesy.cpu_user is self:
            self._courtesy.cpu_user = None
            self._courtesy.changed.notify_all()

    def heed(self, manner: Manner, stop_if_cancelled: Callable[[], None]) -> None:
        """Note what is done here now, tell so, and wait for the end of a pause.

        Args:
            manner: what the loop has prepared itself for.
            stop_if_cancelled: raises where it shall wait no longer.
        """
        with self._courtesy.changed:
            self._heeded = manner
            self.is_on_device = manner == "go"
            if manner != "cpu":
                self._leave_cpu()
            elif self._may_use_cpu:
                self._courtesy.cpu_user = self
            self._courtesy.tell(manner)
            while manner == self.manner == "pause":
                stop_if_cancelled()
                self._courtesy.changed.wait(_LOOK_S)
