"""What movie strips show, and where their files lie.

Blender shows one frame of a movie for each frame of the scene, whatever either's rate is, and of a
movie whose rate varies what is on screen at that time: just what `engine.movie_frames` counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from . import vse
from .engine.movie_frames import movie_frame, movie_of
from .errors import FrameError, StripError
from .messages import message
from .paths import absolute_path
from .strip_values import ImageSource

TYPE = "MOVIE"

# renamed in 5.1, as in `vse`
_HAS_NEW_TIMES = bpy.app.version >= (5, 1, 0)
TRIMMED = "content_trim_start" if _HAS_NEW_TIMES else "animation_offset_start"
_LENGTH = "content_duration" if _HAS_NEW_TIMES else "frame_duration"


def read_movie_strip(scene: bpy.types.Scene, strip: bpy.types.Strip) -> ImageSource:
    """List the frames of its movie that `strip` shows, as its handles leave it.

    Frames that a pulled-out handle holds are counted, not listed, as of image strips.

    Args:
        scene: of the strip.
        strip: a movie strip.

    Raises:
        StripError: it is retimed, or shows another than the first video stream, or its path depends
            on a .blend that was never saved.
        FrameError: the movie is missing.
    """
    if vse.is_retimed(strip):
        raise StripError(
            "Movie strip {strip!r} is retimed, so that it shows some frames twice or not at all: "
            "clear its retiming (Strip > Retiming > Reset Retiming) and animate Speed with the "
            "timing Speed Ramp instead, or render it to an image sequence first.",
            strip=strip.name,
        )
    if strip.stream_index != 0:
        raise StripError(
            "Movie strip {strip!r} shows video stream {index} of its file: only the first, 0, can "
            "be interpolated; export the other as a movie of its own.",
            strip=strip.name,
            index=strip.stream_index,
        )
    movie = Path(
        absolute_path(strip.filepath, message("The file of strip {strip!r}", strip=strip.name))
    )
    if not movie.is_file():
        raise FrameError(
            "The movie of strip {strip!r} is missing: {path}; restore it, or choose where it is "
            "in the strip's Source panel.",
            strip=strip.name,
            path=str(movie),
        )
    times, length = vse.strip_times(strip), getattr(strip, _LENGTH)
    first = max(times.left, round(times.content_start))
    end = min(times.right, round(times.content_start) + length)
    shown = [frame - round(times.content_start) for frame in range(first, end)]
    if strip.use_reverse_frames:
        shown = [length - 1 - index for index in shown]
    trimmed = getattr(strip, TRIMMED)
    return ImageSource(
        scene_name=scene.name,
        strip_name=strip.name,
        files=tuple(str(movie_frame(movie, index + trimmed)) for index in shown),
        lead=first - round(times.content_start),
        held_before=max(0, first - times.left),
        held_after=max(0, times.right - end),
        is_part=bool(trimmed) or len(shown) < length,
    )


def new_movie_strip(
    strips: Any, *, name: str, path: str, channel: int, start: int
) -> bpy.types.Strip:
    """Add a strip of a movie; frame `start` shows its first frame."""
    return strips.new_movie(
        name=name, filepath=path, channel=channel, frame_start=start, fit_method="ORIGINAL"
    )


def folder_of(strip: bpy.types.Strip) -> str:
    """Return the folder of a strip's files, as Blender writes it."""
    if strip.type != TYPE:
        return str(strip.directory)
    # by text: a Path would make one slash of the two that stand for the .blend's folder
    return str(strip.filepath)[: max(strip.filepath.rfind("/"), strip.filepath.rfind("\\")) + 1]


def movie_of_source(source: ImageSource) -> Path | None:
    """Return the movie that a strip shows; None for files of their own."""
    return movie_of(Path(source.files[0])) if source.files else None
