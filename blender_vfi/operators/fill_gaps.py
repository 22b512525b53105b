"""The operator that makes the frames whose numbers are missing in strips."""

from __future__ import annotations

from typing import Any

import bpy

from ..job_queue import QueuedJob
from ..strip_fill import prepare_fill
from .strip_jobs import StripJobs


class SEQUENCER_OT_vfi_fill_gaps(StripJobs, bpy.types.Operator):
    """Queues or runs the jobs of strips; settings of rate, timing and ranges do not matter."""

    strip_types = ("IMAGE",)

    bl_idname = "sequencer.vfi_fill_gaps"
    bl_label = "Fill Missing Frames"
    bl_description = (
        "Make the frames whose numbers are missing in the selected image strips, into a folder of "
        "their own, and show the whole sequence in the strip"
    )
    bl_options = set()  # as for Interpolate Strip

    def describe(
        self, scene: bpy.types.Scene, strip: bpy.types.Strip, settings: Any, **of_folder: Any
    ) -> QueuedJob:
        """Describe the job that fills a strip."""
        return prepare_fill(scene, strip, settings, **of_folder)


CLASSES = (SEQUENCER_OT_vfi_fill_gaps,)
