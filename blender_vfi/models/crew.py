"""Shares the bands of a picture out to threads, each of which computes alone.

PyTorch's own threads meet after every operation. In a band these are many and short: the threads
wait for each other more than they win, and where another program wants a core, all wait for the
one that has lost it. Here each takes the next band when it has done with one, so that a slow core
does less, and they meet once, at the end. Never import bpy here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import torch

_MOST: Final = 16
"""More threads than this would wait for Python's lock, which each takes between operations."""

_Band = tuple[int, int]
_Work = Callable[[int, int], None]


def in_bands(work: _Work, bands: Iterable[_Band]) -> None:
    """Call `work` for each band, in as many threads as PyTorch may use here.

    Args:
        work: computes one band, without gradients, and writes nothing of another's.
        bands: the arguments of each call; begun in this order.

    Raises:
        Exception: what `work` has raised. Bands not begun by then are left out.
    """
    waiting = list(bands)[::-1]
    threads = torch.get_num_threads()
    helpers = min(size(), len(waiting)) - 1
    if helpers < 1:
        _run(work, waiting)
        return
    crew = _crew(helpers)
    is_inference = torch.is_inference_mode_enabled()
    helping: list[Future[None]] = []
    torch.set_num_threads(1)
    try:
        for _ in range(helpers):
            helping.append(crew.submit(_help, work, waiting, is_inference))
        _run(work, waiting)
    finally:
        wait(helping)  # all of them, whatever has happened: they use the caller's memory
        torch.set_num_threads(threads)
    for one in helping:
        one.result()


def size() -> int:
    """Return how many threads share bands here."""
    return min(torch.get_num_threads(), _MOST)


def _help(work: _Work, waiting: list[_Band], is_inference: bool) -> None:
    torch.set_num_threads(1)  # of this thread alone; that of threads yet to come is set at the end
    with torch.inference_mode(is_inference), torch.no_grad():
        _run(work, waiting)


def _run(work: _Work, waiting: list[_Band]) -> None:
    while True:
        try:
            band = waiting.pop()
        except IndexError:
            return
        try:
            work(*band)
        except BaseException:  # whatever it is, nobody begins another band
            waiting.clear()
            raise


_own = threading.local()


def _crew(helpers: int) -> ThreadPoolExecutor:
    """Return this thread's helpers, who stay until it wants another number of them, or ends."""
    crew: ThreadPoolExecutor | None = getattr(_own, "crew", None)
    if crew is None or _own.helpers != helpers:
        if crew is not None:
            crew.shutdown()
        crew = _own.crew = ThreadPoolExecutor(helpers, thread_name_prefix="bands")
        _own.helpers = helpers
    return crew
