"""The panel Half the Render: in the Output properties, and in the Sequencer's tab."""

from __future__ import annotations

import bpy

from .. import render_setup
from ..render_properties import half_render

Layout = bpy.types.UILayout


def draw(layout: Layout, context: bpy.types.Context) -> None:
    """Draw the steps from top to bottom, in the order in which they are taken."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    scene = context.scene
    half = half_render(scene)
    column = layout.column()
    column.row().prop(half, "step", expand=True)
    column.prop(half, "albedo")
    row = layout.row(align=True)
    row.operator("render.vfi_setup", icon="RENDER_ANIMATION")
    if render_setup.is_set_up(scene):
        row.operator("render.vfi_restore", icon="LOOP_BACK")


class RENDER_PT_vfi(bpy.types.Panel):
    """The steps where a render's output is set."""

    bl_label = "Half the Render"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the steps."""
        draw(self.layout, context)


CLASSES = (RENDER_PT_vfi,)
