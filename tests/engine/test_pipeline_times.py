"""Jobs whose output frames have times of their own: on disk, in memory, and gone on with."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from blender_vfi.engine import api
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Found
from blender_vfi.engine.wire import job_from_json, job_to_json
from blender_vfi.errors import RequestError

from .fake_jobs import notices_of, run
from .fake_model import FakeModel, fake_cache, fake_spec
from .moving_model import MovingModel
from .pass_files import read_exr, write_shots
from .sequences import make_job, read_png, visible_names, write_sequence
from .shots import shot, write_frames

pytestmark = pytest.mark.torch

THERE_AND_BACK = ("0", "1/2", "3/2", "3/2", "2", "7/4", "1", "1/2")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 4)
    return tmp_path / "in"


def expected(source: Path, time: str) -> np.ndarray:
    moment = Fraction(time)
    frames = [read_png(path).astype(float) for path in sorted(source.iterdir())]
    pair = min(int(moment), len(frames) - 2)
    share = float(moment - pair)
    return frames[pair] * (1 - share) + frames[pair + 1] * share


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in visible_names(folder)]


@pytest.mark.parametrize("context", [2, 4])
@pytest.mark.parametrize("timesteps", ["any", "recursive", "middle"])
def test_time_may_halt_and_turn_back_with_every_kind_of_model(
    source, tmp_path, timesteps, context, monkeypatch
):
    spec = fake_spec(timesteps=timesteps, context=context)
    monkeypatch.setattr("blender_vfi.engine.pipeline.catalog.find", lambda _name: spec)
    out = tmp_path / "out"
    finished, _ = run(make_job(source, out, times=THERE_AND_BACK))
    assert finished.frames_total == len(THERE_AND_BACK)
    assert finished.frames_made == 5
    made = files(out)
    originals = [path.read_bytes() for path in sorted(source.iterdir())]
    assert [made[0], made[4], made[6]] == [originals[0], originals[2], originals[1]]
    assert made[2] == made[3]
    assert made[1] == made[7]
    for name, time in zip(visible_names(out), THERE_AND_BACK, strict=True):
        assert np.abs(read_png(out / name) - expected(source, time)).max() <= 1.01


def test_a_window_of_four_goes_to_and_fro_without_losing_a_frame(source, tmp_path, monkeypatch):
    spec = fake_spec(context=4)
    monkeypatch.setattr("blender_vfi.engine.pipeline.catalog.find", lambda _name: spec)
    times = [str(Fraction(step, 2)) for step in (1, 3, 5, 3, 1, 3, 5, 3, 1, 5, 1)]
    finished, _ = run(make_job(source, tmp_path / "out", times=times))
    assert finished.frames_made == len(times)


@pytest.mark.parametrize("missing", [(3,), (4,), (3, 4), (2, 6, 8)])
def test_a_stopped_job_makes_what_is_missing_and_the_same(source, tmp_path, missing):
    out = tmp_path / "out"
    run(make_job(source, out, times=THERE_AND_BACK))
    whole = files(out)
    for number in missing:
        (out / f"f é {number:04d}.png").unlink()
    finished, _ = run(make_job(source, out, times=THERE_AND_BACK))
    assert finished.frames_made == len(missing)
    assert files(out) == whole


def test_other_times_are_another_job_and_leave_nothing_of_the_last(source, tmp_path):
    out = tmp_path / "out"
    run(make_job(source, out, times=THERE_AND_BACK))
    job = make_job(source, out, times=("1/4", "1/2"), overwrite=True)
    assert job_from_json(job_to_json(job)) == job
    run(job)
    assert visible_names(out) == ["f é 0001.png", "f é 0002.png"]


def test_cuts_are_held_where_time_passes_them_either_way(tmp_path):
    source = write_frames(tmp_path / "in", shot(1, 2) + shot(2, 2))
    out = tmp_path / "out"
    _, events = run(make_job(source, out, times=("1/2", "3/2", "5/2", "3/2")))
    assert [event.cuts for event in events if isinstance(event, Found)] == [(1,)]
    made = files(out)
    assert made[1] == made[3] == sorted(source.iterdir())[1].read_bytes()


def test_drawings_on_twos_are_retimed_under_a_ramp(tmp_path):
    drawings = shot(1, 3)
    source = write_frames(tmp_path / "in", [drawings[index // 2] for index in range(6)])
    out = tmp_path / "out"
    finished, _ = run(
        make_job(source, out, times=("1", "2", "3", "2", "1"), duplicates="retime", cuts="off")
    )
    made = files(out)
    assert finished.frames_made == 3, "a drawing is shown at its own moment alone"
    assert made == made[::-1]
    assert made[1] == sorted(source.iterdir())[2].read_bytes()


def test_a_loop_goes_round_more_than_once(source, tmp_path):
    out = tmp_path / "out"
    run(make_job(source, out, loop=True, times=("7/2", "4", "15/2", "8")))
    made = files(out)
    assert made[1] == made[3] == sorted(source.iterdir())[0].read_bytes()
    assert made[0] == made[2]


def test_models_of_middles_share_a_frame_where_moments_cannot_be_told_apart(source, tmp_path):
    model = FakeModel()
    spec = fake_spec(timesteps="middle")
    engine = Engine(fake_cache(model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blender_vfi.engine.pipeline.catalog.find", lambda _name: spec)
        patch.setattr(
            "blender_vfi.models.cache.ModelCache.get",
            lambda *_a, **_k: fake_cache(model)._load(spec),
        )
        events = []
        times = ("1/2", "50000001/100000000", "3/4")
        engine.run(make_job(source, tmp_path / "out", times=times), on_event=events.append)
    made = files(tmp_path / "out")
    assert made[0] == made[1] != made[2]
    assert notices_of(events)


def test_vectors_turn_round_where_time_does_and_are_zero_where_it_halts(tmp_path):
    write_shots(tmp_path / "in", 3)
    for name, times in {
        "there": ("0", "1/2", "1"),
        "back": ("1", "1/2", "0"),
        "halt": ("1/2", "1/2", "1/2"),
    }.items():
        job = make_job(tmp_path / "in", tmp_path / name, times=times, cuts="off")
        Engine(fake_cache(MovingModel())).run(job)
    there, back, halted = (
        read_exr(tmp_path / name / "shot_0002.exr")[0] for name in ("there", "back", "halt")
    )
    vectors = [name for name in there if ".Vector." in name]
    assert vectors
    assert any(there[name].any() for name in vectors)
    for name in vectors:
        assert np.array_equal(back[name], -there[name])
        assert not halted[name].any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"multiplier": 4}, "Multiplier 4 and 1 times: give one of them"),
        ({"rate_ratio": (5, 2)}, "give one of them"),
        ({"times": ("9",)}, "4 source frames have the times 0 to 3"),
        ({"times": ("x",)}, "Time 'x': must be a number of source frames"),
        ({"times": ()}, "No times"),
    ],
)
def test_what_does_not_go_together_is_refused(source, tmp_path, settings, message):
    with pytest.raises(RequestError, match=message):
        make_job(source, tmp_path / "out", **{"times": ("1/2",), **settings})


def test_fixed_moments_are_refused_off_their_grid(source, tmp_path, monkeypatch):
    spec = fake_spec(timesteps="fixed", fixed_multiplier=4)
    monkeypatch.setattr("blender_vfi.engine.pipeline.catalog.find", lambda _name: spec)
    with pytest.raises(RequestError, match="knows only the multiples of 1/4"):
        run(make_job(source, tmp_path / "out", times=("1/3",)))


def test_tensors_are_shown_at_the_times_asked_for(monkeypatch):
    monkeypatch.setattr(api, "_MODELS", fake_cache(FakeModel()))
    frames = torch.linspace(0, 1, 3)[:, None, None, None].expand(3, 16, 16, 3).contiguous()
    made = api.interpolate(frames, times=[2, 1.5, "1/2", Fraction(1, 2), 0], device="cpu")
    assert made.mean(dim=(1, 2, 3)).tolist() == pytest.approx([1, 0.75, 0.25, 0.25, 0])
    assert torch.equal(made[0], frames[2])
