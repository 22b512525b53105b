"""Jobs of the window: handed to the engine one by one, followed, and placed."""

from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from blender_vfi import bug_report, engine_session, job_runner, vse
from blender_vfi.engine.protocol import (
    Cancelled,
    Failed,
    Fetch,
    Fetched,
    Notice,
    Progress,
    Run,
    Started,
)
from blender_vfi.errors import EngineDiedError, EngineStartError
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.strip_job import effective_settings, prepare

pytestmark = pytest.mark.blender


@pytest.fixture
def queue_strip(scene, add_strip, tmp_path):
    """Queue the job of a new strip, as the panel's button does."""

    def add(name: str = "shot", *, start: int = 1, channel: int = 1) -> QueuedJob:
        strip = add_strip(3, start=start, channel=channel, folder=tmp_path / name)
        strip.name = name
        scene.blender_vfi.timing = "SLOW_MOTION"
        job = prepare(scene, strip, _settings(scene), also_skips=True)
        jobs.add([job])
        return job

    return add


def _settings(scene):
    class Operator:
        class properties:  # noqa: N801 - Blender's name
            is_property_set = staticmethod(lambda _name: False)

    return effective_settings(Operator, scene)


def tick() -> list[tuple[str, str]]:
    return [(report.level, report.text) for report in job_runner.tick(bpy.context)]


def progress(job: QueuedJob, done: int) -> Progress:
    return Progress(
        job_id=job.job_id,
        frames_done=done,
        frames_total=5,
        frames_per_second=0.5,
        seconds_left=90.0,
        device_memory_bytes=0,
        host_memory_bytes=10**9,
        last_frame=None,
    )


def test_jobs_run_one_after_another_and_each_is_placed(scene, queue_strip, engine):
    one, two = queue_strip("one"), queue_strip("two", start=20)
    assert tick() == []
    assert (jobs.running, jobs.waiting) == (one, [two])
    engine.events = [progress(one, 3)]
    assert tick() == []
    assert one.frames_done == 3
    engine.events = [engine.make_frames(engine.jobs[0])]
    [(level, text)] = tick()
    assert (level, one.state) == ("INFO", JobState.FINISHED)
    assert "'one_x2' is in scene 'Scene'. 5 frames (2 new, 0 s)" in text
    assert jobs.running is two
    engine.events = [engine.make_frames(engine.jobs[1])]
    tick()
    assert {"one_x2", "two_x2"} <= set(vse.all_strips(scene).keys())
    assert not jobs.is_busy


def test_the_jobs_of_a_window_can_be_run_without_one(scene, queue_strip, engine):
    job = queue_strip()
    engine.submit = lambda spec: engine.events.append(engine.make_frames(spec))
    reports = list(job_runner.run_to_end(bpy.context))
    assert [report.level for report in reports] == ["INFO"]
    assert job.state is JobState.FINISHED
    assert "shot_x2" in vse.all_strips(scene)


def test_a_failed_job_lets_the_next_one_begin(queue_strip, engine):
    one, two = queue_strip("one"), queue_strip("two", start=20)
    tick()
    engine.events = [
        Failed(job_id=one.job_id, kind="FrameError", message="Frame 2 is damaged.", details="trace")
    ]
    assert tick() == [("ERROR", "one: Frame 2 is damaged.")]
    assert one.details == "trace\nthe engine's log"
    assert jobs.running is two


def test_an_engine_that_dies_fails_its_job_with_its_last_words(queue_strip, engine):
    job = queue_strip()
    tick()
    engine.poll_error = EngineDiedError("The engine was ended by signal 9.")
    assert tick() == [("ERROR", "shot: The engine was ended by signal 9.")]
    assert (job.error_kind, job.details) == ("EngineDiedError", "the engine's log")


def test_an_engine_that_cannot_start_fails_the_job(queue_strip, engine, monkeypatch):
    job = queue_strip()

    def fail(_spec):
        raise EngineStartError("no such Python")

    monkeypatch.setattr(engine, "submit", fail)
    assert tick() == [("ERROR", "shot: no such Python")]
    assert job.state is JobState.FAILED


def test_an_engine_that_was_closed_in_mid_job_fails_it(queue_strip, engine):
    job = queue_strip()
    tick()
    engine_session.close()
    [(level, text)] = tick()
    assert (level, job.state) == ("ERROR", JobState.FAILED)
    assert "Start the job again" in text


def test_notices_are_reported_and_kept(queue_strip, engine):
    job = queue_strip()
    tick()
    engine.events = [Notice(job_id=job.job_id, message="Frame 2 has no alpha")]
    assert tick() == [("WARNING", "Frame 2 has no alpha")]
    assert job.notices == ["Frame 2 has no alpha"]


def test_events_of_other_jobs_are_ignored(queue_strip, engine):
    job = queue_strip()
    tick()
    engine.events = [Cancelled(job_id="another", frames_done=1)]
    assert tick() == []
    assert jobs.running is job


def test_a_result_that_cannot_be_placed_is_a_failure(scene, queue_strip, engine):
    job = queue_strip()
    tick()
    vse.root_strips(scene).remove(vse.find_strip(scene, "shot"))
    engine.events = [engine.make_frames(engine.jobs[0])]
    [(level, text)] = tick()
    assert (level, job.state) == ("ERROR", JobState.FAILED)
    assert "has no strip 'shot'" in text


