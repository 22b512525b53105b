"""Keeps main memory that was freed for what is made next, in the engine's own process.

glibc fetches fresh pages from the system for each large picture, gives them back when that is
freed, and the system zeroes every page before it hands it out: a tenth to a fifth of a heavy
network's time on the CPU. Here what is freed stays with the process until `hand_back`. This is a
matter of a whole process, so that only one of ours may ask for it: the worker. No torch here.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

# of <malloc.h>, the same in every release of glibc
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8

_is_keeping = False
"""glibc does not tell how it is set, and its settings are the process's, as this is."""


def keep_freed(environment: Mapping[str, str] = os.environ) -> bool:
    """Let this process keep what is freed; call it before there are other threads.

    Args:
        environment: the process's variables. Where they say how glibc shall keep its memory
            (`MALLOC_…`, `GLIBC_TUNABLES=glibc.malloc.…`), that is left as it is.

    Returns:
        Whether it does: not on systems without glibc, nor where the user has chosen.
    """
    global _is_keeping
    if not _has_glibc() or _is_chosen(environment):
        return False
    set_option = ctypes.CDLL(None).mallopt
    # One heap for all threads: of the others, each 64 MiB, the last stretch is never handed back,
    # and a frame of 3840×2160 in fp32 has no room in them.
    set_option(_ARENA_MAX, 1)
    set_option(_MMAP_MAX, 0)  # nothing gets pages of its own
    set_option(_TRIM_THRESHOLD, -1)  # and nothing goes back by itself
    _is_keeping = True
    return True


def hand_back() -> bool:
    """Give the system what is kept and not in use; return whether there was any."""
    return _is_keeping and bool(ctypes.CDLL(None).malloc_trim(0))


def _has_glibc() -> bool:
    # musl knows the name, and answers nothing
    return sys.platform == "linux" and bool(os.confstr("CS_GNU_LIBC_VERSION"))


def _is_chosen(environment: Mapping[str, str]) -> bool:
    return "glibc.malloc." in environment.get("GLIBC_TUNABLES", "") or any(
        name.startswith("MALLOC_") for name in environment
    )
