"""Whole frames from what the network sees and answers: alpha, grey, light above 1."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.engine.composition import (
    ChannelLayout,
    check_carried,
    compose,
    network_picture,
    premultiplied,
)
from blender_vfi.errors import RequestError
from blender_vfi.models.interface import Interpolation

from .fake_model import fake_spec

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


def test_network_sees_linear_light_display_encoded_and_clipped():
    picture = network_picture(frame(0.0, 0.18, 40.0), LINEAR)[0, :, 0, 0]
    # 0.18 by the sRGB curve of IEC 61966-2-1
    assert picture.tolist() == pytest.approx([0.0, 0.46135612, 1.0], abs=1e-6)
    dark = network_picture(frame(0.001, -3.0, float("inf")), LINEAR)[0, :, 0, 0]
    assert dark.tolist() == pytest.approx([0.01292, 0.0, 1.0], abs=1e-6)


def test_pixels_that_are_no_number_are_black_to_the_network():
    picture = network_picture(frame(float("nan"), 0.5, 0.5), LINEAR)
    assert torch.isfinite(picture).all()
    assert picture[0, 0].eq(0).all()


def test_opaque_colour_is_the_networks_own():
    result = answer((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    made = compose(result, frame(0, 0, 0), frame(1, 1, 1), RGB)
    assert torch.equal(made, result.frames)
    assert made.dtype == torch.float32


def test_grey_is_the_mean_of_what_the_network_made():
    made = compose(answer((0.1, 0.2, 0.6)), frame(0.0), frame(1.0), GREY)
    assert made.shape == (1, 1, SIDE, SIDE)
    assert made.flatten()[0].item() == pytest.approx(0.3)


def test_models_without_flow_can_make_opaque_pictures_only():
    bare = Interpolation(frames=frame(0.1, 0.2, 0.3))
    assert compose(bare, frame(0, 0, 0), frame(1, 1, 1), RGB).shape == (1, 3, SIDE, SIDE)
    for layout in (RGBA, LINEAR):
        ends = frame(*[0.5] * layout.count)
        with pytest.raises(RequestError, match="Choose a model that yields flow"):
            compose(bare, ends, ends, layout)


def test_alpha_follows_the_flow_and_the_mask():
    alpha0 = torch.zeros(1, 4, SIDE, SIDE)
    alpha0[:, 3, :, 4:] = 1  # opaque from column 4
    # two pixels to the left of where it was, and all of it from frame0
    made = compose(answer((0.5, 0.5, 0.5), shift=2.0, mask=1.0), alpha0, alpha0, RGBA)
    assert made[0, 3, 0].tolist() == [0, 0, 1, 1, 1, 1, 1, 1]


def test_straight_colours_are_divided_by_alpha_and_stay_in_range():
    ends = frame(0.2, 0.2, 0.2, 0.5)
    made = compose(answer((0.25, 0.5, 0.75)), ends, ends, RGBA)
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.5, 1.0, 1.0, 0.5])


def test_colour_stays_where_alpha_is_zero():
    ends = frame(0.0, 0.0, 0.0, 0.0)
    made = compose(answer((0.25, 0.5, 0.75)), ends, ends, RGBA)
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.25, 0.5, 0.75, 0.0])


def test_linear_light_above_one_is_moved_not_clipped():
    made = compose(answer((1.0, 1.0, 1.0), mask=0.25), frame(40, 0, -1), frame(80, 4, 3), LINEAR)
    assert made[0, :, 0, 0].tolist() == pytest.approx([70.0, 3.0, 2.0])


def test_linear_alpha_is_carried_with_its_premultiplied_colour():
    layout = ChannelLayout(count=4, is_linear=True, alpha_mode="premultiplied")
    ends = frame(6.0, 3.0, 0.0, 0.5)
    made = compose(answer((0.0, 0.0, 0.0)), ends, ends, layout)
    assert torch.allclose(made, ends)


def test_straight_linear_alpha_comes_back_straight():
    layout = ChannelLayout(count=4, is_linear=True, alpha_mode="straight")
    stored = frame(6.0, 3.0, 0.0, 0.5)
    ends = premultiplied(stored, layout)
    assert torch.allclose(compose(answer((0.0, 0.0, 0.0)), ends, ends, layout), stored)


def test_half_precision_answers_become_float32_frames():
    result = answer((0.25, 0.5, 0.75))
    half = Interpolation(
        frames=result.frames.half(),
        flow_t0=result.flow_t0.half(),
        flow_t1=result.flow_t1.half(),
        mask=result.mask.half(),
    )
    ends = frame(0.5, 0.5, 0.5, 1.0)
    made = compose(half, ends, ends, RGBA)
    assert made.dtype == torch.float32
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize(
    ("layout", "word"),
    [
        (ChannelLayout(count=4), "alpha"),
        (ChannelLayout(count=3, is_linear=True, alpha_mode="none"), "scene-linear light"),
    ],
)
def test_models_without_motion_are_refused_what_they_cannot_carry(layout, word):
    with pytest.raises(RequestError, match=f"cannot carry {word}: .*rife-4.25"):
        check_carried(layout, fake_spec(yields_flow=False))
    check_carried(layout, fake_spec())


def test_models_without_motion_may_have_opaque_pictures():
    check_carried(ChannelLayout(count=3), fake_spec(yields_flow=False))
