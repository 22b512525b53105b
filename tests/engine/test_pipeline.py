"""Folder to folder in one process: what is made, copied, resumed, cancelled and told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from blender_vfi.engine import images, pipeline
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import (
    Cancelled,
    Finished,
    Found,
    Progress,
    Stage,
    Started,
)
from blender_vfi.errors import (
    JobCancelledError,
)
from blender_vfi.models.cache import ModelCache

from .fake_jobs import content, notices_of, run
from .fake_model import FakeModel, fake_cache, fake_spec
from .sequences import make_job, read_png, visible_names, write_sequence

pytestmark = pytest.mark.torch


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in 'ü'", 3)
    return tmp_path / "in 'ü'"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out \"日本\" 'x'"


def test_sources_are_copied_byte_for_byte_and_blends_stand_between(source, output):
    finished, _ = run(make_job(source, output, multiplier=2))
    assert visible_names(output) == [f"f é {number:04d}.png" for number in range(1, 6)]
    for index, path in enumerate(sorted(source.iterdir())):
        assert (output / f"f é {2 * index + 1:04d}.png").read_bytes() == path.read_bytes()
    first, middle, second = (read_png(output / f"f é {number:04d}.png") for number in (1, 2, 3))
    expected = (first.astype(float) + second) / 2
    assert np.abs(middle - expected).max() <= 0.5
    assert (finished.frames_total, finished.frames_made) == (5, 2)


def test_events_tell_the_job_from_loading_to_its_end(source, output):
    job = make_job(source, output)
    finished, events = run(job)
    kinds = [type(event) for event in events]
    assert kinds == [Stage, Stage, Started, Progress, Progress, Found, Progress, Finished]
    assert {event.job_id for event in events} == {job.job_id}
    assert events[2].frames_total == 5
    assert (events[2].device, events[2].precision) == ("cpu", "fp32")
    assert events[-2].frames_done == 5
    assert events[-2].seconds_left == 0
    assert events[-1] == finished
    done = [event.frames_done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert Path(events[-2].last_frame).is_file()


def test_other_output_format_encodes_the_sources_anew(source, output):
    run(make_job(source, output, suffix=".tif"))
    assert visible_names(output) == [f"f é {number:04d}.tif" for number in range(1, 6)]
    original = images.read_frame(source / "f é 0002.png")
    encoded = images.read_frame(output / "f é 0003.tif")
    assert encoded.header.format.container == "tiff"
    assert np.array_equal(encoded.pixels, original.pixels)


def test_held_frames_are_copies_of_the_frame_before(source, output):
    model = FakeModel()
    job = make_job(source, output, multiplier=3, skip_pairs=[0], hold_skipped=True)
    finished, _ = run(job, model)
    first = (source / "f é 0001.png").read_bytes()
    left = content(output)
    assert [name for name in left if left[name] == first] == [
        f"f é {number:04d}.png" for number in (1, 2, 3)
    ]
    assert finished.frames_made == len(model.calls) == 2


def test_job_without_frames_to_make_loads_no_model(source, output):
    loads = []
    engine = Engine(fake_cache(FakeModel(), loads))
    finished = engine.run(make_job(source, output, keep_pairs=[]))
    assert (finished.frames_total, finished.frames_made, loads) == (3, 0, [])


def test_engine_uses_the_cache_that_it_is_given_and_keeps_the_model(source, output, tmp_path):
    loads = []
    engine = Engine(fake_cache(FakeModel(), loads))
    engine.run(make_job(source, output))
    engine.run(make_job(source, tmp_path / "second"))
    assert loads == ["rife-4.25"]
    assert (engine.free_memory(), engine.free_memory()) == (1, 0)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_grey_and_alpha_come_out_as_they_went_in(tmp_path, channels):
    source, output = tmp_path / "in", tmp_path / "out"
    write_sequence(source, 2, channels=channels)
    run(make_job(source, output))
    assert read_png(output / "f é 0002.png").shape == (24, 40, channels)


def test_resumed_job_makes_only_what_is_missing_and_the_same(source, output, tmp_path):
    run(make_job(source, output, multiplier=4))
    whole = content(output)
    for number in (2, 5, 8):
        (output / f"f é {number:04d}.png").unlink()
    kept = (output / "f é 0003.png").stat().st_mtime_ns
    model = FakeModel()
    finished, events = run(make_job(source, output, multiplier=4), model)
    assert [call.timesteps for call in model.calls] == [(0.25,), (0.75,)]
    assert finished.frames_made == 2
    assert content(output) == whole
    assert (output / "f é 0003.png").stat().st_mtime_ns == kept
    assert next(e for e in events if isinstance(e, Progress)).frames_total == 9


def test_finished_job_started_again_does_nothing(source, output):
    run(make_job(source, output))
    loads = []
    finished = Engine(fake_cache(FakeModel(), loads)).run(make_job(source, output))
    assert (finished.frames_total, finished.frames_made, loads) == (5, 0, [])


def test_changed_source_frame_redoes_its_neighbours_alone(tmp_path, output):
    paths = write_sequence(tmp_path / "in", 6)
    run(make_job(tmp_path / "in", output))
    kept = {path: path.stat().st_mtime_ns for path in output.glob("f*.png")}
    paths[2].write_bytes(paths[0].read_bytes())
    model = FakeModel()
    finished, events = run(make_job(tmp_path / "in", output), model)
    assert (finished.frames_made, len(model.calls)) == (2, 2)
    new = [path for path, written in kept.items() if path.stat().st_mtime_ns != written]
    assert sorted(path.name for path in new) == [f"f é 000{number}.png" for number in (4, 5, 6)]
    assert notices_of(events) == [
        "1 source frame(s) have changed since this job was begun (f é 0003.png): 3 frame(s) "
        "made from them are made again."
    ]
    run(make_job(tmp_path / "in", tmp_path / "fresh"))
    assert content(output) == content(tmp_path / "fresh")


def test_overwriting_replaces_what_another_job_made(source, output, tmp_path):
    run(make_job(source, output))
    run(make_job(source, output, multiplier=4, overwrite=True))
    run(make_job(source, tmp_path / "fresh", multiplier=4))
    assert content(output) == content(tmp_path / "fresh")


def test_cancel_is_told_with_its_count_and_the_job_goes_on_later(source, output, tmp_path):
    model, events = FakeModel(), []
    job = make_job(source, output, multiplier=4)
    with pytest.raises(JobCancelledError):
        Engine(fake_cache(model)).run(
            job, on_event=events.append, is_cancelled=lambda: len(model.calls) == 4
        )
    assert isinstance(events[-1], Cancelled)
    assert events[-1].frames_done == len(visible_names(output)) < 9
    assert len(model.calls) == 4
    assert not [name for name in visible_names(output) if name.startswith(".")]
    run(job)
    run(make_job(source, tmp_path / "whole", multiplier=4))
    assert content(output) == content(tmp_path / "whole")


def test_cancel_while_the_model_is_loaded_counts_the_frames_of_before(source, output):
    run(make_job(source, output))
    (output / "f é 0004.png").unlink()
    events = []
    with pytest.raises(JobCancelledError):
        Engine(fake_cache(FakeModel())).run(
            make_job(source, output),
            on_event=events.append,
            is_cancelled=lambda: any("Loading" in getattr(each, "message", "") for each in events),
        )
    told = [event.message for event in events if isinstance(event, Stage)]
    assert told[0] == "Reading the source frames"
    assert events[-1].frames_done == 4


def test_job_cancelled_before_it_begins_touches_nothing(source, output):
    events = []
    with pytest.raises(JobCancelledError):
        Engine(fake_cache(FakeModel())).run(
            make_job(source, output), on_event=events.append, is_cancelled=lambda: True
        )
    assert [type(event) for event in events] == [Cancelled]
    assert not output.exists()


def test_full_memory_is_noticed_in_words_and_the_job_ends_well(source, output):
    def once(number, _batch):
        if number == 1:
            raise RuntimeError("CUDA out of memory")

    finished, events = run(make_job(source, output), FakeModel(before_call=once))
    assert finished.frames_made == 2
    assert notices_of(events) == ["Memory ran out on cpu: cleared the cache and tried again."]


def test_frame_names_continue_at_the_number_asked_for(source, output):
    job = dataclasses.replace(
        make_job(source, output), first_number=99, name_prefix="neu_", keep_pairs=()
    )
    run(job)
    assert visible_names(output) == ["neu_0099.png", "neu_0100.png", "neu_0101.png"]


def test_tiles_seed_and_free_memory_reach_model_and_cache(tmp_path, output):
    write_sequence(tmp_path / "in", 2, size=(128, 192))
    model = FakeModel()
    cache, limits = fake_cache(model), []
    get = cache.get

    def get_noted(*arguments, limit_bytes, **options):
        limits.append(limit_bytes)
        return get(*arguments, **options)

    cache.get = get_noted
    job = make_job(tmp_path / "in", output, tile_size=128, seed=7, free_memory_limit_gb=1.5)
    Engine(cache).run(job)
    assert [call.shape for call in model.calls] == [(1, 3, 128, 128)] * 2
    assert {call.quality.seed for call in model.calls} == {7}
    assert limits == [3 << 29]


def test_checkpoint_of_another_variant_is_named(source, output, tmp_path):
    checkpoint = tmp_path / "own.pth"
    checkpoint.touch()
    other = dataclasses.replace(fake_spec(), variant="4.6", title="RIFE 4.6")

    def load(_spec, **options):
        return dataclasses.replace(fake_cache(FakeModel()).get(other, **options))

    cache = ModelCache(free_memory=lambda _d: 1 << 40, release=lambda _d: None, load=load)
    events = []
    Engine(cache).run(make_job(source, output, checkpoint=checkpoint), on_event=events.append)
    assert notices_of(events) == [
        f"{checkpoint} is a checkpoint of RIFE 4.6: that is used, in place of RIFE 4.25."
    ]


def test_weights_that_may_not_be_sold_with_say_so(source, output, monkeypatch):
    monkeypatch.setattr(pipeline, "check_terms", lambda _spec: None)  # they are on this machine
    events = []
    Engine(fake_cache(FakeModel())).run(
        make_job(source, output, model="amt-s"), on_event=events.append
    )
    [notice] = [told for told in notices_of(events) if "licensed" in told]
    assert "CC-BY-NC-4.0, not for commercial use" in notice
