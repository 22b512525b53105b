"""Correlation of all pairs: what is compared with what, in which order, from a table or not."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d

from blender_vfi.models.correlation import AllPairsCorrelation

pytestmark = pytest.mark.torch

BOTH_WAYS = pytest.mark.parametrize("largest_bytes", [0, 1 << 30], ids=["computed", "table"])


def maps(channels=4, height=5, width=6, dtype=torch.float32):
    generator = torch.Generator().manual_seed(11)
    pair = torch.randn(2, channels, height, width, generator=generator)
    return pair.to(dtype).split(1)


def still_positions(height=5, width=6, *, moments=1):
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack((columns, rows)).float().expand(moments, -1, -1, -1)


@BOTH_WAYS
def test_centre_of_the_window_compares_the_position_asked_for(largest_bytes):
    source, target = maps()
    correlation = AllPairsCorrelation(
        source, target, levels=1, radius=0, largest_bytes=largest_bytes
    )
    found = correlation.look_up(still_positions())
    expected = (source * target).sum(dim=1, keepdim=True) / 2
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@BOTH_WAYS
def test_step_along_x_varies_slowest_and_outside_is_zero(largest_bytes):
    source, target = maps()
    correlation = AllPairsCorrelation(
        source, target, levels=1, radius=1, largest_bytes=largest_bytes
    )
    found = correlation.look_up(still_positions())
    steps = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    assert found.shape == (1, 9, 5, 6)
    for channel, (x, y) in enumerate(steps):
        for row, column in ((2, 3), (0, 0), (4, 5)):
            is_inside = 0 <= row + y < 5 and 0 <= column + x < 6
            expected = 0.0
            if is_inside:
                there = target[0, :, row + y, column + x]
                expected = (source[0, :, row, column] @ there).item() / 2
            assert found[0, channel, row, column].item() == pytest.approx(expected, abs=1e-5)


@BOTH_WAYS
def test_second_level_sees_the_target_at_half_its_size(largest_bytes):
    source, target = maps(height=6, width=8)
    correlation = AllPairsCorrelation(
        source, target, levels=2, radius=0, largest_bytes=largest_bytes
    )
    found = correlation.look_up(torch.zeros(1, 2, 6, 8) + torch.tensor([4.0, 2.0])[:, None, None])
    there = avg_pool2d(target, 2)[0, :, 1, 2]
    expected = torch.einsum("chw,c->hw", source[0], there) / 2
    torch.testing.assert_close(found[0, 1], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_table_and_computation_agree_between_pixels_and_for_several_moments(dtype):
    source, target = maps(channels=16, height=16, width=20, dtype=dtype)
    generator = torch.Generator().manual_seed(2)
    drift = torch.randn(3, 2, 16, 20, generator=generator) * 4
    positions = still_positions(16, 20, moments=3) + drift
    found = [
        AllPairsCorrelation(
            source, target, levels=4, radius=3, largest_bytes=largest_bytes
        ).look_up(positions)
        for largest_bytes in (0, 1 << 30)
    ]
    assert found[0].shape == (3, 4 * 49, 16, 20)
    assert found[0].dtype == torch.float32
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)


def test_computation_in_parts_equals_that_in_one(monkeypatch):
    source, target = maps(channels=16, height=16, width=20)
    correlation = AllPairsCorrelation(source, target, levels=2, radius=2, largest_bytes=0)
    whole = correlation.look_up(still_positions(16, 20))
    monkeypatch.setattr("blender_vfi.models.correlation._LARGEST_SAMPLE_BYTES", 5000)
    torch.testing.assert_close(correlation.look_up(still_positions(16, 20)), whole)
