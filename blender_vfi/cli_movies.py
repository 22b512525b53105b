"""Movies on the command lines: what the engine says of one, and the options of one that is made."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from .cli_requests import answer_to
from .cli_times import multiplier
from .cli_values import frame_rate
from .engine.client import EngineClient
from .engine.default_folder import own_folder
from .engine.folders import plain_path
from .engine.movie_codecs import CODECS, MOVIE_OUTPUT_SUFFIXES, usual_codec
from .engine.movie_frames import is_movie
from .engine.protocol import Examine, Examined
from .engine.rates import rate_text
from .errors import RequestError


def add_movie_options(parser: argparse.ArgumentParser, *, is_in_project: bool = False) -> None:
    """Add the options of a movie that the frames are put into.

    Args:
        parser: of a command.
        is_in_project: whether the result is a strip: its scene has the rate, and a codec asks for
            a movie.
    """
    usual = (
        "none, an image sequence"
        if is_in_project
        else "by its suffix, prores-hq for .mov, h264 for .mp4, ffv1 for .mkv, av1-10bit for .webm"
    )
    movie = parser.add_argument_group("movie to make of the frames")
    movie.add_argument(
        "--codec",
        choices=[codec.name for codec in CODECS],
        help=f"of the movie (default: {usual})",
    )
    movie.add_argument(
        "--crf",
        dest="movie_crf",
        type=int,
        metavar="N",
        help="quality of H.264, H.265 and AV1: lower is better and larger (default: 18, 20 and 24)",
    )
    if not is_in_project:
        movie.add_argument(
            "--movie-rate",
            type=frame_rate,
            metavar="FPS",
            help="frame rate that the movie plays at (default: the one that keeps the time)",
        )
    movie.add_argument(
        "--no-sound", action="store_true", help="leave out the sound of a movie that is read"
    )


def is_movie_output(output: Path) -> bool:
    """Tell by its name whether a movie is asked for, and not a folder."""
    return output.suffix.lower() in MOVIE_OUTPUT_SUFFIXES and not _is_folder(output)


def check_folder_name(output: Path) -> None:
    """Refuse a folder that would have the name of a movie.

    Raises:
        RequestError: it ends like a movie's, and no such folder is there.
    """
    if is_movie(output) and not _is_folder(output):
        raise RequestError(
            f"Output {output} has the name of a movie, and a folder of frames would be made: give "
            f"a folder, or, with `interpolate`, a movie ending with "
            f"{', '.join(MOVIE_OUTPUT_SUFFIXES)}."
        )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder that may not be looked into, which is told when it is written to
        return False


def output_settings(
    options: argparse.Namespace,
    output: Path,
    source_rate: Fraction | None,
    sources: Sequence[str],
) -> tuple[Path, dict[str, Any]]:
    """Return the folder of the frames, and the `JobSpec` fields of the movie made of them.

    Args:
        options: of a command with `add_movie_options`.
        output: a folder, or a movie, whose frames are kept in a folder beside it.
        source_rate: frames a second of the source; None where it is not known.
        sources: source frames, of a movie one or more.

    Raises:
        RequestError: the movie's rate is not known, or no codec goes into such a file, or there is
            no movie that the options could be for.
    """
    if is_movie_output(output):
        folder = own_folder(plain_path(output).with_name(f"{output.stem}_frames"), sources)
        return folder, _movie_settings(options, output, source_rate)
    if (options.codec, options.movie_crf, options.movie_rate) != (None, None, None):
        raise RequestError(
            f"Output {output} is a folder, and --codec, --crf and --movie-rate are of a movie: end "
            f"its name with {', '.join(MOVIE_OUTPUT_SUFFIXES)}."
        )
    return output, {}


def _movie_settings(
    options: argparse.Namespace, movie: Path, source_rate: Fraction | None
) -> dict[str, Any]:
    rate = options.movie_rate or options.rate
    if rate is None and source_rate is None:
        raise RequestError(
            f"Movie {movie.name} of a folder of frames: give --source-rate, the frame rate of "
            "these frames, or --movie-rate."
        )
    if rate is None and source_rate is not None:
        has_times = options.times is not None or options.speed is not None
        rate = source_rate * (1 if has_times else multiplier(options))
    return {
        "movie": str(plain_path(movie)),
        "codec": options.codec or usual_codec(movie),
        "movie_crf": options.movie_crf,
        "movie_rate": rate.as_integer_ratio(),
        "movie_sound": not options.no_sound,
    }


def examine(client: EngineClient, movie: Path) -> Examined:
    """Ask how many frames a movie has and at what rate, blocking.

    Raises:
        FrameError: it cannot be read.
        EngineError: the engine does not run, or cannot read movies.
    """
    request = Examine(job_id=uuid.uuid4().hex, path=str(plain_path(movie)))
    return answer_to(client, request, Examined)


def describe_movie(movie: Examined) -> str:
    """Say what a movie holds: "132 frames at 23.976 (24000/1001) frames a second"."""
    rate = Fraction(*movie.rate)
    exact = "" if rate.denominator == 1 else f" ({rate})"
    return f"{movie.frame_count} frames at {rate_text(rate)}{exact} frames a second"
