"""Times RIFE 4.25 on the CPU beside other programs that want a core.

    python -m benchmarks.beside [--rounds 7] [--frames FRAME0 FRAME1] [--record]

An artist goes on working while the engine makes frames. Here one or two programs that do nothing
but keep a core busy run beside a process that makes frames, and makes way for them as the engine
does. Its threads wait for each other as PyTorch has it, or as the engine has it; both make
frames in turn.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from blender_vfi.engine import engine_process

from . import command_line, findings, results_file
from .speed import Server


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--frames", nargs=2, metavar="FILE")
    options = parser.parse_args(arguments)
    machine = results_file.machine()
    rows: list[tuple[findings.Cell, ...]] = []
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as scratch:
        servers = [
            stack.enter_context(
                Server(
                    "rife",
                    ["--frames", *options.frames] if options.frames else [],
                    Path(scratch, f"{sleeps}.pt"),
                    lets_threads_sleep=sleeps,
                    niceness=engine_process.NICENESS,
                )
            )
            for sleeps in (False, True)
        ]
        for server in servers:
            server.seconds(2)
        for title, count in (("nothing", 0), ("a program", 1), ("two programs", 2)):
            with _busy(count):
                rounds = [[server.seconds(2) for server in servers] for _ in range(options.rounds)]
            middle = [statistics.median(way) for way in zip(*rounds, strict=True)]
            slowest = [max(way) for way in zip(*rounds, strict=True)]
            rows.append((title, *middle, *slowest))
    table = findings.Findings(
        command="python -m benchmarks.beside",
        columns={
            "beside": 0,
            "as PyTorch waits, s/frame": 2,
            "as the engine waits": 2,
            "slowest, as PyTorch waits": 2,
            "slowest, as the engine waits": 2,
        },
        rows=rows,
        remarks=[f"median and slowest of {options.rounds} frames each"],
    )
    findings.report("beside", table, machine=machine, record=options.record)
    return 0


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    """Keep cores busy meanwhile."""
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


if __name__ == "__main__":
    sys.exit(main())
