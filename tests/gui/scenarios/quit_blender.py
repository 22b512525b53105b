"""Blender quits in the middle of a job: it ends in order, and what runs it sees no process left."""

import bpy
from harness import addon, editor
from harness.stage import Stage, Steps


def steps(stage: Stage) -> Steps:
    editor.add_shot(stage.folder / "shot")
    editor.scene().blender_vfi.multiplier = addon.LONG
    yield from addon.start_job(stage, frames=5)
    stage.check(len(addon.engines()) == 1, f"engines: {addon.engines()}")
    stage.win()
    bpy.ops.wm.quit_blender()
    yield 30.0
    stage.check(False, "Blender has not quit")
