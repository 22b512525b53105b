"""Jobs over strips that cut: what stands between two shots, and what is told, kept and asked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from blender_vfi.engine import search
from blender_vfi.engine.gaps import fill_job_for_folder
from blender_vfi.engine.images import read_frame
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Found, Notice, Stage
from blender_vfi.errors import FrameError, JobCancelledError, OutputError

from . import fake_jobs
from .fake_jobs import notices_of
from .fake_model import FakeModel, fake_cache
from .image_files import random_floats, save
from .sequences import make_job, read_png, visible_names
from .shots import shot, write_frames

pytestmark = pytest.mark.torch


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three shots of 3, 2 and 3 frames: cuts in the pairs 2 and 4."""
    frames = shot(1, 3) + shot(2, 2) + shot(3, 3)
    return write_frames(tmp_path / "in", frames, list(range(29, 37)))


def run(job, *, model=None, **options):
    model = model or FakeModel()
    return fake_jobs.run(job, model, **options)[1], model


def frame(folder: Path, number: int) -> np.ndarray:
    return read_png(folder / f"shot_{number:04d}.png").astype(float)


def asked_pairs(model: FakeModel) -> int:
    return len({call.means for call in model.calls})


def test_the_frame_before_a_cut_is_held_byte_for_byte(source, tmp_path):
    out = tmp_path / "out"
    _, model = run(make_job(source, out, multiplier=3))
    assert len(visible_names(out)) == 22
    for cut, number in ((31, 7), (33, 13)):
        original = (source / f"shot_{cut:04d}.png").read_bytes()
        for held in (number, number + 1, number + 2):
            assert (out / f"shot_{held:04d}.png").read_bytes() == original
    assert asked_pairs(model) == 5


def test_cuts_are_told_by_pair_and_by_the_number_of_the_file(source, tmp_path):
    events, _ = run(make_job(source, tmp_path / "out"))
    [found] = [event for event in events if isinstance(event, Found)]
    assert (found.cuts, found.cut_numbers) == ((2, 4), (32, 34))
    assert not [event for event in events if isinstance(event, Stage) and event.unit == "frames"]


def test_a_cycle_is_looked_through_first(source, tmp_path):
    events, _ = run(make_job(source, tmp_path / "out", loop=True))
    [found] = [event for event in events if isinstance(event, Found)]
    assert (found.cuts, found.cut_numbers) == ((2, 4), (32, 34))
    last = [event for event in events if isinstance(event, Stage) and event.unit == "frames"][-1]
    assert (last.message, last.done, last.total) == ("Looking through the frames", 8, 8)


def test_a_blend_goes_evenly_from_one_shot_to_the_other(source, tmp_path):
    out = tmp_path / "out"
    _, model = run(make_job(source, out, multiplier=4, cuts="blend"))
    earlier, later = frame(source, 31), frame(source, 32)
    for step in (1, 2, 3):
        expected = earlier * (1 - step / 4) + later * (step / 4)
        assert np.abs(frame(out, 9 + step) - expected).max() <= 0.51
    assert asked_pairs(model) == 5


def test_off_interpolates_across_and_looks_for_nothing(source, tmp_path):
    events, model = run(make_job(source, tmp_path / "out", cuts="off"))
    assert not [event for event in events if isinstance(event, Found)]
    assert asked_pairs(model) == 7


def test_names_and_count_do_not_depend_on_what_is_found(source, tmp_path):
    names = []
    for cuts in ("hold", "blend", "off"):
        job = make_job(source, tmp_path / cuts, multiplier=3, cuts=cuts)
        run(job)
        planned = [job.frame_name(index) for index in range(len(job.plan().outputs))]
        names.append(visible_names(tmp_path / cuts))
        assert names[-1] == planned
    assert names[0] == names[1] == names[2]


def test_a_pair_that_is_known_to_cut_is_held_although_none_is_found(tmp_path):
    source = write_frames(tmp_path / "in", shot(1, 4))
    _, model = run(make_job(source, tmp_path / "out", cut_pairs=(1,), cut_threshold=1.0))
    out = tmp_path / "out"
    assert (out / "shot_0004.png").read_bytes() == (source / "shot_0002.png").read_bytes()
    assert asked_pairs(model) == 2


def test_at_another_frame_rate_cuts_keep_their_moments(source, tmp_path):
    out = tmp_path / "out"
    run(make_job(source, out, rate_ratio=(5, 2)))
    # output k lies at source time k · 2/5: 5.2 to 7.2 would be between pairs 2 and 3
    held = (source / "shot_0031.png").read_bytes()
    same = [
        number for number in range(1, 19) if (out / f"shot_{number:04d}.png").read_bytes() == held
    ]
    assert same == [6, 7, 8]  # times 2.0, 2.4, 2.8


