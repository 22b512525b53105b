"""Looks at all frames of a strip once, before any is made: decoded, shrunk, compared, let go.

That is for jobs that need all findings first; the others find cuts as they go, see `watching`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import cores, images
from .finder import Finder
from .findings import Findings
from .image_comparison import check_same_format
from .image_formats import FrameFormat
from .similarity import Signature, is_same, signature


def inspect_frames(
    paths: Sequence[Path],
    expected: FrameFormat,
    *,
    cut_threshold: float,
    on_frame: Callable[[int], None] = lambda _done: None,
) -> Findings:
    """Find the cuts and the held frames of a strip.

    Args:
        paths: the source frames, in order.
        expected: what all frames must be like.
        cut_threshold: see `finder.Finder`.
        on_frame: told how many frames were looked at; what it raises ends the search.

    Raises:
        FrameError: a frame cannot be read, or is unlike the first.
    """

    def read(path: Path) -> Signature:
        return read_signature(path, paths[0], expected)

    finder = Finder(cut_threshold)
    coming: deque[Future[Signature]] = deque()
    threads = cores.inspecting_threads()
    with ThreadPoolExecutor(threads, thread_name_prefix="vfi-inspect") as pool:
        try:
            for done in range(len(paths)):
                ahead = paths[done + len(coming) : done + 2 * threads]
                coming.extend(pool.submit(read, path) for path in ahead)
                finder.add(coming.popleft().result())
                on_frame(done + 1)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return finder.findings()


def show_the_same(one: Path, two: Path, expected: FrameFormat) -> bool:
    """Tell whether two frames show the same picture.

    Raises:
        FrameError: a frame cannot be read, or is unlike what is expected.
    """
    return is_same(read_signature(one, one, expected), read_signature(two, one, expected))


def read_signature(path: Path, first: Path, expected: FrameFormat) -> Signature:
    """Decode a frame and make its small copy.

    Raises:
        FrameError: it cannot be read, or is unlike `first`, of the format `expected`.
    """
    frame = images.read_frame(path)
    check_same_format(expected, first, frame.header.format, path)
    return signature(frame.pixels, frame.header.format)
