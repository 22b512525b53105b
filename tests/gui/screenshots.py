"""Takes the documentation's pictures of the panel; a scenario that checks little."""

import shutil
import subprocess
from pathlib import Path

import bpy
from harness import addon, editor, render, window
from harness.stage import Stage, Steps

_IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
_SHOTS = Path("/tmp/shots")  # paths are in the pictures
_SCREEN_HEIGHT = 1080
_MOST_BYTES = 150_000
_LARGER_BY_PX = 330
_ABOVE_PAGE_PX = 225  # in the preferences: name, version, and where this machine has the file
_LENGTH = 60  # of the scene: room for the slow strip


def steps(stage: Stage) -> Steps:
    yield from take_half_render(stage)
    bpy.ops.wm.read_homefile(app_template="Video_Editing")
    yield 2.0
    # the job that is shown has to last until its picture is taken
    for name, shot in (("meadow", "shot_720p"), ("broken", "shot")):
        shutil.rmtree(_SHOTS / name, ignore_errors=True)
        shutil.copytree(stage.folder / shot, _SHOTS / name)
    yield from _enlarge_sequencer()
    window.sequencer().spaces.active.show_region_hud = False
    yield from _add("meadow", channel=1)
    yield from window.open_tab()
    yield from _take(stage, "panel-idle")
    yield from take_speed_ramp(stage)

    editor.scene().blender_vfi.multiplier = 4
    editor.scene().blender_vfi.timing = "SLOW_MOTION"
    yield from addon.start_job(stage, frames=10)
    yield from window.step_aside()
    yield 1.0
    yield from _take(stage, "panel-running")
    stage.check(not addon.has_ended(addon.last_job()), "the job was over before its picture")
    yield from addon.finish_job(stage)
    yield from _view_all()
    yield from _take(stage, "panel-finished")

    _halve(editor.frames_in(_SHOTS / "broken")[5])
    yield from _add("broken", channel=3)
    yield from addon.queue_job(stage)
    job = addon.last_job()
    yield from stage.until(lambda: addon.has_ended(job), "the job has ended", limit_s=60)
    stage.check(job.state.name == "FAILED", f"the job is {job.state.name}")
    yield 0.5
    yield from window.close_popup()
    yield 1.0
    yield from _take(stage, "panel-error")
    yield from _take_preferences(stage)


def take_speed_ramp(stage: Stage) -> Steps:
    """Animate the speed of a ramp, take the panel's picture, and leave no trace."""
    scene = editor.scene()
    scene.blender_vfi.timing = "SPEED_RAMP"
    for frame, speed in ((1, 1.0), (6, 0.25)):
        scene.blender_vfi.speed = speed
        scene.blender_vfi.keyframe_insert("speed", frame=frame)
    scene.frame_set(6)
    yield from window.step_aside()
    yield from _take(stage, "panel-ramp")
    scene.animation_data_clear()
    scene.frame_set(1)


def take_half_render(stage: Stage) -> Steps:
    """Render half of a scene, fill it, render one frame in doubt, and take the panel's picture."""
    shutil.rmtree(_SHOTS / "render", ignore_errors=True)
    scene = render.build_scene(_SHOTS / "render", last_frame=9)
    area = yield from render.show_panel()
    with bpy.context.temp_override(window=window.window()):
        bpy.ops.render.vfi_setup()
        bpy.ops.render.render(animation=True)
        bpy.ops.render.vfi_fill_rendered()
        bpy.ops.render.vfi_render_doubtful(frames=1)
    render.settings(scene).doubtful_index = 0
    yield from window.step_aside()
    yield 1.0
    _crop(stage, "half-render", area)


def _enlarge_sequencer() -> Steps:
    """Move the edge above the timeline up, so that the side bar shows more."""
    area = window.sequencer()
    edge = area.x + area.width // 2, area.y + area.height + 1
    yield from window.move(edge)
    with bpy.context.temp_override(window=window.window()):
        bpy.ops.screen.area_move(x=edge[0], y=edge[1], delta=_LARGER_BY_PX)
    yield 0.5


def _add(shot: str, *, channel: int) -> Steps:
    name = editor.add_shot(_SHOTS / shot, channel=channel)
    editor.strip_called(name).name = shot
    editor.scene().frame_end = _LENGTH
    yield from _view_all()


def _view_all() -> Steps:
    yield 0.5  # what was added has been drawn
    with window.in_sequencer():
        bpy.ops.sequencer.view_all()
    yield 1.5  # thumbnails


def _halve(frame: Path) -> None:
    subprocess.run(["convert", str(frame), "-resize", "50%", str(frame)], check=True)


def _take(stage: Stage, name: str) -> Steps:
    yield 1.0
    _crop(stage, name, window.sequencer())


def _take_preferences(stage: Stage) -> Steps:
    """Open the add-on's page in a window of its own."""
    bpy.ops.preferences.addon_show(module=addon.PACKAGE)
    yield 2.0
    _crop(stage, "preferences", bpy.context.window_manager.windows[-1], above=_ABOVE_PAGE_PX)


def _crop(
    stage: Stage, name: str, shown: bpy.types.Area | bpy.types.Window, *, above: int = 0
) -> None:
    """Keep what an area or a window shows as a small PNG, without what is `above`."""
    target = _IMAGES / f"{name}.png"
    top = _SCREEN_HEIGHT - shown.y - shown.height + above
    width, height = shown.width, shown.height - above
    picture = stage.picture(name)
    subprocess.run(
        [
            *("convert", str(picture)),
            *("-crop", f"{width}x{height}+{shown.x}+{top}", "+repage", "-strip"),
            *("-dither", "None", "-colors", "256", "-define", "png:compression-level=9"),
            f"PNG8:{target}",
        ],
        check=True,
    )
    size = target.stat().st_size
    stage.note(f"{target.name}: {width}×{height}, {size / 1e3:.0f} kB")
    stage.check(size < _MOST_BYTES, f"{target.name} has {size} bytes, more than {_MOST_BYTES}")
