"""Loop in Blender: how many frames there are, and where they are on the timeline."""

from pathlib import Path

import pytest

from blender_vfi import vse, vse_curves
from blender_vfi.operators import presets

from .fixtures import shown

pytestmark = pytest.mark.blender


@pytest.mark.parametrize("timing", ["SLOW_MOTION", "RAISE_RATE"])
def test_a_cycle_fills_its_time_without_a_held_frame(scene, add_strip, interpolate, timing):
    add_strip(4, start=12)
    job = interpolate(multiplier=3, timing=timing, loop=True)
    look = shown(vse.find_strip(scene, "shot_x3"))
    assert job.loop
    assert look.files == [job.frame_name(index) for index in range(12)]
    assert look.right - look.left == 12
    assert Path(job.output_dir).name == "shot_x3_loop"


def test_animation_of_the_strip_takes_as_long_as_the_cycle(scene, add_strip, interpolate):
    strip = add_strip(4, start=1)
    for frame in (1, 4, 5):
        strip.blend_alpha = frame / 5
        strip.keyframe_insert("blend_alpha", frame=frame)
    interpolate(multiplier=2, timing="SLOW_MOTION", loop=True)
    path = vse.find_strip(scene, "shot_x2").path_from_id("blend_alpha")
    [curve] = [curve for curve in vse_curves.curves_of(scene) if curve.data_path == path]
    assert [round(point.co[0], 3) for point in curve.keyframe_points] == [1, 7, 9]


def test_the_scene_keeps_it_and_presets_do_not(scene, add_strip, interpolate):
    add_strip(3)
    scene.blender_vfi.loop = True
    assert interpolate().loop
    assert "settings.loop" not in presets.SEQUENCER_OT_vfi_preset_add.preset_values
    assert "settings.cuts" in presets.SEQUENCER_OT_vfi_preset_add.preset_values
