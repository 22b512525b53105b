"""Entries in the Sequencer's own menus."""

from __future__ import annotations

import bpy

from ..operators.interpolate_settings import SEQUENCER_OT_vfi_interpolate_settings

_MENUS = ("SEQUENCER_MT_strip", "SEQUENCER_MT_context_menu")


def append() -> None:
    """Add Interpolate Strip to the Strip menu and to the context menu."""
    for name in _MENUS:
        getattr(bpy.types, name).append(_draw)


def remove() -> None:
    """Take the entries out again."""
    for name in _MENUS:
        getattr(bpy.types, name).remove(_draw)


def _draw(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    # the preview shares these menus, but shows no strips to choose from
    if getattr(context.space_data, "view_type", None) not in {"SEQUENCER", "SEQUENCER_PREVIEW"}:
        return
    menu.layout.separator()
    menu.layout.operator(
        SEQUENCER_OT_vfi_interpolate_settings.bl_idname,
        text="Interpolate Strip...",
        icon="MOD_TIME",
    )
