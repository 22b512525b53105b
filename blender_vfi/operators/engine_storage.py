"""Gives memory and disk back: the engine's models, and checkpoints."""

from __future__ import annotations

import time

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.app.translations import pgettext_tip as tip_

from .. import engine_session, preferences
from ..engine_tasks import Outcome, tasks
from ..errors import VfiError
from ..job_queue import jobs
from ..messages import message, translated
from ..models import stored
from ..ui import inventory
from .engine_setup import start_watching

_POLL_INTERVAL_S = 0.05


class PREFERENCES_OT_vfi_free_memory(bpy.types.Operator):
    """Let the engine drop its models, and give memory back to Blender and to the GPU"""  # noqa: D415 - Blender's tooltip

    bl_idname = "preferences.vfi_free_memory"
    bl_label = "Free Memory"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Ask the engine; report what comes of it, at once where nothing has to be waited for."""
        client = engine_session.running_client()
        if client is None or not client.is_running:
            text = message("No engine runs, so none holds memory")
            return self._end(Outcome(level="INFO", text=text))
        tasks.free_memory(client)
        if jobs.is_busy:  # the queue reads the engine's events then
            tasks.forget_freeing()
            return self._end(tasks.memory_outcome)
        if not bpy.app.background:
            start_watching()
            return {"FINISHED"}
        while not tasks.poll():
            time.sleep(_POLL_INTERVAL_S)
        return self._end(tasks.memory_outcome)

    def _end(self, outcome: Outcome) -> set[str]:
        tasks.memory_outcome = outcome
        self.report({outcome.level}, translated(outcome.text, rpt_))
        return {"FINISHED"}


class PREFERENCES_OT_vfi_remove_checkpoint(bpy.types.Operator):
    """Remove this model from the disk. It is fetched again when a job needs it"""  # noqa: D415 - Blender's tooltip

    bl_idname = "preferences.vfi_remove_checkpoint"
    bl_label = "Remove Model"

    model: bpy.props.StringProperty(
        name="Model", description="Its name in the catalog", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse while a job may need it."""
        cls.poll_message_set(tip_("Wait until the jobs have ended"))
        return not jobs.is_busy

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove the file; what is known of it stays, for the next download."""
        try:
            size = stored.remove_stored(preferences.checkpoint_folder(context), self.model)
        except VfiError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        finally:
            inventory.forget()
        told = rpt_("{model} was removed: {size:.1f} MB given back")
        self.report({"INFO"}, told.format(model=self.model, size=size / 1e6))
        return {"FINISHED"}


CLASSES = (PREFERENCES_OT_vfi_free_memory, PREFERENCES_OT_vfi_remove_checkpoint)
