"""Operators that set a scene up to render a part of its frames, and put its settings back."""

from __future__ import annotations

import textwrap

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.app.translations import pgettext_tip as tip_

from .. import render_setup, render_warnings
from ..errors import VfiError
from ..messages import translated, words_of
from ..render_properties import SetupChoices, half_render

_WIDTH = 460
_LETTERS = 72


class RENDER_OT_vfi_setup(SetupChoices, bpy.types.Operator):
    """Sets the scene up; settings that are not given come from the scene."""

    bl_idname = "render.vfi_setup"
    bl_label = "Set Up Render"
    bl_description = (
        "Let this scene render every second, third or fourth frame to multilayer EXR with vectors "
        "and depth, which guide the frames between. Restore Settings puts everything back"
    )
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Show what is going to happen, and what will not go well."""
        self._take_choices(context.scene)
        self._doubts = render_warnings.describe_doubts(context.scene)
        return context.window_manager.invoke_props_dialog(
            self, width=_WIDTH, confirm_text=iface_("Set Up")
        )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the choices and the warnings."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.row().prop(self, "step", expand=True)
        column = layout.column()
        column.prop(self, "albedo")
        path = render_setup.half_path(context.scene, int(self.step))
        column.label(text=path, icon="FILE_FOLDER", translate=False)
        for doubt in getattr(self, "_doubts", ()):  # not where a setting is adjusted afterwards
            self._draw_doubt(translated(doubt, iface_))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Change the scene's settings; tell what may go wrong."""
        scene = context.scene
        self._take_choices(scene)
        try:
            notices = render_setup.set_up(scene, step=int(self.step), albedo=self.albedo)
        except VfiError as error:
            self.report({"ERROR"}, translated(words_of(error), rpt_))
            return {"CANCELLED"}
        half_render(scene).step, half_render(scene).albedo = self.step, self.albedo
        for notice in notices:
            self.report({"INFO"}, translated(notice, rpt_))
        for doubt in render_warnings.describe_doubts(scene):
            self.report({"WARNING"}, translated(doubt, rpt_))
        return {"FINISHED"}

    def _take_choices(self, scene: bpy.types.Scene) -> None:
        for name in ("step", "albedo"):
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(half_render(scene), name))

    def _draw_doubt(self, text: str) -> None:
        column = self.layout.column(align=True)
        column.scale_y = 0.8
        icon = "ERROR"
        for line in textwrap.wrap(text, _LETTERS, break_on_hyphens=False):
            column.label(text=line, icon=icon, translate=False)
            icon = "BLANK1"


class RENDER_OT_vfi_restore(bpy.types.Operator):
    """Put back every setting that Set Up Render has changed"""  # noqa: D415 - Blender's tooltip

    bl_idname = "render.vfi_restore"
    bl_label = "Restore Settings"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Refuse where nothing was set up."""
        cls.poll_message_set(tip_("Set Up Render has not changed this scene"))
        return render_setup.is_set_up(context.scene)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Restore, and tell what is gone."""
        for notice in render_setup.restore(context.scene):
            self.report({"WARNING"}, translated(notice, rpt_))
        return {"FINISHED"}


CLASSES = (RENDER_OT_vfi_setup, RENDER_OT_vfi_restore)
