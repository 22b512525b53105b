"""Puts jobs into words for panels and the status bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bpy.app.translations import pgettext_iface as iface_

from ..cli_progress import listed
from ..engine.protocol import Found, Stage
from ..job_queue import JobState, QueuedJob
from ..messages import translated
from ..vse_timing import Timing


def status_text(jobs: Iterable[QueuedJob]) -> str:
    """Say in one line how the running job is getting on; empty where none runs."""
    waiting = 0
    running: QueuedJob | None = None
    for job in jobs:
        waiting += job.state is JobState.WAITING
        if job.state is JobState.RUNNING:
            running = job
    if running is None:
        return ""
    parts = [f"{running.title}: {progress_text(running)}"]
    left = time_left(running)
    if left:
        parts.append(left)
    if waiting:
        parts.append(iface_("{count} more waiting").format(count=waiting))
    return ", ".join(parts) + ". " + iface_("Esc over the Sequencer cancels")


def progress_text(job: QueuedJob) -> str:
    """Say how far a running job is."""
    if job.is_cancelling:
        return iface_("Stopping…")
    if job.aside is not None and not job.aside.on_cpu:
        return iface_("Paused while Blender renders")
    if job.stage is not None:
        return stage_text(job.stage)
    if job.progress is not None:
        return iface_("Frame {done} of {total}").format(
            done=job.progress.frames_done, total=job.progress.frames_total
        )
    if job.started is not None:
        return iface_("{total} frames on {device}").format(
            total=job.started.frames_total, device=job.started.device
        )
    return iface_("Starting the engine…")


def found_texts(job: QueuedJob) -> list[str]:
    """Say what was found in the strip, by frames of the timeline; empty where that is nothing."""
    return (
        []
        if job.found is None
        else [*_cut_texts(job, job.found), *_duplicate_texts(job, job.found)]
    )


def _duplicate_texts(job: QueuedJob, found: Found) -> Iterator[str]:
    if found.duplicates:
        yield iface_("Frames like the one before: {count}, at {frames}").format(
            count=len(found.duplicates),
            frames=_frames_after(job, found.duplicates, found.duplicate_numbers),
        )


def _frames_after(job: QueuedJob, pairs: Sequence[int], numbers: Sequence[int]) -> str:
    """List the later frames of pairs as the timeline has them, or as their files are numbered."""
    if job.timing is Timing.BAKE_RETIMING:  # the timeline shows them elsewhere, or more than once
        return listed(numbers)
    return listed([job.frame_of(pair + 1) for pair in pairs])


def _cut_texts(job: QueuedJob, found: Found) -> list[str]:
    if not found.cuts:
        return []
    frames = _frames_after(job, found.cuts, found.cut_numbers)
    if len(found.cuts) == 1:
        return [iface_("1 cut, at frame {frame}").format(frame=frames)]
    count = len(found.cuts)
    return [iface_("{count} cuts, at frames {frames}").format(count=count, frames=frames)]


def stage_text(stage: Stage) -> str:
    """Say what is being loaded or fetched, and how much of it is here."""
    text = translated(stage.message, iface_)
    if stage.unit == "frames":
        return f"{text}: {stage.done} / {stage.total}"
    if stage.total:
        return f"{text}: {size(stage.done)} / {size(stage.total)}"
    return f"{text}: {size(stage.done)}" if stage.done else text


def time_left(job: QueuedJob) -> str:
    """Say how long the job will still take; empty where that is not known."""
    if job.progress is None or job.progress.seconds_left is None or job.is_cancelling:
        return ""
    return iface_("{time} left").format(time=clock(job.progress.seconds_left))


def speed(job: QueuedJob) -> str:
    """Say how fast frames come, in frames a second or seconds a frame; empty if not known."""
    if job.progress is None or job.progress.frames_per_second <= 0:
        return ""
    rate = job.progress.frames_per_second
    if rate < 1.0:
        return iface_("{seconds:.1f} s per frame").format(seconds=1.0 / rate)
    return iface_("{rate:.1f} frames/s").format(rate=rate)


def memory(job: QueuedJob) -> str:
    """Say what the engine holds, on its device where that is a GPU; empty if not known."""
    if job.progress is None:
        return ""
    held = job.progress.device_memory_bytes
    if held:
        return iface_("GPU memory {size}").format(size=size(held))
    return iface_("Memory {size}").format(size=size(job.progress.host_memory_bytes))


def clock(seconds: float) -> str:
    """Write a duration as people do: 42 s, 3:07, 1:02:45."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """Write a number of bytes in MB or GB, as drives are sold."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
