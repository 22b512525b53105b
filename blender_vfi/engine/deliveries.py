"""Takes frames over as they reach main memory, one batch behind the device where copies are late.

So the device has its next work before anybody waits for what it made. One batch at most is under
way while that is asked for: memory stays the same however long the job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from .staging import Download


@dataclass(slots=True)
class _Batch:
    """Frames that are under way.

    Attributes:
        download: the frames.
        take: takes them when they are there.
        again: makes and adds them again, where they are no pictures; holds what they are made from.
        after: what is to be done when they are taken, in order.
    """

    download: Download
    take: Callable[[Tensor], None]
    again: Callable[[], None] | None
    after: list[Callable[[], None]] = field(default_factory=list)


class Deliveries:
    """Batches of frames, taken in the order in which they are added."""

    def __init__(self) -> None:
        self._coming: _Batch | None = None
        self._is_prompt = False

    def add(
        self,
        download: Download,
        take: Callable[[Tensor], None],
        again: Callable[[], None] | None = None,
    ) -> None:
        """Have a batch taken when it is there, after the one before it.

        Args:
            download: (T, H, W, C) frames.
            take: called with them: at once where they are there, else by what is asked next here.
            again: called in its place where they are no pictures: adds them anew. None where that
                was looked at before.
        """
        self.settle()  # where that fails, nothing later than the failure is taken
        self._coming = _Batch(download, take, again)
        if download.is_there or self._is_prompt:
            self.settle()

    def after(self, act: Callable[[], None]) -> None:
        """Have something done when all that was added is taken: at once where it is."""
        if self._coming is None:
            act()
        else:
            self._coming.after.append(act)

    def settle(self) -> None:
        """Wait for what is under way, and have it taken."""
        batch, self._coming = self._coming, None
        if batch is None:
            return
        if batch.again is None or batch.download.is_sound():
            batch.take(batch.download.wait())
        else:
            batch.again()
            self.settle()
        for act in batch.after:
            act()

    def hurry(self) -> None:
        """Have the device hold nothing that is under way, now and until there is time again.

        What is under way is taken by what is asked next here, as ever, since that may fail.
        """
        self._is_prompt = True
        if self._coming is not None and self._coming.download.is_sound():
            self._coming.again = None

    def take_time(self) -> None:
        """Let a batch be under way again: the device has more room now."""
        self._is_prompt = False
