"""Shows that the engine's memory does not grow with the number of frames.

    python -m benchmarks.memory [--frames 300] [--json]

Interpolates 1280×720 footage disk to disk in a real engine process, once to 50 and once to 300
frames, and prints its peak memory and the most it held in every 50 frames along the way.
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
from blender_vfi.engine.protocol import Event, Progress
from tools.demo.footage import extract_frames, fetch_film

_CLIP_FRAMES = 24
_SPAN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Resident memory of one engine process over one job, in MiB.

    Attributes:
        frames: output frames of the job.
        highest_by_span: the most seen in frames 1 to 50, 51 to 100, and so on.
        peak: the most that the process ever had, by the system's own count.
        seconds_per_new_frame: disk to disk, loading the model included.
    """

    frames: int
    highest_by_span: tuple[int, ...]
    peak: int
    seconds_per_new_frame: float


def measure(frames: int, scratch: Path) -> MemoryUse:
    """Interpolate to about `frames` output frames in a fresh engine."""
    source = _long_sequence(frames // 2 + 1, scratch / f"source_{frames}")
    job = job_for_folder(source, scratch / f"output_{frames}", job_id=uuid.uuid4().hex)
    highest: dict[int, int] = {}

    def note(event: Event) -> None:
        if isinstance(event, Progress):
            span = min(event.frames_done, frames) // _SPAN
            highest[span] = max(highest.get(span, 0), event.host_memory_bytes)

    client = EngineClient()
    try:
        finished = client.run(job, note)
    finally:
        client.close()
    return MemoryUse(
        frames=finished.frames_total,
        highest_by_span=tuple(_mebibytes(highest[span]) for span in sorted(highest)),
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
        uses = [measure(frames, Path(scratch)) for frames in (_SPAN, options.frames)]
    if options.json:
        print(json.dumps([asdict(use) for use in uses]))
        return 0
    print(
        f"{'frames':>6}  {'peak MiB':>8}  {'s/new frame':>11}  highest MiB in each {_SPAN} frames"
    )
    for use in uses:
        spans = "  ".join(str(value) for value in use.highest_by_span)
        print(f"{use.frames:>6}  {use.peak:>8}  {use.seconds_per_new_frame:>11}  {spans}")
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


def _mebibytes(size_bytes: int) -> int:
    return round(size_bytes / 2**20)


if __name__ == "__main__":
    sys.exit(main())
