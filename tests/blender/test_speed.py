"""Speed ramps that an artist animates, and strips whose retiming becomes real frames."""

import itertools
from fractions import Fraction
from pathlib import Path

import bpy
import pytest

from blender_vfi import vse, vse_curves
from blender_vfi.engine.schedule import Between, Source

from .fixtures import shown
from .frame_files import write_sequence

pytestmark = pytest.mark.blender

RETIMED = Path(__file__).with_name("retimed.blend")
"""A strip "Shot" of 12 files from frame 1: at its speed up to frame 5, and a third of it from
there to a last key at frame 29. Made in 5.2 and saved by 4.5: adding keys crashes 4.5 and 5.0."""

needs_retiming = bpy.app.version >= (4, 4, 0)


@pytest.fixture
def add_ramp(scene):
    """Animate the speed with keys (frame, speed) and straight lines between them."""

    def add(*keys):
        for frame, speed in keys:
            scene.blender_vfi.speed = speed
            scene.blender_vfi.keyframe_insert("speed", frame=frame)
        for curve in vse_curves.curves_of(scene):
            for point in curve.keyframe_points:
                point.interpolation = "LINEAR"

    return add


def times_of(job):
    return [Fraction(time) for time in job.times]


def test_a_steady_speed_needs_no_animation(scene, add_strip, interpolate):
    add_strip(4, start=21)
    scene.blender_vfi.speed = 0.5
    job = interpolate(timing="SPEED_RAMP", multiplier=8)
    assert times_of(job) == [Fraction(step, 2) for step in range(7)]
    new = vse.selected_image_strips(scene)[0]
    look = shown(new)
    assert (new.name, look.left, look.right) == ("shot_retimed", 21, 28)
    assert look.files == [job.frame_name(index) for index in range(7)]
    assert job.output_dir.endswith("shot_retimed")


def test_an_animated_speed_is_integrated_from_the_strip_on(scene, add_strip, interpolate, add_ramp):
    add_strip(12, start=21)
    add_ramp((21, 1.0), (29, 0.5))
    times = times_of(interpolate(timing="SPEED_RAMP"))
    assert times[0] == 0
    assert times[8] == 6  # at three quarters of the speed on average
    assert times[9:] == [6 + Fraction(step, 2) for step in range(1, 11)]
    expected = [at - Fraction(at * at, 32) for at in range(9)]
    assert max(abs(a - b) for a, b in zip(times, expected, strict=False)) <= Fraction(1, 2048)
    outputs = interpolate(timing="SPEED_RAMP", overwrite=True).plan().outputs
    assert {type(output) for output in outputs} == {Source, Between}


def test_a_ramp_to_zero_ends_with_a_still(scene, add_strip, interpolate, add_ramp):
    add_strip(12, start=1)
    add_ramp((1, 1.0), (9, 0.0))
    times = times_of(interpolate(timing="SPEED_RAMP"))
    assert (len(times), times[-1]) == (9, 4)


def test_speed_below_zero_begins_at_the_end(scene, add_strip, interpolate):
    add_strip(3)
    scene.blender_vfi.speed = -1.0
    assert times_of(interpolate(timing="SPEED_RAMP")) == [2, 1, 0]


def test_a_ramp_without_end_says_so(scene, add_strip, engine):
    add_strip(3)
    scene.blender_vfi.speed = 0.0001
    with pytest.raises(RuntimeError, match="choose a higher speed"):
        bpy.ops.sequencer.vfi_interpolate(timing="SPEED_RAMP")
    assert engine.jobs == []


def test_animation_of_the_strip_follows_the_ramp(scene, add_strip, interpolate):
    strip = add_strip(4, start=11)
    for frame, alpha in ((11, 0.0), (13, 1.0)):
        strip.blend_alpha = alpha
        strip.keyframe_insert("blend_alpha", frame=frame)
    scene.blender_vfi.speed = 0.25
    interpolate(timing="SPEED_RAMP")
    new = vse.selected_image_strips(scene)[0]
    path = new.path_from_id("blend_alpha")
    [curve] = [curve for curve in vse_curves.curves_of(scene) if curve.data_path == path]
    assert [point.co[0] for point in curve.keyframe_points] == [11.0, 19.0]


