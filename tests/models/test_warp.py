"""Backward warping: what is fetched from where, in both conventions and every precision."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from blender_vfi.models.warp import enlarged_at, warp, warp_each

pytestmark = pytest.mark.torch


def picture(height=6, width=9, *, batch=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(7)
    return torch.rand(batch, 3, height, width, generator=generator).to(dtype)


def shift(image, x, y):
    flow = torch.zeros(len(image), 2, *image.shape[-2:])
    flow[:, 0], flow[:, 1] = x, y
    return flow


@pytest.mark.parametrize("align_corners", [True, False])
def test_flow_points_right_and_down_in_whole_pixels(align_corners):
    image = picture()
    moved = warp(image, shift(image, 2, 1), align_corners=align_corners)
    torch.testing.assert_close(moved[..., :-1, :-2], image[..., 1:, 2:], atol=2e-6, rtol=0)


@pytest.mark.parametrize("align_corners", [True, False])
def test_half_a_pixel_is_the_mean_of_two(align_corners):
    image = picture()
    moved = warp(image, shift(image, 0.5, 0), align_corners=align_corners)
    expected = (image[..., :-1] + image[..., 1:]) / 2
    torch.testing.assert_close(moved[..., :-1], expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("align_corners", [True, False])
def test_outside_repeats_the_border_or_is_black(align_corners):
    image = picture()
    flow = shift(image, 40, 0)
    border = warp(image, flow, align_corners=align_corners)
    black = warp(image, flow, align_corners=align_corners, outside="zeros")
    torch.testing.assert_close(border, image[..., -1:].expand_as(image), atol=2e-6, rtol=0)
    assert black.abs().max() == 0


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("size", [(1, 5), (5, 1), (1, 1)])
def test_single_row_or_column_stays_finite(size, align_corners):
    image = picture(*size)
    still = warp(image, shift(image, 0, 0), align_corners=align_corners)
    torch.testing.assert_close(still, image, atol=2e-6, rtol=0)


def test_several_flows_of_one_image_equal_one_by_one():
    images = picture(batch=2)
    flows = torch.randn(2, 3, 2, 6, 9, generator=torch.Generator().manual_seed(1)) * 2
    together = warp_each(images, flows)
    assert together.shape == (2, 3, 3, 6, 9)
    for index in range(3):
        torch.testing.assert_close(
            together[:, index], warp(images, flows[:, index]), atol=1e-6, rtol=0
        )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_hits_the_right_pixel_of_a_wide_frame(dtype):
    wide = torch.zeros(1, 1, 1, 4096, dtype=dtype)
    wide[..., 3001] = 1
    moved = warp(wide, shift(wide, 1, 0))
    assert moved.dtype == dtype
    assert moved[0, 0, 0].argmax() == 3000
    assert moved[..., 3000] > 0.99


def test_double_precision_stays_double():
    image = picture(dtype=torch.float64)
    moved = warp(image, shift(image, 0.25, 0))
    assert moved.dtype == torch.float64
    expected = image[..., :-1] * 0.75 + image[..., 1:] * 0.25
    torch.testing.assert_close(moved[..., :-1], expected, atol=1e-14, rtol=0)


def test_memory_format_does_not_matter():
    image = picture(batch=2)
    flow = torch.randn(2, 2, 6, 9, generator=torch.Generator().manual_seed(2))
    channels_last = warp(
        image.to(memory_format=torch.channels_last), flow.to(memory_format=torch.channels_last)
    )
    torch.testing.assert_close(channels_last, warp(image, flow), atol=1e-6, rtol=0)


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("rows", [slice(3, 6), torch.tensor([0, 1, 6, 7])])
def test_some_pixels_are_those_of_the_whole_picture(align_corners, rows):
    image, flow = picture(8, 9), 8 * picture(8, 9)[:, :2] - 4
    columns = torch.tensor([1, 2, 5])
    whole = warp(image, flow, align_corners=align_corners)
    some = flow[:, :, rows][..., columns]
    found = warp(image, some, align_corners=align_corners, rows=rows, columns=columns)
    torch.testing.assert_close(found, whole[:, :, rows][..., columns], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (1, 1), (2, 3)])
def test_an_enlarged_picture_is_read_where_it_is_asked_for(height, width):
    image, size = picture(height, width, batch=2), (8 * height, 4 * width)
    rows, columns = torch.tensor([0, 3, 4, 8 * height - 1]), slice(1, None, 2)
    whole = interpolate(image, size, mode="bilinear", align_corners=False)
    found = enlarged_at([image, image], size, rows, columns)
    torch.testing.assert_close(found, 2 * whole[:, :, rows][..., columns], atol=4e-6, rtol=0)
