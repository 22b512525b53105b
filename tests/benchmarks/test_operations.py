"""The benchmark of operations: which kind each is, and that the shares are of all the time."""

from __future__ import annotations

import pytest

from benchmarks import operations, weights
from blender_vfi.models import catalog, locations

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("aten::mkldnn_convolution", "convolution %"),
        ("aten::addmm", "matrices %"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "matrices %"),
        ("aten::grid_sampler_2d", "fetching %"),
        ("aten::cat", "moving %"),
        ("aten::gelu", "other %"),
    ],
)
def test_operation_is_told_by_its_name(operation, kind):
    assert operations.kind_of(operation) == kind


def test_shares_are_of_all_the_time(monkeypatch, tmp_path):
    monkeypatch.setattr(locations, "find_file", lambda _spec: None)
    monkeypatch.setattr(weights, "_FETCHED", tmp_path)
    found = operations.shares(catalog.find("ifrnet-s"), (64, 96))
    assert sum(found.values()) == pytest.approx(100)
    assert found["convolution %"] > 10
