from pathlib import Path

import bpy
import pytest

from blender_vfi import vse, vse_curves

from .fixtures import shown
from .frame_files import find_clicks, write_clicks

pytestmark = pytest.mark.blender

needs_sound = pytest.mark.skipif(
    not bpy.app.build_options.audaspace, reason="this bpy module was built without sound"
)


@pytest.fixture
def add_sound(scene, tmp_path):
    def add(name: str = "voice", *, channel: int = 5, start: int = 1, strips=None):
        path = write_clicks(tmp_path / "voice.wav", 4)
        strips = vse.root_strips(scene) if strips is None else strips
        return strips.new_sound(name, str(path), channel, start)

    return add


def mixed(scene, path: Path) -> list[tuple[float, int]]:
    """Hear a scene as its renders will sound: click times and heights."""
    with bpy.context.temp_override(scene=scene):
        bpy.ops.sound.mixdown(filepath=str(path), container="WAV", codec="PCM", format="S16")
    return find_clicks(path)


def result(name: str = "Scene 48 fps"):
    scene = bpy.data.scenes[name]
    return scene, vse.selected_image_strips(scene)[0]


def test_the_result_is_in_a_scene_of_the_new_rate(scene, add_strip, interpolate):
    add_strip(5, start=11)
    interpolate(multiplier=4)
    new, _strip = result("Scene 96 fps")
    assert (new.render.fps, new.render.fps_base) == (96, 1.0)
    assert (scene.name, scene.render.fps) == ("Scene", 24)


