"""Deals the pairs of a job out to several devices, which make frames side by side.

One reader decodes every frame once, in order, and pairs are taken in order, whichever device is the
next to ask: so cuts come to light as with one device, and a slow device delays nobody. Each
holds one short run of pairs at most, so that memory stays the same however far apart they are.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice

from torch import Tensor

from ..errors import VfiError
from .frame_files import ReadAhead
from .images import FrameHeader
from .schedule import PairWork, Plan
from .window import window_of

_LONGEST_RUN = 4
"""Neighbouring pairs that a device takes at once. What it computes from one frame serves both pairs
beside it: one by one, two devices would do all of that twice, and in runs of four a quarter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _DealtPair:
    """A pair that a device has taken, with the frames that its model looks at."""

    work: PairWork
    frames: dict[int, Tensor]
    headers: tuple[FrameHeader, FrameHeader]


class PairDealer:
    """The pairs of a job that nobody has taken yet.

    Args:
        plan: what is made.
        reader: decodes the frames, in the order that `works` wants them in.
        works: what to make of each pair, in order.
        pair_count: how many these are, at most.
        context: source frames that the model looks at.
        device_count: how many devices there are.
        frames_that_fit: source frames that may wait in main memory.

    Attributes:
        is_over: whether there are no more.
    """

    def __init__(
        self,
        plan: Plan,
        reader: ReadAhead,
        works: Iterable[PairWork],
        *,
        pair_count: int,
        context: int,
        device_count: int,
        frames_that_fit: int,
    ) -> None:
        self._plan = plan
        self._reader = reader
        self._works = iter(works)
        self._left = pair_count
        self._context = context
        self._device_count = device_count
        # a run of n pairs has n + 1 frames
        self._longest_run = min(_LONGEST_RUN, frames_that_fit // device_count - 1)
        self._window: dict[int, Tensor] = {}
        self._taking = threading.Lock()
        self.is_over = False
        self._error: VfiError | None = None

    def take(self) -> deque[_DealtPair]:
        """Return the next pairs, shorter runs of them towards the end; none when there are none.

        Any thread may call. A frame that cannot be read is the end as well: see `check`.
        """
        with self._taking:
            if self.is_over:
                return deque()
            length = min(self._longest_run, self._left // (2 * self._device_count))
            run: deque[_DealtPair] = deque()
            try:
                run.extend(map(self._deal, islice(self._works, max(1, length))))
            except VfiError as error:
                self._error = error
            except BaseException:  # the job ends with it, and nobody shall go on
                self.is_over = True
                raise
            self._left -= len(run)
            self.is_over = not run or self._error is not None
            return run

    def check(self) -> None:
        """Raise what ended the dealing, once all pairs before it are made.

        So every device has made its pairs by then, as one alone would have: none is left out.

        Raises:
            VfiError: a frame cannot be read, or is unlike the others.
        """
        if self._error is not None:
            raise self._error

    def _deal(self, work: PairWork) -> _DealtPair:
        indices = window_of(self._plan, work.pair, self._context)
        self._window = {index: self._window[index] for index in indices if index in self._window}
        for index in sorted(set(indices) - self._window.keys()):
            self._window[index] = self._reader.load(index)
        headers = self._reader.headers_of_pair(work.pair)
        return _DealtPair(work=work, frames=dict(self._window), headers=headers)


class DealtPairs:
    """What one device makes: the loop's source of pairs and of their frames.

    Frames may be stored one pair late: what is not stored yet is kept, with its frames.

    Args:
        dealer: that they come from.
        stop_if_cancelled: called before each pair.
    """

    def __init__(self, dealer: PairDealer, stop_if_cancelled: Callable[[], None]) -> None:
        self._dealer = dealer
        self._stop_if_cancelled = stop_if_cancelled
        self._run: deque[_DealtPair] = deque()
        self._late: _DealtPair | None = None

    def works(self, stored: Collection[int]) -> Iterator[PairWork]:
        """Yield pair after pair; first what is left of those that a loop was stopped in.

        Args:
            stored: output frames that are made, looked into before each pair.
        """
        if self._late is not None:
            self._run.appendleft(self._late)
            self._late = None
        while True:
            self._stop_if_cancelled()
            self._run = self._run or self._dealer.take()
            if not self._run:
                return
            work = self._run[0].work.without(stored)
            if work is not None:
                yield work
            dealt = self._run.popleft()  # here the loop has come back for the next
            self._late = dealt if dealt.work.without(stored) is not None else None

    def load(self, index: int) -> Tensor:
        """Return a source frame of the present pair's window: (H, W, C) float32, not to change."""
        return self._run[0].frames[index]

    def headers_of_pair(self, pair: int) -> tuple[FrameHeader, FrameHeader]:
        """Return the headers of both source frames of the present pair, or the one before it."""
        if self._late is not None and self._late.work.pair == pair:
            return self._late.headers
        return self._run[0].headers


def side_by_side(tasks: Sequence[Callable[[], None]], stop: threading.Event) -> None:
    """Run tasks in a thread each, and wait for all of them; raise the first error.

    Args:
        tasks: that end soon after `stop` is set, be it with an error.
        stop: is set when one has failed.
    """
    with ThreadPoolExecutor(len(tasks), thread_name_prefix="vfi-device") as pool:
        running = [pool.submit(task) for task in tasks]
        try:
            for task in as_completed(running):
                task.result()
        finally:
            stop.set()
