"""The operator that makes the frames which a render with a frame step has left out."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from .. import vse
from ..errors import VfiError
from ..job_queue import QueuedJob
from ..messages import translated
from ..render_fill import prepare_rendered
from ..render_properties import forget_doubtful, half_render
from ..strip_job import effective_settings
from .strip_jobs import Jobs


class RENDER_OT_vfi_fill_rendered(Jobs, bpy.types.Operator):
    """Queues or runs the job; settings of rate, timing and ranges do not matter."""

    bl_idname = "render.vfi_fill_rendered"
    bl_label = "Fill Rendered Frames"
    bl_description = (
        "Make the frames between those that this scene has rendered, into a folder of their own: "
        "guided by vectors and depth where the frames have them"
    )
    bl_options = set()  # as for Interpolate Strip

    scene_name: bpy.props.StringProperty(
        name="Scene",
        description="Scene whose render is filled. Empty takes the current one",
        options={"SKIP_SAVE"},
    )
    adds_strip: bpy.props.BoolProperty(
        name="Show in Sequencer",
        description="Add a strip of the whole sequence to the scene, or let the one there show it",
        options={"SKIP_SAVE"},
    )

    def _prepare(self, context: bpy.types.Context) -> list[QueuedJob]:
        """Describe the job of the scene's render."""
        given = self.properties.is_property_set
        try:
            scene = vse.find_scene(self.scene_name or context.scene.name)
            job = prepare_rendered(
                scene,
                effective_settings(self, scene),
                chooses_model=not given("model"),
                adds_strip=self.adds_strip
                if given("adds_strip")
                else half_render(scene).adds_strip,
            )
        except VfiError as error:
            self._fail(error)
            return []
        forget_doubtful(scene)
        for notice in job.notices:
            self.report({"INFO"}, translated(notice, rpt_))
        return [job]


CLASSES = (RENDER_OT_vfi_fill_rendered,)
