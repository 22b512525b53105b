"""Curves between light and code values."""

from __future__ import annotations

import math

import pytest
import torch

from blender_vfi.engine.light import (
    BRIGHTEST,
    ExposedCurve,
    LightCurve,
    curve_for,
    display_encoded,
    exposed_curve_for,
    mean_stops,
)

pytestmark = pytest.mark.torch

PEAKS = [1.0, 2.0, 4.0, 64.0, 4096.0, BRIGHTEST]


def up_to(peak):
    """Light from nothing to a peak."""
    return torch.cat(
        (torch.zeros(1), torch.logspace(-5, math.log10(peak), 500)[:-1], torch.tensor([peak]))
    )


@pytest.mark.parametrize("peak", PEAKS)
def test_light_of_every_brightness_comes_back(peak):
    curve = LightCurve(peak)
    back = curve.decoded(curve.encoded(up_to(peak)))
    assert torch.allclose(back, up_to(peak), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("peak", PEAKS)
def test_codes_fill_zero_to_one_and_rise_throughout(peak):
    codes = LightCurve(peak).encoded(up_to(peak))
    assert (codes[0].item(), codes[-1].item()) == (0.0, pytest.approx(1.0))
    assert (codes.diff() > 0).all()


@pytest.mark.parametrize("peak", PEAKS[1:])
def test_the_curve_has_no_kink_where_displays_end(peak):
    step = 1e-4
    light = torch.tensor([1 - step, 1, 1 + step], dtype=torch.float64)
    below, at, above = LightCurve(peak).encoded(light)
    assert at.item() > 0.5999
    assert ((above - at) / (at - below)).item() == pytest.approx(1, abs=2e-3)


def test_light_that_displays_can_show_is_seen_as_they_show_it():
    light = torch.linspace(0, 1, 50)
    assert torch.equal(LightCurve(1.0).encoded(light), display_encoded(light))


def test_what_has_no_code_is_the_nearest_that_has():
    curve = LightCurve(64.0)
    codes = curve.encoded(torch.tensor([-1.0, 1e30, float("inf")]))
    assert codes.tolist() == pytest.approx([0.0, 1.0, 1.0])
    assert curve.decoded(torch.tensor([-0.1, 1.1])).tolist() == pytest.approx([0.0, 64.0], rel=1e-4)


@pytest.mark.parametrize(
    ("brightest", "peak"),
    [(0.0, 1.0), (1.0, 1.0), (1.01, 2.0), (40.0, 64.0), (64.0, 64.0), (1e9, BRIGHTEST)],
)
def test_frames_of_nearly_the_same_light_share_a_curve(brightest, peak):
    assert curve_for(brightest) == LightCurve(peak)


@pytest.mark.parametrize("exposure", [2**-6, 1.0, 2**9])
def test_frames_of_any_exposure_are_shown_alike(exposure):
    light = torch.linspace(0.05, 0.9, 100)
    seen = exposed_curve_for(mean_stops(light), 0.9).encoded(light)
    exposed = light * exposure
    curve = exposed_curve_for(mean_stops(exposed), 0.9 * exposure)
    assert torch.allclose(curve.encoded(exposed), seen, atol=1e-6)


def test_a_middle_gray_is_brought_to_within_half_a_stop():
    for gray in (0.003, 0.1, 0.18, 5.0, 3000.0):
        curve = exposed_curve_for(mean_stops(torch.full((9,), gray)), gray)
        assert 0.18 / 2**0.5 <= gray * curve.gain <= 0.18 * 2**0.5


def test_black_says_nothing_of_the_exposure():
    lit = torch.full((10,), 40.0)
    mostly_black = torch.cat((lit, torch.zeros(1000)))
    assert mean_stops(mostly_black) == pytest.approx(mean_stops(lit))
    assert exposed_curve_for(mean_stops(torch.zeros(9)), 1.0) == ExposedCurve(1.0, LightCurve(1.0))


def test_light_that_is_no_number_or_infinite_still_has_an_exposure():
    odd = torch.tensor([float("nan"), float("inf"), -3.0, 0.18])
    assert math.isfinite(mean_stops(odd))
    codes = exposed_curve_for(mean_stops(odd), float("inf")).encoded(odd.nan_to_num(nan=0.0))
    assert torch.isfinite(codes).all()