def test_cancel_stops_the_running_job_and_drops_the_waiting(queue_strip, engine):
    one, _two = queue_strip("one"), queue_strip("two", start=20)
    tick()
    bpy.ops.sequencer.vfi_cancel()
    assert engine.cancelled == [one.job_id]
    assert one.is_cancelling
    assert jobs.waiting == []
    engine.events = [Cancelled(job_id=one.job_id, frames_done=2)]
    [(level, text)] = tick()
    assert (level, one.state) == ("INFO", JobState.CANCELLED)
    assert "finished frames stay on disk" in text


def test_an_engine_that_does_not_hear_a_cancel_is_ended_by_the_next(queue_strip, engine):
    job = queue_strip("one")
    tick()
    bpy.ops.sequencer.vfi_cancel()
    bpy.ops.sequencer.vfi_cancel()  # a double click
    assert job.state is JobState.RUNNING
    assert engine_session.running_client() is engine
    job.cancelled_at_s -= 10.0
    bpy.ops.sequencer.vfi_cancel()
    assert job.state is JobState.CANCELLED
    assert engine_session.running_client() is None
    assert "finished frames stay on disk" in job.message


def test_nothing_is_placed_while_strips_are_dragged(queue_strip, engine):
    job = queue_strip("one")
    tick()
    engine.events = [engine.make_frames(engine.jobs[0])]
    context = SimpleNamespace(
        window_manager=SimpleNamespace(
            windows=[
                SimpleNamespace(
                    modal_operators=[
                        SimpleNamespace(bl_idname="SEQUENCER_OT_vfi_run_queue"),
                        SimpleNamespace(bl_idname="TRANSFORM_OT_seq_slide"),
                    ]
                )
            ]
        )
    )
    assert job_runner.tick(context) == []
    assert job.state is JobState.RUNNING
    del context.window_manager.windows[0].modal_operators[1]
    job_runner.tick(context)
    assert job.state is JobState.FINISHED


def test_failures_stay_in_the_list_until_their_job_runs_again(queue_strip, engine):
    one, two = queue_strip("one"), queue_strip("two", start=20)
    three = queue_strip("three", start=40)
    one.fail("MemoryFullError", "no memory")
    two.state = JobState.FINISHED
    jobs.make_way([three])
    assert list(jobs) == [one, three]
    jobs.make_way([QueuedJob(request=one.request, title="one")])
    assert list(jobs) == [three]


def test_cancel_can_be_of_one_job_alone(queue_strip, engine):
    one, two, three = (queue_strip(name, start=at) for name, at in zip("abc", (1, 20, 40)))  # noqa: B905
    tick()
    bpy.ops.sequencer.vfi_cancel(job_id=two.job_id)
    assert engine.cancelled == []
    assert list(jobs) == [one, three]


def test_there_is_nothing_to_cancel_where_nothing_runs():
    assert not bpy.ops.sequencer.vfi_cancel.poll()


def test_abandoned_jobs_are_cancelled_without_waiting(queue_strip, engine):
    one, two = queue_strip("one"), queue_strip("two", start=20)
    tick()
    job_runner.abandon()
    assert engine.cancelled == [one.job_id]
    assert list(jobs) == [one, two]  # what waited is not lost without a word
    assert {job.state for job in jobs} == {JobState.CANCELLED}


def test_waiting_jobs_can_be_moved_and_removed(queue_strip):
    one, two, three = (queue_strip(name, start=at) for name, at in zip("abc", (1, 20, 40)))  # noqa: B905
    bpy.ops.sequencer.vfi_job_move(job_id=three.job_id, direction="UP")
    assert list(jobs) == [one, three, two]
    bpy.ops.sequencer.vfi_job_remove(job_id=one.job_id)
    assert list(jobs) == [three, two]
    three.state = JobState.FINISHED
    bpy.ops.sequencer.vfi_jobs_clear()
    assert list(jobs) == [two]


def test_details_have_what_a_developer_asks_for(queue_strip, engine):
    job = queue_strip()
    tick()
    engine.events = [
        Started(job_id=job.job_id, frames_total=5, device="cuda:0", precision="fp16"),
        progress(job, 2),
        Failed(job_id=job.job_id, kind="DeviceError", message="It is gone.", details="trace"),
    ]
    tick()
    assert "Log:" not in bug_report.describe(job, bpy.context), "a folder with nothing in it goes"
    Path(job.output_dir).mkdir()
    Path(job.output_dir, ".vfi.log").touch()
    text = bug_report.describe(job, bpy.context)
    for part in (
        f"Blender {bpy.app.version_string}",
        "Ran on cuda:0 in fp16",
        "failed, 2 of 5 frames",
        "DeviceError: It is gone.",
        '"model": "rife-4.25"',
        f"Log: {job.output_dir}/.vfi.log",
        "… 3 files",
        "trace\nthe engine's log",
    ):
        assert part in text


def test_details_without_any_job_say_so(capfd):
    assert bpy.ops.sequencer.vfi_copy_details() == {"CANCELLED"}
    assert "No job to tell of" in capfd.readouterr().out


def test_a_download_is_a_job(queue_strip, engine):
    request = Fetch(job_id="d", model="film")
    jobs.add([QueuedJob(request=request, title="FILM")])
    tick()
    assert engine.requests == [request]
    engine.events = [Fetched(job_id="d", path="/cache/film.safetensors")]
    assert tick() == [("INFO", "FILM: on this machine now")]


def test_a_job_is_what_the_panel_shows(queue_strip):
    job = queue_strip()
    assert isinstance(job.request, Run)
    assert (job.title, job.frames_total) == ("shot", 5)
