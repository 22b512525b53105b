"""Moments and few numbers as tensors."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.models import gmflow, tlbvfi_encoder
from blender_vfi.models.moments import moments_like, numbers_like

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_moments_are_the_same_given_as_numbers_or_as_tensors(dtype):
    numbers = [0.5, 0.3, 1 / 3]
    like = torch.zeros(2, dtype=dtype)
    found = moments_like(numbers, like)
    assert found.shape == (3, 1, 1, 1)
    assert found.dtype is dtype
    tensors = [torch.tensor(number, dtype=dtype) for number in numbers]
    assert torch.equal(moments_like(tensors, like), found)


def test_moments_as_tensors_take_the_dtype_and_device_of_the_frames():
    found = moments_like([torch.tensor(0.25)], torch.zeros(1, dtype=torch.float16, device="meta"))
    assert found.is_meta
    assert found.dtype is torch.float16


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_numbers_are_rounded_as_torch_rounds_them(dtype):
    like = torch.zeros(1, dtype=dtype)
    numbers = (1 / 3, 1279 / 2, 0.7)
    assert torch.equal(numbers_like(numbers, like), like.new_tensor(numbers))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: tlbvfi_encoder._wavelets(torch.rand(1, 1, 3, 8, 8)),
        lambda: tlbvfi_encoder._FrequencyExtractor()(torch.rand(3, 3, 64, 64)),
        lambda: gmflow._shift_mask(torch.rand(1, 8, 8, 4), 2),
    ],
)
def test_networks_copy_no_constants_from_the_host(monkeypatch, ask):
    def refuse(*_arguments, **_options):
        raise AssertionError("a GPU would be waited for")

    monkeypatch.setattr(torch, "tensor", refuse)
    monkeypatch.setattr(torch.Tensor, "new_tensor", refuse)
    with torch.inference_mode():
        ask()


@pytest.mark.parametrize(("side", "windows"), [(8, 2), (12, 2), (12, 3)])
def test_windows_are_kept_apart_where_the_shift_brings_them_together(side, windows):
    window = side // windows
    mask = gmflow._shift_mask(torch.zeros(1, side, side, 1), windows)
    bounds = torch.tensor([side - window, side - window // 2])
    along = torch.bucketize(torch.arange(side), bounds, right=True)
    region = (3 * along[:, None] + along).view(windows, window, windows, window)
    flat = region.transpose(1, 2).reshape(windows**2, window**2)
    assert torch.equal(mask != 0, flat[:, :, None] != flat[:, None])
