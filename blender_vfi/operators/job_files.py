"""The operators that write jobs into a file, for a farm or for the night."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.app.translations import pgettext_tip as tip_

from ..engine.job_file import outside_paths, write_jobs
from ..engine.protocol import JobSpec, Run
from ..errors import VfiError
from ..job_queue import JobState, QueuedJob, jobs
from ..messages import message, translated, words_of
from ..paths import PATH_OPTIONS, absolute_path
from ..strip_fill import prepare_fill
from .strip_jobs import StripJobs

_SUFFIX = ".json"


class _JobFileOperator:
    """What the operators have in common that write a job file."""

    filepath: bpy.props.StringProperty(
        name="File",
        description="Where to write the jobs",
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    check_existing: bpy.props.BoolProperty(
        name="Check Existing",
        description="Ask before a file is replaced",
        default=True,
        options={"HIDDEN"},
    )
    filter_glob: bpy.props.StringProperty(
        name="Filter", description="Files to show", default="*.json", options={"HIDDEN"}
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for a file, beside the .blend at first."""
        if bpy.app.background:
            return self.execute(context)
        if not self.filepath:
            beside = Path(bpy.data.filepath or "untitled.blend")
            self.filepath = str(beside.with_name(f"{beside.stem}_jobs{_SUFFIX}"))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def _write(self, specs: list[JobSpec]) -> set[str]:
        try:
            file = Path(absolute_path(self.filepath, message("The job file")))
            file = file.with_suffix(file.suffix or _SUFFIX)
            write_jobs(file, specs)
        except VfiError as error:
            self.report({"ERROR"}, translated(words_of(error), rpt_))
            return {"CANCELLED"}
        told = message("Jobs saved in {file}: {count}", file=file, count=len(specs))
        self.report({"INFO"}, translated(told, rpt_))
        outside = outside_paths(file, specs)
        if outside:
            allow = " ".join(f'--allow "{folder}"' for folder in outside)
            hint = message("Their files lie elsewhere too. To run them: {command}", command=allow)
            self.report({"INFO"}, translated(hint, rpt_))
        return {"FINISHED"}


class SEQUENCER_OT_vfi_save_job(_JobFileOperator, StripJobs, bpy.types.Operator):
    """Write the jobs of the selected strips into a file, to run them later or on a farm"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_save_job"
    bl_label = "Save Job..."
    bl_options = set()

    fills_gaps: bpy.props.BoolProperty(
        name="Fill Missing Frames",
        description="Save the job that makes the frames whose numbers are missing",
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write the jobs of all strips that fit."""
        prepared = self._prepare(context)
        specs = [job.request.job for job in prepared if isinstance(job.request, Run)]
        return self._write(specs) if specs else {"CANCELLED"}

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what can be chosen beside the file."""
        self.layout.prop(self, "fills_gaps")

    def describe(
        self, scene: bpy.types.Scene, strip: bpy.types.Strip, settings: Any, **of_folder: Any
    ) -> QueuedJob:
        """Describe the job that interpolates a strip, or fills it."""
        if self.fills_gaps:
            return prepare_fill(scene, strip, settings, **of_folder)
        return super().describe(scene, strip, settings, **of_folder)


class SEQUENCER_OT_vfi_save_queue(_JobFileOperator, bpy.types.Operator):
    """Write the jobs that wait, run or were stopped into a file, to run them later or on a farm"""  # noqa: D415 - Blender's tooltip

    bl_idname = "sequencer.vfi_save_queue"
    bl_label = "Save Queue..."
    bl_options = set()

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Refuse where there is nothing to save."""
        cls.poll_message_set(tip_("No job waits, runs or was stopped"))
        return bool(unfinished())

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Write them in the order in which they would run."""
        return self._write(unfinished())


def unfinished() -> list[JobSpec]:
    """List the queue's jobs whose frames are not all there; downloads are none."""
    return [
        job.request.job
        for job in jobs
        if isinstance(job.request, Run) and job.state is not JobState.FINISHED
    ]


CLASSES = (SEQUENCER_OT_vfi_save_job, SEQUENCER_OT_vfi_save_queue)
