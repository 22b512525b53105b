from pathlib import Path

import bpy
import pytest

from blender_vfi import vse, vse_curves

from .fixtures import shown

pytestmark = pytest.mark.blender


def test_the_strip_gets_longer_from_the_same_start(scene, add_strip, interpolate):
    old = add_strip(4, start=21)
    job = interpolate(multiplier=3, timing="SLOW_MOTION")
    new = vse.selected_image_strips(scene)[0]
    look = shown(new)
    assert (look.left, look.right) == (21, 21 + 10)
    assert look.files == [job.frame_name(index) for index in range(10)]
    assert (scene.render.fps, new.channel) == (24, old.channel + 1)
    assert len(bpy.data.scenes) == 1


def test_the_source_strip_stays_as_it_was(scene, add_strip, interpolate):
    strip = add_strip(4, start=21)
    before = shown(strip)
    interpolate(timing="SLOW_MOTION")
    strip = vse.find_strip(scene, "shot")
    assert shown(strip) == before
    assert not strip.mute


def test_a_free_channel_is_found_for_the_whole_length(scene, add_strip, add_effect, interpolate):
    add_strip(4, start=1, channel=1)
    add_effect("late", "COLOR", 2, 6, 30)
    interpolate(strip_name="shot", timing="SLOW_MOTION")
    assert vse.find_strip(scene, "shot_x2").channel == 3
    assert vse.find_strip(scene, "late").channel == 2


def test_skipped_pairs_shrink(scene, add_strip, interpolate):
    add_strip(4)
    interpolate(multiplier=4, timing="SLOW_MOTION", keep_pairs="0, 2")
    look = shown(vse.selected_image_strips(scene)[0])
    assert look.right - look.left == 4 + 1 + 4 + 1


def test_frames_held_by_handles_are_held_longer(scene, add_strip, interpolate):
    strip = add_strip(3, start=11)
    vse.set_strip_times(strip, vse.StripTimes(11, 9, 15))
    interpolate(multiplier=2, timing="SLOW_MOTION")
    look = shown(vse.selected_image_strips(scene)[0])
    assert look.left == 9
    numbers = [int(name[5:9]) for name in look.files]
    assert numbers == [1] * 4 + [1, 2, 3, 4, 5] + [5] * 2


def test_animation_follows_the_frames(scene, add_strip, interpolate):
    strip = add_strip(4, start=11)
    for frame, alpha in ((11, 0.0), (12, 0.25), (14, 1.0)):
        strip.blend_alpha = alpha
        strip.keyframe_insert("blend_alpha", frame=frame)
    interpolate(multiplier=4, timing="SLOW_MOTION", skip_pairs="1")
    new = vse.selected_image_strips(scene)[0]
    curves = {curve.data_path: curve for curve in vse_curves.curves_of(scene)}
    carried = curves[new.path_from_id("blend_alpha")]
    # source frames are now at 11, 15, 16 and 20
    assert [tuple(point.co) for point in carried.keyframe_points] == [
        (11.0, 0.0),
        (15.0, 0.25),
        (20.0, 1.0),
    ]
    kept = curves[vse.find_strip(scene, "shot").path_from_id("blend_alpha")]
    assert [point.co[0] for point in kept.keyframe_points] == [11.0, 12.0, 14.0]


def test_a_strip_inside_a_meta_strip_gets_its_result_beside_it(scene, add_strip, interpolate):
    strip = add_strip(4)
    meta = vse.root_strips(scene).new_meta("meta", 3, 1)
    strip.move_to_meta(meta)
    interpolate(strip_name="shot", timing="SLOW_MOTION")
    assert vse.find_strip(scene, "shot_x2").parent_meta().name == "meta"


def test_a_result_that_would_end_outside_of_time_is_refused_before_the_work(
    scene, add_strip, engine
):
    add_strip(4, start=vse.LARGEST_FRAME - 8)
    with pytest.raises(RuntimeError, match="Blender's last frame is 1048574"):
        bpy.ops.sequencer.vfi_interpolate(multiplier=8, timing="SLOW_MOTION")
    assert engine.jobs == []


def test_a_result_beside_relative_files_is_relative(scene, add_strip, interpolate, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "edit.blend"))
    add_strip(3).directory = "//shot/"
    job = interpolate(timing="SLOW_MOTION")
    new = vse.selected_image_strips(scene)[0]
    assert new.directory == "//shot/shot_x2/"
    assert Path(job.output_dir) == tmp_path / "shot" / "shot_x2"


