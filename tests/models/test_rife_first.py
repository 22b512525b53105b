"""The first layer of RIFE's blocks: a field that is enlarged and then convolved, in one step."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from blender_vfi.models.rife_first import through_doubling

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("height", "width"), [(2, 2), (2, 9), (3, 4), (12, 16)])
def test_it_is_enlarging_and_then_convolving(height, width):
    generator = torch.Generator().manual_seed(height * width)
    field = torch.randn(2, 3, height, width, generator=generator)
    weight = torch.randn(4, 3, 3, 3, generator=generator)
    bias = torch.randn(4, generator=generator)
    enlarged = functional.interpolate(
        field, (2 * height, 2 * width), mode="bilinear", align_corners=False
    )
    expected = functional.conv2d(enlarged, weight, bias, stride=2, padding=1)
    made = through_doubling(field, weight, bias)
    assert made.shape == expected.shape
    assert (made - expected).abs().max() < 1e-5
