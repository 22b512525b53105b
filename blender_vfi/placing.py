"""Puts what a finished job made where it belongs: into a strip of its own, or its source's."""

from __future__ import annotations

from . import strip_fill, vse_timing
from .engine.protocol import Run
from .job_queue import QueuedJob
from .vse_timing import Placed


def place(job: QueuedJob) -> Placed:
    """Place the frames of a finished job.

    Raises:
        VfiError: see `vse_timing.place` and `strip_fill.place_filled`.
    """
    assert isinstance(job.request, Run)
    assert job.source is not None
    if job.fills_strip:
        return strip_fill.place_filled(job.source, job.request.job)
    assert job.timing is not None
    return vse_timing.place(job.timing, job.source, job.request.job)
