"""Compares ways to compress PNG files: how long they take, and how large the files become.

    python -m benchmarks.png [--record]

Seven kinds of 1280×720 pictures are written in 8 and 16 bits: a frame of film, one with grain,
smooth waves lying and standing, flat areas, a pattern, and film cut out by alpha. Each way is told
by the processor's time for a picture, and by its worst picture: the size of the file over that
which Blender writes by default, by its compression of 15 %, which is zlib's level 1 with the filter
of each row chosen among all.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio  # noqa: N813 - the name its documentation uses

from blender_vfi.engine import images
from blender_vfi.engine.image_output import PNG_COMPRESSION_LEVEL, PNG_FILTER

from . import command_line, findings, results_file
from .footage import film_frames

Picture = npt.NDArray[np.float32]
Way = tuple[int, int]
"""zlib's level, and libpng's filters; 0 for all of them."""

BLENDERS: Way = (1, 0)
ENGINES: Way = (PNG_COMPRESSION_LEVEL, PNG_FILTER)
_FILTERS = {0: "all", 0x10: "sub", 0x20: "up", 0x40: "average", 0x80: "paeth"}
_WAYS: tuple[Way, ...] = (
    BLENDERS,
    (4, 0),
    (6, 0),
    (1, 0x10),
    ENGINES,
    (4, 0x20),
    (1, 0x40),
    (1, 0x80),
)
_REPEATS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Report each way; return the exit code."""
    parser = command_line.parser(__doc__)
    options = parser.parse_args(arguments)
    machine = results_file.machine() | {"threads": 1}
    images.set_thread_count(1)
    with tempfile.TemporaryDirectory() as scratch:
        pictures = _pictures(Path(scratch))
        rows = compare(pictures, Path(scratch) / "written.png")
    found = findings.Findings(
        command="python -m benchmarks.png",
        columns={
            "level, filters": 0,
            "ms, 8 bits": 0,
            "largest file, 8 bits": 2,
            "ms, 16 bits": 0,
            "largest file, 16 bits": 2,
        },
        rows=rows,
        chart=findings.Bars(
            title="Milliseconds to compress a picture of 1280×720, one thread",
            columns=("ms, 8 bits", "ms, 16 bits"),
        ),
    )
    findings.report("png", found, machine=machine, record=options.record)
    return 0


def compare(pictures: dict[str, Picture], path: Path) -> list[tuple[findings.Cell, ...]]:
    """Write all pictures in all ways to `path`; return the table's rows."""
    cells: dict[Way, list[findings.Cell]] = {way: [_title(way)] for way in _WAYS}
    for bits in (8, 16):
        natives = [
            np.rint(picture * (2**bits - 1)).astype(f"uint{bits}") for picture in pictures.values()
        ]
        usual = [_written(native, BLENDERS, path)[1] for native in natives]
        for way in _WAYS:
            written = [_written(native, way, path) for native in natives]
            cells[way] += [
                1000 * sum(took_s for took_s, _ in written) / len(written),
                max(size / least for (_, size), least in zip(written, usual, strict=True)),
            ]
    return [tuple(row) for row in cells.values()]


def _written(native: npt.NDArray[np.unsignedinteger], way: Way, path: Path) -> tuple[float, int]:
    """Return the seconds that one thread computed, at best, and the file's size."""
    best_s = float("inf")
    for _ in range(_REPEATS):
        began_s = time.thread_time()
        spec = oiio.ImageSpec(native.shape[1], native.shape[0], native.shape[2], str(native.dtype))
        spec.attribute("png:compressionLevel", way[0])
        spec.attribute("png:filter", way[1])
        output = oiio.ImageOutput.create("png")
        output.open(str(path), spec)
        output.write_image(native)
        output.close()
        best_s = min(best_s, time.thread_time() - began_s)
    return best_s, path.stat().st_size


def _title(way: Way) -> str:
    remark = {BLENDERS: " (Blender)", ENGINES: " (this engine)"}.get(way, "")
    return f"{way[0]}, {_FILTERS[way[1]]}{remark}"


def _pictures(folder: Path) -> dict[str, Picture]:
    [path] = film_frames(folder, first=60, count=1)
    film = images.read_frame(path).pixels
    y, x = np.mgrid[0:720, 0:1280].astype(np.float32)
    smooth = np.stack([0.5 + 0.4 * np.sin(x / 37 + k) * np.cos(y / 53) for k in range(3)], axis=-1)
    sideways = np.ascontiguousarray(np.tile(smooth, (2, 1, 1))[:1280].transpose(1, 0, 2))[:720]
    grain = np.random.default_rng(0).normal(0, 0.01, smooth.shape).astype(np.float32)
    inside = ((x - 640) ** 2 + (y - 360) ** 2 < 300**2)[..., None].astype(np.float32)
    tile = np.random.default_rng(1).random((40, 40, 3), dtype=np.float32)
    return {
        "film": film,
        "grain": np.clip(smooth + grain, 0, 1),
        "smooth": smooth,
        "sideways": sideways,
        "flat": np.floor(smooth * 6) / 6,
        "pattern": np.tile(tile, (18, 32, 1)),
        "cut out": np.concatenate([film * inside, inside], axis=-1),
    }


if __name__ == "__main__":
    sys.exit(main())
