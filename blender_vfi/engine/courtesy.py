"""Lets a job make way for others that need its device, such as a render of Blender's.

Asked from one thread, heeded in another: between two pairs of frames, the loop leaves the device
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
        on_change: told, in the job's thread, what it does from now on.
        on_leave: told, in the job's thread, that it has left its device for good, where others
            were waiting for that.

    Attributes:
        is_on_device: whether the job holds memory of a GPU.
    """

    def __init__(
        self,
        on_change: Callable[[Manner], None] = lambda _manner: None,
        on_leave: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_change = on_change
        self._on_leave = on_leave
        self._changed = threading.Condition()
        self._manner: Manner = "go"
        self._heeded: Manner = "go"
        self.is_on_device = False

    @property
    def manner(self) -> Manner:
        """What is asked of the job now."""
        return self._manner

    def ask(self, manner: Manner) -> bool:
        """Ask for something from now on; return whether nothing has to be waited for."""
        with self._changed:
            self._manner = manner
            self._changed.notify_all()
            return not self.is_on_device

    def enter(self, stop_if_cancelled: Callable[[], None]) -> None:
        """Take a device, as soon as nobody else needs it, however long that is.

        Args:
            stop_if_cancelled: raises where it shall wait no longer.
        """
        with self._changed:
            while self._manner != "go":
                stop_if_cancelled()
                self._changed.wait(_LOOK_S)
            self.is_on_device = True

    @property
    def is_aside(self) -> bool:
        """Whether the job is away from its device at present."""
        return self._heeded != "go"

    def leave(self) -> None:
        """Note that the job needs its device no more, and tell who waits for that."""
        with self._changed:
            is_awaited = self.is_on_device and self._manner != "go"
            self._heeded = "go"
            self.is_on_device = False
        if is_awaited:
            self._on_leave()

    def heed(self, manner: Manner, stop_if_cancelled: Callable[[], None]) -> None:
        """Note what the job does now, tell so, and wait for the end of a pause.

        Args:
            manner: what the job has prepared itself for.
            stop_if_cancelled: raises where it shall wait no longer.
        """
        self._heeded = manner
        self.is_on_device = manner == "go"
        self._on_change(manner)
        with self._changed:
            while manner == self._manner == "pause":
                stop_if_cancelled()
                self._changed.wait(_LOOK_S)
