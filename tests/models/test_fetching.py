"""Fetching points: the same as warping, wherever both can be used."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from blender_vfi.models.fetching import fetch
from blender_vfi.models.warp import warp

pytestmark = pytest.mark.torch


def picture(channels=5, height=24, width=40):
    source = torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(1))
    return source.contiguous(memory_format=torch.channels_last)


def flow_of(count, height=24, width=40):
    """Flows that leave the picture on every side."""
    return 20 * torch.randn(count, 2, height, width, generator=torch.Generator().manual_seed(2))


def points(flow):
    height, width = flow.shape[-2:]
    return torch.arange(width) + flow[:, 0], torch.arange(height)[:, None] + flow[:, 1]


def fetch_one(source, x, y):
    """Fetch from one picture at (T, R, G, Q) points, which stay as they are."""
    (fetched,) = fetch([source], x[None].clone(), y[None].clone())
    return fetched


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_fetching_every_pixel_is_warping(layout):
    source, flow = picture().contiguous(memory_format=layout), flow_of(2)
    x, y = points(flow)
    fetched = fetch_one(source, x[:, :, None], y[:, :, None]).permute(0, 3, 1, 2)
    expected = warp(source.expand(2, -1, -1, -1), flow)
    assert (fetched - expected).abs().max() < 1e-5


def test_points_of_a_group_are_added_up():
    source, flow = picture(), flow_of(2)

    def grouped(position):
        cells = position.unflatten(2, (-1, 2)).unflatten(1, (-1, 2))
        return cells.permute(0, 1, 2, 4, 3).flatten(2, 3)

    fetched = fetch_one(source, *(grouped(position) for position in points(flow)))
    expected = functional.avg_pool2d(warp(source.expand(2, -1, -1, -1), flow), 2)
    assert fetched.shape == (2, 12, 20, 5)
    assert (fetched.permute(0, 3, 1, 2) / 4 - expected).abs().max() < 1e-5


def test_whole_positions_return_the_pixels_themselves():
    source = picture()
    x, y = points(torch.zeros(1, 2, 24, 40))
    fetched = fetch_one(source, x.expand(1, 24, 40)[:, :, None], y.expand(1, 24, 40)[:, :, None])
    assert torch.equal(fetched.permute(0, 3, 1, 2), source)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_wild_positions_spoil_no_other_point(value):
    source, flow = picture(), flow_of(1)
    x, y = (position[:, :, None] for position in points(flow))
    expected = fetch_one(source, x, y)
    spoilt = x.clone()
    spoilt[0, 3, 0, 7] = value
    fetched = fetch_one(source, spoilt, y)
    fetched[0, 3, 7] = expected[0, 3, 7]
    assert torch.equal(fetched, expected)


def test_each_picture_is_fetched_at_its_own_points():
    sources = [picture(), picture().flip(3)]
    x, y = points(flow_of(2))
    fetched = fetch(sources, x[:, None, :, None].clone(), y[:, None, :, None].clone())
    for index, source in enumerate(sources):
        alone = fetch_one(source, x[index][None, :, None], y[index][None, :, None])
        assert torch.equal(fetched[index], alone)


def test_pictures_of_more_pixels_than_single_precision_counts_are_fetched_exactly():
    """Beyond 2 ** 24 pixels only every other whole number is a float32."""
    height, width = 4, (1 << 22) + 5
    source = torch.arange(height * width, dtype=torch.float64).remainder_(251)
    source = source.to(torch.float32).view(1, 1, height, width)
    x = torch.tensor([width - 1.0, width - 2.0, width - 3.0, 7.0]).view(1, 1, 1, 4)
    fetched = fetch_one(source, x, torch.full_like(x, 3))
    assert torch.equal(fetched.flatten(), source[0, 0, 3, x.flatten().long()])
