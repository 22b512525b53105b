"""The benchmark of precisions: what it tells of a model that rounds, and of one that does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import precision
from blender_vfi.models.interface import Interpolation, InterpolationModel

pytestmark = pytest.mark.torch


class Weighing(InterpolationModel):
    """Weighs both frames by a number that half precision can or cannot hold."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight), requires_grad=False)

    def forward(self, frames, features, timesteps, quality):
        return Interpolation(frames=frames[0] * self.weight + frames[1] * (1 - self.weight))


def triplet():
    before, truth, after = (np.full((4, 8, 3), shade, np.float32) for shade in (0.25, 0.5, 0.75))
    return [before, truth, after]


def test_what_half_precision_can_hold_costs_nothing():
    rows = precision.compared(Weighing(0.25), [triplet()])
    assert [name for name, *_ in rows] == ["fp32", "fp16", "bf16"]
    for _name, quality, largest, mean in rows:
        assert (largest, mean) == (0, 0)
        assert quality == pytest.approx(18.06, abs=0.01)


def test_difference_is_told_in_steps_of_8_bits():
    model = Weighing(0.3)
    (_, _, _, none), *others = precision.compared(model, [triplet()])
    assert none == 0
    for (_name, _quality, largest, mean), bits in zip(others, (11, 8), strict=True):
        assert 0 < mean <= largest < 255 * 2 ** (1 - bits)
    assert model.weight.dtype == torch.float32
