"""RIFE in bands of rows against RIFE at the frame's size: two ways to one result."""

from __future__ import annotations

import math

import pytest
import torch

from blender_vfi.models import rife, rife_bands, rife_rows
from blender_vfi.models.interface import Quality

from .test_rife import farthest, golden_model, golden_pair, interpolate, small_pair

pytestmark = pytest.mark.torch

NAMES = ["rife_4.0_bigmotion", "rife_4.0_refine", "rife_4.5", "rife_4.7", "rife_4.14.lite"]


@pytest.fixture(params=[1, 1 << 17], ids=["two_rows", "halves"])
def band_points(request, monkeypatch):
    """Bands as small as they can be, or half of these small pictures."""
    monkeypatch.setattr(rife_rows, "_BAND_POINTS", request.param)


def assert_both_ways_agree(model, frames, quality, monkeypatch):
    timesteps = (0.3, 0.8)
    banded = interpolate(model, frames, *timesteps, quality=quality)
    monkeypatch.setattr(rife, "suits_bands", lambda _source: False)
    plain = interpolate(model, frames, *timesteps, quality=quality)
    assert farthest(banded.frames, plain.frames) < 1e-5
    assert farthest(banded.mask, plain.mask) < 1e-5
    assert farthest(banded.flow_t0, plain.flow_t0) < 1e-3
    assert farthest(banded.flow_t1, plain.flow_t1) < 1e-3


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("name", [*NAMES, "rife_4.21", "rife_4.25", "rife_4.25.lite"])
@pytest.mark.usefixtures("band_points")
def test_bands_give_what_the_plain_way_gives(name, ensemble, monkeypatch):
    quality = Quality(ensemble=ensemble)
    assert_both_ways_agree(golden_model(name), golden_pair(name), quality, monkeypatch)


@pytest.mark.parametrize("flow_scale", [0.25, 0.5, 1, 2, 4])
@pytest.mark.parametrize("name", ["rife_4.7", "rife_4.25"])
@pytest.mark.usefixtures("band_points")
def test_every_flow_scale_gives_what_the_plain_way_gives(name, flow_scale, monkeypatch):
    model = golden_model(name)
    side = math.lcm(rife.pad_multiple(name.removeprefix("rife_"), flow_scale), 64)
    frames = small_pair(side, side)
    assert_both_ways_agree(model, frames, Quality(flow_scale=flow_scale), monkeypatch)


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
