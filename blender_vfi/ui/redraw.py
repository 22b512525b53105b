"""Asks Blender to draw panels again when what they show has changed behind its back."""

from __future__ import annotations

import bpy


def sequencers(context: bpy.types.Context) -> None:
    """Draw the sidebars of all Sequencers again."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def preferences(context: bpy.types.Context) -> None:
    """Draw the preferences again, wherever they are open."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


def everything(context: bpy.types.Context) -> None:
    """Draw all areas again."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()
