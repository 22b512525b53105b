"""Sides that a model can take."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from blender_vfi.engine.padding import padded, padded_side

from .fake_model import fake_spec

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("side", "scale", "expected"),
    [(1, 1.0, 64), (64, 1.0, 64), (65, 1.0, 128), (65, 0.5, 128), (1, 0.25, 256), (65, 4.0, 128)],
)
def test_padded_side_divides_at_the_flow_scale_too(side, scale, expected):
    assert padded_side(side, fake_spec(pad_multiple=64), scale) == expected


def test_small_sides_are_padded_to_the_smallest_that_the_model_takes():
    assert padded_side(20, fake_spec(pad_multiple=16, smallest_side=100), 1.0) == 112


@pytest.mark.parametrize(
    ("side", "expected"), [(255, 512), (256, 256), (257, 512), (512, 512), (100, 512)]
)
def test_a_side_that_the_model_keeps_is_not_padded(side, expected):
    spec = fake_spec(pad_multiple=512, smallest_side=256, kept_side=256)
    assert padded_side(side, spec, 1.0) == expected


@pytest.mark.parametrize("mode", ["constant", "replicate", "reflect"])
def test_the_picture_itself_stays_where_it_is(mode):
    picture = torch.rand(1, 3, 5, 7)
    made = padded(picture, 8, 16, mode)
    assert made.shape == (1, 3, 8, 16)
    assert torch.equal(made[..., :5, :7], picture)
    assert padded(picture, 5, 7, mode).shape == picture.shape


@pytest.mark.parametrize("size", [(8, 9), (9, 32), (64, 14), (7, 100)])
def test_reflection_is_numpys_however_far_it_goes(size):
    picture = torch.rand(1, 3, 5, 7)
    expected = np.pad(
        picture.numpy(), ((0, 0), (0, 0), (0, size[0] - 5), (0, size[1] - 7)), mode="reflect"
    )
    assert np.array_equal(padded(picture, *size, "reflect").numpy(), expected)


def test_a_single_row_is_repeated():
    picture = torch.rand(1, 3, 1, 4)
    made = padded(picture, 6, 4, "reflect")
    assert torch.equal(made, picture.expand(-1, -1, 6, -1))


def test_half_precision_is_reflected_too():
    assert padded(torch.rand(1, 3, 5, 7).half(), 64, 64, "reflect").dtype == torch.float16
