"""The panel Half the Render in the Output properties: its steps from top to bottom."""

from __future__ import annotations

import bpy

from .. import render_setup
from ..render_properties import DoubtfulFrame, HalfRender, half_render

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
    layout.separator()
    layout.column().prop(half, "adds_strip")
    layout.operator("render.vfi_fill_rendered", icon="MOD_TIME")
    layout.separator()
    _draw_doubtful(layout, half)


def _draw_doubtful(layout: Layout, half: HalfRender) -> None:
    """Draw the list of frames in doubt, and how many of them may be rendered."""
    layout.label(text="Doubtful Frames")
    row = layout.row()
    row.template_list(
        "RENDER_UL_vfi_doubtful", "", half, "doubtful", half, "doubtful_index", rows=4
    )
    row.column().operator("render.vfi_list_doubtful", text="", icon="FILE_REFRESH")
    column = layout.column()
    column.active = len(half.doubtful) > 0
    column.prop(half, "folder")
    column.prop(half, "most_frames")
    column.prop(half, "most_minutes")
    column.operator("render.vfi_render_doubtful", icon="RENDER_STILL")


class RENDER_UL_vfi_doubtful(bpy.types.UIList):
    """New frames, the most doubtful ones first."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _half: HalfRender,
        item: DoubtfulFrame,
        _icon: int,
        _active_half: HalfRender,
        _active_property: str,
    ) -> None:
        """Draw one frame: its number, and how far it can be trusted."""
        row = layout.row()
        icon = "CHECKMARK" if item.is_rendered else "IMAGE_DATA"
        row.label(text=str(item.frame), icon=icon, translate=False)
        row.progress(factor=item.confidence, text=f"{item.confidence:.0%}", translate=False)


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


CLASSES = (RENDER_UL_vfi_doubtful, RENDER_PT_vfi)
