"""Renders of this Blender: the engine makes way for them, and has its GPU back afterwards."""

import textwrap
import time
from types import SimpleNamespace

import bpy
import pytest

from blender_vfi import engine_session, job_runner, render_courtesy
from blender_vfi.engine.protocol import Fetch, FreeMemory, Returned, SteppedAside
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.preferences import GO_ON, PAUSE, USE_CPU, EngineSettings, engine_settings
from blender_vfi.ui import texts

from ..engine.scripted_engine import PRELUDE

pytestmark = pytest.mark.blender

# says what it hears in a file, in order, and steps aside when it is asked to
ENGINE = """
    log = pathlib.Path(__file__).with_suffix(".heard").open("a")
    ready()
    while (request := hear()) is not None:
        log.write(repr(request) + "\\n"); log.flush()
        if isinstance(request, Pause):
            time.sleep(0.1)
            log.write("aside\\n"); log.flush()
            say(SteppedAside(job_id="a", on_cpu=request.on_cpu))
        if isinstance(request, Resume):
            say(Returned(job_id="a"))
        if isinstance(request, Fetch):
            say(Fetched(job_id="a", path="/cache/film"))
"""


@pytest.fixture
def rendering(scene, tmp_path):
    """Render the scene, small and on the CPU; Blender's handlers note when it began."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.render.resolution_x = scene.render.resolution_y = 8
    scene.render.use_sequencer = False
    scene.render.filepath = str(tmp_path / "render" / "f_")
    scene.frame_start, scene.frame_end = 1, 2
    heard = tmp_path / "engine.heard"

    def note(word):
        def handler(*_arguments):
            with heard.open("a") as log:
                log.write(f"{word}\n")

        return handler

    begins, ends = note("render begins"), note("render ends")
    bpy.app.handlers.render_pre.append(begins)
    bpy.app.handlers.render_post.append(ends)
    yield lambda **options: bpy.ops.render.render(**options)
    bpy.app.handlers.render_pre.remove(begins)
    bpy.app.handlers.render_post.remove(ends)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start an engine that writes down what it hears, with a job or none."""
    path = tmp_path / "engine.py"
    path.write_text(PRELUDE + textwrap.dedent(ENGINE))
    path.chmod(0o755)

    def start(while_rendering) -> None:
        settings = EngineSettings(python=str(path), while_rendering=while_rendering)
        engine_session.get(settings)._send(FreeMemory())

    yield start
    engine_session.close()


def heard(tmp_path, until="Resume()", times=1) -> list[str]:
    """Return what was rendered and what the engine heard, in order, but for how it was started."""
    end, lines = time.monotonic() + 20, []
    while lines.count(until) < times:
        assert time.monotonic() < end, lines
        path = tmp_path / "engine.heard"
        lines = path.read_text().splitlines() if path.exists() else []
        time.sleep(0.02)
    return [line for line in lines if line != "FreeMemory()"]


@pytest.mark.parametrize(("policy", "on_cpu"), [(PAUSE, False), (USE_CPU, True)])
def test_engine_has_left_before_a_frame_is_rendered_and_returns_after_the_last(
    rendering, start, tmp_path, policy, on_cpu
):
    start(policy)
    rendering(animation=True)
    assert heard(tmp_path) == [
        f"Pause(on_cpu={on_cpu})",
        "aside",
        *["render begins", "render ends"] * 2,
        "Resume()",
    ]


def test_a_job_that_shall_go_on_hears_nothing_of_a_render(rendering, start, tmp_path, running):
    start(GO_ON)
    rendering()
    assert heard(tmp_path, "render ends") == ["render begins", "render ends"]


def test_an_idle_engine_drops_its_models_even_where_jobs_shall_go_on(rendering, start, tmp_path):
    start(GO_ON)
    rendering()
    lines = heard(tmp_path, "render ends")
    assert lines[:2] == ["Pause(on_cpu=False)", "aside"]
    assert lines.index("aside") < lines.index("render begins")


def test_a_render_without_an_engine_starts_none(rendering):
    rendering()
    assert engine_session.running_client() is None


def test_an_engine_that_does_not_answer_is_told_of_and_the_render_goes_on(
    rendering, engine, monkeypatch, capfd
):
    monkeypatch.setattr(engine, "step_aside", lambda **_options: False)
    engine_session.get(EngineSettings())
    assert rendering() == {"FINISHED"}
    assert "still holds memory of the GPU after 15 s" in capfd.readouterr().err


@pytest.fixture
def running():
    """A job that the engine works on."""
    job = QueuedJob(request=Fetch(job_id="a", model="film"), title="shot", state=JobState.RUNNING)
    jobs.add([job])
    return job


