"""Frames of a movie as members of a list of source frames.

A movie frame is named as if the movie were a folder of files: the first frame of `clip.mp4` is
`clip.mp4/frame_00000001.movieframe`. Nothing can lie under a file, so that no such path is ever a
real one, and whatever asks for a frame's number or name finds them where it does for images.

The frames of a movie are its moments at a constant rate, counted from 1: frame n is what is shown
(n - 1) / rate seconds after the first picture. Where the movie's rate varies, some pictures are
shown at several moments and some at none; `movie_times` leads what is made back to the true ones.
Standard library alone: Blender's process imports this.
"""

from __future__ import annotations

from pathlib import Path

from .folders import split_number

MOVIE_SUFFIXES = frozenset(
    {
        *(".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mxf", ".ts", ".m2ts", ".mts", ".mpg"),
        *(".mpeg", ".ogv", ".wmv", ".flv", ".vob", ".dv", ".3gp", ".gif", ".y4m"),
    }
)
"""What names of movies end in; by these a path is told from a folder's that does not exist."""

_SUFFIX = ".movieframe"
_FRAME, _PICTURE = "frame_", "picture_"
_DIGITS = 8


def movie_frame(movie: Path, index: int) -> Path:
    """Name the frame at `index`, from 0, of a movie: its moment at the movie's constant rate."""
    return movie / f"{_FRAME}{index + 1:0{_DIGITS}d}{_SUFFIX}"


def movie_picture(movie: Path, index: int) -> Path:
    """Name the picture at `index`, from 0, of a movie, at whatever moment it is shown."""
    return movie / f"{_PICTURE}{index + 1:0{_DIGITS}d}{_SUFFIX}"


def movie_of(source: Path) -> Path | None:
    """Return the movie that a source frame belongs to; None for a file of its own."""
    return source.parent if source.suffix == _SUFFIX else None


def index_of(source: Path) -> int:
    """Return the index, from 0, of a movie's frame or picture."""
    number = split_number(source)[1]
    assert number is not None
    return number - 1


def is_picture(source: Path) -> bool:
    """Tell whether a movie's frame is named by its picture, and not by its moment."""
    return source.name.startswith(_PICTURE)


def file_of(source: str) -> str:
    """Return the file on disk that holds a source frame."""
    # by text: this is asked once a frame, and a Path costs as much as the file's stamp
    return (
        source[: max(source.rfind("/"), source.rfind("\\"))] if source.endswith(_SUFFIX) else source
    )


def is_movie(path: Path) -> bool:
    """Tell by its name whether a path is meant as a movie."""
    return path.suffix.lower() in MOVIE_SUFFIXES
