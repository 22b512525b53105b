"""Tiles that keep a job on the CPU within the memory that is free."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blender_vfi.engine.footprint import describe, footprint
from blender_vfi.models import catalog
from blender_vfi.models.catalog_memory import working_bytes

pytestmark = pytest.mark.plain

GB = 1 << 30
MEASURED = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "models.json"


def needed(name="rife-4.25", size=(1920, 1080), channels=3, flow_scale=1.0, free_gb=24.0):
    return footprint(
        catalog.find(name), *size, channels, flow_scale=flow_scale, free_bytes=int(free_gb * GB)
    )


def test_estimates_are_no_lower_than_what_was_measured():
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    for name, found in measured.items():
        for stands_for in found["stands_for"]:
            estimate = working_bytes(catalog.find(stands_for), 1280 * 720)
            assert estimate > 0.9 * found["peak_memory_bytes"], stands_for
            assert estimate < 2 * found["peak_memory_bytes"], (name, stands_for)


def test_every_model_has_an_estimate_that_grows_with_the_frame():
    for spec in catalog.CATALOG:
        assert working_bytes(spec, 10_000) < working_bytes(spec, 1_000_000) < 1 << 36


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (3840, 2160)])
def test_frames_that_fit_are_made_whole(size):
    assert needed(size=size).tile_size == 0


@pytest.mark.parametrize(
    ("options", "tiles"),
    [
        ({"size": (7680, 4320)}, (1024, 4096)),
        ({"size": (3840, 2160), "free_gb": 8}, (512, 3008)),
        ({"free_gb": 0.5}, (256, 256)),
        ({"name": "film", "size": (3840, 2160)}, (512, 2048)),
        ({"name": "gmfss-union", "size": (3840, 2160)}, (512, 3008)),
        ({"flow_scale": 4.0, "size": (3840, 2160)}, (256, 2048)),
    ],
    ids=str,
)
def test_frames_that_do_not_fit_are_made_in_the_largest_tiles_that_do(options, tiles):
    found = needed(**options)
    assert tiles[0] <= found.tile_size <= tiles[1]
    assert found.tile_size % 64 == 0


def test_tiles_shrink_with_what_is_free_and_never_below_what_shows_motion():
    sizes = [needed(size=(7680, 4320), free_gb=gb).tile_size for gb in (40, 32, 24, 16, 8, 2)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 256


def test_frames_of_many_passes_leave_less_room_for_the_model():
    few, many = (needed(size=(3840, 2160), channels=count, free_gb=20) for count in (3, 40))
    assert many.frames_bytes > few.frames_bytes
    assert few.tile_size == 0
    assert many.tile_size


def test_notice_says_what_is_needed_and_what_is_there():
    found = needed(size=(7680, 4320))
    assert describe(found, 7680, 4320, 24 * GB) == (
        f"Whole frames of 7680×4320 would take about "
        f"{(found.frames_bytes + found.whole_bytes) / GB:.1f} GB, and 24.0 GB of memory are free: "
        f"they are made in tiles of up to {found.tile_size}×{found.tile_size} pixels, which differ "
        "from whole ones by less than 1 of 255 on average."
    )
