"""F12 in the middle of a job: the engine hears of it in time, and both come to their ends."""

import importlib
import threading
from pathlib import Path

import bpy
from harness import addon, editor, window
from harness.stage import Stage, Steps


def steps(stage: Stage) -> Steps:
    editor.add_shot(stage.folder / "shot")
    scene = editor.scene()
    scene.blender_vfi.multiplier = addon.LONG
    _set_up_render(scene)
    told = _hear_what_the_engine_is_told()
    heard: list[tuple[str, bool]] = []
    handlers = bpy.app.handlers
    for kind in ("render_init", "render_complete"):
        getattr(handlers, kind).append(
            lambda *_arguments, kind=kind: heard.append(
                (kind, threading.current_thread() is threading.main_thread())
            )
        )
    yield from addon.start_job(stage, frames=3)
    done = addon.last_job().frames_done
    with bpy.context.temp_override(window=window.window()):
        bpy.ops.render.render("INVOKE_DEFAULT")
    yield from stage.until(
        lambda: any(kind == "render_complete" for kind, _ in heard), "the render", limit_s=120
    )
    yield 1.0
    stage.picture("rendered")
    expected = ["pause", True, "resume", "the job goes on"]
    stage.check(told == expected, f"the engine was told {told}")
    yield from addon.finish_job(stage)
    folder = Path(addon.last_job().output_dir)
    frames = addon.check_files(stage, folder)
    stage.check(len(frames) == addon.last_job().frames_total, f"only {len(frames)} files")
    where = ", ".join(f"{kind} in {'the main' if main else 'a'} thread" for kind, main in heard)
    stage.note(f"rendered after {done} frames, {where}")


def _set_up_render(scene: bpy.types.Scene) -> None:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.render.use_sequencer = False
    scene.cycles.samples, scene.cycles.use_denoising = 1, False  # not every build can denoise
    scene.render.resolution_x = scene.render.resolution_y = 64
    bpy.context.preferences.view.render_display_type = "NONE"


def _hear_what_the_engine_is_told() -> list[object]:
    """Note what the client is asked around a render, and what comes of it."""
    client_type = importlib.import_module(f"{addon.PACKAGE}.engine.client").EngineClient
    told: list[object] = []
    step_aside, resume = client_type.step_aside, client_type.resume

    def stepping_aside(client, **options):
        told.append("pause")
        told.append(step_aside(client, **options))
        return told[-1]

    def resuming(client):
        is_over = addon.has_ended(addon.last_job())
        told.extend(("resume", "the job is over" if is_over else "the job goes on"))
        resume(client)

    client_type.step_aside, client_type.resume = stepping_aside, resuming
    return told
