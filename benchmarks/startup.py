"""Times how long a job takes to its first new frame: in a new engine, and in one that is warm.

    python -m benchmarks.startup [--record]

Jobs interpolate 1280×720 PNG files with RIFE 4.25. Told are the seconds from sending a job until
its first new frame lies on disk, those that the model alone takes for that frame, and what is left:
starting, reading, looking for cuts, encoding, and reading ahead while the model works. Of warm jobs
it tells when the model begins as well, which this process does as an engine. The best of three jobs
counts, of three engines where it is new.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from blender_vfi.engine.client import EngineClient
from blender_vfi.engine.folders import job_for_folder
from blender_vfi.engine.network import Network
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Cancelled, Finished
from blender_vfi.errors import JobCancelledError

from . import command_line, findings, loop, results_file
from .footage import film_frames, long_sequence

_CLIP_FRAMES = 24
_LENGTHS = (9, 101)
_REPEATS = 3
_LOOK_EVERY_S = 0.002

Cuts = Literal["hold", "off"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = command_line.parser(__doc__)
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    with tempfile.TemporaryDirectory() as scratch:
        clip = film_frames(Path(scratch) / "clip", count=_CLIP_FRAMES)
        model_s = _model_s(clip, Path(scratch))
        rows = [
            (title, begins_s, took_s, model_s, took_s - model_s)
            for title, (begins_s, took_s) in measure(clip, Path(scratch)).items()
        ]
    found = findings.Findings(
        command="python -m benchmarks.startup",
        columns={
            "job": 0,
            "s until the model begins": 3,
            "to the first frame": 2,
            "of which the model": 2,
            "beside it": 2,
        },
        rows=rows,
    )
    findings.report("startup", found, machine=machine, record=options.record)
    return 0


def measure(clip: Sequence[Path], folder: Path) -> dict[str, tuple[float | None, float]]:
    """Return the seconds until the model begins, and to the first frame, of each kind of job."""
    sequences = {length: long_sequence(clip, length, folder / f"{length}") for length in _LENGTHS}

    def start(client: EngineClient, length: int, cuts: Cuts = "hold") -> float:
        return _to_first_frame_s(client, sequences[length], folder / uuid.uuid4().hex, cuts)

    took_s: dict[str, tuple[float | None, float]] = {
        "new engine": (None, _best(lambda: _in_new_engine(lambda client: start(client, 9))))
    }
    here = Engine()
    gc.freeze()  # as an engine's process does
    _until_the_model_s(here, sequences[9], folder / "first", "hold")
    with closing(EngineClient()) as client:
        start(client, 9)
        for length in _LENGTHS:
            for cuts, remark in (("hold", ""), ("off", ", cuts not looked for")):
                title = f"warm, {length} source frames{remark}"
                begins_s = min(
                    _until_the_model_s(here, sequences[length], folder / uuid.uuid4().hex, cuts)
                    for _ in range(_REPEATS)
                )
                took_s[title] = (
                    begins_s,
                    _best(lambda length=length, cuts=cuts: start(client, length, cuts)),
                )
    return took_s


def _to_first_frame_s(client: EngineClient, source: Path, output: Path, cuts: Cuts) -> float:
    """Run a job until its first new frame is there, then cancel it; return the seconds."""
    job = job_for_folder(source, output, job_id=output.name, cuts=cuts)
    first = output / job.frame_name(1)
    began_s = time.perf_counter()
    client.submit(job)
    while not first.exists():
        client.poll()
        time.sleep(_LOOK_EVERY_S)
    took_s = time.perf_counter() - began_s
    client.cancel(job.job_id)
    while not any(isinstance(event, Cancelled | Finished) for event in client.poll()):
        time.sleep(_LOOK_EVERY_S)
    return took_s


def _until_the_model_s(engine: Engine, source: Path, output: Path, cuts: Cuts) -> float:
    """Run a job in this process until the model is first asked for anything; return the seconds."""
    job = job_for_folder(source, output, job_id=output.name, cuts=cuts)
    asked_s: list[float] = []

    def ask(*_arguments: object) -> None:
        asked_s.append(time.perf_counter())
        raise JobCancelledError("This is all that was to be measured.")

    began_s = time.perf_counter()
    with patch.object(Network, "encode", ask), suppress(JobCancelledError):
        engine.run(job)
    return asked_s[0] - began_s


def _in_new_engine(run: Callable[[EngineClient], float]) -> float:
    with closing(EngineClient()) as client:
        return run(client)


def _best(run: Callable[[], float]) -> float:
    return min(run() for _ in range(_REPEATS))


def _model_s(clip: Sequence[Path], folder: Path) -> float:
    """Return the seconds that the model alone takes for the first frame."""
    with loop.FromMemory(long_sequence(clip, 2, folder / "2")) as alone:
        return _best(lambda: alone.cost("alone", 2).seconds)


if __name__ == "__main__":
    sys.exit(main())
