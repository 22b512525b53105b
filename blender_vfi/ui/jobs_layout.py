"""Draws the jobs that wait, run and have ended."""

from __future__ import annotations

import textwrap

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..job_queue import JobState, QueuedJob, jobs
from ..messages import translated
from . import previews, texts

_ICONS = {
    JobState.FINISHED: "CHECKMARK",
    JobState.FAILED: "ERROR",
    JobState.CANCELLED: "CANCEL",
}
_PREVIEW_SCALE = 7.0
_PIXELS_PER_LETTER = 6.5
_FEWEST_LETTERS = 24

Layout = bpy.types.UILayout


def draw(layout: Layout, context: bpy.types.Context) -> None:
    """Draw every job, and the button that clears the ended ones away."""
    waiting = jobs.waiting
    for job in jobs:
        box = layout.box()
        if job.state is JobState.RUNNING:
            _draw_running(box, context, job)
        elif job.state is JobState.WAITING:
            _draw_waiting(box, job, is_alone=len(waiting) == 1)
        else:
            _draw_ended(box, context, job)
    row = layout.row()
    if jobs.running is not None and waiting:
        row.operator("sequencer.vfi_cancel", text="Cancel All", icon="CANCEL")
    if waiting:
        row.operator("sequencer.vfi_save_queue", icon="FILE_TICK")
    if any(job.state.has_ended for job in jobs):
        row.operator("sequencer.vfi_jobs_clear", text="Clear Ended", icon="TRASH")


def _draw_running(box: Layout, context: bpy.types.Context, job: QueuedJob) -> None:
    box.label(text=job.title, icon="PLAY", translate=False)
    box.progress(factor=job.factor, text=texts.progress_text(job), type="BAR", translate=False)
    grid = box.column(align=True)
    for one, two in (
        (texts.speed(job), texts.time_left(job)),
        (texts.memory(job), _device(job)),
    ):
        if one or two:
            row = grid.row()
            row.label(text=one, translate=False)
            row.label(text=two, translate=False)
    for text in texts.found_texts(job):
        _draw_text(box, context, text)
    last_frame = job.progress.last_frame if job.progress is not None else None
    if last_frame is not None:
        box.template_icon(previews.icon_of(last_frame), scale=_PREVIEW_SCALE)
    text = "End Engine" if job.is_cancelling else "Cancel"
    box.operator("sequencer.vfi_cancel", text=text, icon="CANCEL").job_id = job.job_id


def _draw_waiting(box: Layout, job: QueuedJob, *, is_alone: bool) -> None:
    row = box.row(align=True)
    row.label(text=job.title, icon="TIME", translate=False)
    if not is_alone:
        for direction, icon in (("UP", "TRIA_UP"), ("DOWN", "TRIA_DOWN")):
            button = row.operator("sequencer.vfi_job_move", text="", icon=icon)
            button.job_id, button.direction = job.job_id, direction
    row.operator("sequencer.vfi_job_remove", text="", icon="X").job_id = job.job_id


def _draw_ended(box: Layout, context: bpy.types.Context, job: QueuedJob) -> None:
    row = box.row(align=True)
    row.label(text=job.title, icon=_ICONS[job.state], translate=False)
    row.operator("sequencer.vfi_job_remove", text="", icon="X").job_id = job.job_id
    _draw_text(box, context, translated(job.message, iface_))
    if job.finished is not None:
        counts = iface_("{total} frames, {made} new, {time}").format(
            total=job.finished.frames_total,
            made=job.finished.frames_made,
            time=texts.clock(job.finished.duration_s),
        )
        box.label(text=counts, translate=False)
    for text in texts.found_texts(job):
        _draw_text(box, context, text)
    for notice in job.notices:
        _draw_text(box, context, translated(notice, iface_), icon="INFO")
    if job.state is JobState.FAILED:
        button = box.operator("sequencer.vfi_copy_details", icon="COPYDOWN")
        button.job_id = job.job_id
    if job.output_dir is not None and (job.frames_done or job.finished is not None):
        _draw_text(box, context, job.output_dir)
        button = box.operator("wm.path_open", text="Open Folder", icon="FILE_FOLDER")
        button.filepath = job.output_dir


def _draw_text(box: Layout, context: bpy.types.Context, text: str, icon: str = "NONE") -> None:
    """Draw a text in as many lines as it needs: labels do not wrap."""
    scale = context.preferences.system.ui_scale
    letters = max(int(context.region.width / scale / _PIXELS_PER_LETTER) - 6, _FEWEST_LETTERS)
    column = box.column(align=True)
    column.scale_y = 0.8
    for paragraph in text.splitlines():
        for line in textwrap.wrap(paragraph, letters, break_on_hyphens=False):
            column.label(text=line, icon=icon, translate=False)
            icon = "BLANK1" if icon != "NONE" else "NONE"


def _device(job: QueuedJob) -> str:
    if job.aside is not None:
        return "cpu" if job.aside.on_cpu else ""
    return f"{job.started.device}, {job.started.precision}" if job.started is not None else ""
