"""Results at a frame rate that is no whole multiple of the source's, in every timing."""

import signal
from fractions import Fraction

import bpy
import pytest

from blender_vfi import blender_cli, vse, vse_curves, vse_rate, vse_timing
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.engine.rates import nearest_frame
from blender_vfi.errors import RequestError
from blender_vfi.vse_timing import Timing

from .fixtures import shown
from .frame_files import find_clicks, write_clicks

pytestmark = pytest.mark.blender

needs_sound = pytest.mark.skipif(
    not bpy.app.build_options.audaspace, reason="this bpy module was built without sound"
)
NTSC = Fraction(1000, 1001)


@pytest.fixture
def at_rate(scene, engine, tmp_path):
    """Bring the strip "shot" to a frame rate; return the job and where its result is."""

    def run(rate, timing=Timing.NEW_SCENE, **changes):
        source = vse.read_image_strip(scene, vse.find_strip(scene, "shot"))
        job = JobSpec(
            job_id="a",
            sources=source.files,
            output_dir=str(tmp_path / "out"),
            name_prefix="made_",
            suffix=".png",
            rate_ratio=vse_rate.ratio_to(scene, Fraction(rate)).as_integer_ratio(),
            hold_skipped=timing.keeps_time,
            **changes,
        )
        job.check()
        vse_timing.check_timing(timing, source, job)
        engine.make_frames(job)
        placed = vse_timing.place(timing, source, job)
        target = bpy.data.scenes[placed.scene_name]
        return job, target, vse.find_strip(target, placed.strip_name), placed.notices

    return run


def rate_as_written(scene):
    return scene.render.fps, round(scene.render.fps_base, 6)


@pytest.mark.parametrize(
    ("fps", "base", "rate"),
    [
        (24, 1.0, Fraction(24)),
        (24, 1.001, 24 * NTSC),
        (30, 1.001, 30 * NTSC),
        (120, 1.001, 120 * NTSC),
        (25, 2.0, Fraction(25, 2)),
        (24000, 1001.0, 24 * NTSC),
        (25, 25 / 24, Fraction(24)),
        (15, 0.999, Fraction(15000, 999)),
    ],
)
def test_a_scene_s_rate_is_the_fraction_that_is_meant(scene, fps, base, rate):
    scene.render.fps, scene.render.fps_base = fps, base
    assert vse_rate.rate_of(scene.render) == rate


@pytest.mark.parametrize(
    ("rate", "written"),
    [
        (Fraction(60), (60, 1.0)),
        (24 * NTSC, (24, 1.001)),
        (60 * NTSC, (60, 1.001)),
        (Fraction(25, 2), (25, 2.0)),
        (Fraction(1000, 3), (1000, 3.0)),
        (Fraction(123457, 1000), (123, 0.996298)),
    ],
)
def test_an_exact_rate_is_written_as_blender_s_presets_are(scene, rate, written):
    vse_rate.set_rate(scene.render, rate)
    assert rate_as_written(scene) == written
    assert scene.render.fps / scene.render.fps_base == pytest.approx(float(rate), rel=1e-7)


def test_film_becomes_sixty_in_a_new_scene(scene, add_strip, at_rate):
    add_strip(5, start=12)
    job, new, strip, notices = at_rate(60)
    look = shown(strip)
    assert (new.name, strip.name) == ("Scene 60 fps", "shot_60fps")
    assert rate_as_written(new) == (60, 1.0)
    assert (look.left, look.right) == (30, nearest_frame(17 * Fraction(5, 2))) == (30, 43)
    made = [job.frame_name(index) for index in range(11)]
    assert look.files == [*made, made[-1], made[-1]]
    assert (scene.render.fps, vse.strip_times(vse.find_strip(scene, "shot")).left) == (24, 12)
    assert notices == ()