def test_the_new_scene_is_saved_with_the_project(add_strip, interpolate, tmp_path):
    add_strip(3)
    interpolate()
    file = str(tmp_path / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    assert "Scene 48 fps" in bpy.data.scenes


def test_the_new_scene_prefetches_as_the_source_does(scene, add_strip, interpolate):
    add_strip(3)
    scene.sequence_editor.use_prefetch = True
    interpolate()
    new, _strip = result()
    assert new.sequence_editor.use_prefetch


def test_a_fractional_rate_is_named_as_people_do(scene, add_strip, interpolate):
    scene.render.fps_base = 1.001
    add_strip(3)
    interpolate()
    new = bpy.data.scenes["Scene 47.952 fps"]
    assert new.render.fps == 48
    assert new.render.fps_base == pytest.approx(1.001)


def test_the_strip_keeps_its_seconds_and_holds_its_last_frame(add_strip, interpolate):
    add_strip(3, start=12)
    job = interpolate(multiplier=2)
    _scene, strip = result()
    look = shown(strip)
    assert (look.left / 48, look.right / 48) == (12 / 24, 15 / 24)
    made = [job.frame_name(index) for index in range(5)]
    assert look.files == [*made, made[-1]]


def test_the_new_files_are_those_of_the_job(add_strip, interpolate, tmp_path):
    add_strip(3)
    interpolate()
    _scene, strip = result()
    assert Path(strip.directory) == tmp_path / "shot" / "shot_x2"
    assert [element.filename for element in strip.elements] == [
        f"shot_{number:04d}.png" for number in range(1, 6)
    ]
    assert (Path(strip.directory) / strip.elements[4].filename).is_file()


def test_frames_held_by_handles_stay_held_for_their_seconds(add_strip, interpolate):
    strip = add_strip(3, start=11)
    vse.set_strip_times(strip, vse.StripTimes(11, 9, 17))
    interpolate(multiplier=2)
    look = shown(result()[1])
    assert (look.left, look.right) == (18, 34)
    assert look.files[:5] == ["shot_0001.png"] * 5
    assert look.files[8:] == ["shot_0005.png"] * 8


def test_skipped_pairs_hold_so_that_time_stays(add_strip, interpolate):
    add_strip(4)
    job = interpolate(multiplier=2, skip_pairs="1")
    assert job.hold_skipped
    assert len(job.plan().outputs) == 7


def test_settings_of_scene_and_render_are_kept(scene, add_strip, interpolate):
    scene.render.resolution_x, scene.render.resolution_y = 640, 360
    scene.render.image_settings.file_format = "TIFF"
    scene.view_settings.view_transform = "Raw"
    scene.render.filepath = "//somewhere/"
    add_strip(3)
    interpolate()
    new, _strip = result()
    assert (new.render.resolution_x, new.render.resolution_y) == (640, 360)
    assert new.render.image_settings.file_format == "TIFF"
    assert new.view_settings.view_transform == "Raw"
    assert new.render.filepath == "//somewhere/"


def test_frame_range_and_markers_scale(scene, add_strip, interpolate):
    scene.frame_start, scene.frame_end = 3, 22
    scene.timeline_markers.new("cut", frame=12)
    add_strip(3)
    interpolate(multiplier=3)
    new, _strip = result("Scene 72 fps")
    assert (new.frame_start, new.frame_end) == (9, 68)
    assert new.timeline_markers["cut"].frame == 36
    assert (scene.frame_start, scene.timeline_markers["cut"].frame) == (3, 12)


def test_other_pictures_stay_out_and_the_old_scene_stays_whole(
    scene, add_strip, add_effect, interpolate
):
    add_strip(3)
    add_effect("red", "COLOR", 2, 1, 10)
    interpolate(strip_name="shot")
    new, strip = result()
    assert [other.name for other in vse.all_strips(new)] == [strip.name] == ["shot_x2"]
    assert {other.name for other in vse.all_strips(scene)} == {"shot", "red"}


def test_a_strip_inside_a_meta_strip_comes_out(scene, add_strip, interpolate):
    strip = add_strip(4)
    meta = vse.root_strips(scene).new_meta("meta", 3, 1)
    strip.move_to_meta(meta)
    interpolate(strip_name="shot")
    new, strip = result()
    assert [other.name for other in vse.root_strips(new)] == ["shot_x2"]


def test_objects_are_not_evaluated_twice(scene, add_strip, interpolate):
    scene.collection.objects.link(bpy.data.objects.new("cube", None))
    add_strip(3)
    interpolate()
    assert not result()[0].objects
    assert "cube" in scene.objects


def test_animation_keeps_its_seconds(scene, add_strip, interpolate):
    strip = add_strip(5, start=1)
    for frame, alpha in ((1, 0.0), (5, 1.0)):
        strip.blend_alpha = alpha
        strip.keyframe_insert("blend_alpha", frame=frame)
    interpolate(multiplier=2)
    new, strip = result()
    [curve] = vse_curves.curves_of(new)
    assert curve.data_path == strip.path_from_id("blend_alpha")
    for second in (1 / 24, 2 / 24, 3.5 / 24, 5 / 24):
        [old_curve] = vse_curves.curves_of(scene)
        assert curve.evaluate(second * 48) == pytest.approx(old_curve.evaluate(second * 24))


def test_the_animation_of_strips_left_behind_goes(scene, add_strip, add_effect, interpolate):
    add_strip(3)
    red = add_effect("red", "COLOR", 2, 1, 10)
    red.keyframe_insert("blend_alpha", frame=1)
    interpolate(strip_name="shot")
    assert len(vse_curves.curves_of(result()[0])) == 0
    assert len(vse_curves.curves_of(scene)) == 1


def test_two_runs_give_two_scenes(add_strip, interpolate):
    add_strip(3)
    interpolate()
    interpolate(scene_name="Scene", overwrite=True)
    assert {"Scene 48 fps", "Scene 48 fps.001"} <= set(bpy.data.scenes.keys())


@needs_sound
def test_a_trimmed_sound_is_heard_at_the_same_seconds(
    scene, add_strip, add_sound, interpolate, tmp_path
):
    scene.frame_start, scene.frame_end = 1, 96
    add_strip(24, start=25)
    sound = add_sound(start=13)
    vse.set_strip_times(sound, vse.StripTimes(13, 20, 80))
    sound.volume, sound.pan, sound.sound_offset = 0.5, 0.25, 0.125
    before = mixed(scene, tmp_path / "before.wav")
    interpolate(strip_name="shot", multiplier=2)
    new, _strip = result()
    after = mixed(new, tmp_path / "after.wav")
    assert len(before) == 3
    assert [height for _second, height in after] == [height for _second, height in before]
    assert [second for second, _height in after] == pytest.approx(
        [second for second, _height in before], abs=0.002
    )
    copy = vse.find_strip(new, "voice")
    assert (copy.volume, copy.pan, copy.sound_offset) == pytest.approx((0.5, 0.25, 0.125))
    assert (vse.strip_times(copy).left, vse.strip_times(copy).right) == (40, 160)


@needs_sound
def test_sounds_in_a_row_stay_on_their_channel(scene, add_strip, add_sound, interpolate):
    add_strip(250)
    for number, start in enumerate((1, 97, 193)):
        add_sound(f"take {number}", channel=3, start=start)
    interpolate(strip_name="shot")
    new, _strip = result()
    sounds = [strip for strip in vse.all_strips(new) if strip.type == "SOUND"]
    assert [sound.channel for sound in sounds] == [3, 3, 3]
    assert [vse.strip_times(sound).left for sound in sounds] == [2, 194, 386]


@needs_sound
def test_a_sound_outside_the_strip_stays_behind(add_strip, add_sound, interpolate):
    add_strip(3, start=500)
    add_sound(start=1)
    interpolate(strip_name="shot")
    assert "voice" not in vse.all_strips(result()[0])


@needs_sound
def test_a_sound_inside_a_meta_strip_is_cut_as_that_cuts_it(
    scene, add_strip, add_sound, interpolate, tmp_path
):
    scene.frame_start, scene.frame_end = 1, 96
    add_strip(90)
    sound = add_sound(start=1)
    meta = vse.root_strips(scene).new_meta("meta", 6, 1)
    sound.move_to_meta(meta)
    vse.set_strip_times(meta, vse.StripTimes(1, 1, 49))
    before = mixed(scene, tmp_path / "before.wav")
    interpolate(strip_name="shot")
    new, _strip = result()
    after = mixed(new, tmp_path / "after.wav")
    assert len(before) == 2
    assert after == [(pytest.approx(second, abs=0.002), height) for second, height in before]


@needs_sound
def test_animated_volume_keeps_its_seconds(scene, add_strip, add_sound, interpolate):
    add_strip(24)
    sound = add_sound()
    for frame, volume in ((1, 0.0), (20, 1.0)):
        sound.volume = volume
        sound.keyframe_insert("volume", frame=frame)
    interpolate(strip_name="shot")
    [curve] = vse_curves.curves_of(result()[0])
    assert [tuple(point.co) for point in curve.keyframe_points] == [(2.0, 0.0), (40.0, 1.0)]


def test_strips_that_stay_behind_are_named(scene, add_strip, interpolate, capfd):
    add_strip(3)
    add_strip(3, channel=2).name = "overlay"
    scene.sequence_editor.active_strip = vse.find_strip(scene, "shot")
    interpolate(strip_name="shot")
    assert "left out: overlay" in capfd.readouterr().out
