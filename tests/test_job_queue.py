"""The list of jobs, without Blender."""

from __future__ import annotations

import pytest

from blender_vfi.engine.protocol import (
    Cancelled,
    Failed,
    Fetch,
    Finished,
    JobSpec,
    Notice,
    Progress,
    Run,
    Stage,
    Started,
)
from blender_vfi.job_queue import JobQueue, JobState, QueuedJob

pytestmark = pytest.mark.plain


def run(job_id="a"):
    job = JobSpec(
        job_id=job_id,
        sources=("/in/1.png", "/in/2.png"),
        output_dir="/out",
        name_prefix="f",
        suffix=".png",
    )
    return QueuedJob(request=Run(job=job), title=f"strip {job_id}")


def queue(*states):
    filled = JobQueue()
    for name, state in zip("abcdef", states, strict=False):
        job = run(name)
        job.state = state
        filled.add([job])
    return filled


def ids(jobs):
    return "".join(job.job_id for job in jobs)


def progress(done):
    return Progress(
        job_id="a",
        frames_done=done,
        frames_total=3,
        frames_per_second=1.0,
        seconds_left=2.0,
        device_memory_bytes=0,
        host_memory_bytes=1,
        last_frame=None,
    )


WAITING, RUNNING, FINISHED = JobState.WAITING, JobState.RUNNING, JobState.FINISHED


def test_a_job_knows_its_name_and_size_before_it_runs():
    job = run()
    assert (job.job_id, job.output_dir, job.frames_total) == ("a", "/out", 3)
    assert (job.frames_done, job.factor) == (0, 0.0)
    download = QueuedJob(request=Fetch(job_id="d", model="film"), title="FILM")
    assert (download.job_id, download.output_dir, download.frames_total) == ("d", None, 0)


def test_events_move_a_job_along():
    job = run()
    job.state = RUNNING
    job.note(Stage(job_id="a", message="Downloading", done=1, total=4))
    assert job.factor == 0.25
    job.note(Started(job_id="a", frames_total=3, device="cpu", precision="fp32"))
    assert (job.stage, job.factor) == (None, 0.0)
    job.note(progress(2))
    job.note(Notice(job_id="a", message="no alpha"))
    assert (job.frames_done, job.factor, job.notices) == (2, 2 / 3, ["no alpha"])
    done = Finished(job_id="a", frames_total=3, frames_made=1, duration_s=1.0, peak_memory_bytes=1)
    job.note(done)
    assert (job.state, job.finished) == (FINISHED, done)


def test_a_failure_keeps_words_and_details():
    job = run()
    job.state = RUNNING
    job.note(Stage(job_id="a", message="Loading"))
    job.note(Failed(job_id="a", kind="FrameError", message="frame 3 is damaged", details="trace"))
    assert (job.state, job.error_kind) == (JobState.FAILED, "FrameError")
    assert (job.message, job.details, job.stage) == ("frame 3 is damaged", "trace", None)


def test_a_cancelled_job_says_that_its_frames_stay():
    job = run()
    job.note(Cancelled(job_id="a", frames_done=1))
    assert job.state is JobState.CANCELLED
    assert "stay on disk" in job.message


def test_the_queue_tells_what_runs_and_what_waits():
    jobs = queue(FINISHED, RUNNING, WAITING, WAITING)
    assert jobs.running.job_id == "b"
    assert ids(jobs.waiting) == "cd"
    assert jobs.is_busy
    assert not queue(FINISHED, JobState.FAILED, JobState.CANCELLED).is_busy


@pytest.mark.parametrize(
    ("job_id", "up", "expected"),
    [
        ("d", True, "abdce"),
        ("d", False, "abced"),
        ("c", True, "abcde"),
        ("e", False, "abcde"),
        ("b", False, "abcde"),
        ("x", True, "abcde"),
    ],
)
def test_only_waiting_jobs_change_places(job_id, up, expected):
    jobs = queue(FINISHED, RUNNING, WAITING, WAITING, WAITING)
    jobs.move(job_id, up=up)
    assert ids(jobs) == expected


def test_a_waiting_job_passes_ended_ones_that_lie_between():
    jobs = queue(WAITING, FINISHED, WAITING)
    jobs.move("c", up=True)
    assert ids(jobs.waiting) == "ca"


def test_a_running_job_cannot_be_removed():
    jobs = queue(RUNNING, WAITING, FINISHED)
    for job_id in "abcx":
        jobs.remove(job_id)
    assert ids(jobs) == "a"


def test_clearing_takes_out_what_has_ended():
    jobs = queue(FINISHED, RUNNING, JobState.FAILED, WAITING, JobState.CANCELLED)
    jobs.clear_ended()
    assert ids(jobs) == "bd"
