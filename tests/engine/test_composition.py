"""Whole frames from what the network sees and answers: alpha, grey, light above 1."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.engine.composition import (
    ChannelLayout,
    brightest,
    compose,
    picture_of,
    premultiplied,
    views_beside,
)
from blender_vfi.engine.light import ExposedCurve, LightCurve
from blender_vfi.errors import RequestError
from blender_vfi.models.interface import Interpolation

pytestmark = pytest.mark.torch

SIDE = 8
GREY, GREY_ALPHA, RGB, RGBA = (ChannelLayout(count=count) for count in (1, 2, 3, 4))
LINEAR = ChannelLayout(count=3, is_linear=True)


def frame(*channels):
    """A flat (1, C, H, W) frame of the given values."""
    return torch.tensor(channels, dtype=torch.float32)[None, :, None, None].expand(
        1, -1, SIDE, SIDE
    )


def answer(*colours, shift=0.0, mask=0.5):
    """A network's answer: flat pictures, one flow of `shift` pixels to the right for all."""
    count = len(colours)
    flow = torch.zeros(count, 2, SIDE, SIDE)
    flow[:, 0] = shift
    return Interpolation(
        frames=torch.cat([frame(*colour) for colour in colours]),
        flow_t0=flow,
        flow_t1=-flow,
        mask=torch.full((count, 1, SIDE, SIDE), mask),
    )


CURVE = ExposedCurve(0.5, LightCurve(1.0))


def network_picture(shown, layout):
    """What a network that tells the motion sees of a frame's colour."""
    return picture_of(shown, layout, "colour", CURVE if layout.is_linear else None)


def composed(result, frame0, frame1, layout):
    """Compose one answer, for a frame's colour."""
    return compose({"colour": result}, frame0, frame1, layout, None)


def bare(*colour):
    """The answer of a network that yields pictures only."""
    return Interpolation(frames=frame(*colour))


@pytest.mark.parametrize("count", [0, 5])
def test_channel_counts_that_mean_nothing_are_refused(count):
    with pytest.raises(RequestError, match=f"{count} channels: a frame must have 1"):
        ChannelLayout(count=count)


def test_colours_under_zero_alpha_do_not_reach_the_network():
    hidden = premultiplied(frame(1.0, 0.5, 0.25, 0.0), RGBA)
    assert torch.equal(network_picture(hidden, RGBA), torch.zeros(1, 3, SIDE, SIDE))


def test_premultiplied_frames_are_left_as_they_are():
    stored = frame(0.5, 0.25, 0.1, 0.5)
    layout = ChannelLayout(count=4, alpha_mode="premultiplied")
    assert premultiplied(stored, layout) is stored
    assert premultiplied(frame(0.5), GREY).flatten()[0] == 0.5


@pytest.mark.parametrize("layout", [GREY, GREY_ALPHA, RGB, RGBA])
def test_network_sees_three_channels_of_any_layout(layout):
    picture = network_picture(torch.rand(1, layout.count, SIDE, SIDE), layout)
    assert picture.shape == (1, 3, SIDE, SIDE)


def test_network_sees_linear_light_display_encoded_at_its_exposure():
    picture = network_picture(frame(0.0, 0.36, 40.0), LINEAR)[0, :, 0, 0]
    # 0.18 by the sRGB curve of IEC 61966-2-1
    assert picture.tolist() == pytest.approx([0.0, 0.46135612, 1.0], abs=1e-6)
    dark = network_picture(frame(0.002, -3.0, float("inf")), LINEAR)[0, :, 0, 0]
    assert dark.tolist() == pytest.approx([0.01292, 0.0, 1.0], abs=1e-6)


def test_pixels_that_are_no_number_are_black_to_the_network():
    picture = network_picture(frame(float("nan"), 0.5, 0.5), LINEAR)
    assert torch.isfinite(picture).all()
    assert picture[0, 0].eq(0).all()


def test_opaque_colour_is_the_networks_own():
    result = answer((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    made = composed(result, frame(0, 0, 0), frame(1, 1, 1), RGB)
    assert torch.equal(made, result.frames)
    assert made.dtype == torch.float32


def test_grey_is_the_mean_of_what_the_network_made():
    made = composed(answer((0.1, 0.2, 0.6)), frame(0.0), frame(1.0), GREY)
    assert made.shape == (1, 1, SIDE, SIDE)
    assert made.flatten()[0].item() == pytest.approx(0.3)


def test_alpha_follows_the_flow_and_the_mask():
    alpha0 = torch.zeros(1, 4, SIDE, SIDE)
    alpha0[:, 3, :, 4:] = 1  # opaque from column 4
    # two pixels to the left of where it was, and all of it from frame0
    made = composed(answer((0.5, 0.5, 0.5), shift=2.0, mask=1.0), alpha0, alpha0, RGBA)
    assert made[0, 3, 0].tolist() == [0, 0, 1, 1, 1, 1, 1, 1]


def test_straight_colours_are_divided_by_alpha_and_stay_in_range():
    ends = frame(0.2, 0.2, 0.2, 0.5)
    made = composed(answer((0.25, 0.5, 0.75)), ends, ends, RGBA)
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.5, 1.0, 1.0, 0.5])


def test_colour_stays_where_alpha_is_zero():
    ends = frame(0.0, 0.0, 0.0, 0.0)
    made = composed(answer((0.25, 0.5, 0.75)), ends, ends, RGBA)
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.25, 0.5, 0.75, 0.0])


