"""Frames on disk against the reference network's answer, level by level."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from blender_vfi.engine import memory
from blender_vfi.engine.pipeline import Engine
from blender_vfi.models.cache import ModelCache

from ..golden_data import load_arrays
from .image_files import encode_png
from .sequences import make_job, read_png, visible_names

pytestmark = pytest.mark.torch

CROP = (slice(5, 105), slice(3, 183))
"""Sides that no network divides: 100 by 180."""


@pytest.fixture(scope="module")
def engine(checkpoint_folder):
    return Engine(ModelCache(free_memory=memory.free_memory_bytes, release=memory.clear_cache))


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def pixels(array: torch.Tensor) -> np.ndarray:
    """(1, 3, H, W) as (H, W, 3)."""
    return array[0].permute(1, 2, 0).contiguous().numpy()


@pytest.mark.parametrize(
    ("output", "crop", "multiplier", "number"),
    [
        ("out_t0.5", None, 2, 2),
        ("out_t0.5_crop", CROP, 2, 2),
        ("out_t0.2", None, 5, 2),
    ],
)
def test_frames_on_disk_differ_from_the_reference_by_one_level_at_most(
    engine, tmp_path, output, crop, multiplier, number
):
    golden = load_arrays("rife_4.25_real")
    source = tmp_path / "in"
    source.mkdir()
    for index in range(2):
        image = pixels(golden[f"img{index}"])
        image = image if crop is None else np.ascontiguousarray(image[crop])
        (source / f"bunny_{index + 1:04d}.png").write_bytes(encode_png(image))
    engine.run(make_job(source, tmp_path / "out", multiplier=multiplier))
    assert len(visible_names(tmp_path / "out")) == multiplier + 1
    made = read_png(tmp_path / "out" / f"bunny_{number:04d}.png").astype(int)
    expected = np.rint(pixels(golden[output]) * 255).astype(int)
    difference = np.abs(made - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01  # rounding at the edge between two levels, no more
