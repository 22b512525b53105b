"""Interpolation from Python: tensors in, tensors out; arguments that cannot be."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.engine import api
from blender_vfi.engine.protocol import Finished
from blender_vfi.errors import DeviceError, FrameError, RequestError, UnknownModelError

from .fake_model import FakeModel, fake_cache
from .movie_files import write_movie
from .sequences import visible_names, write_sequence

pytestmark = pytest.mark.torch


@pytest.fixture
def model(monkeypatch):
    """The model that the interface loads, whichever is asked for."""
    fake = FakeModel()
    monkeypatch.setattr(api, "_MODELS", fake_cache(fake))
    return fake


def frames(count=3, channels=3, **options):
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 9, 7, channels, generator=generator, **options)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_source_frames_stand_unchanged_among_the_new_ones(model, channels):
    given = frames(channels=channels)
    before = given.clone()
    made = api.interpolate(given, multiplier=3, device="cpu")
    assert made.shape == (7, 9, 7, channels)
    assert made.dtype == torch.float32
    assert torch.equal(made[::3], given)
    assert torch.equal(given, before)
    assert torch.isfinite(made).all()


def test_new_frames_lie_between_their_neighbours(model):
    given = frames()
    made = api.interpolate(given, multiplier=4, device="cpu")
    for step in range(1, 4):
        expected = torch.lerp(given[0], given[1], step / 4)
        assert torch.allclose(made[step], expected, atol=1e-6)


def test_each_pair_may_have_its_own_multiplier_and_pairs_may_be_skipped(model):
    assert len(api.interpolate(frames(4), multiplier=[2, 1, 3], device="cpu")) == 7
    assert len(api.interpolate(frames(4), multiplier=2, skip_pairs={1}, device="cpu")) == 6
    assert len(api.interpolate(frames(4), multiplier=2, keep_pairs=[1], device="cpu")) == 5


def test_result_goes_into_the_tensor_given(model):
    out = torch.full((5, 9, 7, 3), -1.0, dtype=torch.float16)
    given = frames()
    assert api.interpolate(given, out=out, device="cpu") is out
    assert torch.equal(out[::2], given.half())
    assert out.min() >= 0
    half = api.interpolate(given, dtype=torch.float16, device="cpu")
    assert torch.equal(half, out)


def test_light_above_one_is_kept_with_its_premultiplied_alpha(model):
    ends = torch.tensor([[6.0, 3.0, 0.0, 0.5], [2.0, 1.0, 4.0, 1.0]])
    bright = ends[:, None, None].expand(2, 9, 7, 4).contiguous()
    made = api.interpolate(bright, is_linear=True, device="cpu")
    assert torch.allclose(made[1, 0, 0], torch.tensor([4.0, 2.0, 2.0, 0.75]))


def test_frames_that_gradients_are_asked_of_give_a_plain_result(model):
    made = api.interpolate(frames().requires_grad_(), device="cpu")
    assert not made.requires_grad


def test_double_and_half_frames_are_taken(model):
    for dtype in (torch.float64, torch.float16):
        assert api.interpolate(frames().to(dtype), device="cpu").dtype == torch.float32


def test_tiles_make_the_same_frames_and_the_seed_reaches_the_model(model):
    given = torch.rand(2, 128, 192, 3, generator=torch.Generator().manual_seed(1))
    whole = api.interpolate(given, device="cpu")
    model.calls.clear()
    tiled = api.interpolate(given, device="cpu", tile_size=128, seed=5)
    assert torch.allclose(tiled, whole, atol=1e-6)
    assert [call.quality.seed for call in model.calls] == [5, 5]


def test_settings_reach_the_model(model):
    api.interpolate(frames(), flow_scale=0.5, ensemble=True, device="cpu")
    assert model.calls[0].quality.flow_scale == 0.5
    assert model.calls[0].quality.ensemble


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"multiplier": 1}, "Multiplier 1"),
        ({"multiplier": 1.5}, "Multiplier 1.5"),
        ({"multiplier": [2]}, "1 multipliers for 3 frames"),
        ({"skip_pairs": [2]}, "3 frames have the pairs 0 to 1"),
        ({"skip_pairs": [], "keep_pairs": []}, "give one of them"),
        ({"precision": "fp8"}, "Precision fp8"),
        ({"precision": "fp16"}, "Precision fp16 on the CPU"),
        ({"flow_scale": 0}, "Flow scale 0"),
        ({"clear_cache_every": 0}, "Clear cache every 0"),
        ({"device": "gpu"}, "Device 'gpu'"),
        ({"dtype": torch.int32}, "Output type torch.int32"),
        ({"out": torch.zeros(5, 9, 7, 4)}, "Output tensor of shape"),
        ({"out": torch.zeros(5, 9, 7, 3, dtype=torch.uint8)}, "torch.uint8 on cpu"),
    ],
)
def test_argument_out_of_range_is_named_before_a_model_is_loaded(model, changes, message):
    with pytest.raises(RequestError, match=message):
        api.interpolate(frames(), **{"device": "cpu", **changes})
    assert len(api._MODELS) == 0


@pytest.mark.parametrize(
    "bad",
    [
        torch.rand(9, 7, 3),
        torch.zeros(3, 9, 7, 3, dtype=torch.uint8),
        torch.rand(1, 9, 7, 3),
        torch.rand(3, 9, 7, 5),
        torch.rand(3, 0, 7, 3),
    ],
)
def test_tensor_that_is_no_sequence_of_frames_is_refused(model, bad):
    with pytest.raises(RequestError):
        api.interpolate(bad, device="cpu")
    assert model.calls == []


def test_device_that_is_not_there_is_told_with_those_that_are(model):
    with pytest.raises(DeviceError, match=r"Device xpu:7 is not there: .* sees .*cpu"):
        api.interpolate(frames(), device="xpu:7")


def test_unknown_model_is_told_with_the_nearest(model):
    with pytest.raises(UnknownModelError, match=r"Did you mean rife-4\.25"):
        api.interpolate(frames(), model="rife4.25", device="cpu")


def test_folder_to_folder_takes_what_python_callers_have(model, tmp_path):
    write_sequence(tmp_path / "in", 4)
    events = []
    finished = api.interpolate_folder(
        tmp_path / "in",
        tmp_path / "out",
        multiplier=[2, 2, 3],
        skip_pairs={1},
        device="cpu",
        on_event=events.append,
    )
    assert finished == events[-1]
    assert isinstance(finished, Finished)
    assert (finished.frames_total, finished.frames_made) == (7, 3)
    assert len(visible_names(tmp_path / "out")) == 7
    assert len(api._MODELS) == 1  # the cache of `interpolate` serves both


def test_movie_becomes_frames_and_another_movie(model, tmp_path):
    clip = write_movie(tmp_path / "clip.mkv", 3, codec="ffv1", pix_fmt="bgr0")
    finished = api.interpolate_movie(
        clip,
        tmp_path / "out",
        multiplier=2,
        device="cpu",
        movie=str(tmp_path / "out.mkv"),
        codec="ffv1",
        movie_rate=(48, 1),
    )
    assert (finished.frames_total, finished.frames_made) == (5, 2)
    assert (tmp_path / "out.mkv").stat().st_size > 1000
    with pytest.raises(FrameError, match="cannot be read"):
        api.interpolate_movie(tmp_path / "none.mp4", tmp_path / "out")


def test_unknown_setting_and_missing_folder_are_named(model, tmp_path):
    with pytest.raises(FrameError, match="cannot be read"):
        api.interpolate_folder(tmp_path / "none", tmp_path / "out")
    write_sequence(tmp_path / "in", 2)
    for name in ("multiplyer", "sources"):
        with pytest.raises(RequestError, match=f"Unknown setting '{name}'"):
            api.interpolate_folder(tmp_path / "in", tmp_path / "out", **{name: 2})


def test_arrays_are_refused_with_the_way_to_a_tensor(model):
    with pytest.raises(RequestError, match=r"ndarray.*torch\.from_numpy"):
        api.interpolate(torch.zeros(2, 8, 8, 3).numpy())
