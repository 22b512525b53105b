"""Interpolate Strip: blocking without a window, modal in one; both share the same three steps."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

import bpy

from .. import engine_session, vse, vse_timing
from ..cli_progress import ProgressPrinter
from ..engine.client import EngineClient, raise_if_ended
from ..engine.protocol import Event, Finished, JobSpec, Notice, Progress, Stage, Started
from ..errors import JobCancelledError, VfiError
from ..preferences import engine_settings
from ..properties import InterpolationProperties, build_job, describe_doubts
from ..vse import ImageSource
from ..vse_timing import Timing

_POLL_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """A job that the engine works on; names only, since undo makes references to strips invalid."""

    client: EngineClient
    job: JobSpec
    source: ImageSource
    timing: Timing


class SEQUENCER_OT_vfi_interpolate(InterpolationProperties, bpy.types.Operator):
    """Make the frames between the frames of an image strip"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_interpolate"
    bl_label = "Interpolate Strip"
    # no REGISTER: adjusting a value afterwards would run the whole job again
    bl_options = {"UNDO"}

    scene_name: bpy.props.StringProperty(
        name="Scene",
        description="Scene of the strip. Empty takes the one that the Sequencer edits",
        options={"SKIP_SAVE"},
    )
    strip_name: bpy.props.StringProperty(
        name="Strip",
        description="Name of the image strip. Empty takes the active, selected one",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse while the engine works on another strip."""
        busy_with = engine_session.busy_with()
        if busy_with is not None:
            cls.poll_message_set(f"{busy_with} is being interpolated: wait, or press Esc there")
        return busy_with is None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run the job to its end, and place the strip."""
        try:
            running = self._prepare(context)
            # a script's log should show that something happens; a window has the status bar
            with ProgressPrinter(sys.stderr, quiet=not bpy.app.background) as printer:
                running.client.run(running.job, on_event=partial(self._report, printer))
            self._place(running)
        except VfiError as error:
            self._report_error(error)
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start the job, and let the artist go on working."""
        if bpy.app.background:
            return self.execute(context)
        try:
            self._running = self._prepare(context)
            self._running.client.submit(self._running.job)
        except VfiError as error:
            self._report_error(error)
            return {"CANCELLED"}
        engine_session.begin_job(self._running.source.strip_name)
        manager = context.window_manager
        self._timer = manager.event_timer_add(_POLL_INTERVAL_S, window=context.window)
        manager.progress_begin(0, len(self._running.job.plan().outputs))
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look for news from the engine at every tick of the timer; leave other events alone."""
        if event.type == "ESC" and event.value == "PRESS" and _is_over_sequencer(context, event):
            self._running.client.cancel(self._running.job.job_id)
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        is_over = True
        try:
            is_over = self._pump(context)
            if not is_over:
                return {"PASS_THROUGH"}
            self._place(self._running)
        except VfiError as error:
            self._report_error(error)
            return {"CANCELLED"}
        finally:
            if is_over:  # whatever went wrong, or another job could never be started
                self._leave(context)
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Stop the engine's work: another file is loaded, or the window closes."""
        self._running.client.cancel(self._running.job.job_id)
        self._leave(context)

    def _prepare(self, context: bpy.types.Context) -> _Running:
        scene = vse.find_scene(self.scene_name or vse.scene_of(context).name)
        if self.strip_name:
            strip = vse.find_strip(scene, self.strip_name)
        else:
            strip = vse.selected_strip(scene)
        source = vse.read_image_strip(scene, strip)
        job = build_job(self, source)
        for notice in describe_doubts(source):
            self.report({"WARNING"}, notice)
        timing = Timing(self.timing)
        vse_timing.check_timing(timing, source, job)
        client = engine_session.get(engine_settings(context))
        return _Running(client=client, job=job, source=source, timing=timing)

    def _pump(self, context: bpy.types.Context) -> bool:
        """Show what the engine says; return whether the job is finished."""
        is_finished = False
        for event in self._running.client.poll():
            if getattr(event, "job_id", None) != self._running.job.job_id:
                continue
            raise_if_ended(event)
            is_finished = is_finished or isinstance(event, Finished)
            self._tell(event)
            self._show(context, event)
        return is_finished

    def _report_error(self, error: VfiError) -> None:
        if error.__cause__ is not None:  # for a bug report; the engine's traceback among others
            print(f"{type(error).__name__}: {error.__cause__}", file=sys.stderr)
        self.report({"INFO" if isinstance(error, JobCancelledError) else "ERROR"}, str(error))

    def _report(self, printer: ProgressPrinter, event: Event) -> None:
        self._tell(event)
        if not isinstance(event, Notice):  # those are reports already
            printer.show(event)

    def _tell(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.report({"WARNING"}, event.message)

    def _show(self, context: bpy.types.Context, event: Event) -> None:
        if isinstance(event, Progress):
            context.window_manager.progress_update(event.frames_done)
        text = _describe(event)
        if text is not None:
            name = self._running.source.strip_name
            context.workspace.status_text_set(f"{name}: {text}. Esc in the Sequencer cancels")

    def _place(self, running: _Running) -> None:
        placed = vse_timing.place(running.timing, running.source, running.job)
        for notice in placed.notices:
            self.report({"WARNING"}, notice)
        self.report({"INFO"}, f"{placed.strip_name!r} is in scene {placed.scene_name!r}")

    def _leave(self, context: bpy.types.Context) -> None:
        engine_session.end_job()
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        if context.workspace is not None:  # None while a file is loaded
            context.workspace.status_text_set(None)


def _describe(event: Event) -> str | None:
    """Put an event into words for the status bar; None where there is nothing to say."""
    if isinstance(event, Started):
        return f"{event.frames_total} frames on {event.device}"
    if isinstance(event, Stage):
        return f"{event.message} {event.done / event.total:.0%}" if event.total else event.message
    if isinstance(event, Progress):
        left = "" if event.seconds_left is None else f", {event.seconds_left:.0f} s left"
        return f"frame {event.frames_done} of {event.frames_total}{left}"
    return None


def _is_over_sequencer(context: bpy.types.Context, event: bpy.types.Event) -> bool:
    """Whether the mouse is over a Sequencer: elsewhere, Esc belongs to other tools."""
    return any(
        area.type == "SEQUENCE_EDITOR"
        and 0 <= event.mouse_x - area.x < area.width
        and 0 <= event.mouse_y - area.y < area.height
        for area in context.window.screen.areas
    )
