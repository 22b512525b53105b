"""Runs the benchmarks of docs/performance.md and keeps what they find: `make bench`.

    python -m benchmarks [speed disk …] [--all]

`make docs` makes pages of it. With names, only those run; with --all, those of models, quality,
passes and renders as well, which take far longer. Nothing else must run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

RECORDED = (
    "files",
    "png",
    "speed",
    "beside",
    "loop",
    "disk",
    "startup",
    "operations",
    "traffic",
    "memory",
    "eight_k",
    "tiles",
    "allocator",
    "cuts",
    "duplicates",
    "cache_clearing",
    "soundness",
    "compile",
    "precision",
)
"""Those that keep their figures when they are told to."""

ALL = (*RECORDED, "passes", "models", "quality", "rendered")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks one after another; return the first exit code that is not 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", choices=[*ALL, []], help="which (default: those of docs/performance.md)"
    )
    parser.add_argument("--all", action="store_true", help="the models, passes and renders too")
    options = parser.parse_args(arguments)
    for name in options.names or (ALL if options.all else RECORDED):
        print(f"\n{name}", flush=True)
        run: Callable[[list[str]], int] = importlib.import_module(f"benchmarks.{name}").main
        code = run(["--record"] if name in RECORDED else [])
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
