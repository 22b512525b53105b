"""Decoding ahead of the loop and encoding behind it, in threads, with a bound on frames held.

Image libraries let go of the interpreter while they work, so threads hide the disk's time behind
the model's; `cores` says how many.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..errors import FrameError
from . import images
from .image_comparison import check_same_format
from .image_formats import FrameFormat
from .main_memory import with_room
from .schedule import Plan
from .staging import staged
from .window import window_of

_HEADERS_KEPT = 11
"""A model sees four frames at most; one that stays in sight while time goes to and fro has at most
three others on either side. And frames may be stored late, when the next window is loaded."""
_PAUSE_S = 0.2
_CPU = torch.device("cpu")
_WAITING_BYTES = 1 << 30
"""Frames of many passes are large: fewer wait where they would take more, and one at least."""


class ReadAhead:
    """Decodes source frames before they are asked for.

    Args:
        paths: the source frames.
        wanted: indices in the order in which they will be asked for, each once.
        expected: what all frames must be like; a frame that is not raises `FrameError`.
        threads: that decode; one frame more than there are is decoded ahead.
        device: where the frames will go.
        on_frame: told each frame that was decoded, in the thread that did.
    """

    def __init__(
        self,
        paths: list[Path],
        wanted: Iterable[int],
        expected: FrameFormat,
        threads: int = 1,
        device: torch.device = _CPU,
        on_frame: Callable[[int, images.Frame], None] = lambda _index, _frame: None,
    ) -> None:
        self._paths = paths
        self._expected = expected
        # of many passes, one at a time goes
        self._device = _CPU if expected.is_multilayer else device
        self._wanted: Iterator[int] = iter(wanted)
        self._coming: deque[tuple[int, Future[tuple[images.FrameHeader, Tensor]]]] = deque()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="vfi-read")
        self._ahead = frames_ahead(expected, threads)
        self._on_frame = on_frame
        self._headers: dict[int, images.FrameHeader] = {}

    def __enter__(self) -> ReadAhead:
        for _ in range(self._ahead):
            self._start_next()
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def load(self, index: int) -> Tensor:
        """Return source frame `index`: (H, W, C) float32; those announced before it are let go."""
        announced, future = self._coming.popleft()
        while announced < index:  # between two cuts
            self._start_next()
            announced, future = self._coming.popleft()
        if announced != index:
            raise AssertionError(f"frame {index} asked for, {announced} announced")
        header, frame = future.result()
        self._start_next()
        self._headers.pop(index, None)  # a frame may come again
        self._headers[index] = header
        for passed in list(self._headers)[:-_HEADERS_KEPT]:
            del self._headers[passed]
        return frame

    def wait_for(self, index: int) -> None:
        """Wait until a frame is decoded, if it is among those that are next.

        Raises:
            FrameError: it cannot be read, or is unlike the others.
        """
        for announced, future in self._coming:
            if announced == index:
                future.result()

    def headers_of_pair(self, pair: int) -> tuple[images.FrameHeader, images.FrameHeader]:
        """Return the headers of both source frames of the pair being made, or the one before."""
        return self._headers[pair], self._headers[(pair + 1) % len(self._paths)]

    def _start_next(self) -> None:
        index = next(self._wanted, None)
        if index is not None:
            self._coming.append((index, self._pool.submit(self._read, index)))

    def _read(self, index: int) -> tuple[images.FrameHeader, Tensor]:
        frame = read_steadily(self._paths[index])
        check_same_format(self._expected, self._paths[0], frame.header.format, self._paths[index])
        self._on_frame(index, frame)
        return frame.header, staged(torch.from_numpy(frame.pixels), self._device)


class WriteBehind:
    """Runs writes in threads; the first that fails stops the job at the next one.

    Args:
        frame_format: of the frames, whose size bounds how many may wait; None for small ones.
        threads: that write; two frames more than there are may wait or be written.
    """

    def __init__(self, frame_format: FrameFormat | None = None, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="vfi-write")
        waiting = threads + 2
        fitting = waiting if frame_format is None else frames_that_fit(frame_format)
        self._slot_count = min(waiting, fitting)
        self._slots = threading.Semaphore(self._slot_count)
        self._error: BaseException | None = None

    def __enter__(self) -> WriteBehind:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        self._pool.shutdown(wait=True)
        if kind is None:
            self._raise_error()

    def submit(self, write: Callable[[], object]) -> None:
        """Queue `write`, waiting while too many are queued.

        Raises:
            VfiError: a write before this one failed.
        """
        self._raise_error()
        self._slots.acquire()
        self._pool.submit(self._run, write)

    def drain(self) -> None:
        """Wait until everything queued so far is written."""
        for _ in range(self._slot_count):
            self._slots.acquire()
        self._slots.release(self._slot_count)
        self._raise_error()

    def _run(self, write: Callable[[], object]) -> None:
        try:
            if self._error is None:
                write()
        except BaseException as error:  # noqa: BLE001 - carried to the thread that submits
            self._error = error
        finally:
            self._slots.release()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error


def read_steadily(path: Path) -> images.Frame:
    """Decode a frame; where that fails, try once more: a network drive may be back in a moment.

    Raises:
        FrameError: see `images.read_frame`.
        HostMemoryError: main memory is full.
    """
    read = partial(with_room, partial(images.read_frame, path), what=f"{path} cannot be decoded")
    with contextlib.suppress(FrameError):
        return read()
    time.sleep(_PAUSE_S)
    return read()


def frames_ahead(expected: FrameFormat, threads: int) -> int:
    """Return how many frames are decoded ahead."""
    return min(threads + 1, frames_that_fit(expected))


def frames_that_fit(frame_format: FrameFormat) -> int:
    """Return how many frames may wait in main memory, one at least."""
    channels = len(frame_format.channel_names)
    frame_bytes = 4 * channels * frame_format.width * frame_format.height
    return max(1, _WAITING_BYTES // frame_bytes)


def reading_order(plan: Plan, finished: frozenset[int], context: int) -> list[int]:
    """List the source frames in the order in which the loop asks for them."""
    order: list[int] = []
    held: set[int] = set()
    for work in plan.pairs(finished):
        wanted = set(window_of(plan, work.pair, context))
        order += sorted(wanted - held)
        held = wanted
    return order
