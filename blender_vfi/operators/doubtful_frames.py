"""Operators on new frames in doubt: list them, and render the worst of them after all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.app.translations import pgettext_tip as tip_

from .. import vse
from ..doubtful_frames import Budget, DoubtfulRender, list_doubtful
from ..engine.rendered_frames import read_job
from ..errors import RequestError, VfiError
from ..messages import message, translated, words_of
from ..paths import PATH_OPTIONS, absolute_path
from ..render_fill import reload_strips
from ..render_properties import half_render
from ..ui import redraw

_TICK_S = 0.1
_SECONDS_PER_MINUTE = 60.0


class _OfFolder:
    """What operators on the frames of a folder have in common."""

    folder: bpy.props.StringProperty(
        name="Folder",
        description="Folder that a job has filled. Empty takes the one that was filled last",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | PATH_OPTIONS,
    )

    def _chosen_folder(self, scene: bpy.types.Scene) -> Path:
        chosen = self.folder or half_render(scene).folder
        if not chosen:
            raise RequestError(
                "Scene {scene!r} has no filled frames yet: choose Fill Rendered Frames first, or "
                "give the folder of a job.",
                scene=scene.name,
            )
        return Path(absolute_path(chosen, message("The folder of filled frames")))

    def _fail(self, error: VfiError) -> set[str]:
        self.report({"ERROR"}, translated(words_of(error), rpt_))
        return {"CANCELLED"}


class RENDER_OT_vfi_list_doubtful(_OfFolder, bpy.types.Operator):
    """List the new frames in a folder that are most worth a real render, the worst first"""  # noqa: D415 - Blender's tooltip

    bl_idname = "render.vfi_list_doubtful"
    bl_label = "List Doubtful Frames"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read the figures that the job has left."""
        try:
            folder = self._chosen_folder(context.scene)
            read_job(folder)  # says where there is none
            list_doubtful(context.scene, folder)
        except VfiError as error:
            return self._fail(error)
        return {"FINISHED"}