def test_television_s_rates_are_exact_and_named(scene, add_strip, at_rate):
    add_strip(5)
    job, new, strip, _notices = at_rate(60 * NTSC)
    assert rate_as_written(new) == (60, 1.001)
    assert (new.name, strip.name) == ("Scene 59.94 fps", "shot_59.94fps")
    assert job.ratio == Fraction(2500, 1001)


def test_a_scene_of_television_s_rate_needs_no_odd_moments(scene, add_strip, at_rate):
    scene.render.fps_base = 1.001
    add_strip(5)
    job, new, _strip, _notices = at_rate(60 * NTSC)
    assert job.ratio == Fraction(5, 2)
    assert rate_as_written(new) == (60, 1.001)


def test_a_multiplier_in_a_scene_of_television_s_rate_is_as_ever(scene, add_strip, interpolate):
    scene.render.fps_base = 1.001
    add_strip(3, start=12)
    interpolate(multiplier=3)
    new = bpy.data.scenes["Scene 71.928 fps"]
    assert rate_as_written(new) == (72, 1.001)
    assert shown(vse.find_strip(new, "shot_x3")).left == 36


@pytest.mark.parametrize("rate", [60, 60 * NTSC, 25, 144, 24 * NTSC, 12, 15, Fraction(25, 2)])
@pytest.mark.parametrize("start", [-7, 1, 1001])
def test_every_frame_is_shown_and_lies_on_the_nearest_frame(scene, add_strip, at_rate, rate, start):
    add_strip(9, start=start)
    scene.frame_end = start + 8
    job, new, strip, _notices = at_rate(rate)
    look = shown(strip)
    made = [job.frame_name(index) for index in range(len(job.plan().outputs))]
    assert look.files[: len(made)] == made
    assert look.files[len(made) :] == [made[-1]] * (len(look.files) - len(made))
    for old, moved in ((start, look.left), (start + 9, look.right)):
        assert abs(moved - old * job.ratio) <= (Fraction(1, 2) if job.ratio > 1 else 1)
    assert new.frame_end >= look.right - 1


def test_nothing_drifts_far_down_the_timeline(scene, add_strip, at_rate):
    add_strip(5, start=400_000)
    scene.frame_end = 400_100
    scene.timeline_markers.new("cut", frame=400_003)
    _job, new, strip, _notices = at_rate(60 * NTSC)
    ratio = Fraction(2500, 1001)
    assert shown(strip).left == nearest_frame(400_000 * ratio)
    assert new.timeline_markers["cut"].frame == nearest_frame(400_003 * ratio)
    assert new.frame_end == nearest_frame(400_101 * ratio) - 1


def test_range_markers_and_animation_keep_their_seconds(scene, add_strip, at_rate):
    scene.frame_start, scene.frame_end = 3, 22
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 5, 10
    scene.timeline_markers.new("cut", frame=7)
    strip = add_strip(5)
    for frame in (3, 4):
        strip.keyframe_insert("blend_alpha", frame=frame)
    _job, new, _strip, _notices = at_rate(60)
    assert (new.frame_start, new.frame_end) == (8, 57)
    assert (new.frame_preview_start, new.frame_preview_end) == (13, 27)
    assert new.timeline_markers["cut"].frame == 18
    [curve] = vse_curves.curves_of(new)
    assert [point.co[0] for point in curve.keyframe_points] == [7.5, 10.0]


def test_frames_held_by_handles_stay_held(scene, add_strip, at_rate):
    strip = add_strip(3, start=11)
    vse.set_strip_times(strip, vse.StripTimes(11, 9, 17))
    job, _new, strip, _notices = at_rate(60)
    look = shown(strip)
    assert (look.left, look.right) == (23, 43)
    first, last = job.frame_name(0), job.frame_name(5)
    assert look.files == [
        *[first] * 5,
        *(job.frame_name(index) for index in range(6)),
        *[last] * 9,
    ]


def test_skipped_pairs_are_held_so_that_time_stays(add_strip, at_rate):
    add_strip(5)
    job, _new, strip, _notices = at_rate(60, skip_pairs=(1,))
    assert len(job.plan().outputs) == 11
    look = shown(strip)
    assert look.right - look.left == 12


