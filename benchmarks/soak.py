"""Shows that thousands of frames leave nothing behind in the engine: memory, open files, threads.

    python -m benchmarks.soak [--frames 5000] [--size 96x64] [--record]

One job of small frames runs disk to disk in a real engine process with RIFE 4.25 on the CPU. Twice
a second, its resident memory, open files and threads are looked at from outside. The slope is
that of a straight line through the second half, when everything that is kept has been made.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.protocol import Event, Progress

from . import command_line, findings, results_file

_MULTIPLIER = 8
_LOOK_S = 0.5
_POINTS = 60


@dataclass(slots=True)
class Course:
    """What was seen of an engine along a job.

    Attributes:
        frames: finished by then.
        resident_mib: memory.
        files: open, pipes and sockets not counted.
        threads: of the process.
    """

    frames: list[int] = field(default_factory=list)
    resident_mib: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    @property
    def slope(self) -> float:
        """Growth of memory in the second half, in MiB for each 1,000 frames."""
        half = len(self.frames) // 2
        slope, _ = np.polyfit(self.frames[half:], self.resident_mib[half:], 1)
        return float(slope) * 1000


def measure(frames: int, size: tuple[int, int], scratch: Path, checkpoint: str | None) -> Course:
    """Interpolate to about `frames` frames of `size` in a fresh engine, and watch it."""
    source = _sources(frames // _MULTIPLIER + 1, size, scratch / "source")
    job = job_for_folder(
        source,
        scratch / "output",
        job_id=uuid.uuid4().hex,
        device="cpu",
        multiplier=_MULTIPLIER,
        cuts="off",
        checkpoint=checkpoint,
    )
    course = Course()
    looked_s = 0.0

    def note(event: Event) -> None:
        nonlocal looked_s
        is_running = isinstance(event, Progress) and event.frames_done < event.frames_total
        if is_running and time.monotonic() - looked_s > _LOOK_S:
            looked_s = time.monotonic()
            _look(course, client.process_id, event)

    with closing(EngineClient()) as client:
        client.run(job, note)
    return course


def _look(course: Course, process_id: int | None, event: Event) -> None:
    if process_id is None or not isinstance(event, Progress):
        return
    process = psutil.Process(process_id)
    course.frames.append(event.frames_done)
    course.resident_mib.append(process.memory_info().rss / 2**20)
    course.files.append(len(process.open_files()))
    course.threads.append(process.num_threads())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a long job and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--size", type=command_line.size, default="96x64", metavar="WxH")
    parser.add_argument("--checkpoint", metavar="FILE")
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    with tempfile.TemporaryDirectory() as scratch:
        course = measure(options.frames, options.size, Path(scratch), options.checkpoint)
    findings.report("soak", _found(course), machine=machine, record=options.record)
    return 0


def _found(course: Course) -> findings.Findings:
    half = len(course.frames) // 2
    parts = (("first half", slice(0, half)), ("second half", slice(half, None)))
    rows = [
        (
            name,
            max(course.resident_mib[part]),
            _range(course.files[part]),
            _range(course.threads[part]),
        )
        for name, part in parts
    ]
    step = max(1, len(course.frames) // _POINTS)
    return findings.Findings(
        command="python -m benchmarks.soak",
        columns={"frames": 0, "most MiB": 1, "open files": 0, "threads": 0},
        rows=rows,
        remarks=[
            f"{course.frames[-1]} frames; growth in the second half: {course.slope:.2f} MiB for "
            "each 1,000 frames"
        ],
        chart=findings.Lines(
            title="Resident memory in MiB",
            across="frames",
            points={
                "engine": [
                    (float(course.frames[at]), course.resident_mib[at])
                    for at in range(0, len(course.frames), step)
                ]
            },
        ),
    )


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}–{high}"


def _sources(count: int, size: tuple[int, int], folder: Path) -> Path:
    """Write frames in which a pattern moves; return their folder."""
    from PIL import Image  # the tests' own; no writer of ours is needed for it

    folder.mkdir()
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    for index in range(count):
        waves = 128 + 90 * np.sin((columns + 3 * index) / 7) * np.cos((rows - 2 * index) / 9)
        shades = [np.roll(waves, 5 * channel, axis=1) for channel in range(3)]
        picture = Image.fromarray(np.stack(shades, axis=2).astype(np.uint8))
        picture.save(folder / f"frame_{index:04d}.png")
    return folder


if __name__ == "__main__":
    sys.exit(main())
