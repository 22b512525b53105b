"""Models that yield pictures only: alpha and scene-linear light as pictures of their own."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.engine.composition import ChannelLayout
from blender_vfi.engine.loop import FrameLoop, LoopPolicy
from blender_vfi.engine.schedule import plan

from .fake_model import CPU, PictureModel, fake_spec
from .test_loop import Sink

pytestmark = pytest.mark.torch

RGB, RGBA, GREY_ALPHA = (ChannelLayout(count=count) for count in (3, 4, 2))
LINEAR = ChannelLayout(count=3, is_linear=True, alpha_mode="none")
LINEAR_ALPHA = ChannelLayout(count=4, is_linear=True, alpha_mode="premultiplied")

FILM_LIKE = {"timesteps": "recursive"}
FLAVR_LIKE = {"timesteps": "fixed", "fixed_multiplier": 4, "context": 4}
CAIN_LIKE = {"timesteps": "middle"}


class Flat:
    """Frames of one colour each, but for a pixel that keeps two of a colour from being a still."""

    def __init__(self, *colours):
        self._colours = colours

    def load(self, index):
        frame = torch.tensor(self._colours[index]).expand(160, 200, -1).clone()
        frame[0, 0, 0] += 1e-4 * index
        return frame


def run(source, layout, *, kind=CAIN_LIKE, frames=2, multiplier=2, **policy):
    """Run a picture-only model; return its frames' colours at one pixel, and the model."""
    sink, model = Sink(), PictureModel()
    FrameLoop(
        model,
        fake_spec(pad_multiple=8, yields_flow=False, **kind),
        layout,
        LoopPolicy(device=CPU, **policy),
    ).run(plan(frames, multiplier), source, sink)
    for frame in sink.frames.values():
        assert frame.shape == (160, 200, layout.count)
        assert frame.std(dim=(0, 1)).max() <= 1e-3 * frame.abs().max()
    return {index: frame[80, 100].tolist() for index, frame in sink.frames.items()}, model


@pytest.mark.parametrize("kind", [FILM_LIKE, FLAVR_LIKE, CAIN_LIKE])
def test_alpha_is_made_like_a_picture_and_colour_stays_straight(kind):
    source = Flat((0.8, 0.4, 0.2, 0.25), (0.8, 0.4, 0.2, 0.75))
    made, model = run(source, RGBA, kind=kind, multiplier=4)
    assert sorted(made) == [1, 2, 3]
    for index, alpha in ((1, 0.375), (2, 0.5), (3, 0.625)):
        assert made[index] == pytest.approx([0.8, 0.4, 0.2, alpha], abs=0.01)
    calls = 1 if kind is FLAVR_LIKE else 3
    assert len(model.calls) == 2 * calls


def test_transparent_grey_is_made_too():
    made, _model = run(Flat((0.5, 0.2), (0.5, 0.6)), GREY_ALPHA)
    assert made[1] == pytest.approx([0.5, 0.4], abs=0.005)


@pytest.mark.parametrize(
    ("layout", "pixel"),
    [(RGB, (0.1, 0.2, 0.3)), (RGBA, (0.1, 0.2, 0.3, 1.0)), (LINEAR, (0.1, 2.0, 30.0))],
)
def test_opaque_frames_cost_one_call_and_one_encoding_each(layout, pixel):
    made, model = run(Flat(pixel, pixel), layout)
    assert made[1] == pytest.approx(list(pixel), rel=1e-3)
    assert len(model.calls) == 1
    assert len(model.encoded) == 2


@pytest.mark.parametrize("kind", [FILM_LIKE, FLAVR_LIKE, CAIN_LIKE])
def test_light_above_one_and_below_zero_survives(kind):
    pixel = (-0.02, 0.18, 900.0)
    made, model = run(Flat(pixel, pixel), LINEAR, kind=kind)
    assert made[1] == pytest.approx(list(pixel), rel=1e-3, abs=1e-5)
    assert len(model.calls) == 2


def test_frames_are_shown_and_encoded_again_only_where_the_light_becomes_another():
    _made, model = run(Flat((0.5, 3.0, 0.0), (0.5, 4.0, 0.0), (0.5, 3.5, 0.0)), LINEAR, frames=3)
    assert len(model.encoded) == 3
    made, model = run(Flat((0.5, 3.0, 0.0), (0.5, 4.0, 0.0), (0.5, 40.0, 0.0)), LINEAR, frames=3)
    assert len(model.encoded) == 4
    assert made[1] == pytest.approx([0.5, 3.5, 0.0], rel=0.02)
    assert made[3] == pytest.approx([0.5, 14.0, 0.0], rel=0.2), "halfway by the curve, not by light"


def test_light_of_transparent_frames_keeps_its_alpha():
    pixel = (6.0, 3.0, 0.0, 0.5)
    made, model = run(Flat(pixel, pixel), LINEAR_ALPHA)
    assert made[1] == pytest.approx(list(pixel), rel=1e-3, abs=1e-5)
    assert len(model.calls) == 2


def test_a_frame_that_fades_in_from_opaque_to_transparent_has_its_alpha_made():
    made, _model = run(Flat((0.5, 0.5, 0.5, 1.0), (0.5, 0.5, 0.5, 0.0)), RGBA)
    assert made[1][3] == pytest.approx(0.5)


def test_what_is_wholly_clear_stays_so_through_recursion():
    made, _model = run(Flat((0.5, 0.5, 0.5, 0.0), (0.5, 0.5, 0.5, 0.0)), RGBA, multiplier=8)
    assert all(pixel[3] == 0 for pixel in made.values())


def test_pictures_are_made_in_tiles_as_well():
    pixel = (0.8, 0.4, 0.2, 0.25)
    made, model = run(Flat(pixel, pixel), RGBA, tile_size=128)
    assert made[1] == pytest.approx(list(pixel), abs=0.01)
    assert len(model.calls) == 2 * 6  # 112 by 112 pixels each
