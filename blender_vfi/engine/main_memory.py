"""How much main memory is free, and what happens where a file finds none. No torch here."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..errors import HostMemoryError
from . import host_allocator

_T = TypeVar("_T")
_PAUSE_S = 0.5


def free_bytes() -> int:
    """Return how much main memory this process may still take, by the system and its container."""
    import psutil  # not at the top: a job's folder is looked into where this is not installed

    return min([int(psutil.virtual_memory().available), *_free_in_containers()])


def with_room(attempt: Callable[[], _T], *, what: str) -> _T:
    """Run `attempt`; where main memory is full, give back what is unused, wait and try again.

    Others of this job's threads let go of their frames meanwhile.

    Args:
        attempt: may be called twice.
        what: could not be done, for the error: "f.png cannot be decoded".

    Raises:
        HostMemoryError: main memory is still full.
    """
    try:
        return attempt()
    except MemoryError:
        pass  # its traceback holds on to what filled the memory, and goes with it
    gc.collect()
    host_allocator.hand_back()
    time.sleep(_PAUSE_S)
    try:
        return attempt()
    except MemoryError as error:
        raise HostMemoryError(
            f"{what}: main memory is full. Close other programs, or choose smaller frames; "
            "finished frames are kept, and the same job goes on with what is missing."
        ) from error


def _free_in_containers(
    groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> list[int]:
    """Return what is left of each limit that this process's control groups set.

    A farm's container may have 16 GB of a machine's 256: who takes more is ended. Files that the
    system keeps in memory count as taken there, and are let go first.
    """
    left: list[int] = []
    try:
        group = groups.read_text(encoding="ascii").partition("0::/")[2].strip()
    except OSError:  # not Linux
        return left
    for folder in [root / group, *(root / group).parents]:
        with contextlib.suppress(OSError, ValueError):  # "max", or no such file
            most = int((folder / "memory.max").read_text(encoding="ascii"))
            taken = int((folder / "memory.current").read_text(encoding="ascii"))
            statistics = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
            kept = next(line for line in statistics if line.startswith("inactive_file "))
            left.append(max(0, most - taken + int(kept.split()[1])))
    return left
