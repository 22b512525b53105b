"""What the command lines do when they are asked to end."""

from __future__ import annotations

import signal


def end_on_signals() -> None:
    """Let Ctrl-C and a farm's SIGTERM end the job in order, with finished frames kept.

    Ctrl-C too, since Blender takes it for itself and lets the job run on.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
