"""Esc over the Sequencer cancels; finished files stay, and the next run completes them."""

from pathlib import Path

from harness import addon, editor, window
from harness.stage import Stage, Steps


def steps(stage: Stage) -> Steps:
    editor.add_shot(stage.folder / "shot")
    editor.scene().blender_vfi.multiplier = addon.LONG
    yield from addon.start_job(stage, frames=5)
    job = addon.last_job()
    folder = Path(job.output_dir)
    yield from window.press("ESC", window.middle(window.other_area()))
    yield 1.0
    stage.check(job.state.name == "RUNNING", "Esc over another editor cancelled the job")
    before = editor.places()
    yield from window.press("ESC", window.middle(window.region()))
    yield from stage.until(lambda: addon.has_ended(job), "the job has ended after Esc", limit_s=15)
    stage.check(job.state.name == "CANCELLED", f"after Esc the job is {job.state.name}")
    stage.check(editor.places() == before, "a cancelled job placed a strip")
    yield 1.0
    stage.picture("cancelled")
    frames = addon.check_files(stage, folder)
    stage.check(5 <= len(frames) < job.frames_total, f"{len(frames)} files stayed")
    kept = addon.times(frames)
    yield from addon.start_job(stage, frames=len(frames) + 1)
    yield from addon.finish_job(stage)
    again = addon.check_files(stage, folder)
    stage.check(len(again) == addon.last_job().frames_total, f"only {len(again)} files")
    stage.check(kept.items() <= addon.times(again).items(), "finished files were made again")
    stage.note(f"{len(kept)} of {len(again)} frames kept")