class RENDER_OT_vfi_render_doubtful(_OfFolder, bpy.types.Operator):
    """Renders the worst frames; budgets that are not given come from the scene."""

    bl_idname = "render.vfi_render_doubtful"
    bl_label = "Render Doubtful Frames"
    bl_description = (
        "Render the new frames that need it most, and put them in the place of the made ones. Esc "
        "stops; what is rendered stays"
    )

    frames: bpy.props.IntProperty(
        name="Frames",
        description="How many frames to render at most, the worst first; 0 for all",
        default=10,
        min=0,
        options={"SKIP_SAVE"},
    )
    minutes: bpy.props.FloatProperty(
        name="Minutes",
        description="Begin no further frame after so many minutes; 0 for no limit",
        min=0.0,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse while Blender renders."""
        cls.poll_message_set(tip_("A render is running"))
        return not bpy.app.is_job_running("RENDER")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Render the frames one after another; for scripts and Blender without a window."""
        try:
            self._work = self._prepare(context.scene)
            while self._work.current is not None:
                self._work.begin()
                bpy.ops.render.render(write_still=True, scene=self._work.scene.name)
                self._work.finish()
        except VfiError as error:
            return self._fail(error)
        except RuntimeError as error:  # the render's own report
            self.report({"ERROR"}, str(error).strip())
            return {"CANCELLED"}
        finally:
            self._end()
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Begin the first frame, and let the window live while it renders."""
        if bpy.app.background:
            return self.execute(context)
        self._work = None
        try:
            self._work = self._prepare(context.scene)
        except VfiError as error:
            return self._fail(error)
        self._is_over = _Flag()
        self._stops = False
        manager = context.window_manager
        self._timer = manager.event_timer_add(_TICK_S, window=context.window)
        # the first frame is the timer's: what a render reports here would be our exception
        self._is_rendering = False
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Go from one frame to the next; Esc reaches a running render first, and stops both."""
        if event.type == "ESC" and event.value == "PRESS":
            self._stops = True
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        is_over = True
        try:
            is_over = self._tick(context)
        except VfiError as error:
            self._fail(error)
        except RuntimeError as error:  # the render's own report
            self.report({"ERROR"}, str(error).strip())
        finally:
            if is_over:
                self._leave_modal(context)
        return {"FINISHED"} if is_over else {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Stop: another file is loaded, or the window closes."""
        self._leave_modal(context)

    def _prepare(self, scene: bpy.types.Scene) -> DoubtfulRender:
        half = half_render(vse.find_scene(scene.name))
        given = self.properties.is_property_set
        minutes = self.minutes if given("minutes") else half.most_minutes
        self._began_s = time.monotonic()
        return DoubtfulRender(
            scene,
            self._chosen_folder(scene),
            Budget(
                frames=self.frames if given("frames") else half.most_frames,
                seconds=minutes * _SECONDS_PER_MINUTE,
            ),
        )

    def _tick(self, context: bpy.types.Context) -> bool:
        """Do what is due; return whether nothing is left to do."""
        if self._is_rendering:
            if self._work.has_begun:
                self._work.restore()
            if not self._is_over.is_set or bpy.app.is_job_running("RENDER"):
                return False
            self._is_rendering = False
            if self._is_over.was_cancelled:
                return True
            self._work.finish()
        each = self._work.current
        if each is None or self._stops:
            return True
        context.workspace.status_text_set(
            iface_("Rendering frame {frame}, {done} of {total}. Esc stops").format(
                frame=each.number, done=self._work.done + 1, total=len(self._work.frames)
            )
        )
        self._work.begin()
        self._is_over.clear()
        self._is_rendering = True
        _render_in_window(context, self._work.scene.name)
        return False

    def _leave_modal(self, context: bpy.types.Context) -> None:
        self._is_over.forget()
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)
        self._end()
        redraw.everything(context)

    def _end(self) -> None:
        """Put the scene back, show what is still in doubt, and say what was done."""
        work = getattr(self, "_work", None)
        if work is None:
            return
        work.leave()
        try:
            list_doubtful(work.scene, work.folder)
            reload_strips(work.scene, work.folder)
        except VfiError as error:
            self._fail(error)
        done = message(
            "{done} of {total} doubtful frames rendered, {seconds:.0f} s",
            done=work.done,
            total=len(work.frames),
            seconds=time.monotonic() - self._began_s,
        )
        self.report({"INFO"}, translated(done, rpt_))


class _Flag:
    """Whether a render has ended; Blender tells it from the render's own thread."""

    def __init__(self) -> None:
        self.clear()
        bpy.app.handlers.render_complete.append(self._complete)
        bpy.app.handlers.render_cancel.append(self._cancel)

    def clear(self) -> None:
        """Wait for the next one."""
        self.is_set = self.was_cancelled = False

    def forget(self) -> None:
        """Be told no more."""
        for handlers, own in (
            (bpy.app.handlers.render_complete, self._complete),
            (bpy.app.handlers.render_cancel, self._cancel),
        ):
            if own in handlers:  # loading a file has taken it out
                handlers.remove(own)

    def _complete(self, *_arguments: Any) -> None:
        self.is_set = True

    def _cancel(self, *_arguments: Any) -> None:
        self.is_set = self.was_cancelled = True


CLASSES = (RENDER_OT_vfi_list_doubtful, RENDER_OT_vfi_render_doubtful)


def _render_in_window(context: bpy.types.Context, scene_name: str) -> None:
    """Begin to render a scene's current frame, without a window of its own."""
    view = context.preferences.view
    shown_as, view.render_display_type = view.render_display_type, "NONE"
    try:
        bpy.ops.render.render("INVOKE_DEFAULT", write_still=True, scene=scene_name)
    finally:
        view.render_display_type = shown_as
