"""The tab in the Sequencer's sidebar: settings, and the jobs that wait, run and have ended."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel
from bpy.app.translations import pgettext_n as n_

from .. import vse, vse_movies
from ..errors import VfiError
from ..job_queue import jobs
from ..operators.presets import PRESET_FOLDER
from . import jobs_layout, settings_layout

_TAB = "Interpolate"


class SEQUENCER_PT_vfi_presets(PresetPanel, bpy.types.Panel):
    """Presets of the settings below."""

    bl_label = n_("Interpolation Presets")
    preset_subdir = PRESET_FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = "sequencer.vfi_preset_add"


class _Panel:
    """What the panels of the tab have in common."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = _TAB

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Show where strips can be chosen, not in a preview alone."""
        view = getattr(context.space_data, "view_type", None)
        has_scene = getattr(context, "sequencer_scene", context.scene) is not None
        return has_scene and view in {"SEQUENCER", "SEQUENCER_PREVIEW"}


class SEQUENCER_PT_vfi(_Panel, bpy.types.Panel):
    """The main panel."""

    bl_label = "Frame Interpolation"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Draw the button that opens the presets."""
        SEQUENCER_PT_vfi_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the settings that every job needs, and the button."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings_layout.draw_main(layout, context)
        layout.separator()
        column = layout.column()
        column.scale_y = 1.5
        count = _selected_count(context)
        column.enabled = count > 0
        column.operator(
            "sequencer.vfi_interpolate",
            text="Interpolate Strips" if count > 1 else "Interpolate Strip",
            icon="MOD_TIME",
        )
        row = layout.row()
        row.enabled = count > 0
        row.operator("sequencer.vfi_save_job", icon="FILE_TICK")
        if not count:
            layout.label(text="Select an Image or Movie Strip", icon="INFO")


class SEQUENCER_PT_vfi_jobs(_Panel, bpy.types.Panel):
    """Jobs that wait, run and have ended."""

    bl_label = "Jobs"
    bl_parent_id = "SEQUENCER_PT_vfi"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Show where there are any."""
        return len(jobs) > 0 and _Panel.poll.__func__(cls, context)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw every job."""
        jobs_layout.draw(self.layout, context)


class _SubPanel(_Panel):
    """A closed panel of further settings."""

    bl_parent_id = "SEQUENCER_PT_vfi"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the group of settings."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        self.draw_settings(layout, context)


class SEQUENCER_PT_vfi_output(_SubPanel, bpy.types.Panel):
    """Where files go."""

    bl_label = "Output"
    draw_settings = staticmethod(settings_layout.draw_output)


class SEQUENCER_PT_vfi_cuts(_SubPanel, bpy.types.Panel):
    """What happens between shots and in held drawings."""

    bl_label = "Cuts and Duplicates"
    draw_settings = staticmethod(settings_layout.draw_cuts)


class SEQUENCER_PT_vfi_skipped(_SubPanel, bpy.types.Panel):
    """Which frames are left alone."""

    bl_label = "Interpolation States"
    draw_settings = staticmethod(settings_layout.draw_skipped)


class SEQUENCER_PT_vfi_quality(_SubPanel, bpy.types.Panel):
    """What trades speed for quality."""

    bl_label = "Quality"
    draw_settings = staticmethod(settings_layout.draw_quality)


class SEQUENCER_PT_vfi_device(_SubPanel, bpy.types.Panel):
    """Where the model runs."""

    bl_label = "Device"
    draw_settings = staticmethod(settings_layout.draw_device)


class SEQUENCER_PT_vfi_memory(_SubPanel, bpy.types.Panel):
    """What keeps memory in bounds."""

    bl_label = "Memory"
    draw_settings = staticmethod(settings_layout.draw_memory)


class SEQUENCER_UL_vfi_skipped(bpy.types.UIList):
    """Ranges of the timeline in which nothing is made."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _settings: object,
        item: bpy.types.PropertyGroup,
        _icon: int,
        _active_settings: object,
        _active_property: str,
    ) -> None:
        """Draw one range as two numbers."""
        row = layout.row(align=True)
        row.use_property_split = False
        row.alert = item.first >= item.last
        row.prop(item, "first", text="", emboss=False)
        row.label(text="–")
        row.prop(item, "last", text="", emboss=False)


CLASSES = (
    SEQUENCER_UL_vfi_skipped,
    SEQUENCER_PT_vfi_presets,
    SEQUENCER_PT_vfi,
    SEQUENCER_PT_vfi_jobs,
    SEQUENCER_PT_vfi_output,
    SEQUENCER_PT_vfi_cuts,
    SEQUENCER_PT_vfi_skipped,
    SEQUENCER_PT_vfi_quality,
    SEQUENCER_PT_vfi_device,
    SEQUENCER_PT_vfi_memory,
)


def _selected_count(context: bpy.types.Context) -> int:
    try:
        strips = vse.selected_image_strips(vse.scene_of(context), "IMAGE", vse_movies.TYPE)
    except VfiError:
        return 0
    return len(strips)
