"""The engine is killed in the middle of a job: the job says so, and the next run goes on there."""

import os
import signal
from pathlib import Path

from harness import addon, editor, window
from harness.stage import Stage, Steps


def steps(stage: Stage) -> Steps:
    editor.add_shot(stage.folder / "shot")
    editor.scene().blender_vfi.multiplier = addon.LONG
    yield from addon.start_job(stage, frames=10)
    job = addon.last_job()
    folder = Path(job.output_dir)
    [engine] = addon.engines()
    os.kill(engine, signal.SIGKILL)
    yield from stage.until(lambda: addon.has_ended(job), "the death is noticed", limit_s=10)
    stage.check(job.state.name == "FAILED", f"the job is {job.state.name}")
    for words in ("was ended by signal 9", "Finished frames stay on disk"):
        stage.check(words in job.message, f"{words!r} is not said: {job.message!r}")
    yield 0.5
    stage.picture("killed")
    yield from window.close_popup()
    # the frame that was being written may lie there under its temporary name
    frames = editor.frames_in(folder)
    stage.check(len(frames) >= 10, f"{len(frames)} files stayed")
    kept = addon.times(frames)
    yield from addon.start_job(stage, frames=len(frames) + 1)
    stage.check(addon.engines() not in ([], [engine]), "no new engine")
    yield from addon.finish_job(stage)
    again = addon.check_files(stage, folder)
    stage.check(len(again) == addon.last_job().frames_total, f"only {len(again)} files")
    stage.check(kept.items() <= addon.times(again).items(), "finished files were made again")
    stage.note(f"{len(kept)} of {len(again)} frames kept")
