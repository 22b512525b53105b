"""Transposed convolutions by a plain one, against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from blender_vfi.models.transposed import doubled

pytestmark = pytest.mark.torch


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("shuffles", [False, True])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 6, 10), (3, 1, 1), (2, 5, 2)])
def test_it_is_the_transposed_convolution(batch, height, width, shuffles):
    inputs, weight, bias = drawn(batch, 5, height, width), drawn(5, 12, 4, 4), drawn(12)
    expected = functional.conv_transpose2d(inputs, weight, bias, stride=2, padding=1)
    if shuffles:
        expected = functional.pixel_shuffle(expected, 2)
    made = doubled(inputs, weight, bias, shuffles=shuffles)
    assert made.shape == expected.shape
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert (made - expected).abs().max() < 1e-5


def test_room_is_left_for_leading_channels():
    inputs, weight, bias = drawn(1, 3, 4, 6), drawn(3, 4, 4, 4), drawn(4)
    made = doubled(inputs, weight, bias, leading=3)
    assert made.shape == (1, 7, 8, 12)
    assert torch.equal(made[:, 3:], doubled(inputs, weight, bias))
