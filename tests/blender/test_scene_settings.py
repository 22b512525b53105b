"""Settings that are saved with a scene, its skipped ranges, and presets."""

import zlib
from pathlib import Path

import bpy
import pytest

import blender_vfi
from blender_vfi import property_items, vse
from blender_vfi.models import catalog

pytestmark = pytest.mark.blender

SHIPPED = Path(blender_vfi.__file__).parent / "presets" / "blender_vfi"


def skip(scene, *ranges):
    for first, last in ranges:
        item = scene.blender_vfi.skipped.add()
        item.first, item.last = first, last


def listed(scene):
    return [(item.first, item.last) for item in scene.blender_vfi.skipped]


def test_settings_survive_saving_and_loading(scene, tmp_path):
    scene.blender_vfi.multiplier = 5
    scene.blender_vfi.model = "film"
    skip(scene, (7, 9))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "edit.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "edit.blend"))
    scene = bpy.context.scene
    assert (scene.blender_vfi.multiplier, scene.blender_vfi.model) == (5, "film")
    assert listed(scene) == [(7, 9)]


def test_what_is_saved_outlives_changes_of_the_catalog(scene, monkeypatch):
    """Files keep an item's number, which must not be its place in a list that grows."""
    numbers = {item[0]: item[3] for item in property_items.MODEL_ITEMS}
    scene.blender_vfi.model = "film"
    assert scene.blender_vfi["model"] == numbers["film"] == zlib.crc32(b"film") & 0x7FFFFFFF
    assert len(set(numbers.values())) == len(numbers)


@pytest.mark.parametrize(
    ("timing", "name"), [("NEW_SCENE", "Scene 48 fps"), ("RAISE_RATE", "Scene")]
)
def test_skipped_ranges_keep_their_seconds_at_a_higher_rate(
    scene, add_strip, interpolate, timing, name
):
    add_strip(6, start=101)
    skip(scene, (103, 104))  # the cut is where 104 begins
    assert interpolate(multiplier=2, timing=timing).skip_pairs == (2,)
    again = bpy.data.scenes[name].blender_vfi.skipped[0]
    assert (again.first, again.last) == (207, 208)


def test_who_gives_pairs_to_skip_is_not_held_to_the_scene_s_only_pairs(
    scene, add_strip, interpolate
):
    add_strip(4)
    scene.blender_vfi.keep_pairs = "1"
    job = interpolate(skip_pairs="0", timing="SLOW_MOTION")
    assert (job.skip_pairs, job.keep_pairs) == ((0,), None)


def test_a_job_takes_the_scene_s_settings_where_it_is_given_none(scene, add_strip, interpolate):
    add_strip(3)
    scene.blender_vfi.multiplier = 3
    scene.blender_vfi.timing = "SLOW_MOTION"
    job = interpolate(multiplier=4)
    assert (job.multiplier, job.hold_skipped) == (4, False)
    assert interpolate(overwrite=True).multiplier == 3


def test_a_frame_rate_takes_the_place_of_the_multiplier(scene, add_strip, interpolate):
    add_strip(5)
    scene.blender_vfi.frames_by = "RATE"
    scene.blender_vfi.target_rate = "60"
    job = interpolate(timing="SLOW_MOTION")
    assert (job.multiplier, job.rate_ratio) == (2, (5, 2))
    assert Path(job.output_dir).name == "shot_60fps"
    assert interpolate(multiplier=3, timing="SLOW_MOTION").rate_ratio is None
    scene.blender_vfi.frames_by = "MULTIPLIER"
    assert interpolate(target_rate="59.94", timing="SLOW_MOTION").rate_ratio == (2500, 1001)


def test_a_frame_rate_that_is_none_is_named(scene, add_strip, engine):
    add_strip(5)
    with pytest.raises(RuntimeError, match="soon"):
        bpy.ops.sequencer.vfi_interpolate(target_rate="soon")
    assert engine.jobs == []


def test_another_model_writes_into_a_folder_of_its_own(scene, add_strip, interpolate):
    add_strip(3)
    scene.blender_vfi.model = "film"
    assert Path(interpolate().output_dir).name == "shot_x2_film"


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([(103, 104)], (2,)),
        ([(102, 105)], (1, 2, 3)),
        ([(101, 102), (104, 106)], (0, 3, 4)),
        ([(90, 102), (105, 200)], (0, 4)),
        ([(104, 104)], None),
        ([(300, 310)], None),
        ([], None),
    ],
)
def test_ranges_of_the_timeline_become_pairs(scene, add_strip, interpolate, ranges, expected):
    add_strip(6, start=101)
    skip(scene, *ranges)
    assert interpolate(timing="SLOW_MOTION").skip_pairs == expected


