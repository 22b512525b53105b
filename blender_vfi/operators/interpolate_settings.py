"""The dialog of the menus: the scene's settings, and then the job begins."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.app.translations import pgettext_tip as tip_

from .. import vse
from ..ui import settings_layout

_WIDTH = 400


class SEQUENCER_OT_vfi_interpolate_settings(bpy.types.Operator):
    """Choose how to make frames for the selected image and movie strips, and start"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_interpolate_settings"
    bl_label = "Interpolate Strip"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Refuse where there is no strip."""
        cls.poll_message_set(tip_("Add an image or movie strip to the Sequencer first"))
        return vse.scene_of(context).sequence_editor is not None

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Open the dialog."""
        return context.window_manager.invoke_props_dialog(
            self, width=_WIDTH, confirm_text=iface_("Interpolate")
        )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the settings, the most used ones first."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        for draw in (
            settings_layout.draw_main,
            settings_layout.draw_output,
            settings_layout.draw_cuts,
            settings_layout.draw_quality,
            settings_layout.draw_device,
        ):
            draw(layout.column(), context)
            layout.separator()

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Start the job with the scene's settings, in a window without blocking it."""
        try:
            return bpy.ops.sequencer.vfi_interpolate("INVOKE_DEFAULT")
        except RuntimeError as error:  # the job's own report
            # Blender puts its word for an error before it, in the user's language
            self.report({"ERROR"}, str(error).removeprefix(rpt_("Error") + ": ").strip())
            return {"CANCELLED"}


CLASSES = (SEQUENCER_OT_vfi_interpolate_settings,)
