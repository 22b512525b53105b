"""What the command lines of benchmarks have in common."""

from __future__ import annotations

import argparse


def parser(about: str) -> argparse.ArgumentParser:
    """Return a parser that knows `--record` already: trial runs are not kept.

    Args:
        about: the module's docstring; its first line is told by `--help`.
    """
    made = argparse.ArgumentParser(description=about.splitlines()[0])
    made.add_argument(
        "--record", action="store_true", help="keep the figures for docs/performance.md"
    )
    return made


def size(words: str) -> tuple[int, int]:
    """Return width and height of "1280x720"."""
    width, height = map(int, words.split("x"))
    return width, height
