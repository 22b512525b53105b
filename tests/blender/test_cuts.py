"""Cuts in Blender: settings, markers and strip edges as cuts, and what the panel says of them."""

import bpy
import pytest

from blender_vfi import vse
from blender_vfi.engine.protocol import Found, Run
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.ui import jobs_layout, panel, texts
from blender_vfi.vse_timing import Timing

from .test_panel import Notes, context  # noqa: F401

pytestmark = pytest.mark.blender


def test_cuts_are_looked_for_and_held_unless_told_otherwise(add_strip, interpolate):
    add_strip(3)
    job = interpolate()
    assert (job.cuts, job.cut_threshold, job.cut_pairs) == ("hold", 0.2, None)


def test_settings_reach_the_job_and_the_scene_keeps_them(scene, add_strip, interpolate):
    add_strip(3)
    scene.blender_vfi.cuts = "BLEND"
    scene.blender_vfi.cut_threshold = 0.35
    job = interpolate()
    assert (job.cuts, job.cut_threshold) == ("blend", 0.35)
    assert interpolate(cuts="OFF", overwrite=True).cuts == "off"


@pytest.mark.parametrize("threshold", [0.0, 1.5, -1.0])
def test_a_threshold_out_of_range_is_refused_and_not_bent(add_strip, engine, threshold):
    add_strip(3)
    with pytest.raises(RuntimeError, match="Cut threshold"):
        bpy.ops.sequencer.vfi_interpolate(cut_threshold=threshold)
    assert engine.jobs == []


def test_markers_within_the_strip_are_cuts_when_asked(scene, add_strip, interpolate):
    add_strip(6, start=101)
    for frame in (90, 101, 102, 104, 106, 107, 300):
        scene.timeline_markers.new("cut", frame=frame)
    assert interpolate().cut_pairs is None
    assert interpolate(cuts_at_markers=True, overwrite=True).cut_pairs == (0, 2, 4)
    assert interpolate(cuts_at_markers=True, cuts="OFF", overwrite=True).cut_pairs is None


def test_handles_move_no_cut(scene, add_strip, interpolate):
    strip = add_strip(8, start=101)
    vse.set_strip_times(strip, vse.StripTimes(101, 103, 112))
    scene.timeline_markers.new("cut", frame=105)
    assert interpolate(cuts_at_markers=True).cut_pairs == (1,)


def test_edges_of_other_strips_with_a_picture_are_cuts_when_asked(
    scene, add_strip, add_effect, interpolate
):
    add_strip(8, start=10)
    add_effect("title", "COLOR", 3, 12, 15)
    add_effect("long", "COLOR", 4, 1, 40)
    add_effect("muted", "COLOR", 5, 13, 14)
    vse.find_strip(scene, "muted").mute = True
    vse.find_strip(scene, "shot").select = True
    job = interpolate(strip_name="shot", cuts_at_strip_edges=True)
    assert job.cut_pairs == (1, 4)
    assert len(job.plan().outputs) == 15


def test_cuts_are_told_by_frames_of_the_timeline(add_strip, context):  # noqa: F811
    job = QueuedJob(request=None, title="shot", first_frame=101)
    assert texts.found_texts(job) == []
    job.note(Found(job_id="a", cuts=(), cut_numbers=()))
    assert texts.found_texts(job) == []
    job.note(Found(job_id="a", cuts=(3,), cut_numbers=(5,)))
    assert texts.found_texts(job) == ["1 cut, at frame 105"]
    job.note(Found(job_id="a", cuts=(3, 30), cut_numbers=(5, 32)))
    assert texts.found_texts(job) == ["2 cuts, at frames 105, 132"]


def test_cuts_of_a_baked_retiming_are_told_by_numbers_of_files(context):  # noqa: F811
    job = QueuedJob(request=None, title="shot", first_frame=101, timing=Timing.BAKE_RETIMING)
    job.note(Found(job_id="a", cuts=(3,), cut_numbers=(5,)))
    assert texts.found_texts(job) == ["1 cut, at frame 5"]


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.FINISHED])
def test_the_panel_lists_the_cuts(add_strip, interpolate, engine, context, state):  # noqa: F811
    strip = add_strip(3)
    job = interpolate()
    queued = QueuedJob(request=Run(job=job), title=strip.name, first_frame=1, state=state)
    queued.note(Found(job_id=job.job_id, cuts=(1,), cut_numbers=(3,)))
    jobs.add([queued])
    notes = Notes()
    jobs_layout.draw(notes, context)
    assert "1 cut, at frame 3" in notes.text


def test_the_panel_of_cuts_has_its_settings(context):  # noqa: F811
    notes = Notes()
    panel.SEQUENCER_PT_vfi_cuts.draw_settings(notes, context)
    assert notes.properties == [
        "cuts",
        "cut_threshold",
        "cuts_at_markers",
        "cuts_at_strip_edges",
        "duplicates",
    ]


def test_duplicates_are_kept_unless_told_otherwise_and_told_by_frames(
    scene, add_strip, interpolate
):
    add_strip(3)
    assert interpolate().duplicates == "keep"
    scene.blender_vfi.duplicates = "RETIME"
    assert interpolate(overwrite=True).duplicates == "retime"
    job = QueuedJob(request=None, title="shot", first_frame=101)
    held = Found(job_id="a", cuts=(), cut_numbers=(), duplicates=(0, 3), duplicate_numbers=(2, 5))
    job.note(held)
    assert texts.found_texts(job) == ["Frames like the one before: 2, at 102, 105"]
