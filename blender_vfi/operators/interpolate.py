"""The operator that a script, a button or a menu starts: strips are interpolated."""

from __future__ import annotations

from typing import Any

import bpy

from ..job_queue import QueuedJob
from ..strip_job import prepare
from .strip_jobs import StripJobs


class SEQUENCER_OT_vfi_interpolate(StripJobs, bpy.types.Operator):
    """Queues or runs the jobs of strips; settings that are not given come from the scene."""

    bl_idname = "sequencer.vfi_interpolate"
    bl_label = "Interpolate Strip"
    bl_description = "Make the frames between the frames of the selected image strips"
    # no REGISTER: adjusting a value afterwards would run the whole job again; no UNDO: the strip
    # that comes of it, maybe hours later, is a step of its own
    bl_options = set()

    def describe(
        self, scene: bpy.types.Scene, strip: bpy.types.Strip, settings: Any, *, is_one_of_many: bool
    ) -> QueuedJob:
        """Describe the job that interpolates a strip."""
        own_pairs = any(map(self.properties.is_property_set, ("skip_pairs", "keep_pairs")))
        return prepare(
            scene, strip, settings, also_skips=not own_pairs, is_one_of_many=is_one_of_many
        )


CLASSES = (SEQUENCER_OT_vfi_interpolate,)
