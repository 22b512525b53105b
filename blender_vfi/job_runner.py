"""Moves the queue along: hands jobs to the engine one by one, and places what they made.

Nothing here waits. `tick` is called from a timer of Blender's, and every time does what is due.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import bpy

from . import engine_session, placing, render_courtesy
from .engine.client import EngineClient
from .engine.protocol import Notice, Run
from .errors import VfiError
from .job_queue import JobState, QueuedJob, jobs
from .messages import message, words_of
from .preferences import engine_settings
from .vse_timing import Placed

_POLL_INTERVAL_S = 0.05
_PATIENCE_S = 2.0  # with an engine that was asked to stop; a second click before that is a slip
_ABANDONED = message("Ended with its file or window; finished frames stay on disk")
_ENDED_BY_FORCE = message("Stopped by ending the engine; finished frames stay on disk")
_DRAGGING = ("TRANSFORM_OT_", "SEQUENCER_OT_")
_OURS = "SEQUENCER_OT_vfi"


@dataclass(frozen=True, slots=True)
class Report:
    """Something to tell the user, as an operator's `report` takes it."""

    level: Literal["INFO", "WARNING", "ERROR"]
    text: str


def tick(context: bpy.types.Context) -> list[Report]:
    """Take in what the engine says, place what is finished, and start what comes next.

    While the artist drags strips, nothing is done: they would be moved, or a half-done drag undone.
    """
    reports: list[Report] = []
    if _is_dragging(context):
        return reports
    job = jobs.running
    if job is not None:
        reports += _pump(job)
    while jobs.running is None and jobs.waiting and not render_courtesy.holds_jobs(context):
        reports += _start(jobs.waiting[0], context)
    return reports


def run_to_end(context: bpy.types.Context) -> Iterator[Report]:
    """Run all jobs, blocking; for Blender without a window."""
    with render_courtesy.put_off():
        while jobs.is_busy:
            yield from tick(context)
            time.sleep(_POLL_INTERVAL_S)


def cancel(job: QueuedJob) -> None:
    """Stop a job within one frame, or before it has begun; asked once more, end the engine."""
    if job.state is JobState.WAITING:
        jobs.remove(job.job_id)
    elif job.state is not JobState.RUNNING:
        return
    elif job.cancelled_at_s is None:
        job.cancelled_at_s = time.monotonic()
        client = engine_session.running_client()
        if client is not None:
            client.cancel(job.job_id)
    elif time.monotonic() - job.cancelled_at_s > _PATIENCE_S:
        engine_session.close()
        job.state, job.stage, job.message = JobState.CANCELLED, None, _ENDED_BY_FORCE


def abandon() -> None:
    """Stop everything at once, and wait for nothing: what the jobs belong to is going away."""
    for job in jobs:
        if job.state is JobState.RUNNING:
            cancel(job)
        if not job.state.has_ended:
            job.state, job.stage, job.message = JobState.CANCELLED, None, _ABANDONED


def _finish(job: QueuedJob) -> Iterator[Report]:
    """Place the strip of a job whose frames are all there, as one undo step; tell where it is."""
    if not isinstance(job.request, Run):
        job.message = message("On this machine now")
        yield Report("INFO", message("{title}: on this machine now", title=job.title))
        return
    try:
        placed = place(job)
    except VfiError as error:
        job.fail(type(error).__name__, words_of(error))
        yield _report_of(job)
        return
    # a script in a window has its own steps; here, each strip is one
    bpy.ops.ed.undo_push(message="Fill Missing Frames" if job.fills_gaps else "Interpolate Strip")
    for notice in placed.notices:
        job.notices.append(notice)
        yield Report("WARNING", notice)
    yield Report("INFO", summary(job))


def place(job: QueuedJob) -> Placed:
    """Place the strip of a job whose frames are all there, and note where it is.

    Raises:
        VfiError: there is no place for it.
    """
    placed = placing.place(job)
    if placed.strip_name:
        job.message = message(
            "{strip!r} is in scene {scene!r}", strip=placed.strip_name, scene=placed.scene_name
        )
    else:
        job.message = message("Frames of scene {scene!r} are whole", scene=placed.scene_name)
    return placed


def summary(job: QueuedJob) -> str:
    """Say where a job's strip and frames are, and how many."""
    if job.finished is None:
        return message("{text}. Frames in {folder}", text=job.message, folder=job.output_dir)
    return message(
        "{text}. {total} frames ({made} new, {seconds:.0f} s) in {folder}",
        text=job.message,
        total=job.finished.frames_total,
        made=job.finished.frames_made,
        seconds=job.finished.duration_s,
        folder=job.output_dir,
    )


def _pump(job: QueuedJob) -> list[Report]:
    client = engine_session.running_client()
    if client is None:  # the add-on was switched off and on, or the preferences have changed
        job.fail("EngineDiedError", message("The engine was ended. Start the job again to go on."))
        return [_report_of(job)]
    told: list[Report] = []
    try:
        for event in client.poll():
            if getattr(event, "job_id", None) != job.job_id:
                continue
            job.note(event)
            if isinstance(event, Notice):
                told.append(Report("WARNING", event.message))
    except VfiError as error:
        job.fail(type(error).__name__, words_of(error), client.stderr_tail)
    told += _ended(job, client)
    return told


def _ended(job: QueuedJob, client: EngineClient) -> list[Report]:
    if job.state is JobState.FINISHED:
        return list(_finish(job))
    if job.state is JobState.FAILED and not job.details.endswith(client.stderr_tail):
        job.details += f"\n{client.stderr_tail}"
    return [_report_of(job)] if job.state.has_ended else []


def _start(job: QueuedJob, context: bpy.types.Context) -> list[Report]:
    job.state = JobState.RUNNING
    try:
        client = engine_session.get(engine_settings(context))
        if isinstance(job.request, Run):
            client.submit(job.request.job)
        else:
            client.request(job.request)
    except VfiError as error:
        job.fail(type(error).__name__, words_of(error))
        return [_report_of(job)]
    return []


def _is_dragging(context: bpy.types.Context) -> bool:
    """Whether an operator holds strips in the middle of a change; others may run for hours."""
    return any(
        operator.bl_idname.startswith(_DRAGGING) and not operator.bl_idname.startswith(_OURS)
        for window in context.window_manager.windows
        for operator in window.modal_operators
    )


def _report_of(job: QueuedJob) -> Report:
    level: Literal["INFO", "ERROR"] = "INFO" if job.state is JobState.CANCELLED else "ERROR"
    return Report(level, message("{title}: {text}", title=job.title, text=job.message))
