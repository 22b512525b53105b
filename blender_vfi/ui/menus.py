"""Entries in the Sequencer's own menus."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_n as n_

from ..operators.fill_gaps import SEQUENCER_OT_vfi_fill_gaps
from ..operators.interpolate_settings import SEQUENCER_OT_vfi_interpolate_settings
from ..operators.job_files import SEQUENCER_OT_vfi_save_job


def append() -> None:
    """Add Interpolate Strip to the Strip, context and Add menus, Fill Missing Frames to Strip."""
    for name, draw in _ENTRIES:
        getattr(bpy.types, name).append(draw)


def remove() -> None:
    """Take the entries out again."""
    for name, draw in _ENTRIES:
        getattr(bpy.types, name).remove(draw)


def _draw_action(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    _draw(menu, context, n_("Interpolate Strip...", "Operator"))


def _draw_addition(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    _draw(menu, context, n_("Interpolated Strip...", "Operator"))


def _draw(menu: bpy.types.Menu, context: bpy.types.Context, text: str) -> None:
    if not _shows_strips(context):
        return
    menu.layout.separator()
    menu.layout.operator(
        SEQUENCER_OT_vfi_interpolate_settings.bl_idname, text=text, icon="MOD_TIME"
    )


def _draw_actions(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    _draw_action(menu, context)
    if _shows_strips(context):
        menu.layout.operator(SEQUENCER_OT_vfi_fill_gaps.bl_idname)
        menu.layout.operator(
            SEQUENCER_OT_vfi_save_job.bl_idname, text=n_("Save Interpolation Job...", "Operator")
        )


def _shows_strips(context: bpy.types.Context) -> bool:
    """Tell whether there are strips to choose from: a preview alone shares these menus."""
    return getattr(context.space_data, "view_type", None) in {"SEQUENCER", "SEQUENCER_PREVIEW"}


_ENTRIES = (
    ("SEQUENCER_MT_strip", _draw_actions),
    ("SEQUENCER_MT_context_menu", _draw_action),
    ("SEQUENCER_MT_add", _draw_addition),
)
