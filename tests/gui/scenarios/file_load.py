"""Another file is loaded in the middle of a job: the work stops, and the next job runs."""

from pathlib import Path

import bpy
from harness import addon, editor
from harness.stage import Stage, Steps


def steps(stage: Stage) -> Steps:
    shot = stage.folder / "shot"
    editor.add_shot(shot)
    editor.scene().blender_vfi.multiplier = addon.LONG
    yield from addon.start_job(stage, frames=5)
    job = addon.last_job()
    folder = Path(job.output_dir)
    bpy.ops.wm.read_homefile(app_template="Video_Editing")
    yield 2.0
    stage.check(addon.has_ended(job), f"the job is still {job.state.name}")
    stage.check(not editor.strips(), "a strip was placed in the new file")
    count = len(addon.check_files(stage, folder))
    yield 2.0
    stage.check(len(addon.check_files(stage, folder)) == count, "frames are still made")
    stage.picture("loaded")
    editor.add_shot(shot)
    editor.scene().blender_vfi.multiplier = 2
    yield from addon.start_job(stage, frames=1)
    yield from addon.finish_job(stage)
    stage.note(f"stopped after {count} of {job.frames_total} frames")