def test_no_job_begins_while_blender_renders(engine):
    jobs.add([QueuedJob(request=Fetch(job_id="a", model="film"), title="FILM")])
    render_courtesy._on_begin()
    job_runner.tick(bpy.context)
    assert jobs.running is None
    render_courtesy._on_end()
    job_runner.tick(bpy.context)
    assert jobs.running is not None


def test_the_first_job_begins_beside_a_render_where_jobs_shall_go_on(engine, monkeypatch):
    monkeypatch.setattr(render_courtesy, "while_rendering", lambda _context: GO_ON)
    jobs.add([QueuedJob(request=Fetch(job_id="a", model="film"), title="FILM")])
    render_courtesy._on_begin()
    assert engine_session.settings() is None
    job_runner.tick(bpy.context)
    assert jobs.running is not None
    render_courtesy._on_end()


def test_a_script_that_runs_a_job_in_the_midst_of_a_render_does_not_wait_for_its_end(
    rendering, start, tmp_path, monkeypatch
):
    start(PAUSE)
    settings, tick = engine_session.settings(), job_runner.tick
    states, end = [], time.monotonic() + 30

    def bounded_tick(context):
        assert time.monotonic() < end
        return tick(context)

    monkeypatch.setattr(job_runner, "tick", bounded_tick)
    monkeypatch.setattr(job_runner, "engine_settings", lambda _context: settings)

    def download(*_arguments):
        job = QueuedJob(request=Fetch(job_id="a", model="film"), title="FILM")
        jobs.add([job])
        for _report in job_runner.run_to_end(bpy.context):
            pass
        states.append(job.state)

    bpy.app.handlers.render_post.append(download)
    try:
        rendering(animation=True)
    finally:
        bpy.app.handlers.render_post.remove(download)
    assert states == [JobState.FINISHED] * 2
    asked = ["Pause(on_cpu=False)", "aside"]
    fetch = "Fetch(job_id='a', model='film', accept_licence=False)"
    in_between = ["render begins", "render ends", "Resume()", fetch]
    lines = heard(tmp_path, times=3)
    assert lines == [*asked, *in_between, *asked, *in_between, *asked, "Resume()"]


def test_a_strip_that_a_script_interpolates_in_a_render_is_made_before_that_goes_on(
    engine, interpolate, add_strip, monkeypatch
):
    told = []
    monkeypatch.setattr(engine, "resume", lambda: told.append("resume"))
    monkeypatch.setattr(engine, "step_aside", lambda **_options: told.append("aside") or True)
    run = engine.run
    monkeypatch.setattr(
        engine, "run", lambda *args, **kwargs: told.append("run") or run(*args, **kwargs)
    )
    engine_session.get(engine_settings(bpy.context))
    add_strip()
    render_courtesy._on_begin()
    interpolate()
    assert told == ["aside", "resume", "run", "aside"]
    render_courtesy._on_end()
    assert told[-1] == "resume"


def test_a_render_whose_end_is_never_told_holds_nothing_up(engine, monkeypatch):
    resumed = []
    monkeypatch.setattr(engine, "resume", lambda: resumed.append(1))
    app = SimpleNamespace(background=False, is_job_running=lambda _kind: False)
    monkeypatch.setattr(render_courtesy, "bpy", SimpleNamespace(app=app))
    engine_session.get(EngineSettings())
    render_courtesy._on_begin()
    assert render_courtesy.holds_jobs(bpy.context)
    monkeypatch.setattr(render_courtesy, "_DOUBT_S", 0.0)
    assert not render_courtesy.holds_jobs(bpy.context)
    assert resumed == [1]


def test_a_paused_job_says_so_in_the_panel(running):
    running.note(SteppedAside(job_id="a"))
    assert texts.progress_text(running) == "Paused while Blender renders"
    running.note(SteppedAside(job_id="a", on_cpu=True))
    assert texts.progress_text(running) == "Starting the engine…"
    running.note(Returned(job_id="a"))
    assert running.aside is None


def test_handlers_go_with_the_add_on_and_outlive_a_file():
    handlers = (bpy.app.handlers.render_init, bpy.app.handlers.render_complete)

    def ours():
        return sum(
            getattr(handler, "__module__", "") == render_courtesy.__name__
            for kind in (*handlers, bpy.app.handlers.render_cancel)
            for handler in kind
        )

    assert ours() == 3
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert ours() == 3
    render_courtesy.unregister()
    assert ours() == 0
    render_courtesy.register()
