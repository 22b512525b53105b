"""Tiles: where they lie, and that blending them shows no seam."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from blender_vfi.engine.tiling import Tiling, largest_tile, spans
from blender_vfi.models.interface import Interpolation

pytestmark = pytest.mark.torch


@given(
    blocks=st.integers(1, 100),
    multiple=st.sampled_from([1, 8, 20, 32, 64, 128, 256]),
    tile_size=st.integers(128, 2048),
    smallest=st.sampled_from([1, 64, 256]),
)
def test_tiles_cover_an_axis_within_their_limits(blocks, multiple, tile_size, smallest):
    side = blocks * multiple
    largest = largest_tile(tile_size, multiple=multiple, smallest_side=smallest)
    along = spans(side, largest, multiple, smallest)
    assert along[0].start == 0
    assert along[-1].end == side
    for span in along:
        assert span.length == along[0].length <= largest
        assert span.length % multiple == span.start % multiple == 0
    for earlier, later in itertools.pairwise(along):
        assert later.start > earlier.start
        assert earlier.end - later.start >= 64
    if len(along) > 1:
        assert along[0].length >= smallest


@pytest.mark.parametrize(
    ("tile_size", "multiple", "smallest", "expected"),
    [
        (512, 64, 1, 512),
        (500, 64, 1, 512),
        (128, 64, 1, 128),
        (128, 256, 1, 512),  # twice the overlap, which is itself a multiple
        (128, 8, 300, 304),
    ],
)
def test_tiles_are_as_large_as_the_model_needs(tile_size, multiple, smallest, expected):
    assert largest_tile(tile_size, multiple=multiple, smallest_side=smallest) == expected


def test_a_frame_that_fits_is_one_tile():
    [tile] = Tiling(512, 448, largest=512, multiple=64).tiles
    assert (tile.rows.length, tile.columns.length) == (512, 448)


def test_few_tiles_are_used_and_none_is_longer_than_needed():
    tiling = Tiling(1088, 1920, largest=512, multiple=64)
    assert len(tiling.tiles) == 3 * 5
    assert {(tile.rows.length, tile.columns.length) for tile in tiling.tiles} == {(448, 448)}


@pytest.mark.parametrize(("height", "width"), [(768, 1280), (320, 192), (512, 576)])
def test_weights_sum_to_one_everywhere(height, width):
    tiling = Tiling(height, width, largest=256, multiple=64)
    total = torch.zeros(height, width)
    for tile, weight in zip(tiling.tiles, tiling.weights(), strict=True):
        assert weight.min() > 0
        tile.cut(total).add_(weight)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-6)


def test_weights_change_gradually_and_vanish_at_inner_borders():
    tiling = Tiling(256, 448, largest=256, multiple=64)
    left, right = tiling.weights()
    assert left[0, -1] < 0.001
    assert right[0, 0] < 0.001
    assert left[0, 0] == right[0, -1] == 1
    assert left.diff(dim=1).abs().max() < 0.03  # over 64 pixels, no step above 1/40


def everything(height, width, count=2):
    generator = torch.Generator().manual_seed(0)

    def noise(channels):
        return torch.rand(count, channels, height, width, generator=generator)

    return Interpolation(frames=noise(3), flow_t0=noise(2) * 99, flow_t1=-noise(2), mask=noise(1))


def part(whole, tile):
    return Interpolation(
        frames=tile.cut(whole.frames),
        flow_t0=tile.cut(whole.flow_t0),
        flow_t1=tile.cut(whole.flow_t1),
        mask=tile.cut(whole.mask),
    )


def test_tiles_that_agree_make_the_whole():
    whole = everything(320, 448)
    tiling = Tiling(320, 448, largest=256, multiple=64)
    made = tiling.interpolate(lambda tile: part(whole, tile))
    for name in ("frames", "flow_t0", "flow_t1", "mask"):
        assert torch.allclose(getattr(made, name), getattr(whole, name), atol=1e-4), name


def test_pictures_alone_are_blended_alone():
    whole = everything(192, 192)
    made = Tiling(192, 192, largest=128, multiple=64).interpolate(
        lambda tile: Interpolation(frames=tile.cut(whole.frames).half())
    )
    assert made.flow_t0 is made.flow_t1 is made.mask is None
    assert made.frames.dtype == torch.float32


def test_tiles_that_disagree_leave_no_step():
    tiling = Tiling(64, 448, largest=256, multiple=64)
    made = tiling.interpolate(
        lambda tile: Interpolation(
            frames=torch.full(
                (1, 3, tile.rows.length, tile.columns.length), float(tile.columns.start > 0)
            )
        )
    )
    assert (made.frames.min(), made.frames.max()) == (0, 1)
    assert made.frames.diff(dim=3).abs().max() < 0.03
