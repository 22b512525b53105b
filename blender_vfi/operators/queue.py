"""Operators on the jobs that wait, run and have ended."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.app.translations import pgettext_tip as tip_

from .. import bug_report, job_runner
from ..job_queue import JobState, jobs
from ..messages import translated
from ..ui import redraw, texts

_POLL_INTERVAL_S = 0.1

_timer: bpy.types.Timer | None = None


class SEQUENCER_OT_vfi_run_queue(bpy.types.Operator):
    """Run the jobs that wait, one after another, while Blender stays usable"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_run_queue"
    bl_label = "Run Interpolation Jobs"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Begin, unless the queue is being run already."""
        global _timer
        if _timer is not None:
            return {"CANCELLED"}
        manager = context.window_manager
        _timer = manager.event_timer_add(_POLL_INTERVAL_S, window=context.window)
        self._shown = ""
        # the first tick is the timer's: an error reported here would be the caller's exception
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look for news from the engine at every tick of the timer; leave other events alone."""
        if _asks_to_stop(context, event):
            for job in jobs:
                job_runner.cancel(job)
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        is_over = True
        try:
            is_over = self._tick(context)
        finally:
            if is_over:  # whatever went wrong, or another job could never be started
                leave(context)
        return {"FINISHED"} if is_over else {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Stop the engine's work: another file is loaded, or the window closes."""
        job_runner.abandon()
        leave(context)

    def _tick(self, context: bpy.types.Context) -> bool:
        """Do what is due and show it; return whether nothing is left to do."""
        for report in job_runner.tick(context):
            self.report({report.level}, translated(report.text, rpt_))
        shown = texts.status_text(jobs)
        if shown != self._shown:
            self._shown = shown
            context.workspace.status_text_set(shown or None)
            redraw.sequencers(context)
        return not jobs.is_busy


class _JobOperator:
    """What the operators on one job have in common."""

    job_id: bpy.props.StringProperty(
        name="Job", description="Which job", options={"SKIP_SAVE", "HIDDEN"}
    )


class SEQUENCER_OT_vfi_cancel(_JobOperator, bpy.types.Operator):
    """Stop this job within one frame. Finished frames stay, and the next run goes on there"""  # noqa: D415

    bl_idname = "sequencer.vfi_cancel"
    bl_label = "Cancel Interpolation"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse where nothing runs or waits."""
        cls.poll_message_set(tip_("No job is running"))
        return jobs.is_busy

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel the job; without a name, all."""
        for job in jobs:
            if self.job_id in ("", job.job_id):
                job_runner.cancel(job)
        redraw.sequencers(context)
        return {"FINISHED"}


class SEQUENCER_OT_vfi_job_remove(_JobOperator, bpy.types.Operator):
    """Take this job out of the list. Its files stay"""  # noqa: D415

    bl_idname = "sequencer.vfi_job_remove"
    bl_label = "Remove Job"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove the job, unless it runs."""
        jobs.remove(self.job_id)
        redraw.sequencers(context)
        return {"FINISHED"}


class SEQUENCER_OT_vfi_job_move(_JobOperator, bpy.types.Operator):
    """Let this job run earlier or later"""  # noqa: D415

    bl_idname = "sequencer.vfi_job_move"
    bl_label = "Move Job"

    direction: bpy.props.EnumProperty(
        name="Direction",
        description="Where to move it",
        items=[
            ("UP", "Up", "Before the job that comes before it"),
            ("DOWN", "Down", "After the job that comes after it"),
        ],
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Move the job among those that wait."""
        jobs.move(self.job_id, up=self.direction == "UP")
        redraw.sequencers(context)
        return {"FINISHED"}


class SEQUENCER_OT_vfi_jobs_clear(bpy.types.Operator):
    """Take the jobs that have ended out of the list. Their files stay"""  # noqa: D415

    bl_idname = "sequencer.vfi_jobs_clear"
    bl_label = "Clear Ended Jobs"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Clear them away."""
        jobs.clear_ended()
        redraw.sequencers(context)
        return {"FINISHED"}


class SEQUENCER_OT_vfi_copy_details(_JobOperator, bpy.types.Operator):
    """Copy versions, settings, the error and the engine's last words, for a bug report"""  # noqa: D415

    bl_idname = "sequencer.vfi_copy_details"
    bl_label = "Copy Details"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the text on the clipboard."""
        job = jobs.find(self.job_id) or next(
            (job for job in jobs if job.state is JobState.FAILED), None
        )
        if job is None:
            self.report({"WARNING"}, "No job to tell of")
            return {"CANCELLED"}
        context.window_manager.clipboard = bug_report.describe(job, context)
        self.report({"INFO"}, "Details copied: paste them into your report")
        return {"FINISHED"}


CLASSES = (
    SEQUENCER_OT_vfi_run_queue,
    SEQUENCER_OT_vfi_cancel,
    SEQUENCER_OT_vfi_job_remove,
    SEQUENCER_OT_vfi_job_move,
    SEQUENCER_OT_vfi_jobs_clear,
    SEQUENCER_OT_vfi_copy_details,
)


def leave(context: bpy.types.Context) -> None:
    """Take away the timer and the status text; the add-on does so too when it is switched off."""
    global _timer
    if _timer is None:
        return
    timer, _timer = _timer, None
    context.window_manager.event_timer_remove(timer)
    for workspace in bpy.data.workspaces:  # the artist may have changed to another one
        workspace.status_text_set(None)
    redraw.sequencers(context)


def _asks_to_stop(context: bpy.types.Context, event: bpy.types.Event) -> bool:
    """Whether this is Esc over a Sequencer: elsewhere, and in playback, it belongs to others."""
    if event.type != "ESC" or event.value != "PRESS" or context.screen.is_animation_playing:
        return False
    return any(
        area.type == "SEQUENCE_EDITOR"
        and 0 <= event.mouse_x - area.x < area.width
        and 0 <= event.mouse_y - area.y < area.height
        for area in context.window.screen.areas
    )
