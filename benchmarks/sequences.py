"""Sequences of any length out of a short clip, for the benchmarks of whole jobs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def long_sequence(clip: Sequence[Path], count: int, folder: Path) -> Path:
    """Make `count` frames out of the clip's, forwards and backwards, as links; return `folder`."""
    there_and_back = [*clip, *clip[-2:0:-1]]
    folder.mkdir()
    for index in range(count):
        os.link(there_and_back[index % len(there_and_back)], folder / f"frame_{index:05d}.png")
    return folder