def test_a_stopped_job_that_looked_first_goes_on_without_looking_again(
    source, tmp_path, monkeypatch
):
    job = make_job(source, tmp_path / "out", multiplier=3, loop=True)

    def stop_soon():
        return len(visible_names(tmp_path / "out")) > 3 if (tmp_path / "out").exists() else False

    with pytest.raises(JobCancelledError):
        run(job, is_cancelled=stop_soon)
    record = json.loads((tmp_path / "out" / "vfi_job.json").read_text())
    assert record["found"]["cuts"] == [2, 4]
    monkeypatch.setattr(search, "inspect_frames", None)  # would be called
    events, _ = run(job)
    assert [event.cuts for event in events if isinstance(event, Found)] == [(2, 4)]
    known = {"cut_pairs": (2, 4), "cut_threshold": 1.0}
    run(make_job(source, tmp_path / "fresh", multiplier=3, loop=True, **known))
    for name in visible_names(tmp_path / "fresh"):
        made, fresh = (tmp_path / folder / name for folder in ("out", "fresh"))
        assert made.read_bytes() == fresh.read_bytes()


def test_another_choice_for_cuts_is_another_job(source, tmp_path):
    out = tmp_path / "out"
    run(make_job(source, out))
    for change in ({"cuts": "blend"}, {"cuts": "off"}, {"cut_threshold": 0.5}):
        with pytest.raises(OutputError, match="was not made by this very job"):
            run(make_job(source, out, **change))


def test_without_cuts_the_threshold_decides_nothing(source, tmp_path):
    job = make_job(source, tmp_path / "out", cuts="off")
    run(job)
    events, _ = run(dataclasses.replace(job, cut_threshold=0.7))
    assert events[-1].frames_made == 0


def test_a_cancel_is_heard_while_cuts_are_looked_for(source, tmp_path):
    events: list = []

    def has_looked():
        return any(isinstance(event, Stage) and event.unit == "frames" for event in events)

    job = make_job(source, tmp_path / "out", loop=True)
    with pytest.raises(JobCancelledError):
        Engine(fake_cache(FakeModel())).run(job, on_event=events.append, is_cancelled=has_looked)
    assert visible_names(tmp_path / "out") == []


def test_a_damaged_frame_is_named_and_what_was_made_before_it_stays(source, tmp_path):
    path = source / "shot_0034.png"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(FrameError, match=r"shot_0034\.png"):
        run(make_job(source, tmp_path / "out"))
    assert "shot_0002.png" in visible_names(tmp_path / "out")
    with pytest.raises(FrameError, match=r"shot_0034\.png"):
        run(make_job(source, tmp_path / "cycle", loop=True))
    assert visible_names(tmp_path / "cycle") == []


def test_scene_linear_frames_with_alpha_are_blended_as_light(tmp_path):
    (tmp_path / "in").mkdir()
    halves = [random_floats(4, np.float16), random_floats(4, np.float16)[::-1].copy()]
    for number, pixels in enumerate(halves, start=1):
        save(tmp_path / "in" / f"a_{number}.exr", pixels)
    job = make_job(tmp_path / "in", tmp_path / "out", cuts="blend", cut_pairs=(0,))
    run(job)
    one, mixed, two = (
        read_frame(tmp_path / "out" / job.frame_name(index)).pixels for index in range(3)
    )
    assert np.allclose(mixed, (one + two) / 2, atol=0.01)


def test_missing_frames_at_a_cut_are_told_to_be_copies(tmp_path):
    folder = write_frames(tmp_path / "in", shot(1, 2) + shot(2, 2), [1, 2, 5, 7])
    job = fill_job_for_folder(folder, tmp_path / "out", job_id="a")
    events, _ = run(job)
    [told] = notices_of(events)
    assert "because a cut was found there: 3-4 of shot_0002.png. Where the shot" in told
    assert 'fill again with cuts="off".' in told
    for held in (3, 4):
        original = (folder / "shot_0002.png").read_bytes()
        assert (tmp_path / "out" / f"shot_{held:04d}.png").read_bytes() == original


@pytest.mark.parametrize("settings", [{"cuts": "blend"}, {"cuts": "off"}])
def test_missing_frames_that_are_no_copies_are_not_told_of(tmp_path, settings):
    folder = write_frames(tmp_path / "in", shot(1, 2) + shot(2, 2), [1, 2, 5, 7])
    events, _ = run(fill_job_for_folder(folder, tmp_path / "out", job_id="a", **settings))
    assert not any(isinstance(event, Notice) for event in events)


def test_cuts_are_found_anew_where_nothing_is_made_from_what_has_changed(tmp_path):
    """The last frame is a shot of its own: what is held before it does not show it."""
    source = write_frames(tmp_path / "in", shot(1, 2) + shot(2, 1))
    run(make_job(source, tmp_path / "out"))
    other = write_frames(tmp_path / "other", shot(4, 1), [3])
    (other / "shot_0003.png").replace(source / "shot_0003.png")
    _, model = run(make_job(source, tmp_path / "out"))
    assert asked_pairs(model) == 0
    for name, number in (("shot_0004.png", 2), ("shot_0005.png", 3)):
        original = (source / f"shot_{number:04d}.png").read_bytes()
        assert (tmp_path / "out" / name).read_bytes() == original