def test_a_lower_rate_makes_a_shorter_strip_of_the_same_seconds(scene, add_strip, at_rate):
    add_strip(9, start=24)
    scene.frame_start, scene.frame_end = 24, 32
    job, new, strip, _notices = at_rate(8)
    look = shown(strip)
    assert (look.left, look.right) == (8, 11)
    assert look.files == [job.frame_name(index) for index in range(3)]
    assert (new.frame_start, new.frame_end) == (8, 10)


def test_slow_motion_is_longer_by_the_ratio_at_the_old_rate(scene, add_strip, at_rate):
    strip = add_strip(5, start=21)
    for frame in (21, 22, 25):
        strip.keyframe_insert("blend_alpha", frame=frame)
    job, target, new, _notices = at_rate(60, Timing.SLOW_MOTION)
    look = shown(new)
    assert target == scene
    assert rate_as_written(scene) == (24, 1.0)
    assert (new.name, look.left, look.right) == ("shot_60fps", 21, 32)
    assert look.files == [job.frame_name(index) for index in range(11)]
    curves = {curve.data_path: curve for curve in vse_curves.curves_of(scene)}
    carried = curves[new.path_from_id("blend_alpha")]
    assert [point.co[0] for point in carried.keyframe_points] == [21.0, 23.5, 31.0]


def test_slow_motion_below_the_scene_s_rate_says_that_it_is_fast(scene, add_strip, at_rate):
    add_strip(9)
    _job, _target, new, notices = at_rate(12, Timing.SLOW_MOTION)
    assert shown(new).right - shown(new).left == 5
    assert any("plays 2 times as fast" in notice for notice in notices)


def test_a_scene_s_rate_is_raised_and_cuts_stay_cuts(scene, add_strip, add_effect, at_rate):
    add_strip(4, start=13)
    for index, (left, right) in enumerate(((1, 2), (2, 3), (3, 10), (10, 25))):
        add_effect(f"colour {index}", "COLOR", 4, left, right)
    job, target, new, notices = at_rate(60, Timing.RAISE_RATE)
    assert target == scene
    assert rate_as_written(scene) == (60, 1.0)
    assert new.name == "shot_60fps"
    look = shown(new)
    assert (look.left, look.right) == (33, 43)
    made = [job.frame_name(index) for index in range(8)]
    assert look.files == [*made, made[-1], made[-1]]
    others = [vse.strip_times(vse.find_strip(scene, f"colour {index}")) for index in range(4)]
    assert [(other.left, other.right) for other in others] == [(3, 5), (5, 8), (8, 25), (25, 63)]
    assert {vse.find_strip(scene, f"colour {index}").channel for index in range(4)} == {4}
    source = vse.find_strip(scene, "shot")
    assert source.mute
    assert shown(source).left == 33
    assert any("nearest frame of the new rate" in notice for notice in notices)


def test_a_raised_rate_that_is_a_whole_multiple_speaks_of_no_rounding(scene, add_strip, at_rate):
    add_strip(4)
    _job, _target, new, notices = at_rate(48, Timing.RAISE_RATE)
    assert (new.name, shown(new).left, shown(new).right) == ("shot_48fps", 2, 10)
    assert not any("nearest" in notice for notice in notices)


def test_a_lower_rate_of_the_whole_edit_is_refused(scene, add_strip, at_rate):
    add_strip(4)
    with pytest.raises(RequestError, match="cannot lower that of scene 'Scene' to 12: cuts"):
        at_rate(12, Timing.RAISE_RATE)
    assert scene.render.fps == 24


