"""Asks the engine what is no job, and waits for its answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from .engine.client import EngineClient, raise_if_ended
from .engine.protocol import Describe, Event, Examine, Rehearse

_POLL_S = 0.02
_Answer = TypeVar("_Answer")


def answer_to(
    client: EngineClient,
    request: Examine | Describe | Rehearse,
    kind: type[_Answer],
    on_event: Callable[[Event], None] = lambda _event: None,
) -> _Answer:
    """Return the event that answers a request, blocking.

    Args:
        client: the engine's.
        request: what to ask.
        kind: of event that answers it.
        on_event: told every other event of the request.

    Raises:
        VfiError: the reason why there is no answer, as the engine gave it.
    """
    client.request(request)
    while True:
        for event in client.poll():
            if getattr(event, "job_id", None) != request.job_id:
                continue
            if isinstance(event, kind):
                return event
            raise_if_ended(event)
            on_event(event)
        time.sleep(_POLL_S)
