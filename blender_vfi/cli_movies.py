"""What the command lines ask the engine about movies: only its Python can open them."""

from __future__ import annotations

import time
import uuid
from fractions import Fraction
from pathlib import Path

from .engine.client import EngineClient, raise_if_ended
from .engine.protocol import Examine, Examined
from .engine.rates import rate_text

_POLL_S = 0.02


def examine(client: EngineClient, movie: Path) -> Examined:
    """Ask how many frames a movie has and at what rate, blocking.

    Raises:
        FrameError: it cannot be read.
        EngineError: the engine does not run, or cannot read movies.
    """
    request = Examine(job_id=uuid.uuid4().hex, path=str(movie.absolute()))
    client.request(request)
    while True:
        for event in client.poll():
            if getattr(event, "job_id", None) != request.job_id:
                continue
            if isinstance(event, Examined):
                return event
            raise_if_ended(event)
        time.sleep(_POLL_S)


def describe_movie(movie: Examined) -> str:
    """Say what a movie holds: "132 frames at 23.976 (24000/1001) frames a second"."""
    rate = Fraction(*movie.rate)
    exact = "" if rate.denominator == 1 else f" ({rate})"
    return f"{movie.frame_count} frames at {rate_text(rate)}{exact} frames a second"