def test_the_result_looks_as_the_source_does(scene, add_strip, interpolate):
    strip = add_strip(3)
    for name, value in {
        "offset_x": 12.0,
        "offset_y": -3.0,
        "scale_x": 0.5,
        "scale_y": 2.0,
        "rotation": 0.25,
        "filter": "NEAREST",
    }.items():
        setattr(strip.transform, name, value)
    strip.transform.origin = (0.25, 0.75)
    strip.crop.min_x, strip.crop.max_y = 2, 3
    simple = {
        "blend_type": "ADD",
        "blend_alpha": 0.5,
        "color_saturation": 0.25,
        "color_multiply": 1.5,
        "use_flip_x": True,
        "use_flip_y": True,
        "use_float": True,
        "multiply_alpha": True,
        "use_deinterlace": True,
        "alpha_mode": "PREMUL",
        "color_tag": "COLOR_03",
    }
    for name, value in simple.items():
        setattr(strip, name, value)
    strip.colorspace_settings.name = "Non-Color"
    strip.strobe = 2.0
    strip["note"] = "mine"
    interpolate(multiplier=3, timing="SLOW_MOTION")
    new = vse.selected_image_strips(scene)[0]
    assert (new.transform.offset_x, new.transform.offset_y) == (12.0, -3.0)
    assert (new.transform.scale_x, new.transform.scale_y) == (0.5, 2.0)
    assert (new.transform.rotation, new.transform.filter) == (0.25, "NEAREST")
    assert tuple(new.transform.origin) == (0.25, 0.75)
    assert (new.crop.min_x, new.crop.max_y) == (2, 3)
    assert {name: getattr(new, name) for name in simple} == simple
    assert new.colorspace_settings.name == "Non-Color"
    assert new.strobe == 6.0
    assert new["note"] == "mine"


def test_mute_and_lock_are_not_the_result_s(scene, add_strip, interpolate):
    strip = add_strip(3)
    strip.mute = strip.lock = True
    interpolate(timing="SLOW_MOTION")
    new = vse.selected_image_strips(scene)[0]
    assert not new.mute
    assert not new.lock


def test_a_reversed_strip_gives_one_that_needs_no_reversal(scene, add_strip, interpolate, tmp_path):
    add_strip(3).use_reverse_frames = True
    job = interpolate(timing="SLOW_MOTION")
    assert job.sources[0] == str(tmp_path / "shot" / "shot_0003.png")
    assert not vse.selected_image_strips(scene)[0].use_reverse_frames


def test_another_format_gets_its_own_alpha_mode(scene, add_strip, interpolate):
    add_strip(3).alpha_mode = "PREMUL"
    interpolate(timing="SLOW_MOTION", output_format="TIF")
    assert vse.selected_image_strips(scene)[0].alpha_mode == "STRAIGHT"


def test_modifiers_come_along(scene, add_strip, interpolate):
    strip = add_strip(3)
    with vse.editing(scene):
        bright = strip.modifiers.new("lift", "BRIGHT_CONTRAST")
        bright.bright = 12.0
        curves = strip.modifiers.new("grade", "CURVES")
        balance = strip.modifiers.new("balance", "COLOR_BALANCE")
    curves.curve_mapping.curves[3].points.new(0.25, 0.5)
    curves.curve_mapping.update()
    balance.color_balance.gain = (0.5, 1.0, 2.0)
    interpolate(timing="SLOW_MOTION")
    new = vse.selected_image_strips(scene)[0]
    assert [modifier.name for modifier in new.modifiers] == ["lift", "grade", "balance"]
    assert new.modifiers["lift"].bright == 12.0
    points = new.modifiers["grade"].curve_mapping.curves[3].points
    assert [tuple(point.location) for point in points] == [(0.0, 0.0), (0.25, 0.5), (1.0, 1.0)]
    assert tuple(new.modifiers["balance"].color_balance.gain) == (0.5, 1.0, 2.0)


def test_a_result_beyond_the_scenes_end_is_reported(scene, add_strip, interpolate, capfd):
    add_strip(4)
    scene.frame_end = 5
    interpolate(multiplier=2, timing="SLOW_MOTION")
    assert "reaches frame 7, and scene 'Scene' ends at 5" in capfd.readouterr().out
