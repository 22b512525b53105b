"""Puts what a finished job made where it belongs: a strip of its own, its source's, or a list."""

from __future__ import annotations

from . import render_fill, strip_fill, vse_timing
from .engine.protocol import Run
from .job_queue import QueuedJob
from .vse_timing import Placed


def place(job: QueuedJob) -> Placed:
    """Place the frames of a finished job.

    Raises:
        VfiError: see `vse_timing.place`, `strip_fill.place_filled`, `render_fill.place_rendered`.
    """
    assert isinstance(job.request, Run)
    if job.rendered is not None:
        return render_fill.place_rendered(job.rendered, job.request.job)
    assert job.source is not None
    if job.fills_strip:
        return strip_fill.place_filled(job.source, job.request.job)
    assert job.timing is not None
    return vse_timing.place(job.timing, job.source, job.request.job)
