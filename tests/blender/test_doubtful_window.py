"""Render Doubtful Frames as a window runs it: tick by tick, stopped by Esc or a cancelled render.

There is no window here: what the operator asks of one stands in for it, and the renders are real.
"""

from types import SimpleNamespace

import bpy
import pytest

from blender_vfi.engine.rendered_frames import rendered_names
from blender_vfi.operators import doubtful_frames
from blender_vfi.render_properties import half_render

from .filled_folder import fill, render_half
from .small_scene import build

pytestmark = pytest.mark.blender

OPERATOR = doubtful_frames.RENDER_OT_vfi_render_doubtful
TICK = SimpleNamespace(type="TIMER", value="NOTHING")
ESC = SimpleNamespace(type="ESC", value="PRESS")
MOUSE = SimpleNamespace(type="MOUSEMOVE", value="NOTHING")


class Played(doubtful_frames._OfFolder):
    """The operator's own functions, without Blender's class around them."""

    folder = ""
    frames, minutes = 10, 0.0
    properties = SimpleNamespace(is_property_set=lambda _name: False)
    locals().update({name: value for name, value in vars(OPERATOR).items() if callable(value)})

    def __init__(self, context) -> None:
        self.reports: list[tuple[str, str]] = []
        self._work = self._prepare(context.scene)
        self._is_over = doubtful_frames._Flag()
        self._stops = self._is_rendering = False
        self._timer = None

    def report(self, level: set[str], text: str) -> None:
        self.reports.append((next(iter(level)), text))


@pytest.fixture
def context(scene, tmp_path):
    """What a window's context has, and notes of what it was asked."""
    build(scene, tmp_path)
    fill(render_half(scene), tmp_path / "filled")
    half_render(scene).folder = str(tmp_path / "filled")
    status: list[str | None] = []
    return SimpleNamespace(
        scene=scene,
        status=status,
        folder=tmp_path / "filled",
        workspace=SimpleNamespace(status_text_set=status.append),
        window_manager=SimpleNamespace(
            event_timer_remove=lambda _timer: status.append("no timer"), windows=[]
        ),
    )


@pytest.fixture
def played(context):
    """The operator, begun."""
    return Played(context)


def render_now(_context, scene_name: str) -> None:
    bpy.ops.render.render(write_still=True, scene=scene_name)


def handlers() -> int:
    kinds = ("render_pre", "render_complete", "render_cancel", "save_pre", "save_post")
    return sum(len(getattr(bpy.app.handlers, kind)) for kind in kinds)


def test_each_tick_goes_on_to_the_next_frame_and_the_last_one_tidies_up(
    played, context, monkeypatch
):
    monkeypatch.setattr(doubtful_frames, "_render_in_window", render_now)
    path, known = context.scene.render.filepath, handlers()
    assert [played.modal(context, TICK) for _ in range(3)] == [
        {"PASS_THROUGH"},
        {"PASS_THROUGH"},
        {"FINISHED"},
    ]
    assert rendered_names(context.folder) == {"cube_0002.exr", "cube_0004.exr"}
    assert context.status == [
        "Rendering frame 4, 1 of 2. Esc stops",
        "Rendering frame 2, 2 of 2. Esc stops",
        *("no timer", None),
    ]
    assert context.scene.render.filepath == path
    assert handlers() == known - 2
    assert played.reports[-1][1].startswith("2 of 2 doubtful frames rendered")


def test_events_of_the_artist_are_left_alone(played, context):
    assert played.modal(context, MOUSE) == {"PASS_THROUGH"}
    assert context.status == []


def test_a_tick_while_a_frame_renders_does_nothing(played, context, monkeypatch):
    begun = []
    monkeypatch.setattr(doubtful_frames, "_render_in_window", lambda *each: begun.append(each))
    for _ in range(3):
        assert played.modal(context, TICK) == {"PASS_THROUGH"}
    assert len(begun) == 1
    played.cancel(context)


def test_esc_between_frames_keeps_what_is_rendered_and_begins_nothing_more(
    played, context, monkeypatch
):
    monkeypatch.setattr(doubtful_frames, "_render_in_window", render_now)
    played.modal(context, TICK)
    assert played.modal(context, ESC) == {"PASS_THROUGH"}
    assert played.modal(context, TICK) == {"FINISHED"}
    assert rendered_names(context.folder) == {"cube_0004.exr"}
    assert played.reports[-1][1].startswith("1 of 2 doubtful frames rendered")


def test_a_render_that_was_cancelled_changes_nothing(played, context, monkeypatch):
    monkeypatch.setattr(
        doubtful_frames, "_render_in_window", lambda *_arguments: played._is_over._cancel()
    )
    before = {path.name: path.read_bytes() for path in context.folder.glob("*.exr")}
    path = context.scene.render.filepath
    played.modal(context, TICK)
    assert played.modal(context, TICK) == {"FINISHED"}
    assert {path.name: path.read_bytes() for path in context.folder.glob("*.exr")} == before
    assert context.scene.render.filepath == path


def test_a_render_that_cannot_begin_is_reported_and_ends_it(played, context, monkeypatch):
    monkeypatch.setattr(doubtful_frames, "_render_in_window", render_now)
    context.scene.camera = None
    path = context.scene.render.filepath
    assert played.modal(context, TICK) == {"FINISHED"}
    assert any(level == "ERROR" and "amera" in text for level, text in played.reports)
    assert context.scene.render.filepath == path
    assert context.status[-1] is None


def test_settings_are_the_artist_s_again_as_soon_as_a_render_has_begun(
    played, context, monkeypatch
):
    monkeypatch.setattr(doubtful_frames, "_render_in_window", lambda *_arguments: None)
    path = context.scene.render.filepath
    played.modal(context, TICK)
    assert context.scene.render.filepath == str(played._work.partial)
    played._work._borrowed._note_begin()
    played.modal(context, TICK)
    assert context.scene.render.filepath == path
    played.cancel(context)
    assert context.scene.render.filepath == path


def test_a_scene_that_is_removed_meanwhile_ends_it_with_its_name(played, context, monkeypatch):
    monkeypatch.setattr(doubtful_frames, "_render_in_window", render_now)
    played.modal(context, TICK)
    name = context.scene.name
    bpy.data.scenes.new("Other")
    bpy.data.scenes.remove(context.scene)
    assert played.modal(context, TICK) == {"FINISHED"}
    assert any(level == "ERROR" and repr(name) in text for level, text in played.reports)


def test_list_of_the_rendered_scene_is_renewed_whatever_the_window_shows_by_then(
    played, context, monkeypatch
):
    monkeypatch.setattr(doubtful_frames, "_render_in_window", render_now)
    rendered, context.scene = context.scene, bpy.data.scenes.new("Other")
    for _ in range(3):
        played.modal(context, TICK)
    assert [each.is_rendered for each in half_render(rendered).doubtful] == [True, True]
    assert not half_render(context.scene).folder