def test_skipped_ranges_and_cuts_of_the_timeline_count_under_a_ramp(scene, add_strip, interpolate):
    add_strip(6, start=11)
    skipped = scene.blender_vfi.skipped.add()
    skipped.first, skipped.last = 12, 13
    scene.timeline_markers.new("cut", frame=14)
    scene.blender_vfi.speed = 0.5
    job = interpolate(timing="SPEED_RAMP", cuts_at_markers=True)
    assert (job.skip_pairs, job.cut_pairs) == ((1,), (2,))


@pytest.fixture
def retimed(tmp_path):
    """Open the file with the retimed strip, and give it files."""
    bpy.ops.wm.open_mainfile(filepath=str(RETIMED), load_ui=False)
    scene = bpy.context.scene
    strip = vse.find_strip(scene, "Shot")
    files = write_sequence(tmp_path / "shot", 12)
    strip.directory = f"{files[0].parent}/"
    for element, file in zip(strip.elements, files, strict=True):
        element.filename = file.name
    strip.select = True
    return scene, strip


def test_retiming_becomes_frames_at_the_same_place(retimed, interpolate):
    scene, strip = retimed
    old = shown(strip)
    if not needs_retiming:  # image strips have no retiming there
        with pytest.raises(RuntimeError, match="no image strip with retiming keys"):
            bpy.ops.sequencer.vfi_interpolate(timing="BAKE_RETIMING")
        return
    job = interpolate(timing="BAKE_RETIMING")
    new = vse.selected_image_strips(scene)[0]
    look = shown(new)
    assert (new.name, look.left, look.right) == ("Shot_retimed", old.left, old.right)
    assert not vse.is_retimed(new)
    times = times_of(job)
    assert len(times) == old.right - old.left
    assert times[:5] == [0, 1, 2, 3, 4]
    steps = [later - earlier for earlier, later in itertools.pairwise(times[4:25])]
    assert max(abs(step - Fraction(1, 3)) for step in steps) < Fraction(1, 50), "no jitter"
    assert [scene.name for scene in bpy.data.scenes] == [scene.name]
    assert [element.filename for element in strip.elements] == [
        f"shot_{n:04d}.png" for n in range(1, 13)
    ]


def test_a_trimmed_retimed_strip_needs_only_the_files_that_it_shows(retimed, interpolate, tmp_path):
    scene, strip = retimed
    if not needs_retiming:
        assert not vse.is_retimed(strip)
        return
    times = vse.strip_times(strip)
    vse.set_strip_times(strip, vse.StripTimes(times.content_start, 8, 20))
    (tmp_path / "shot" / "shot_0001.png").unlink()
    job = interpolate(timing="BAKE_RETIMING")
    assert Path(job.sources[0]).name == "shot_0006.png"
    assert len(job.times) == 12
    assert times_of(job)[0] == 0
    look = shown(vse.selected_image_strips(scene)[0])
    assert (look.left, look.right) == (8, 20)


def test_a_reversed_retimed_strip_begins_with_its_last_file(retimed, interpolate):
    _, strip = retimed
    strip.use_reverse_frames = True
    if not needs_retiming:
        assert not vse.is_retimed(strip)
        return
    job = interpolate(timing="BAKE_RETIMING")
    assert Path(job.sources[0]).name == "shot_0012.png"
    assert times_of(job)[:3] == [0, 1, 2]


def test_a_missing_file_of_a_retimed_strip_is_named(retimed, engine, tmp_path):
    (tmp_path / "shot" / "shot_0004.png").unlink()
    named = "shot_0004.png, which strip 'Shot' shows, is missing" if needs_retiming else "no image"
    with pytest.raises(RuntimeError, match=named):
        bpy.ops.sequencer.vfi_interpolate(timing="BAKE_RETIMING")
    assert engine.jobs == []


def test_a_strip_without_retiming_has_none_to_bake(add_strip, engine):
    add_strip(3)
    with pytest.raises(RuntimeError, match="no image strip with retiming keys"):
        bpy.ops.sequencer.vfi_interpolate(timing="BAKE_RETIMING")


def test_a_retimed_strip_is_refused_by_other_timings_with_the_remedy(retimed, engine):
    _, strip = retimed
    if not needs_retiming:
        assert not vse.is_retimed(strip)
        return
    with pytest.raises(RuntimeError, match="choose the timing Bake Retiming"):
        bpy.ops.sequencer.vfi_interpolate(timing="SLOW_MOTION")


