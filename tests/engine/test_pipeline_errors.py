"""Jobs that are refused, or end with an error: what it says, and what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from blender_vfi.engine import images
from blender_vfi.engine.pipeline import Engine
from blender_vfi.errors import (
    CheckpointError,
    DeviceMemoryError,
    FrameError,
    LicenceError,
    OutputError,
    RequestError,
    UnknownModelError,
)

from .fake_jobs import content, run
from .fake_model import FakeModel, fake_cache
from .sequences import make_job, visible_names, write_sequence

pytestmark = pytest.mark.torch


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in 'ü'", 3)
    return tmp_path / "in 'ü'"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out \"日本\" 'x'"


def test_frames_of_other_settings_are_not_mixed_with_new_ones(source, output):
    run(make_job(source, output))
    before = content(output)
    pace = r"very job.*has changed: pace \(was multiplier 2, is multiplier 4\)\):"
    with pytest.raises(OutputError, match=pace):
        run(make_job(source, output, multiplier=4))
    assert content(output) == before


def test_damaged_frame_in_the_middle_is_named_and_finished_frames_stay(tmp_path, output):
    paths = write_sequence(tmp_path / "in", 5)
    whole = paths[3].read_bytes()
    paths[3].write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(FrameError, match=r"f é 0004\.png"):
        run(make_job(tmp_path / "in", output, cuts="off"))
    left = visible_names(output)
    assert {"f é 0001.png", "f é 0002.png"} <= set(left)
    assert not [name for name in left if "partial" in name]


def test_missing_frame_is_named_before_anything_is_written(source, output):
    job = make_job(source, output)
    (source / "f é 0002.png").unlink()
    with pytest.raises(FrameError, match=r"f é 0002\.png cannot be read"):
        run(job)
    assert not output.exists()


def test_frame_of_another_size_is_named_with_both_sizes(source, output, tmp_path):
    [odd] = write_sequence(tmp_path / "odd", 1, size=(16, 16))
    (source / "f é 0003.png").write_bytes(odd.read_bytes())
    with pytest.raises(FrameError, match=r"f é 0003\.png is 16×16, f é 0001\.png is 40×24"):
        run(make_job(source, output))


@pytest.mark.parametrize("name", ["in 'ü'", "in 'ü'/../in 'ü'", "link"])
def test_source_folder_cannot_be_the_output_folder(source, name, tmp_path):
    (tmp_path / "link").symlink_to(source)
    before = content(source)
    with pytest.raises(OutputError, match="of the source frames"):
        run(make_job(source, tmp_path / name))
    assert content(source) == before


def test_format_that_would_lose_something_is_refused_before_work(tmp_path, output):
    write_sequence(tmp_path / "in", 2, channels=4)
    with pytest.raises(RequestError, match=r"\.jpg.*alpha would be lost"):
        run(make_job(tmp_path / "in", output, suffix=".jpg"))
    assert not output.exists()


def test_unknown_model_and_missing_checkpoint_have_errors_of_their_own(source, output, tmp_path):
    with pytest.raises(UnknownModelError, match=r"Did you mean rife-4\.25"):
        run(make_job(source, output, model="rife4.25"))
    with pytest.raises(CheckpointError, match=r"none\.pth"):
        run(make_job(source, output, checkpoint=tmp_path / "none.pth"))


def test_write_that_fails_stops_the_job_and_leaves_no_partial_file(source, output, monkeypatch):
    def full(path, *_arguments):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(images, "write_frame", full)
    model = FakeModel()
    with pytest.raises(OutputError, match="No space left on device"):
        run(make_job(source, output, multiplier=64), model)
    assert not [name for name in visible_names(output) if name.startswith(".")]
    assert len(model.calls) < 126  # it did not go on to the end


@pytest.mark.parametrize("failures", [1, 2])
def test_memory_that_runs_out_while_loading_drops_other_models_first(source, output, failures):
    attempts = []
    cache = fake_cache(FakeModel())
    get = cache.get

    def get_later(*arguments, **options):
        attempts.append(len(cache))
        if len(attempts) - 1 in range(1, failures + 1):
            raise RuntimeError("CUDA out of memory")
        return get(*arguments, **options)

    cache.get = get_later
    engine = Engine(cache)
    engine.run(make_job(source, output))  # leaves a model in the cache
    job = make_job(source, output, multiplier=3, overwrite=True)
    if failures == 1:
        assert engine.run(job).frames_made == 4
    else:
        with pytest.raises(DeviceMemoryError, match=r"RIFE 4\.25 does not fit"):
            engine.run(job)
    assert attempts == [0, 1, 0]


def test_old_frames_survive_a_job_that_cannot_load_its_model(source, output):
    run(make_job(source, output))
    before = content(output)
    cache = fake_cache(FakeModel())

    def refuse(*_arguments, **_options):
        raise CheckpointError("damaged")

    cache.get = refuse
    with pytest.raises(CheckpointError, match="damaged"):
        Engine(cache).run(make_job(source, output, multiplier=4, overwrite=True))
    assert content(output) == before


def test_a_licence_that_was_not_accepted_stops_a_job_before_it_looks_at_frames(
    source, output, tmp_path, monkeypatch
):
    monkeypatch.setenv("BLENDER_VFI_CHECKPOINTS", str(tmp_path / "no models"))
    (source / visible_names(source)[-1]).write_bytes(b"no picture")
    with pytest.raises(LicenceError, match="accept"):
        Engine(fake_cache(FakeModel())).run(make_job(source, output, model="amt-s"))
    assert not output.exists()
