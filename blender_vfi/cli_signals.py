"""What the command lines, and scripts without a window, do when they are asked to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

UNREAD_EXIT_CODE = 141
"""What shells tell of a program that nobody read to its end: 128 and the number of SIGPIPE."""

_PATIENCE_S = 1.0

_latest_s = -_PATIENCE_S


def end_on_signals() -> None:
    """Let Ctrl-C and a farm's SIGTERM end the job in order, with finished frames kept.

    Ctrl-C too, since Blender takes it for itself and lets the job run on. Some systems send both at
    once: what comes right after the first would break what that has begun, and is ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt` here, whatever it does elsewhere.

    SIGTERM is left to the system, which ends the whole process.
    """
    if threading.current_thread() is not threading.main_thread():  # no other one gets signals
        yield
        return
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        # Blender's own handler is no function of Python's, and cannot be put back
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def drop_unread() -> bool:
    """Let what is left to print go nowhere where nobody reads any more, as behind `| head`.

    Python would complain about it at its end.

    Returns:
        Whether something was dropped.
    """
    is_dropped = False
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
            is_dropped = True
    return is_dropped


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    global _latest_s
    now_s = time.monotonic()
    is_new = now_s - _latest_s >= _PATIENCE_S
    _latest_s = now_s
    if is_new:
        raise KeyboardInterrupt
