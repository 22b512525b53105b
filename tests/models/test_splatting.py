"""Softmax splatting: where pixels land, who wins, and what is left out."""

from __future__ import annotations

import math

import pytest
import torch

from blender_vfi.models.splatting import softmax_splat

pytestmark = pytest.mark.torch


def random_case(count=2, channels=3, height=6, width=7, spread=3.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(5)
    source = torch.rand(count, channels, height, width, generator=generator)
    flow = torch.randn(count, 2, height, width, generator=generator) * spread
    metric = torch.randn(count, 1, height, width, generator=generator)
    return source.to(dtype), flow.to(dtype), metric.to(dtype)


def by_definition(source, flow, metric):
    """Splat pixel by pixel in double precision, as the paper's equations say."""
    count, channels, height, width = source.shape
    total = torch.zeros(count, channels, height, width, dtype=torch.float64)
    weights = torch.zeros(count, 1, height, width, dtype=torch.float64)
    for n in range(count):
        for y in range(height):
            for x in range(width):
                to_x, to_y = x + flow[n, 0, y, x].item(), y + flow[n, 1, y, x].item()
                importance = math.exp(metric[n, 0, y, x].item())
                for i in range(height):
                    for j in range(width):
                        share = max(0, 1 - abs(to_x - j)) * max(0, 1 - abs(to_y - i)) * importance
                        total[n, :, i, j] += share * source[n, :, y, x]
                        weights[n, 0, i, j] += share
    return total / (weights + 1e-7)


def test_result_follows_the_definition():
    source, flow, metric = random_case()
    expected = by_definition(source, flow, metric)
    assert (softmax_splat(source, flow, metric) - expected).abs().max() < 1e-5


def test_whole_pixels_move_and_leave_black_behind():
    source = torch.arange(1.0, 7.0).view(1, 1, 2, 3)
    flow = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 2, 3)
    result = softmax_splat(source, flow, torch.zeros(1, 1, 2, 3))
    expected = torch.tensor([[0.0, 1.0, 2.0], [0.0, 4.0, 5.0]])
    assert torch.allclose(result[0, 0], expected, atol=1e-5)


def test_first_channel_of_the_flow_is_x_and_the_second_is_y():
    source = torch.zeros(1, 1, 4, 5)
    source[0, 0, 1, 1] = 1
    flow = torch.zeros(1, 2, 4, 5)
    flow[0, :, 1, 1] = torch.tensor([3.0, 2.0])
    result = softmax_splat(source, flow, torch.full((1, 1, 4, 5), 9.0))
    assert result[0, 0, 3, 4] == pytest.approx(0.5, abs=1e-4)


def test_higher_metric_wins_where_two_pixels_land():
    source = torch.tensor([0.2, 0.8]).view(1, 1, 1, 2)
    flow = torch.zeros(1, 2, 1, 2)
    flow[0, 0, 0, 1] = -1
    for metric, winner in ((8.0, 0.8), (-8.0, 0.2)):
        importance = torch.tensor([0.0, metric]).view(1, 1, 1, 2)
        result = softmax_splat(source, flow, importance)
        assert result[0, 0, 0, 0] == pytest.approx(winner, abs=1e-3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -1e30, 1e9])
def test_pixels_that_go_nowhere_are_left_out(value):
    source, flow, metric = random_case(count=1, spread=0.0)
    flow[0, :, 2, 3] = value
    result = softmax_splat(source, flow, metric)
    assert (result[..., 2, 3] == 0).all()
    others = torch.ones(6, 7, dtype=torch.bool)
    others[2, 3] = False
    assert (result - source)[..., others].abs().max() < 1e-5


def test_one_source_is_moved_in_several_ways():
    source, flow, metric = random_case(count=3)
    shared = source[:1]
    together = softmax_splat(shared, flow, metric)
    repeated = softmax_splat(shared.repeat(3, 1, 1, 1), flow, metric)
    assert torch.equal(together, repeated)


def test_result_does_not_depend_on_the_batch():
    source, flow, metric = random_case(count=3)
    together = softmax_splat(source, flow, metric)
    for n in range(3):
        alone = softmax_splat(source[n : n + 1], flow[n : n + 1], metric[n : n + 1])
        assert torch.equal(together[n], alone[0])


def test_cpu_result_is_the_same_at_every_run():
    source, flow, metric = random_case(count=1, channels=16, height=96, width=96, spread=20.0)
    first = softmax_splat(source, flow, metric)
    assert all(torch.equal(first, softmax_splat(source, flow, metric)) for _ in range(3))


def test_half_precision_sums_in_float32():
    source, flow, metric = random_case(dtype=torch.float16)
    metric += 9  # exp of it overflows float16 once a few are summed
    exact = softmax_splat(source.float(), flow.float(), metric.float())
    result = softmax_splat(source, flow, metric)
    assert result.dtype == torch.float16
    assert (result - exact).abs().max() < 1e-3
