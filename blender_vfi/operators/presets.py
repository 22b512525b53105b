"""Presets of a scene's settings: Blender's own mechanism, with a few that come along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bl_operators.presets import AddPresetBase

from ..properties import SETTINGS

PRESET_FOLDER = "blender_vfi"
"""Folder of the presets below each of Blender's folders of presets."""

# of one project, not of a way of working
_LEFT_OUT = {"loop", "checkpoint", "skip_pairs", "keep_pairs"}
_LEFT_OUT |= {"output_dir", "overwrite", "link_sources"}
_KEPT = [name for name in SETTINGS if name not in _LEFT_OUT]

_PACKAGE = Path(__file__).resolve().parent.parent


class SEQUENCER_OT_vfi_preset_add(AddPresetBase, bpy.types.Operator):
    """Keep these settings under a name, or remove the chosen preset"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_preset_add"
    bl_label = "Add Interpolation Preset"
    preset_menu = "SEQUENCER_PT_vfi_presets"
    preset_subdir = PRESET_FOLDER
    preset_defines = [
        "context = bpy.context",
        'scene = getattr(context, "sequencer_scene", None) or context.scene',
        "settings = scene.blender_vfi",
    ]
    preset_values = [f"settings.{name}" for name in _KEPT]


CLASSES: tuple[Any, ...] = (SEQUENCER_OT_vfi_preset_add,)


def add_shipped() -> None:
    """Let Blender find the presets that come with the add-on."""
    bpy.utils.register_preset_path(str(_PACKAGE))


def remove_shipped() -> None:
    """Let Blender forget them."""
    bpy.utils.unregister_preset_path(str(_PACKAGE))
