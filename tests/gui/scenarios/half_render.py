"""Half the Render in a window: set up, render, fill, and render what is in doubt after all."""

import importlib
import itertools
import time
from pathlib import Path

import bpy
from harness import addon, editor, render, window
from harness.stage import Stage, Steps

_SETUP, _RESTORE = "bpy.ops.render.vfi_setup(", "bpy.ops.render.vfi_restore("
_FILL, _DOUBTFUL = "bpy.ops.render.vfi_fill_rendered(", "bpy.ops.render.vfi_render_doubtful("
_RENDER_S = 120.0


def steps(stage: Stage) -> Steps:
    scene = render.build_scene(stage.folder / "render")
    scene.render.use_motion_blur = True
    before = _settings(scene)
    area = yield from render.show_panel()
    yield 1.0
    yield from window.click_button(_SETUP, area)
    yield 0.5
    stage.picture("dialog")
    yield from window.press("RET", window.middle(area))
    yield from stage.until(lambda: scene.frame_step == 2, "the scene is set up", limit_s=5)
    scene.render.use_motion_blur = False
    stage.picture("set_up")

    with bpy.context.temp_override(window=window.window()):
        bpy.ops.render.render(animation=True)
    rendered = Path(scene.render.filepath).parent
    sources = editor.prints(rendered)
    stage.check(len(sources) == 3, f"3 frames were to be rendered: {sorted(sources)}")
    render.settings(scene).adds_strip = True
    scene.blender_vfi.guided_fill = "MIX"  # without a network, and in a moment
    yield from window.click_button(_FILL, area)
    yield from addon.finish_job(stage)
    yield 0.5
    folder = Path(addon.last_job().output_dir)
    filled = _frames(folder)
    stage.check(len(filled) == render.LAST_FRAME, f"there are {sorted(filled)}")
    stage.check(editor.prints(rendered) == sources, "the rendered frames are not what they were")
    stage.picture("filled")
    doubtful = [item.file_name for item in render.settings(scene).doubtful]
    stage.check(len(doubtful) == 2, f"in doubt are {doubtful}")

    yield from _render_doubtful(stage, scene, area, folder, filled, doubtful)
    for strip in editor.strips():
        strip.mute = True  # else the Sequencer stays off: renders would take the filled frames
    yield from window.click_button(_RESTORE, area)
    yield 0.5
    scene.render.use_motion_blur = True
    stage.check(_settings(scene) == before, f"Restore leaves {_settings(scene)}, not {before}")


def _render_doubtful(stage, scene, area, folder, filled, doubtful) -> Steps:
    """Render the worst, and see that Blender stays alive and nothing else is touched."""
    half = render.settings(scene)
    half.doubtful_index = 0
    stage.check(
        scene.frame_current == half.doubtful[0].frame, f"a click goes to {scene.frame_current}"
    )
    half.most_frames = 1
    _let_renders_last(scene)
    path = scene.render.filepath
    ticks: list[float] = []
    saved = stage.folder / "meanwhile.blend"
    _save_as_render_begins(saved)
    yield from window.click_button(_DOUBTFUL, area)
    deadline_s = time.monotonic() + _RENDER_S
    while len(_rendered(folder)) < 1 or scene.render.filepath != path:
        stage.check(time.monotonic() < deadline_s, f"rendered are {_rendered(folder)}")
        ticks.append(time.monotonic())
        yield 0.02
    ticks.append(time.monotonic())
    yield 1.0
    stage.picture("rendered")
    gaps = [later - earlier for earlier, later in itertools.pairwise(ticks)]
    stage.note(f"longest gap between two ticks while frames rendered: {max(gaps):.2f} s")
    changed = {name for name, hashed in _frames(folder).items() if filled[name] != hashed}
    stage.check(changed == {doubtful[0]}, f"changed are {changed}, not {doubtful[0]}")
    stage.check([item.is_rendered for item in half.doubtful] == [False, True], "list")
    stage.check(saved.exists(), "nothing was saved while the render began")
    with bpy.data.libraries.load(str(saved)) as (there, here):
        here.scenes = there.scenes[:1]
    [loaded] = here.scenes
    stage.check(loaded.render.filepath == path, f"{saved} has {loaded.render.filepath}")
    bpy.data.scenes.remove(loaded)


def _let_renders_last(scene) -> None:
    """Let a frame's render take as long on any machine, so that the window is seen alive in it."""
    cycles = scene.cycles
    cycles.use_adaptive_sampling, cycles.samples, cycles.time_limit = False, 1 << 20, 2.0


def _save_as_render_begins(path: Path) -> None:
    """Save a copy right after a render was asked for, when its settings are in the scene."""
    operators = importlib.import_module(f"{addon.PACKAGE}.operators.doubtful_frames")
    render_in_window = operators._render_in_window

    def rendering_and_saving(context, scene_name):
        render_in_window(context, scene_name)
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)

    operators._render_in_window = rendering_and_saving


def _frames(folder: Path) -> dict[str, str]:
    return {name: made for name, made in editor.prints(folder).items() if name.endswith(".exr")}


def _rendered(folder: Path) -> frozenset[str]:
    module = importlib.import_module(f"{addon.PACKAGE}.engine.rendered_frames")
    return module.rendered_names(folder)


def _settings(scene: bpy.types.Scene) -> tuple:
    image = scene.render.image_settings
    return (
        *(scene.frame_step, scene.frame_end, scene.render.filepath, scene.render.use_sequencer),
        *(image.file_format, image.color_depth, image.color_mode, image.exr_codec),
        *((layer.use_pass_vector, layer.use_pass_z) for layer in scene.view_layers),
    )
