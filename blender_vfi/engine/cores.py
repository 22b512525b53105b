"""How many threads read and write frames beside a model, by what the machine has.

The standard library alone.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass

_MOST_READERS = 4
_MOST_WRITERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FileThreads:
    """Threads for files, each of which keeps one core busy while it has work.

    Attributes:
        readers: that decode.
        writers: that encode, which takes longer.
    """

    readers: int = 1
    writers: int = 2


_SPINS = "1000"
"""How often a thread looks again before it sleeps: some microseconds, in place of milliseconds."""


def let_threads_sleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let PyTorch's threads on Linux sleep while they wait for each other; call before its import.

    By default they go on looking, each on a core of its own. Where another program wants a core,
    and an engine that makes way for others loses it, that is what keeps the thread from working
    that they all wait for: see `benchmarks/beside.py`.

    Args:
        environment: the process's variables; what the user has set there stays.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", _SPINS)


def core_count() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def inspecting_threads() -> int:
    """Return how many threads look through frames while no model runs."""
    return max(2, min(_MOST_READERS, core_count()))


def file_threads(device_type: str, device_count: int = 1) -> FileThreads:
    """Return the threads for a model on devices of a type: "cpu", "cuda" and so on.

    A model on the CPU wants all cores, and is slower than two threads of files. A GPU leaves the
    cores free and may be faster than many: a PNG of 4K takes one core 0.3 s.
    """
    if device_type == "cpu":
        return FileThreads()
    free = core_count() - device_count  # one hands each GPU its work
    readers = max(1, min(_MOST_READERS * device_count, free // 4))
    most_writers = min(_MOST_WRITERS * device_count, free - readers)
    return FileThreads(readers=readers, writers=max(2, most_writers))
