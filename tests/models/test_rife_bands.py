"""RIFE in bands of rows, and RIFE read sparsely, against RIFE at the frame's size."""

from __future__ import annotations

import math

import pytest
import torch

from blender_vfi.models import rife, rife_bands, rife_rows
from blender_vfi.models.interface import Quality
from blender_vfi.models.rife_bands import BandedMotion
from blender_vfi.models.rife_plain import PlainMotion
from blender_vfi.models.rife_sparse import SparseMotion

from .test_rife import farthest, golden_model, golden_pair, interpolate, small_pair

pytestmark = pytest.mark.torch

NAMES = ["rife_4.0_bigmotion", "rife_4.0_refine", "rife_4.5", "rife_4.7", "rife_4.14.lite"]


@pytest.fixture(params=[1, 1 << 17], ids=["two_rows", "halves"])
def band_points(request, monkeypatch):
    """Bands as small as they can be, or half of these small pictures."""
    monkeypatch.setattr(rife_rows, "_BAND_POINTS", request.param)


def results_in_every_way(model, frames, quality, monkeypatch):
    """Return what the plain way gives, and then what the two others do."""
    timesteps = (0.3, 0.8)
    banded = interpolate(model, frames, *timesteps, quality=quality)
    monkeypatch.setattr(rife, "suits_bands", lambda _source: False)
    sparse = interpolate(model, frames, *timesteps, quality=quality)
    force_plain_way(monkeypatch)
    return interpolate(model, frames, *timesteps, quality=quality), banded, sparse


def force_plain_way(monkeypatch):
    monkeypatch.setattr(rife, "_kind_of_motion", lambda _source, _scales: PlainMotion)


def assert_all_ways_agree(model, frames, quality, monkeypatch):
    plain, *others = results_in_every_way(model, frames, quality, monkeypatch)
    for other in others:
        assert farthest(other.frames, plain.frames) < 1e-5
        assert farthest(other.mask, plain.mask) < 1e-5
        assert farthest(other.flow_t0, plain.flow_t0) < 1e-3
        assert farthest(other.flow_t1, plain.flow_t1) < 1e-3


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("name", [*NAMES, "rife_4.21", "rife_4.25", "rife_4.25.lite"])
@pytest.mark.usefixtures("band_points")
def test_every_way_gives_what_the_plain_way_gives(name, ensemble, monkeypatch):
    quality = Quality(ensemble=ensemble)
    assert_all_ways_agree(golden_model(name), golden_pair(name), quality, monkeypatch)


@pytest.mark.parametrize("flow_scale", [0.25, 0.5, 1, 2, 4])
@pytest.mark.parametrize("name", ["rife_4.7", "rife_4.25"])
@pytest.mark.usefixtures("band_points")
def test_every_flow_scale_gives_what_the_plain_way_gives(name, flow_scale, monkeypatch):
    model = golden_model(name)
    side = math.lcm(rife.pad_multiple(name.removeprefix("rife_"), flow_scale), 64)
    frames = small_pair(side, side)
    assert_all_ways_agree(model, frames, Quality(flow_scale=flow_scale), monkeypatch)


@pytest.mark.parametrize("name", ["rife_4.0_bigmotion", "rife_4.5", "rife_4.25", "rife_4.25.lite"])
def test_reading_sparsely_differs_from_the_plain_way_by_rounding_alone(name, monkeypatch):
    model = golden_model(name).double()
    frames = [frame.double() for frame in golden_pair(name)]
    plain, _, sparse = results_in_every_way(model, frames, Quality(ensemble=True), monkeypatch)
    assert plain.frames.dtype == torch.float64
    assert farthest(sparse.flow_t0, plain.flow_t0) < 1e-9
    assert farthest(sparse.frames, plain.frames) < 1e-11


