"""The add-on is switched off in the middle of a job: its engine ends; switched on, it works."""

import bpy
from harness import addon, editor
from harness.stage import Stage, Steps


def steps(stage: Stage) -> Steps:
    name = editor.add_shot(stage.folder / "shot")
    editor.scene().blender_vfi.multiplier = addon.LONG
    yield from addon.start_job(stage, frames=3)
    stage.check(len(addon.engines()) == 1, f"engines before: {addon.engines()}")
    bpy.ops.preferences.addon_disable(module=addon.PACKAGE)
    yield from stage.until(lambda: not addon.engines(), "no engine is left", limit_s=10)
    yield 2.0  # a modal operator or a timer that is left would come now
    stage.check(not hasattr(bpy.types, "SEQUENCER_PT_vfi"), "the panel is still there")
    stage.check(not hasattr(bpy.types.Scene, "blender_vfi"), "the settings are still there")
    stage.picture("disabled")
    bpy.ops.preferences.addon_enable(module=addon.PACKAGE)
    yield 0.5
    editor.select_only(name)
    editor.scene().blender_vfi.multiplier = addon.LONG
    yield from addon.start_job(stage, frames=10)
    yield from addon.finish_job(stage)
