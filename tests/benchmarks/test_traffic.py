"""The benchmark of traffic: what an operation counts for, and what RIFE needs less of."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from benchmarks import traffic

pytestmark = pytest.mark.torch

PIXELS = 6 * 8


def counted(run):
    with traffic.Traffic() as found:
        run()
    return found.moved, found.convolved, found.operations


def picture(channels=1):
    return torch.zeros(1, channels, 6, 8, device="meta")


@pytest.mark.parametrize(
    ("run", "floats"),
    [
        (lambda image: image + image, 3 * PIXELS),
        (lambda image: image.mul_(2), 2 * PIXELS),
        (lambda image: torch.cat([image, image]), 4 * PIXELS),
        (lambda image: image.new_full((2,), 0.5), 2),
        (lambda image: image[:, :, :1].expand(1, 1, 6, 8) + 1, 8 + PIXELS),
    ],
    ids=["sum", "in place", "joined in a list", "made like it", "expanded"],
)
def test_operation_counts_what_it_reads_and_writes(run, floats):
    image = picture()
    assert counted(lambda: run(image)) == (4 * floats, 0, 1)


def test_other_looks_at_the_same_memory_count_nothing():
    assert counted(lambda: picture().permute(0, 2, 3, 1)[:, 1:].unsqueeze(0))[0] == 4 * PIXELS
    image = picture()
    assert counted(lambda: image.permute(0, 2, 3, 1)[:, 1:].unsqueeze(0)) == (0, 0, 0)


def test_questions_about_kinds_of_numbers_are_no_operations():
    with torch.inference_mode():  # which asks them of torch's own operators
        assert counted(lambda: torch.promote_types(torch.float16, torch.float32)) == (0, 0, 0)


def test_convolutions_are_counted_apart():
    image, weight = picture(), torch.zeros(2, 1, 3, 3, device="meta")
    with torch.inference_mode():
        found = counted(lambda: functional.conv2d(image, weight, padding=1))
    assert found == (0, 4 * (PIXELS + 18 + 2 * PIXELS), 1)


def test_pixels_that_nobody_reads_do_not_count():
    image, grid = picture(), torch.zeros(1, 1, 2, 2, device="meta")
    with torch.inference_mode():
        few = counted(lambda: functional.grid_sample(image, grid, align_corners=False))
    assert few == (4 * (4 * 2 + 4 + 2), 0, 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_rife_moves_less_than_its_plain_version(dtype):
    own, plain, ratio, convolved, operations, others = traffic.compared((320, 180), dtype, 2)
    assert ratio == plain / own > 1.4
    assert 0 < convolved < own
    assert operations < others


def test_bytes_of_a_frame_grow_with_its_size():
    small, large = (
        traffic.bytes_of_model(size, torch.float32, 2) for size in ((256, 256), (512, 512))
    )
    assert 3.5 < large / small < 4.1
