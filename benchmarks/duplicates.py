"""Measures how many held frames are found in film on twos that was compressed.

    python -m benchmarks.duplicates [--record]

Thirty frames of each clip, every second one of the film, are each shown twice, compressed as H.264,
and looked through. The film itself, in which nothing is held, is looked through as well. On one
core it takes a minute.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from blender_vfi.engine.finder import Finder
from blender_vfi.engine.similarity import signature
from tools.demo.footage import fetch_clip

from . import command_line, findings, footage
from .cuts import FORMAT

_CLIPS = ("bigbuckbunny", "bikes", "carphone_pristine")
_QUALITIES = (12, 18, 23, 28)
_DRAWINGS = 30

Picture = npt.NDArray[np.uint8]


def main(arguments: Sequence[str] | None = None) -> int:
    """Report what was found; return the exit code."""
    parser = command_line.parser(__doc__)
    options = parser.parse_args(arguments)
    rows: list[tuple[findings.Cell, ...]] = []
    for name in _CLIPS:
        film = _decoded(fetch_clip(footage.FOLDER, name))
        rows.append((name, None, 0, 0, len(held_pairs(film))))
        twos = [frame for frame in film[: 2 * _DRAWINGS : 2] for _ in range(2)]
        truth = set(range(0, len(twos), 2))
        for quality in _QUALITIES:
            found = held_pairs(_decoded(_compressed(twos, quality)))
            rows.append((name, quality, len(truth), len(found & truth), len(found - truth)))
    findings.report(
        "duplicates",
        findings.Findings(
            command="python -m benchmarks.duplicates",
            columns={"clip": 0, "crf": 0, "held": 0, "found": 0, "false": 0},
            rows=rows,
        ),
        machine=None,
        record=options.record,
    )
    return 0


def held_pairs(frames: list[Picture]) -> set[int]:
    """Return the pairs of frames in which the picture is held."""
    finder = Finder(1.0)
    for frame in frames:
        finder.add(signature(frame.astype(np.float32) / 255, FORMAT))
    return set(finder.findings().duplicates)


def _decoded(film: Path | io.BytesIO) -> list[Picture]:
    with av.open(str(film) if isinstance(film, Path) else film) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def _compressed(frames: list[Picture], quality: int) -> io.BytesIO:
    """Compress frames as H.264 at a constant rate factor."""
    film = io.BytesIO()
    with av.open(film, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(quality)}
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    film.seek(0)
    return film


if __name__ == "__main__":
    sys.exit(main())
