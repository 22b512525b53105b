"""The operator that a script, a button or a menu starts: strips are interpolated."""

from __future__ import annotations

import bpy

from .strip_jobs import StripJobs


class SEQUENCER_OT_vfi_interpolate(StripJobs, bpy.types.Operator):
    """Queues or runs the jobs of strips; settings that are not given come from the scene."""

    bl_idname = "sequencer.vfi_interpolate"
    bl_label = "Interpolate Strip"
    bl_description = "Make the frames between the frames of the selected image and movie strips"
    # no REGISTER: adjusting a value afterwards would run the whole job again; no UNDO: the strip
    # that comes of it, maybe hours later, is a step of its own
    bl_options = set()


CLASSES = (SEQUENCER_OT_vfi_interpolate,)