def test_linear_light_above_one_is_moved_not_clipped():
    made = composed(answer((1.0, 1.0, 1.0), mask=0.25), frame(40, 0, -1), frame(80, 4, 3), LINEAR)
    assert made[0, :, 0, 0].tolist() == pytest.approx([70.0, 3.0, 2.0])


def test_linear_alpha_is_carried_with_its_premultiplied_colour():
    layout = ChannelLayout(count=4, is_linear=True, alpha_mode="premultiplied")
    ends = frame(6.0, 3.0, 0.0, 0.5)
    made = composed(answer((0.0, 0.0, 0.0)), ends, ends, layout)
    assert torch.allclose(made, ends)


def test_straight_linear_alpha_comes_back_straight():
    layout = ChannelLayout(count=4, is_linear=True, alpha_mode="straight")
    stored = frame(6.0, 3.0, 0.0, 0.5)
    ends = premultiplied(stored, layout)
    assert torch.allclose(composed(answer((0.0, 0.0, 0.0)), ends, ends, layout), stored)


def test_half_precision_answers_become_float32_frames():
    result = answer((0.25, 0.5, 0.75))
    half = Interpolation(
        frames=result.frames.half(),
        flow_t0=result.flow_t0.half(),
        flow_t1=result.flow_t1.half(),
        mask=result.mask.half(),
    )
    ends = frame(0.5, 0.5, 0.5, 1.0)
    made = composed(half, ends, ends, RGBA)
    assert made.dtype == torch.float32
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.25, 0.5, 0.75, 1.0])


PREMULTIPLIED = ChannelLayout(count=4, is_linear=True, alpha_mode="premultiplied")


def test_opaque_frames_are_shown_once():
    assert views_beside(frame(0.1, 0.2, 0.3), RGB) == frozenset()
    assert views_beside(frame(0.1, 0.2, 0.3, 1.0), RGBA) == frozenset()
    assert views_beside(frame(0.1, 0.2, 40.0), LINEAR) == frozenset()


def test_alpha_and_light_below_zero_are_pictures_of_their_own():
    assert views_beside(frame(0.1, 0.5), GREY_ALPHA) == {"alpha"}
    assert views_beside(frame(0.1, 0.2, -3.0), LINEAR) == {"negative"}
    assert views_beside(frame(-0.1, 0.2, 0.3, 0.5), PREMULTIPLIED) == {"alpha", "negative"}


def test_network_sees_alpha_as_grey_and_light_below_zero_turned_positive():
    shown = frame(-0.5, 0.25, 3.0, 0.5)
    curve = LightCurve(4.0)
    alpha = picture_of(shown, PREMULTIPLIED, "alpha", curve)
    assert alpha[0, :, 0, 0].tolist() == [0.5, 0.5, 0.5]
    negative = picture_of(shown, PREMULTIPLIED, "negative", curve)
    half = curve.encoded(torch.tensor(0.5)).item()
    assert negative[0, :, 0, 0].tolist() == pytest.approx([half, 0.0, 0.0])


def test_pictures_of_light_come_back_as_light():
    layout, curve = PREMULTIPLIED, LightCurve(4096.0)
    stored = frame(-0.5, 0.25, 3000.0, 0.5)
    answers = {
        view: Interpolation(frames=picture_of(stored, layout, view, curve))
        for view in ("colour", "alpha", "negative")
    }
    made = compose(answers, stored, stored, layout, curve)
    assert made[0, :, 0, 0].tolist() == pytest.approx([-0.5, 0.25, 3000.0, 0.5], rel=1e-4)


def test_brightness_is_that_of_light_in_either_direction():
    assert brightest(frame(0.5, 1.0, 1.0), RGB) == 1.0
    assert brightest(frame(0.1, 0.2, 0.3), LINEAR) == 1.0
    assert brightest(frame(-7.0, float("nan"), 3.0), LINEAR) == 7.0
    assert brightest(frame(0.5, 0.5, 0.5, 9.0), PREMULTIPLIED) == 1.0, "alpha is no light"


def test_frames_that_are_opaque_stay_so_without_a_picture_of_their_alpha():
    ends = frame(0.5, 0.5, 0.5, 1.0)
    made = composed(bare(0.1, 0.2, 0.3), ends, ends, RGBA)
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.1, 0.2, 0.3, 1.0])


@pytest.mark.parametrize(("seen", "alpha"), [(0.003, 0.0), (0.997, 1.0), (0.5, 0.5)])
def test_alpha_that_a_network_nearly_met_is_met(seen, alpha):
    ends = frame(0.5, 0.5, 0.5, 0.5)
    answers = {"colour": bare(0.0, 0.0, 0.0), "alpha": bare(seen, seen, seen)}
    assert compose(answers, ends, ends, RGBA, None)[0, 3, 0, 0].item() == pytest.approx(alpha)


def test_flows_without_a_mask_are_not_followed():
    result = Interpolation(
        frames=frame(0.1, 0.2, 0.3), flow_t0=torch.zeros(1, 2, SIDE, SIDE), flow_t1=None, mask=None
    )
    ends = frame(0.9, 0.9, 0.9, 1.0)
    made = composed(result, ends, ends, RGBA)
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.1, 0.2, 0.3, 1.0])