def test_ranges_follow_the_strip_s_left_handle(scene, add_strip, interpolate):
    strip = add_strip(6, start=101)
    times = vse.strip_times(strip)
    vse.set_strip_times(strip, vse.StripTimes(times.content_start, times.left + 2, times.right))
    skip(scene, (103, 104))
    assert interpolate(timing="SLOW_MOTION").skip_pairs == (0,)


def test_typed_pairs_and_ranges_add_up(scene, add_strip, interpolate):
    add_strip(6)
    scene.blender_vfi.skip_pairs = "0"
    skip(scene, (3, 4))
    assert interpolate().skip_pairs == (0, 2)
    scene.blender_vfi.skip_pairs = ""
    scene.blender_vfi.keep_pairs = "1-3"
    assert interpolate(overwrite=True).keep_pairs == (1, 3)


def test_pairs_given_to_the_operator_stand_alone(scene, add_strip, interpolate):
    add_strip(6)
    skip(scene, (3, 4))
    assert interpolate(skip_pairs="4").skip_pairs == (4,)


def test_markers_within_the_selected_strips_become_cuts(scene, add_strip):
    add_strip(6, start=11)
    for frame in (5, 11, 13, 16, 17, 40):
        scene.timeline_markers.new(f"m{frame}", frame=frame)
    assert bpy.ops.sequencer.vfi_skip_from_markers() == {"FINISHED"}
    assert listed(scene) == [(12, 13), (15, 16)]
    assert bpy.ops.sequencer.vfi_skip_from_markers() == {"CANCELLED"}
    assert len(listed(scene)) == 2


def test_without_a_selection_every_marker_counts(scene, add_strip):
    add_strip(6, start=11).select = False
    scene.timeline_markers.new("far", frame=40)
    bpy.ops.sequencer.vfi_skip_from_markers()
    assert listed(scene) == [(39, 40)]


def test_ranges_are_added_at_the_current_frame_and_removed(scene):
    scene.frame_current = 8
    bpy.ops.sequencer.vfi_skip_add()
    skip(scene, (20, 21))
    scene.blender_vfi.skipped_index = 0
    bpy.ops.sequencer.vfi_skip_remove()
    assert listed(scene) == [(20, 21)]
    bpy.ops.sequencer.vfi_skip_remove()
    assert not bpy.ops.sequencer.vfi_skip_remove.poll()


@pytest.mark.parametrize("preset", sorted(SHIPPED.glob("*.py")), ids=lambda path: path.stem)
def test_every_shipped_preset_can_be_applied(scene, preset):
    scene.blender_vfi.frames_by = "RATE"
    before = {name: getattr(scene.blender_vfi, name) for name in ("model", "multiplier", "timing")}
    assert bpy.ops.script.execute_preset(
        filepath=str(preset), menu_idname="SEQUENCER_PT_vfi_presets"
    ) == {"FINISHED"}
    settings = scene.blender_vfi
    catalog.find(settings.model)
    changed = {name: getattr(settings, name) for name in before} | {"scale": settings.flow_scale}
    assert changed != before | {"scale": "1"} or preset.stem == "Twice_the_Frame_Rate"
    if "settings.multiplier" in preset.read_text():
        assert settings.frames_by == "MULTIPLIER"


def test_blender_finds_the_shipped_presets(add_on):
    assert str(SHIPPED) in bpy.utils.preset_paths("blender_vfi")


def test_a_preset_keeps_the_settings_and_not_the_project_s_paths(scene, monkeypatch, tmp_path):
    monkeypatch.setattr(bpy.utils, "user_resource", lambda *_args, **_kwargs: str(tmp_path))
    scene.blender_vfi.multiplier = 7
    scene.blender_vfi.output_dir = "//mine"
    bpy.ops.sequencer.vfi_preset_add(name="Seven")
    [written] = tmp_path.rglob("*.py")
    text = written.read_text()
    assert "settings.multiplier = 7" in text
    assert "output_dir" not in text
    scene.blender_vfi.multiplier = 2
    bpy.ops.script.execute_preset(filepath=str(written), menu_idname="SEQUENCER_PT_vfi_presets")
    assert scene.blender_vfi.multiplier == 7
