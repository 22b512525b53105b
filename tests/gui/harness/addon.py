"""The add-on as it was installed: its jobs, its engine's processes, and the files of a job."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from .editor import frames_in
from .stage import Stage, Steps
from .window import click_button, open_tab

PACKAGE = "bl_ext.user_default.blender_vfi"
INTERPOLATE = "bpy.ops.sequencer.vfi_interpolate("
LONG = 16
"""A multiplier whose job no machine is through with while a scenario acts and looks: 113 frames."""

_ENGINE_WORD = "--idle-exit"  # in the command line of every engine
_PNG_END = b"IEND\xaeB`\x82"
_START_S = 90.0  # the engine imports torch, from a disk that may be cold
_FINISH_S = 600.0  # on a machine that has other work


def jobs() -> Any:
    """Return the add-on's queue of jobs."""
    return importlib.import_module(f"{PACKAGE}.job_queue").jobs


def last_job() -> Any:
    """Return the job that was asked for last."""
    return list(jobs())[-1]


def queue_job(stage: Stage) -> Steps:
    """Click Interpolate Strip in the side bar."""
    yield from open_tab()
    known = {job.job_id for job in jobs()}
    yield from click_button(INTERPOLATE)
    yield from stage.until(
        lambda: {job.job_id for job in jobs()} - known, "the click has queued a job", limit_s=5
    )


def start_job(stage: Stage, *, frames: int) -> Steps:
    """Click Interpolate Strip in the side bar, and wait until a few frames are done."""
    yield from queue_job(stage)
    job = last_job()
    yield from stage.until(
        lambda: job.frames_done >= frames or has_ended(job),
        f"{frames} frames are done",
        limit_s=_START_S,
    )
    stage.check(not has_ended(job), f"the job ended already, {job.state.name}: {job.message}")


def has_ended(job: Any) -> bool:
    """Whether nothing more comes of a job."""
    return job.state.name not in {"WAITING", "RUNNING"}


def finish_job(stage: Stage) -> Steps:
    """Wait until the last job is finished.

    Raises:
        ScenarioError: it ended in another way, or not in time.
    """
    job = last_job()
    yield from stage.until(lambda: has_ended(job), f"{job.title}: the end", limit_s=_FINISH_S)
    stage.check(job.state.name == "FINISHED", f"the job is {job.state.name}: {job.message}")


def engines() -> list[int]:
    """Return the process ids of the engines that this Blender has started."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            is_engine = _ENGINE_WORD in (folder / "cmdline").read_text()
        except OSError:  # ended meanwhile
            continue
        if parent == os.getpid() and is_engine:
            found.append(int(folder.name))
    return found


def check_files(stage: Stage, folder: Path) -> list[Path]:
    """Return the frames in a job's folder; every one is whole, and nothing else is left there."""
    frames = frames_in(folder)
    for frame in frames:
        stage.check(frame.read_bytes().endswith(_PNG_END), f"{frame.name} is not a whole picture")
    left = [path.name for path in folder.iterdir() if "partial" in path.name]
    stage.check(not left, f"temporary files are left: {left}")
    return frames


def times(frames: list[Path]) -> dict[str, int]:
    """Return when each file was written, to tell whether it is written once more."""
    return {frame.name: frame.stat().st_mtime_ns for frame in frames}
