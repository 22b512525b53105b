"""Times RIFE 4.25 alone against a plain version of it, and shows that they make the same frames.

    python -m benchmarks.speed [--rounds 6] [--threads 1] [--frames FRAME0 FRAME1] [--record]

Each runs in a process of its own, in turn, in fp32 on the CPU, on two frames of the test footage or
the two that are named: RIFE in a process that is set as the engine's, and the plain version in one
as Python has it and in one that is set as the engine's. Told is the best of all rounds, per
in-between frame and with what is computed once for each source frame, as in a long sequence: for
one source frame per pair.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from blender_vfi.engine import host_allocator, memory, worker
from blender_vfi.models import catalog
from blender_vfi.models.interface import Quality
from blender_vfi.models.rife import Rife
from tools.quality import read_picture

from . import command_line, findings, results_file, weights
from .footage import film_frames, moments, padded
from .plain_rife import PlainRife
from .serving import Serving

_MULTIPLIERS = (2, 4)
WAYS = ("plain", "plain, set as the engine", "rife")

Make = Callable[[Sequence[Tensor], int], Tensor]
"""Encodes one frame and makes the in-between frames of a pair, for a multiplier."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--frames", type=Path, nargs=2, metavar="FILE")
    parser.add_argument("--serve", choices=WAYS, help="make frames of this way when told to")
    parser.add_argument("--nice", type=int, default=0, help="how far to make way for others")
    options = parser.parse_args(arguments)
    if options.serve:
        worker.yield_processor(options.nice)
        _serve(options.serve, _read(options.frames), options.threads)
        return 0
    machine = results_file.machine()
    own = ["--threads", str(options.threads)]
    own += ["--frames", *map(str, options.frames)] if options.frames else []
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as scratch:
        servers = {
            way: stack.enter_context(
                Server(way, own, Path(scratch, f"{index}.pt"), lets_threads_sleep=way != "plain")
            )
            for index, way in enumerate(WAYS)
        }
        rows = [_row(multiplier, servers, options.rounds) for multiplier in _MULTIPLIERS]
        peaks = {way: server.peak_mib for way, server in servers.items()}
    findings.report("speed", _as_findings(rows, peaks), machine=machine, record=options.record)
    return 0


class Server(Serving):
    """A process that makes frames in one way.

    Args:
        way: one of `WAYS`.
        options: of the command line.
        result: where to put the frames.
        lets_threads_sleep: whether it is set as the engine's in this.
        niceness: how far it makes way for other programs, in the engine's manner.
    """

    def __init__(
        self,
        way: str,
        options: Sequence[str],
        result: Path,
        *,
        lets_threads_sleep: bool,
        niceness: int = 0,
    ) -> None:
        super().__init__(
            ["benchmarks.speed", "--serve", way, *options, "--nice", str(niceness)],
            lets_threads_sleep=lets_threads_sleep,
            leads_session=niceness > 0,
        )
        self._result = result
        self.peak_mib = 0.0

    def seconds(self, multiplier: int) -> float:
        """Make the frames of the pair once; return the time for each."""
        seconds, self.peak_mib = self.ask(f"{multiplier} {self._result}")
        return seconds

    def made(self) -> Tensor:
        """Return the frames that were made last."""
        frames: Tensor = torch.load(self._result)
        return frames


def _serve(way: str, frames: Sequence[Tensor], threads: int) -> None:
    """Make frames whenever a line asks for them, and answer with seconds for one, and the peak."""
    if way != "plain":
        host_allocator.keep_freed()
    torch.set_num_threads(threads)
    with torch.inference_mode():
        make = _maker(way, frames)
        for line in sys.stdin:
            multiplier, path = line.split(maxsplit=1)
            count = int(multiplier)
            began_s = time.perf_counter()
            made = make(frames, count)
            seconds = (time.perf_counter() - began_s) / (count - 1)
            peak_mib = memory.peak_memory_bytes() / 2**20
            torch.save(made, path.strip())
            print(seconds, peak_mib, flush=True)


def _row(multiplier: int, servers: Mapping[str, Server], rounds: int) -> tuple[findings.Cell, ...]:
    """Let all make frames in turn, `rounds` times after one that warms up."""
    best_s = dict.fromkeys(WAYS, float("inf"))
    for round_index in range(rounds + 1):
        for way, server in servers.items():
            seconds = server.seconds(multiplier)
            if round_index:
                best_s[way] = min(best_s[way], seconds)
    difference = (servers["rife"].made() - servers["plain"].made()).abs()
    seconds_of = list(best_s.values())
    return (
        f"×{multiplier}",
        *seconds_of,
        *(seconds / seconds_of[-1] for seconds in seconds_of[:-1]),
        float(difference.max()),
        float(difference.mean()),
    )


def _as_findings(
    rows: Sequence[tuple[findings.Cell, ...]], peaks: Mapping[str, float]
) -> findings.Findings:
    columns = {
        "": 0,
        "plain s/frame": 3,
        "set as the engine": 3,
        "rife s/frame": 3,
        "ratio": 2,
        "set as the engine, ratio": 2,
        "largest difference": 6,
        "mean difference": 8,
    }
    held = ", ".join(f"{way} {mib:.0f} MiB" for way, mib in peaks.items())
    return findings.Findings(
        command="python -m benchmarks.speed",
        columns=columns,
        rows=list(rows),
        remarks=[f"peak memory: {held}"],
        chart=findings.Bars(
            title="Seconds for a new frame of 1280×720, the model alone",
            columns=("plain s/frame", "rife s/frame"),
        ),
    )


def _maker(way: str, frames: Sequence[Tensor]) -> Make:
    """Return what makes frames, the features of the pair's first frame at hand as in a sequence."""
    model = cast(Rife, weights.build(catalog.find(catalog.DEFAULT_MODEL)).model)
    if way == "rife":
        earlier = model.encode(frames[0])

        def run_rife(pair: Sequence[Tensor], multiplier: int) -> Tensor:
            features = (earlier, model.encode(pair[1]))
            made = [model(pair, features, [moment], Quality()) for moment in moments(multiplier)]
            return torch.cat([one.frames for one in made])

        return run_rife
    plain = PlainRife(model)
    earlier_plain = plain.encode(frames[0])

    def run_plain(pair: Sequence[Tensor], multiplier: int) -> Tensor:
        features = (earlier_plain, plain.encode(pair[1]))
        return torch.cat([plain(pair, features, moment) for moment in moments(multiplier)])

    return run_plain


def _read(paths: Sequence[Path] | None) -> list[Tensor]:
    """Read two frames, by default of the film, and pad them as the engine does."""
    with tempfile.TemporaryDirectory() as scratch:
        if not paths:
            first, _, second = film_frames(Path(scratch), first=60, count=3)
            paths = (first, second)
        return [padded(torch.from_numpy(read_picture(path))) for path in paths]


if __name__ == "__main__":
    sys.exit(main())
