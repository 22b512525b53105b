"""Operators on the scene's list of ranges in which nothing is interpolated."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from .. import vse, vse_movies
from ..errors import VfiError
from ..properties import scene_settings


class SEQUENCER_OT_vfi_skip_add(bpy.types.Operator):
    """Add a range in which nothing is interpolated, such as a cut, at the current frame"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_skip_add"
    bl_label = "Add Skipped Range"
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the cut before the current frame."""
        scene = vse.scene_of(context)
        _add(scene, scene.frame_current - 1, scene.frame_current)
        return {"FINISHED"}


class SEQUENCER_OT_vfi_skip_remove(bpy.types.Operator):
    """Remove the chosen range: frames are made there again"""  # noqa: D415

    bl_idname = "sequencer.vfi_skip_remove"
    bl_label = "Remove Skipped Range"
    bl_options = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Refuse where the list is empty."""
        return len(scene_settings(vse.scene_of(context)).skipped) > 0

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        settings = scene_settings(vse.scene_of(context))
        settings.skipped.remove(min(settings.skipped_index, len(settings.skipped) - 1))
        settings.skipped_index = max(min(settings.skipped_index, len(settings.skipped) - 1), 0)
        return {"FINISHED"}


class SEQUENCER_OT_vfi_skip_from_markers(bpy.types.Operator):
    """Adds a range at every marker."""

    bl_idname = "sequencer.vfi_skip_from_markers"
    bl_label = "Skip Cuts at Markers"
    bl_description = (
        "Take the timeline's markers for cuts: nothing is made between a marker's frame and the "
        "one before it. Where strips are selected, only markers within them count"
    )
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add a range for every marker that has none yet."""
        scene = vse.scene_of(context)
        frames = sorted({marker.frame for marker in scene.timeline_markers})
        try:
            times = [
                vse.strip_times(strip)
                for strip in vse.selected_image_strips(scene, "IMAGE", vse_movies.TYPE)
            ]
        except VfiError:
            times = []
        if times:
            frames = [
                frame for frame in frames if any(each.left < frame < each.right for each in times)
            ]
        known = {(item.first, item.last) for item in scene_settings(scene).skipped}
        added = [frame for frame in frames if (frame - 1, frame) not in known]
        for frame in added:
            _add(scene, frame - 1, frame)
        told = rpt_("{added} cuts added from {markers} markers")
        self.report({"INFO"}, told.format(added=len(added), markers=len(frames)))
        return {"FINISHED"} if added else {"CANCELLED"}


CLASSES = (
    SEQUENCER_OT_vfi_skip_add,
    SEQUENCER_OT_vfi_skip_remove,
    SEQUENCER_OT_vfi_skip_from_markers,
)


def _add(scene: bpy.types.Scene, first: int, last: int) -> None:
    settings = scene_settings(scene)
    item = settings.skipped.add()
    item.first, item.last = first, last
    settings.skipped_index = len(settings.skipped) - 1