def test_reading_sparsely_in_half_precision_is_as_good_as_the_plain_way(monkeypatch):
    model, frames = golden_model("rife_4.25"), golden_pair("rife_4.25")
    exact = interpolate(model, frames, 0.5).frames
    model, frames = model.bfloat16(), [frame.bfloat16() for frame in frames]
    sparse = interpolate(model, frames, 0.5)
    assert sparse.frames.dtype == torch.bfloat16
    assert sparse.flow_t0.dtype == torch.float32
    force_plain_way(monkeypatch)
    plain = interpolate(model, frames, 0.5)
    errors = [(way.frames.float() - exact).square().mean() for way in (sparse, plain)]
    assert errors[0] < 1.1 * errors[1]


@pytest.mark.parametrize(
    ("device", "dtype", "scales", "kind"),
    [
        ("cpu", torch.float32, (4.0, 2.0, 1.0), BandedMotion),
        ("cpu", torch.bfloat16, (4.0, 2.0, 1.0), SparseMotion),
        ("meta", torch.float32, (4.0, 2.0, 1.0), SparseMotion),
        ("meta", torch.float16, (2.0, 1.0, 0.5), PlainMotion),
        ("cpu", torch.float32, (2.0, 1.0, 0.5), PlainMotion),
    ],
)
def test_the_way_is_chosen_by_device_precision_and_scales(device, dtype, scales, kind):
    source = torch.zeros(1, 3, 2, 2, dtype=dtype, device=device)
    with torch.no_grad():
        assert rife._kind_of_motion(source, scales) is kind


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_thread_gets_bands_that_cover_all_rows_once(threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    for height, points_in_row in ((768, 1280), (96, 160), (4, 8), (2, 1 << 20)):
        bands = list(rife_rows.bands(height, points_in_row))
        assert [row for top, bottom in bands for row in range(top, bottom)] == list(range(height))
        assert len(bands) >= min(2 * threads, height // 2)
        assert all(
            bottom - top == 2 or (bottom - top) * points_in_row <= 1 << 17 for top, bottom in bands
        )


@pytest.mark.parametrize(
    ("scales", "fits"),
    [
        ((8, 4, 2, 1), True),
        ((32.0, 16.0, 8.0, 4.0, 1.0), True),
        ((16, 8, 4, 2), True),
        ((4, 2, 1, 0.5), False),
        ((8 / 0.75, 4 / 0.75, 2 / 0.75, 1 / 0.75), False),
        ((6, 3, 1), False),
        ((6, 2, 1), False),
    ],
)
def test_scales_that_nest_are_told_from_others(scales, fits):
    assert rife_bands.nests(scales) is fits


@pytest.mark.parametrize(
    ("source", "suits"),
    [
        (torch.zeros(1, 3, 2, 2), True),
        (torch.zeros(1, 3, 2, 2, dtype=torch.float16), False),
        (torch.zeros(1, 3, 2, 2, dtype=torch.float64), False),
        (torch.zeros(1, 3, 2, 2, device="meta"), False),
    ],
)
def test_bands_are_for_single_precision_on_the_processor(source, suits):
    with torch.no_grad():
        assert rife.suits_bands(source) is suits
    assert not rife.suits_bands(source)


def test_gradients_still_flow():
    model, frames = golden_model("rife_4.25"), golden_pair("rife_4.25")
    frames[0].requires_grad_(True)
    features = [model.encode(frame) for frame in frames]
    model(frames, features, [0.5], Quality()).frames.sum().backward()
    assert frames[0].grad.abs().sum() > 0


def test_weights_loaded_later_are_the_ones_used():
    model, frames = golden_model("rife_4.25"), golden_pair("rife_4.25")
    expected = interpolate(model, frames, 0.5)
    weights = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    model.load_state_dict({key: tensor * 0.5 for key, tensor in weights.items()})
    assert farthest(interpolate(model, frames, 0.5).frames, expected.frames) > 1e-3
    model.load_state_dict(weights)
    assert torch.equal(interpolate(model, frames, 0.5).frames, expected.frames)
