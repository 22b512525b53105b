"""Shows that the engine's memory does not grow with the number of frames.

    python -m benchmarks.memory [--frames 300] [--json]

Interpolates 1280×720 footage disk to disk in a real engine process and prints its resident memory
along the way, and its peak over a short and over the whole job.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.protocol import Event, Finished, Progress
from tools.demo.footage import extract_frames, fetch_film

_CLIP_FRAMES = 24
_SHORT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Resident memory of one engine process over one job, in MiB.

    Attributes:
        frames: output frames of the job.
        at_short: when `_SHORT` output frames were done.
        at_end: when all were.
        peak: most of the whole process.
        seconds_per_new_frame: disk to disk.
    """

    frames: int
    at_short: float
    at_end: float
    peak: float
    seconds_per_new_frame: float


def measure(frames: int, scratch: Path) -> MemoryUse:
    """Interpolate to about `frames` output frames in a fresh engine."""
    source = _long_sequence(frames // 2 + 1, scratch / f"source_{frames}")
    job = job_for_folder(source, scratch / f"output_{frames}", job_id=uuid.uuid4().hex)
    seen: list[Progress] = []

    def note(event: Event) -> None:
        if isinstance(event, Progress):
            seen.append(event)

    client = EngineClient()
    try:
        finished: Finished = client.run(job, note)
    finally:
        client.close()
    at_short = next(event for event in seen if event.frames_done >= min(_SHORT, frames))
    return MemoryUse(
        frames=finished.frames_total,
        at_short=_mebibytes(at_short.host_memory_bytes),
        at_end=_mebibytes(seen[-1].host_memory_bytes),
        peak=_mebibytes(finished.peak_memory_bytes),
        seconds_per_new_frame=round(finished.duration_s / finished.frames_made, 2),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure a short and a long job, print a table or JSON; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=300, help="output frames of the long job")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        uses = [measure(frames, Path(scratch)) for frames in (_SHORT, options.frames)]
    if options.json:
        print(json.dumps([asdict(use) for use in uses]))
        return 0
    print(f"{'frames':>8}{'MiB at 50':>12}{'MiB at end':>12}{'peak MiB':>10}{'s/new frame':>13}")
    for use in uses:
        print(
            f"{use.frames:>8}{use.at_short:>12}{use.at_end:>12}{use.peak:>10}"
            f"{use.seconds_per_new_frame:>13}"
        )
    return 0


def _long_sequence(count: int, folder: Path) -> Path:
    """Make a sequence of any length out of a short clip, forwards and backwards, as links."""
    clip = extract_frames(
        fetch_film(Path("build/footage")), folder.with_name("clip"), first=8, count=_CLIP_FRAMES
    )
    there_and_back = clip + clip[-2:0:-1]
    folder.mkdir()
    for index in range(count):
        os.link(there_and_back[index % len(there_and_back)], folder / f"frame_{index:05d}.png")
    return folder


def _mebibytes(size_bytes: int) -> float:
    return round(size_bytes / 2**20, 1)


if __name__ == "__main__":
    sys.exit(main())
