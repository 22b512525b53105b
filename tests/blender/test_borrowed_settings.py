"""Settings that are other ones for a render: what a file has that is saved meanwhile."""

import threading
import time
from pathlib import Path

import bpy
import pytest

from blender_vfi import borrowed_settings
from blender_vfi.borrowed_settings import BorrowedSettings

pytestmark = pytest.mark.blender

ARTISTS = ("/out/shot_####", True)


@pytest.fixture
def borrowed(scene):
    scene.render.filepath, scene.render.use_sequencer = ARTISTS
    settings = BorrowedSettings(scene.name)
    settings.borrow(filepath="/out/.partial.exr", use_sequencer=False)
    yield settings
    settings.give_back()


def settings_of(scene) -> tuple[str, bool]:
    return scene.render.filepath, scene.render.use_sequencer


def saved(folder: Path) -> tuple[str, bool]:
    """Save the project; return the settings that the file has."""
    path = str(folder / "project.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    with bpy.data.libraries.load(path) as (there, here):
        here.scenes = there.scenes[:1]
    loaded = here.scenes[0]
    found = settings_of(loaded)
    bpy.data.scenes.remove(loaded)
    return found


def handlers() -> int:
    kinds = ("render_pre", "save_pre", "save_post", "save_post_fail")
    return sum(len(getattr(bpy.app.handlers, kind)) for kind in kinds)


def test_a_save_before_the_render_begins_has_the_artist_s_settings(scene, borrowed, tmp_path):
    assert settings_of(scene) == ("/out/.partial.exr", False)
    assert saved(tmp_path) == ARTISTS
    assert settings_of(scene) == ("/out/.partial.exr", False), "the render still needs them"


def test_a_save_that_fails_leaves_them_to_the_render(scene, borrowed, tmp_path):
    with pytest.raises(RuntimeError):
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "none" / "project.blend"), copy=True)
    assert settings_of(scene) == ("/out/.partial.exr", False)


def test_settings_are_given_back_once_and_nothing_listens_then(scene, borrowed, tmp_path):
    borrowed.borrow(filepath="/out/.next.exr", use_sequencer=False)
    borrowed.give_back()
    assert settings_of(scene) == ARTISTS
    assert handlers() == 0
    scene.render.filepath = "/out/other_####"
    borrowed.give_back()
    assert saved(tmp_path) == ("/out/other_####", True)


def test_a_save_lets_a_render_begin_that_is_about_to(scene, borrowed, tmp_path, monkeypatch):
    """Its thread would copy what the save has put there."""
    monkeypatch.setattr(borrowed, "_may_begin", lambda: True)
    seen = []

    def begin() -> None:
        time.sleep(0.1)
        seen.append(settings_of(scene))
        borrowed._note_begin()

    thread = threading.Thread(target=begin)
    thread.start()
    assert saved(tmp_path) == ARTISTS
    thread.join()
    assert seen == [("/out/.partial.exr", False)]


def test_a_save_does_not_wait_for_ever_for_a_render_that_waits_itself(
    borrowed, tmp_path, monkeypatch
):
    monkeypatch.setattr(borrowed_settings, "_LONGEST_BEGIN_S", 0.1)
    monkeypatch.setattr(borrowed, "_may_begin", lambda: True)
    assert saved(tmp_path) == ARTISTS


def test_a_scene_that_is_gone_is_no_obstacle(borrowed, tmp_path):
    bpy.data.scenes.new("Other")
    bpy.data.scenes.remove(bpy.data.scenes["Scene"])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "project.blend"), copy=True)
    borrowed.give_back()
    assert handlers() == 0
