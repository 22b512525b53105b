"""A job ends while the artist drags a strip: the result waits until the drag is over."""

from pathlib import Path

from harness import addon, editor, window
from harness.stage import Stage, Steps


def steps(stage: Stage) -> Steps:
    editor.add_shot(stage.folder / "shot")
    editor.scene().blender_vfi.multiplier = addon.LONG
    editor.scene().blender_vfi.timing = "SLOW_MOTION"
    yield from addon.start_job(stage, frames=3)
    job = addon.last_job()
    spot = window.middle(window.region())
    yield from window.press("G", spot)
    yield from window.move((spot[0] + 60, spot[1]))
    held = [operator.bl_idname for operator in window.window().modal_operators]
    stage.check(any("seq_slide" in name for name in held), f"G drags nothing: {held}")
    during = editor.places()
    folder = Path(job.output_dir)
    yield from stage.until(
        lambda: len(editor.frames_in(folder)) == job.frames_total,
        "all frames are there",
        limit_s=300,
    )
    yield 1.5
    stage.check(len(editor.places()) == len(during), "a strip was placed in the middle of a drag")
    yield from window.press("ESC", spot)
    yield from addon.finish_job(stage)
    stage.check(len(editor.places()) == len(during) + 1, "no strip was placed after the drag")
    addon.check_files(stage, folder)
    stage.picture("placed")
