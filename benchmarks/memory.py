"""Shows that the engine's memory does not grow with the number of frames.

    python -m benchmarks.memory [--frames 300] [--record]

Interpolates 1280×720 footage disk to disk in a real engine process, once to 50 and once to 300
frames, and prints its peak memory and the most it held in every ten frames along the way.
"""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.protocol import Event, Progress

from . import command_line, findings, results_file
from .footage import film_frames, long_sequence

_CLIP_FRAMES = 24
_SHORT = 50
_SPAN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Resident memory of one engine process over one job, in MiB.

    Attributes:
        frames: output frames of the job.
        highest_by_span: the most seen in frames 1 to 10, 11 to 20, and so on; a last frame alone
            counts with those before it.
        peak: the most that the process ever had, by the system's own count.
        seconds_per_new_frame: disk to disk, loading the model included.
    """

    frames: int
    highest_by_span: tuple[int, ...]
    peak: int
    seconds_per_new_frame: float


def measure(frames: int, scratch: Path) -> MemoryUse:
    """Interpolate to about `frames` output frames in a fresh engine."""
    clip = film_frames(scratch / "clip", count=_CLIP_FRAMES)
    source = long_sequence(clip, frames // 2 + 1, scratch / f"source_{frames}")
    job = job_for_folder(source, scratch / f"output_{frames}", job_id=uuid.uuid4().hex)
    highest: dict[int, int] = {}

    def note(event: Event) -> None:
        if isinstance(event, Progress):
            span = max(min(event.frames_done, frames) - 1, 0) // _SPAN
            highest[span] = max(highest.get(span, 0), event.host_memory_bytes)

    with closing(EngineClient()) as client:
        finished = client.run(job, note)
    return MemoryUse(
        frames=finished.frames_total,
        highest_by_span=tuple(_mebibytes(highest[span]) for span in sorted(highest)),
        peak=_mebibytes(finished.peak_memory_bytes),
        seconds_per_new_frame=round(finished.duration_s / finished.frames_made, 2),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure a short and a long job and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--frames", type=int, default=300, help="output frames of the long job")
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    with tempfile.TemporaryDirectory() as scratch:
        uses = [measure(frames, Path(scratch)) for frames in (_SHORT, options.frames)]
    found = findings.Findings(
        command="python -m benchmarks.memory",
        columns={"frames": 0, "peak MiB": 0, "s/new frame": 2},
        rows=[(str(use.frames), use.peak, use.seconds_per_new_frame) for use in uses],
        chart=findings.Lines(
            title=f"Resident memory in MiB, the most in every {_SPAN} frames",
            across="frames",
            points={
                f"{use.frames} frames": [
                    (min((span + 1) * _SPAN, use.frames), value)
                    for span, value in enumerate(use.highest_by_span)
                ]
                for use in uses
            },
        ),
    )
    findings.report("memory", found, machine=machine, record=options.record)
    return 0


def _mebibytes(size_bytes: int) -> int:
    return round(size_bytes / 2**20)


if __name__ == "__main__":
    sys.exit(main())