@pytest.fixture
def add_speed_control(scene):
    """Put a Speed Control effect on a strip."""

    def add(strip, mode, **settings):
        times = vse.strip_times(strip)
        version = bpy.app.version
        length = (
            {"frame_end": times.right}
            if version < (5, 0, 0)
            else {"length": times.right - times.left}
        )
        source = {"seq1" if version < (4, 5, 0) else "input1": strip}
        effect = vse.root_strips(scene).new_effect(
            "control", "SPEED", strip.channel + 1, times.left, **length, **source
        )
        effect.speed_control = mode
        for name, value in settings.items():
            setattr(effect, name, value)
        return effect

    return add


def first_of(job):
    """The number of the first file that the job reads, as a moment of the strip."""
    return int(Path(job.sources[0]).stem[-4:]) - 1


def moments_of(job):
    return [first_of(job) + time for time in times_of(job)]


def test_a_speed_control_effect_becomes_frames_above_it(add_strip, add_speed_control, interpolate):
    strip = add_strip(6, start=11)
    effect = add_speed_control(strip, "MULTIPLY", speed_factor=0.5)
    job = interpolate(strip_name="shot", timing="BAKE_RETIMING")
    assert moments_of(job) == [Fraction(at, 2) for at in range(6)]
    new = vse.find_strip(bpy.context.scene, "shot_retimed")
    look = shown(new)
    assert (look.left, look.right, new.channel) == (11, 17, effect.channel + 1)


def test_an_animated_factor_is_integrated(scene, add_strip, add_speed_control, interpolate):
    strip = add_strip(12, start=1)
    effect = add_speed_control(strip, "MULTIPLY")
    for frame, factor in ((1, 1.0), (9, 0.0)):
        effect.speed_factor = factor
        effect.keyframe_insert("speed_factor", frame=frame)
    for curve in vse_curves.curves_of(scene):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    moments = moments_of(interpolate(strip_name="shot", timing="BAKE_RETIMING"))
    assert len(moments) == 12
    assert moments[8:] == [4, 4, 4, 4]
    expected = [at - Fraction(at * at, 16) for at in range(9)]
    assert max(abs(a - b) for a, b in zip(moments, expected, strict=False)) <= Fraction(1, 2048)


def test_a_muted_curve_of_the_factor_does_not_count(
    scene, add_strip, add_speed_control, interpolate
):
    strip = add_strip(6, start=1)
    effect = add_speed_control(strip, "MULTIPLY")
    for frame, factor in ((1, 1.0), (4, 0.0)):
        effect.speed_factor = factor
        effect.keyframe_insert("speed_factor", frame=frame)
    for curve in vse_curves.curves_of(scene):
        curve.mute = True
    effect.speed_factor = 0.5
    moments = moments_of(interpolate(strip_name="shot", timing="BAKE_RETIMING"))
    assert moments == [Fraction(at, 2) for at in range(6)]


def test_stretching_shows_what_is_left_in_the_time_there_is(
    add_strip, add_speed_control, interpolate
):
    strip = add_strip(20, start=5)
    add_speed_control(strip, "STRETCH")
    vse.set_strip_times(strip, vse.StripTimes(5, 9, 20))
    moments = moments_of(interpolate(strip_name="shot", timing="BAKE_RETIMING"))
    # as Blender renders it: 4.0, 5.4, 6.9 … 18.5
    assert moments == [4 + Fraction(16 * at, 11) for at in range(11)]


@pytest.mark.parametrize(
    ("mode", "settings", "moment"),
    [
        ("FRAME_NUMBER", {"speed_frame_number": 7.5}, Fraction(15, 2)),
        ("LENGTH", {"speed_length": 50.0}, 10),
        ("FRAME_NUMBER", {"speed_frame_number": 900.0}, 19),
    ],
)
def test_other_modes_show_one_moment(
    add_strip, add_speed_control, interpolate, mode, settings, moment
):
    add_speed_control(add_strip(20, start=5), mode, **settings)
    job = interpolate(strip_name="shot", timing="BAKE_RETIMING")
    assert set(moments_of(job)) == {moment}


def test_a_muted_effect_does_nothing(add_strip, add_speed_control, engine):
    add_speed_control(add_strip(6), "MULTIPLY", speed_factor=0.5).mute = True
    with pytest.raises(RuntimeError, match="or a Speed Control effect"):
        bpy.ops.sequencer.vfi_interpolate(strip_name="shot", timing="BAKE_RETIMING")
    assert engine.jobs == []
