"""Fetches a model's checkpoint before it is needed, once its licence is known and accepted."""

from __future__ import annotations

import uuid

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.app.translations import pgettext_tip as tip_

from .. import job_runner, vse
from ..engine.protocol import Fetch
from ..errors import VfiError
from ..job_queue import JobState, QueuedJob, jobs
from ..messages import translated
from ..models import catalog
from ..properties import scene_settings
from ..ui import model_info

_WIDTH = 400


class SEQUENCER_OT_vfi_download_model(bpy.types.Operator):
    """Store the model's checkpoint on this machine, so that it works offline from then on"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_download_model"
    bl_label = "Download Model"

    model: bpy.props.StringProperty(
        name="Model",
        description="Its name in the catalog. Empty takes the scene's",
        options={"SKIP_SAVE"},
    )
    accept_licence: bpy.props.BoolProperty(
        name="I Accept This License",
        description="Needed for models whose license restricts what their frames may be used for",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse while Blender may not go online."""
        cls.poll_message_set(tip_("Allow Online Access first: Preferences > System > Network"))
        return bpy.app.online_access

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Show what is downloaded, and on which terms."""
        self.model = self.model or scene_settings(vse.scene_of(context)).model
        return context.window_manager.invoke_props_dialog(
            self, width=_WIDTH, confirm_text=iface_("Download")
        )

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the terms, and where they restrict the use, a box to accept them."""
        spec = catalog.find(self.model)
        model_info.draw_terms(self.layout, spec)
        if not spec.checkpoint.licence.commercial:
            self.layout.prop(self, "accept_licence")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the download."""
        try:
            spec = catalog.find(self.model or scene_settings(vse.scene_of(context)).model)
        except VfiError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if not spec.checkpoint.licence.commercial and not self.accept_licence:
            self.report(
                {"ERROR"},
                rpt_(
                    "{model} was not downloaded: its license, {license}, has to be accepted first"
                ).format(model=spec.title, license=spec.checkpoint.licence.title),
            )
            return {"CANCELLED"}
        request = Fetch(
            job_id=uuid.uuid4().hex, model=spec.name, accept_licence=self.accept_licence
        )
        job = QueuedJob(request=request, title=spec.title)
        jobs.add([job])
        if bpy.app.background:
            for report in job_runner.run_to_end(context):
                self.report({report.level}, translated(report.text, rpt_))
            return {"FINISHED"} if job.state is JobState.FINISHED else {"CANCELLED"}
        bpy.ops.sequencer.vfi_run_queue("INVOKE_DEFAULT")
        return {"FINISHED"}


CLASSES = (SEQUENCER_OT_vfi_download_model,)
