"""Makes one frame of 8K in main memory, in the tiles that the engine itself chooses.

    python -m benchmarks.eight_k [--size 7680x4320] [--record]

Two frames of footage, enlarged, go through a real engine process on the CPU, disk to disk. Prints
the tiles, the time and the most memory that the engine took, by the system's own count.
"""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.protocol import Event, Notice

from . import command_line, findings, results_file
from .footage import film_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFrame:
    """What one new frame took.

    Attributes:
        free_gib: main memory that was free before.
        peak_gib: the most that the engine took.
        seconds: disk to disk, loading the model included.
        notices: what the engine told of its tiles.
    """

    free_gib: float
    peak_gib: float
    seconds: int
    notices: tuple[str, ...]


def measure(size: tuple[int, int], scratch: Path) -> LargeFrame:
    """Interpolate one pair of frames of `size` in a fresh engine."""
    source = _enlarged(size, scratch)
    job = job_for_folder(
        source, scratch / "output", job_id=uuid.uuid4().hex, device="cpu", cuts="off"
    )
    notices: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, Notice):
            notices.append(event.message)

    free_gib = psutil.virtual_memory().available / 2**30
    with closing(EngineClient()) as client:
        finished = client.run(job, note)
    return LargeFrame(
        free_gib=round(free_gib, 1),
        peak_gib=round(finished.peak_memory_bytes / 2**30, 1),
        seconds=round(finished.duration_s),
        notices=tuple(notices),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--size", type=command_line.size, default="7680x4320", metavar="WxH")
    options = parser.parse_args(arguments)
    width, height = options.size
    machine = results_file.machine()
    with tempfile.TemporaryDirectory() as scratch:
        large = measure((width, height), Path(scratch))
    found = findings.Findings(
        command="python -m benchmarks.eight_k",
        columns={"frame": 0, "free before GiB": 1, "peak of the engine GiB": 1, "seconds": 0},
        rows=[(f"{width}×{height}", large.free_gib, large.peak_gib, large.seconds)],
        remarks=large.notices,
    )
    findings.report("eight_k", found, machine=machine, record=options.record)
    return 0


def _enlarged(size: tuple[int, int], scratch: Path) -> Path:
    """Write two frames of the film, enlarged to `size`; return their folder."""
    from PIL import Image  # the tests' own; no writer of ours is needed for it

    small = film_frames(scratch / "clip", count=2)
    folder = scratch / "source"
    folder.mkdir()
    for index, path in enumerate(small):
        with Image.open(path) as picture:
            enlarged = picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        enlarged.save(folder / f"frame_{index}.png", compress_level=1)
    return folder


if __name__ == "__main__":
    sys.exit(main())