def test_rates_out_of_range_are_refused_with_both_rates(scene, add_strip, at_rate):
    add_strip(4)
    for rate, message in (
        (24, "From 24 to 24 frames a second: The frame rate is the source's own"),
        (1, "From 24 to 1 frames a second: .* must be from 1/16 to 256"),
        (10_000, "From 24 to 10000 frames a second"),
    ):
        with pytest.raises(RequestError, match=message):
            at_rate(rate)
    scene.render.fps = 30_000
    with pytest.raises(RequestError, match=r"45000 frames a second, .* Blender's limit is 32767"):
        at_rate(45_000)


@needs_sound
@pytest.mark.parametrize("timing", [Timing.NEW_SCENE, Timing.RAISE_RATE])
@pytest.mark.parametrize("rate", [60, 60 * NTSC, 25])
def test_sounds_are_heard_at_the_same_seconds_to_half_a_frame(
    scene, add_strip, at_rate, tmp_path, timing, rate
):
    scene.frame_start, scene.frame_end = 0, 119
    add_strip(110)
    path = write_clicks(tmp_path / "voice.wav", 4)
    sound = vse.root_strips(scene).new_sound("voice", str(path), 3, 7)
    vse.set_strip_times(sound, vse.StripTimes(7, 12, 95))
    before = mixed(scene, tmp_path / "before.wav")
    _job, target, _strip, _notices = at_rate(rate, timing)
    after = mixed(target, tmp_path / "after.wav")
    assert len(before) == 4
    assert [height for _second, height in after] == [height for _second, height in before]
    half_frame = 0.5 / float(rate) + 0.002
    assert [second for second, _height in after] == pytest.approx(
        [second for second, _height in before], abs=half_frame
    )


def mixed(scene, path):
    with bpy.context.temp_override(scene=scene):
        bpy.ops.sound.mixdown(filepath=str(path), container="WAV", codec="PCM", format="S16")
    return find_clicks(path)


@pytest.fixture(autouse=True)
def own_signals():
    """Put back what the command line sets for its process."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.fixture
def project(scene, add_strip, tmp_path):
    add_strip(5)
    file = tmp_path / "edit.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    return file


@pytest.mark.parametrize("rate", ["59.94", "60000/1001"])
def test_the_command_line_takes_a_rate(project, engine, tmp_path, capfd, rate):
    arguments = ["interpolate", str(project), "--strip", "shot", "--rate", rate]
    assert blender_cli.main(arguments) == 0
    assert engine.jobs[0].ratio == Fraction(2500, 1001)
    assert engine.jobs[0].output_dir == str(tmp_path / "shot" / "shot_59.94fps")
    assert "strip 'shot_59.94fps' in scene 'Scene 59.94 fps'" in capfd.readouterr().out
    assert rate_as_written(bpy.data.scenes["Scene 59.94 fps"]) == (60, 1.001)


def test_the_command_line_leaves_a_chosen_folder_as_it_is(project, engine, tmp_path):
    arguments = ["interpolate", str(project), "--strip", "shot", "--rate", "60"]
    assert blender_cli.main([*arguments, "--output-dir", str(tmp_path / "my_x2")]) == 0
    assert engine.jobs[0].output_dir == str(tmp_path / "my_x2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "24"], "From 24 to 24 frames a second"),
        (["--rate", "12", "--timing", "raise-rate"], "cannot lower that of scene 'Scene' to 12"),
        (["--rate", "fast"], "Frame rate 'fast': must be a number above 0"),
        (["--rate", "60", "--multiplier", "2"], "not allowed with argument"),
    ],
)
def test_the_command_line_refuses_before_the_work(project, engine, capfd, arguments, message):
    try:
        code = blender_cli.main(["interpolate", str(project), "--strip", "shot", *arguments])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert message in capfd.readouterr().err
    assert engine.jobs == []


def test_the_command_line_still_takes_a_multiplier(project, engine, tmp_path):
    assert blender_cli.main(["interpolate", str(project), "--strip", "shot"]) == 0
    assert (engine.jobs[0].multiplier, engine.jobs[0].ratio) == (2, None)
    assert engine.jobs[0].output_dir == str(tmp_path / "shot" / "shot_x2")
