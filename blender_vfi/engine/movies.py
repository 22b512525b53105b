"""The movies that are open, and their frames by name, for whoever reads frames.

PyAV is imported when the first movie is opened: an engine without it works for image sequences.
Never import torch or bpy here.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EngineError
from ..remedies import remedy
from .movie_frames import movie_of
from .torch_builds import REQUIREMENTS

if TYPE_CHECKING:
    from .image_formats import FrameFormat
    from .images import Frame
    from .job_spec import JobSpec
    from .movie_index import MovieIndex
    from .movie_output import MovieOutput
    from .movie_reader import MovieReader

_open: dict[Path, MovieReader] = {}
_lock = threading.Lock()


@contextlib.contextmanager
def closing() -> Iterator[None]:
    """Close, in the end, every movie that was opened meanwhile."""
    try:
        yield
    finally:
        with _lock:
            for reader in _open.values():
                reader.close()
            _open.clear()


def read_format(source: Path) -> FrameFormat:
    """Return what a movie's frame is like, without decoding it.

    Raises:
        FrameError: the movie cannot be read.
        EngineError: PyAV is not there.
    """
    return reader_of(source).format


def read_frame(source: Path) -> Frame:
    """Decode a movie's frame.

    Raises:
        FrameError: it cannot be decoded.
        EngineError: PyAV is not there.
    """
    return reader_of(source).read(source)


def index_of_movie(path: Path) -> MovieIndex:
    """Return a movie's pictures and their times, without decoding them.

    Raises:
        FrameError: it cannot be read.
        EngineError: PyAV is not there.
    """
    with _explaining_a_missing_package():
        from .movie_reader import read_movie_index
    return read_movie_index(path)


def varying_moments(sources: Sequence[Path]) -> tuple[Fraction, ...] | None:
    """Return when each picture of a movie is shown, in frames from its first, if its rate varies.

    None for a constant rate, and for files of their own.
    """
    movie = movie_of(sources[0])
    index = None if movie is None else index_of_movie(movie)
    return None if index is None or index.shown is None else index.moments()


def doubts(sources: Sequence[Path]) -> Iterator[str]:
    """Say what looks unintended about a job's movie; nothing for files of their own."""
    if movie_of(sources[0]) is not None:
        last = max(sources, key=lambda source: source.name)
        yield from reader_of(sources[0]).doubts(last)


def output_of(job: JobSpec, frames: FrameFormat) -> MovieOutput | None:
    """Return the movie that a job makes of its frames; None for none.

    Raises:
        RequestError: the movie cannot hold the frames or the sound.
        OutputError: a file of that name is there, and is not this job's.
        EngineError: PyAV is not there.
    """
    if job.movie is None:
        return None
    with _explaining_a_missing_package():
        from .movie_output import MovieOutput
    return MovieOutput(job, frames)


def reader_of(source: Path) -> MovieReader:
    """Return the movie that a frame belongs to, opened."""
    movie = movie_of(source)
    assert movie is not None
    with _lock:
        if movie not in _open:
            with _explaining_a_missing_package():
                from .movie_reader import MovieReader
            _open[movie] = MovieReader(movie)
        return _open[movie]


@contextlib.contextmanager
def _explaining_a_missing_package() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        anew = remedy(
            panel="press Set Up Engine in Preferences > Add-ons > Frame Interpolation once more, "
            "or ",
            terminal="",
        )
        raise EngineError(
            f"Movies need PyAV, which the engine's Python lacks ({error}): {anew}install it with: "
            f'{sys.executable} -m pip install -r "{REQUIREMENTS}"'
        ) from error
