"""The kinds of movies that finished frames can be put into. Standard library alone.

Blender's process imports this: what is here decides settings, `movie_writer` what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ..errors import RequestError
from .rates import rate_text

CodecName = Literal[
    "prores-hq", "prores-4444", "h264", "h264-10bit", "h265-10bit", "av1-10bit", "ffv1"
]

_PRORES_CONTAINERS = (".mov", ".mkv")
_DELIVERY = (".mp4", ".mov", ".mkv")
_LARGEST_RATE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieCodec:
    """A way to store a movie's pictures.

    Attributes:
        name: in a `JobSpec`.
        title: for people.
        summary: one sentence on what it is for.
        suffixes: of files that can hold it, the usual one first.
        bits: of a component, at most; 16 keeps whatever frames have.
        keeps_alpha: whether it has alpha.
        is_lossless: whether every code of a frame comes back.
        chroma: how many pixels share one chroma sample, across and down.
        crf: usual, lowest and highest constant rate factor, lower being better; None without one.
    """

    name: CodecName
    title: str
    summary: str
    suffixes: tuple[str, ...]
    bits: int
    keeps_alpha: bool = False
    is_lossless: bool = False
    chroma: tuple[int, int] = (1, 1)
    crf: tuple[int, int, int] | None = None


CODECS: tuple[MovieCodec, ...] = (
    MovieCodec(
        name="prores-hq",
        title="ProRes 422 HQ",
        summary="For editing: 10-bit, large, without alpha",
        suffixes=_PRORES_CONTAINERS,
        bits=10,
        chroma=(2, 1),
    ),
    MovieCodec(
        name="prores-4444",
        title="ProRes 4444",
        summary="For editing: 10-bit in every pixel, with alpha",
        suffixes=_PRORES_CONTAINERS,
        bits=10,
        keeps_alpha=True,
    ),
    MovieCodec(
        name="h264",
        title="H.264",
        summary="Small, and plays everywhere: 8-bit",
        suffixes=_DELIVERY,
        bits=8,
        chroma=(2, 2),
        crf=(18, 0, 51),
    ),
    MovieCodec(
        name="h264-10bit",
        title="H.264 10-bit",
        summary="Small; few devices play it",
        suffixes=_DELIVERY,
        bits=10,
        chroma=(2, 2),
        crf=(18, 0, 51),
    ),
    MovieCodec(
        name="h265-10bit",
        title="H.265 10-bit",
        summary="Smaller, and slower to make",
        suffixes=_DELIVERY,
        bits=10,
        chroma=(2, 2),
        crf=(20, 0, 51),
    ),
    MovieCodec(
        name="av1-10bit",
        title="AV1 10-bit",
        summary="Smallest; free of patents' fees",
        suffixes=(".mp4", ".mkv", ".webm"),
        bits=10,
        chroma=(2, 2),
        crf=(24, 0, 63),
    ),
    MovieCodec(
        name="ffv1",
        title="FFV1 (Lossless)",
        summary="Every code of every frame, at 8, 10, 12 or 16 bits, with alpha; for archives",
        suffixes=(".mkv", ".mov"),
        bits=16,
        keeps_alpha=True,
        is_lossless=True,
    ),
)

_USUAL = {".mov": "prores-hq", ".mp4": "h264", ".mkv": "ffv1", ".webm": "av1-10bit"}

MOVIE_OUTPUT_SUFFIXES = tuple(_USUAL)


def find_codec(name: str) -> MovieCodec:
    """Return the codec called `name`.

    Raises:
        RequestError: there is none.
    """
    for codec in CODECS:
        if codec.name == name:
            return codec
    listed = ", ".join(codec.name for codec in CODECS)
    raise RequestError(f"Codec {name!r}: must be one of {listed}.")


def usual_codec(movie: Path) -> CodecName:
    """Return the codec that a movie gets by its suffix where none is named.

    Raises:
        RequestError: no codec goes into such a file.
    """
    name = _USUAL.get(movie.suffix.lower())
    if name is None:
        raise RequestError(
            f"Movie {movie.name}: its name must end with {', '.join(MOVIE_OUTPUT_SUFFIXES)}."
        )
    return find_codec(name).name


def check_movie(movie: str, codec_name: str, crf: int | None, rate: Fraction | None) -> None:
    """Raise `RequestError` for the first of a movie's settings that does not fit the others."""
    codec = find_codec(codec_name)
    path = Path(movie)
    if not path.is_absolute():
        raise RequestError(f"Movie {movie!r}: must be an absolute path.")
    if path.suffix.lower() not in codec.suffixes:
        raise RequestError(
            f"Movie {path.name} in {codec.title}: its name must end with "
            f"{' or '.join(codec.suffixes)}, or choose another codec."
        )
    if crf is not None and codec.crf is None:
        raise RequestError(
            f"Quality {crf} (CRF) for {codec.title}: this codec has none; leave it out."
        )
    if crf is not None and codec.crf is not None and not codec.crf[1] <= crf <= codec.crf[2]:
        raise RequestError(
            f"Quality {crf} (CRF) for {codec.title}: must be from {codec.crf[1]}, the best, to "
            f"{codec.crf[2]}; {codec.crf[0]} is usual."
        )
    if rate is None:
        raise RequestError(
            f"Movie {path.name}: its frame rate is not known; give it as movie_rate."
        )
    if not 0 < rate <= _LARGEST_RATE:
        raise RequestError(
            f"Movie {path.name} at {rate_text(rate)} frames a second: must be above 0 and at most "
            f"{_LARGEST_RATE}."
        )
