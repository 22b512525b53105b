"""Asks an engine what it runs on, to see whether it runs at all. Standard library alone."""

from __future__ import annotations

import time
import uuid

from ..errors import EngineStartError
from .background import Control
from .client import EngineClient, raise_if_ended
from .protocol import Describe, Described

_POLL_INTERVAL_S = 0.05
_IDLE_EXIT_S = 60.0


def describe_engine(python: str | None, control: Control, *, timeout_s: float = 300.0) -> Described:
    """Start an engine of its own for this question, ask, and end it; blocks for seconds.

    Args:
        python: interpreter to run it with; None as for `EngineClient`.
        control: whose cancel is heeded.
        timeout_s: how long the engine may take: torch's first import is slow on a slow disk.

    Raises:
        EngineError: the engine does not run; the message says why, and what to do.
        JobCancelledError: cancelled.
    """
    client = EngineClient(python, idle_exit_s=_IDLE_EXIT_S)
    try:
        client.request(Describe(job_id=uuid.uuid4().hex))
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for event in client.poll():
                raise_if_ended(event)
                if isinstance(event, Described):
                    return event
            control.raise_if_cancelled()
            time.sleep(_POLL_INTERVAL_S)
    finally:
        client.close()
    raise EngineStartError(
        f"The engine's Python {client.python} has not answered for {timeout_s:.0f} seconds: try "
        f"again when the machine is less busy. {client.stderr_tail}"
    )


def python_of(python: str | None) -> str:
    """Return the interpreter that `EngineClient` takes for `python`."""
    return EngineClient(python).python
