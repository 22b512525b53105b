"""What the command lines do when they are asked to end."""

from __future__ import annotations

import signal
import time
from types import FrameType

_PATIENCE_S = 1.0

_latest_s = -_PATIENCE_S


def end_on_signals() -> None:
    """Let Ctrl-C and a farm's SIGTERM end the job in order, with finished frames kept.

    Ctrl-C too, since Blender takes it for itself and lets the job run on. Some systems send both at
    once: what comes right after the first would break what that has begun, and is ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    global _latest_s
    now_s = time.monotonic()
    is_new = now_s - _latest_s >= _PATIENCE_S
    _latest_s = now_s
    if is_new:
        raise KeyboardInterrupt
