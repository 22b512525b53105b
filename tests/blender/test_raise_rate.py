import bpy
import pytest

from blender_vfi import vse, vse_curves

from .fixtures import shown
from .frame_files import find_clicks, write_clicks

pytestmark = pytest.mark.blender


def times(scene, name: str) -> tuple[int, int]:
    found = vse.strip_times(vse.find_strip(scene, name))
    return found.left, found.right


def test_the_scene_s_rate_rises_and_the_strip_keeps_its_seconds(scene, add_strip, interpolate):
    add_strip(4, start=13)
    job = interpolate(multiplier=2, timing="RAISE_RATE")
    look = shown(vse.selected_image_strips(scene)[0])
    assert scene.render.fps == 48
    assert (look.left, look.right) == (26, 34)
    assert look.files == [job.frame_name(index) for index in range(7)] + ["shot_0007.png"]
    assert job.hold_skipped


def test_the_source_is_muted_at_its_second(scene, add_strip, interpolate):
    add_strip(4, start=13)
    interpolate(timing="RAISE_RATE")
    source = vse.find_strip(scene, "shot")
    assert source.mute
    assert shown(source).left == 26
    assert shown(source).files == [f"shot_{number:04d}.png" for number in (1, 2, 3, 4)]


def test_stills_and_generators_keep_their_seconds(scene, add_strip, add_effect, interpolate):
    add_strip(4)
    still = vse.new_image_strip(
        vse.root_strips(scene),
        name="still",
        folder=vse.find_strip(scene, "shot").directory,
        filenames=["shot_0001.png"],
        channel=3,
        start=20,
    )
    vse.set_strip_times(still, vse.StripTimes(20, 18, 30))
    add_effect("red", "COLOR", 4, 5, 15)
    add_effect("title", "TEXT", 4, 15, 25)
    add_effect("grade", "ADJUSTMENT", 5, 1, 40)
    interpolate(strip_name="shot", multiplier=3, timing="RAISE_RATE")
    assert times(scene, "still") == (54, 90)
    assert times(scene, "red") == (15, 45)
    assert times(scene, "title") == (45, 75)
    assert times(scene, "grade") == (3, 120)
    assert [vse.find_strip(scene, name).channel for name in ("still", "red", "title")] == [3, 4, 4]


def test_range_markers_and_animation_keep_their_seconds(scene, add_strip, interpolate):
    scene.frame_start, scene.frame_end = 1, 20
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 5, 10
    scene.timeline_markers.new("cut", frame=7)
    strip = add_strip(4)
    strip.keyframe_insert("blend_alpha", frame=3)
    interpolate(timing="RAISE_RATE")
    assert (scene.frame_start, scene.frame_end) == (2, 41)
    assert (scene.frame_preview_start, scene.frame_preview_end) == (10, 21)
    assert scene.timeline_markers["cut"].frame == 14
    frames = {
        curve.data_path: curve.keyframe_points[0].co[0] for curve in vse_curves.curves_of(scene)
    }
    paths = [
        vse.find_strip(scene, name).path_from_id("blend_alpha") for name in ("shot", "shot_x2")
    ]
    assert frames == dict.fromkeys(paths, 6.0)


def test_animation_that_another_scene_shares_stays_there(scene, add_strip, interpolate):
    add_strip(4).keyframe_insert("blend_alpha", frame=3)
    other = scene.copy()
    interpolate(scene_name="Scene", strip_name="shot", timing="RAISE_RATE")
    assert [curve.keyframe_points[0].co[0] for curve in vse_curves.curves_of(other)] == [3.0]


def test_strips_in_the_way_are_listed_before_the_work(scene, add_strip, add_effect, engine):
    add_strip(4)
    add_effect("red", "COLOR", 3, 1, 10)
    other = vse.new_image_strip(
        vse.root_strips(scene),
        name="other shot",
        folder=vse.find_strip(scene, "shot").directory,
        filenames=["shot_0001.png", "shot_0002.png"],
        channel=2,
        start=1,
    )
    vse.root_strips(scene).new_scene("nested", bpy.data.scenes.new("Inner"), 4, 1)
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.sequencer.vfi_interpolate(strip_name="shot", timing="RAISE_RATE")
    assert "'other shot' (IMAGE), 'nested' (SCENE): choose the timing New Scene" in str(
        caught.value
    )
    assert "red" not in str(caught.value)
    assert engine.jobs == []
    assert scene.render.fps == 24
    assert other.channel == 2


def test_a_rate_beyond_blender_s_is_refused_before_the_work(scene, add_strip, engine):
    scene.render.fps = 24_000
    add_strip(4)
    for timing in ("RAISE_RATE", "NEW_SCENE"):
        with pytest.raises(RuntimeError, match="Blender's limit is 32767"):
            bpy.ops.sequencer.vfi_interpolate(multiplier=2, timing=timing)
    assert engine.jobs == []


@pytest.mark.skipif(
    not bpy.app.build_options.audaspace, reason="this bpy module was built without sound"
)
def test_sounds_are_heard_at_the_same_seconds(scene, add_strip, interpolate, tmp_path):
    scene.frame_start, scene.frame_end = 1, 96
    add_strip(24)
    path = write_clicks(tmp_path / "voice.wav", 4)
    sound = vse.root_strips(scene).new_sound("voice", str(path), 3, 7)
    vse.set_strip_times(sound, vse.StripTimes(7, 12, 70))
    heard = []
    for name in ("before", "after"):
        mix = str(tmp_path / f"{name}.wav")
        bpy.ops.sound.mixdown(filepath=mix, container="WAV", codec="PCM", format="S16")
        heard.append(find_clicks(tmp_path / f"{name}.wav"))
        if name == "before":
            interpolate(strip_name="shot", timing="RAISE_RATE")
    assert len(heard[0]) >= 2
    assert heard[1] == [(pytest.approx(second, abs=0.002), height) for second, height in heard[0]]
    assert times(scene, "voice") == (24, 140)
