"""Times reading and writing one 1280×720 frame in each format.

python -m benchmarks.files [--record]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - the name its documentation uses

from blender_vfi.engine import images

from . import command_line, findings, results_file

_CASES = ((".png", "uint8"), (".png", "uint16"), (".jpg", "uint8"), (".exr", "half"))
_REPEATS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Report the fastest of five runs; return the exit code."""
    parser = command_line.parser(__doc__)
    options = parser.parse_args(arguments)
    machine = results_file.machine() | {"threads": 1}
    images.set_thread_count(1)
    noise = np.random.default_rng(0).normal(0, 0.01, (720, 1280, 3))
    y, x = np.mgrid[0:720, 0:1280]
    waves = np.stack([0.5 + 0.4 * np.sin(x / 37 + k) * np.cos(y / 53) for k in range(3)], axis=-1)
    picture = np.clip(waves + noise, 0, 1).astype(np.float32)
    rows: list[tuple[findings.Cell, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for suffix, pixel_type in _CASES:
            source = Path(scratch) / f"source{suffix}"
            spec = oiio.ImageSpec(1280, 720, 3, pixel_type)
            output = oiio.ImageOutput.create(str(source))
            output.open(str(source), spec)
            output.write_image(picture)
            output.close()
            frame = images.read_frame(source)
            target = Path(scratch) / f"target{suffix}"
            read_s = _fastest_s(lambda path=source: images.read_frame(path))
            write_s = _fastest_s(
                lambda path=target, like=frame, suffix=suffix: images.write_frame(
                    path, like.pixels, like.header, suffix
                )
            )
            rows.append((f"{suffix[1:]} {pixel_type}", read_s * 1e3, write_s * 1e3))
    found = findings.Findings(
        command="python -m benchmarks.files",
        columns={"format": 0, "read ms": 0, "write ms": 0},
        rows=rows,
        chart=findings.Bars(
            title="Milliseconds for a frame of 1280×720, one thread",
            columns=("read ms", "write ms"),
        ),
    )
    findings.report("files", found, machine=machine, record=options.record)
    return 0


def _fastest_s(run: Callable[[], object]) -> float:
    """Return the shortest of several runs, the one that other work disturbed least."""
    durations = []
    for _ in range(_REPEATS):
        began_s = time.perf_counter()
        run()
        durations.append(time.perf_counter() - began_s)
    return min(durations)


if __name__ == "__main__":
    sys.exit(main())
