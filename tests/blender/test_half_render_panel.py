"""What the panel Half the Render shows, drawn into a layout that takes notes."""

from types import SimpleNamespace

import bpy
import pytest

from blender_vfi.operators.render_setup import RENDER_OT_vfi_setup
from blender_vfi.render_properties import half_render
from blender_vfi.ui import half_render as panel

from .small_scene import build
from .test_panel import Notes, draw

pytestmark = pytest.mark.blender


def test_every_choice_of_the_scene_is_on_the_panel(scene):
    shown = draw(panel.draw, SimpleNamespace(scene=scene)).properties
    kept = half_render(scene).bl_rna.properties.keys()
    listed = {"doubtful", "doubtful_index"}
    assert set(shown) == set(kept) - {"rna_type", "name", "setup_record", "shift"} - listed


def test_restore_is_there_once_there_is_something_to_restore(scene, tmp_path):
    build(scene, tmp_path)

    def has_restore() -> bool:
        notes = draw(panel.draw, SimpleNamespace(scene=scene))
        return "render.vfi_restore" in {button.idname for button in notes.buttons}

    assert not has_restore()
    bpy.ops.render.vfi_setup()
    assert has_restore()


def test_row_of_a_doubtful_frame_tells_frame_and_confidence(scene):
    item = half_render(scene).doubtful.add()
    item.frame, item.confidence = 14, 0.62
    notes = Notes()
    panel.RENDER_UL_vfi_doubtful.draw_item(None, None, notes, None, item, None, None, "")
    assert {"14", "62%"} <= set(notes.texts)


def test_dialog_shows_path_and_warnings(scene, tmp_path):
    build(scene, tmp_path)
    scene.render.use_motion_blur = True
    asked = []
    manager = SimpleNamespace(invoke_props_dialog=lambda *_all, **_named: asked.append(1))
    notes = Notes()
    dialog = SimpleNamespace(
        layout=notes,
        step="2",
        albedo="COLORS",
        bl_rna=RENDER_OT_vfi_setup.bl_rna,
        _take_choices=lambda _scene: None,
    )
    dialog._draw_doubt = lambda text: RENDER_OT_vfi_setup._draw_doubt(dialog, text)
    context = SimpleNamespace(scene=scene, window_manager=manager)
    RENDER_OT_vfi_setup.invoke(dialog, context, None)
    notes.prop = lambda _owner, name, **_options: notes.properties.append(name)
    RENDER_OT_vfi_setup.draw(dialog, context)
    assert asked == [1]
    assert notes.properties == ["step", "albedo"]
    assert f"{tmp_path}/cube_step2/cube_####" in notes.texts
    assert any(text.startswith("Motion Blur is on") for text in notes.texts)
