"""Depth, compression and quality of new files: what is allowed, and what reaches the disk."""

from __future__ import annotations

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses
import pytest

from blender_vfi.engine import images
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.storage import COMPRESSIONS, Storage
from blender_vfi.errors import OutputError, RequestError

from .fake_model import FakeModel, fake_cache
from .image_files import random_codes, random_floats, save
from .pass_files import read_exr, write_shots
from .sequences import make_job, read_png, visible_names, write_sequence

pytestmark = pytest.mark.torch


def run(job):
    return Engine(fake_cache(FakeModel())).run(job)


def patchwork(tmp_path):
    """A picture of even squares, which every compression makes smaller."""
    squares = np.random.default_rng(3).integers(0, 256, (8, 8, 1)).repeat(3, 2)
    codes = squares.repeat(16, 0).repeat(16, 1).astype(np.uint8)
    save(tmp_path / "patchwork.png", codes)
    return images.read_frame(tmp_path / "patchwork.png")


def compression_of(path):
    source = oiio.ImageInput.open(str(path))
    try:
        return source.spec().get_string_attribute("compression")
    finally:
        source.close()


@pytest.mark.parametrize(
    ("suffix", "settings", "message"),
    [
        (".png", {"compression": "zip"}, "must be one of auto, none, best"),
        (".exr", {"compression": "lzw"}, "Compression lzw for .exr: must be one of auto, none, rl"),
        (".dpx", {"compression": "rle"}, "Compression rle for .dpx: must be one of auto."),
        (".png", {"depth": "9"}, "Depth 9: must be one of source, 8, 10"),
        (".jpg", {"quality": 101}, "Quality 101: must be a whole number from 1 to 100"),
        (".jpg", {"quality": 0.5}, "Quality 0.5"),
        (".png", {"quality": 90}, "Quality 90 for .png: only .jpg has one"),
        (".webp", {"quality": 90}, "and .webp with compression lossy"),
    ],
)
def test_what_a_format_does_not_have_is_refused_with_what_it_has(suffix, settings, message):
    with pytest.raises(RequestError, match=message):
        Storage(**settings).check(suffix)


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_every_compression_belongs_to_a_format(name):
    fitting = []
    for suffix in (".png", ".tif", ".exr", ".tga", ".webp"):
        try:
            Storage(compression=name).check(suffix)
        except RequestError:
            continue
        fitting.append(suffix)
    assert fitting


@pytest.mark.parametrize("depth", ["source", "float"])
@pytest.mark.parametrize("name", ["none", "rle", "zip", "zips", "piz"])
def test_lossless_compression_of_exr_is_the_one_chosen_and_loses_nothing(tmp_path, name, depth):
    light = random_floats(4, np.float16)
    save(tmp_path / "source.exr", light, {"compression": "b44"})
    frame = images.read_frame(tmp_path / "source.exr")
    path = tmp_path / "made.exr"
    storage = Storage(compression=name, depth=depth)
    images.write_frame(path, frame.pixels, frame.header, ".exr", storage)
    assert compression_of(path) == name
    assert np.array_equal(images.read_frame(path).pixels, frame.pixels)


@pytest.mark.parametrize("name", ["pxr24", "b44", "b44a", "dwaa", "dwab"])
def test_lossy_compression_of_exr_stays_near(tmp_path, name):
    ramp = np.linspace(0, 4, 64, dtype=np.float16)[None, :, None].repeat(64, 0).repeat(3, 2)
    save(tmp_path / "source.exr", ramp)
    frame = images.read_frame(tmp_path / "source.exr")
    path = tmp_path / "made.exr"
    images.write_frame(path, frame.pixels, frame.header, ".exr", Storage(compression=name))
    assert compression_of(path).partition(":")[0] == name
    assert np.abs(images.read_frame(path).pixels - frame.pixels).max() < 0.05


@pytest.mark.parametrize(
    ("suffix", "names"),
    [
        (".tif", ("none", "lzw", "zip", "packbits")),
        (".tga", ("none", "rle")),
        (".png", ("none", "best")),
        (".webp", ("lossless",)),
    ],
)
def test_lossless_compression_of_codes_changes_size_alone(tmp_path, suffix, names):
    frame = patchwork(tmp_path)
    sizes = {}
    for name in ("auto", *names):
        made = tmp_path / f"{name}{suffix}"
        images.write_frame(made, frame.pixels, frame.header, suffix, Storage(compression=name))
        assert np.array_equal(images.read_frame(made).pixels, frame.pixels)
        sizes[name] = made.stat().st_size
    for name in set(names) - {"none", "lossless"}:
        assert sizes[name] < sizes["none"] / 2


@pytest.mark.parametrize(("suffix", "packing"), [(".jpg", {}), (".webp", {"compression": "lossy"})])
def test_lower_quality_makes_smaller_files(tmp_path, suffix, packing):
    save(tmp_path / "noise.png", random_codes(8, 3, size=(64, 64)))
    frame = images.read_frame(tmp_path / "noise.png")
    sizes = []
    for quality in (20, 60, 0, 100):
        made = tmp_path / f"{quality}{suffix}"
        storage = Storage(quality=quality, **packing)
        images.write_frame(made, frame.pixels, frame.header, suffix, storage)
        sizes.append(made.stat().st_size)
    assert sizes == sorted(set(sizes))


def test_a_job_of_another_depth_stores_source_frames_in_it_too(tmp_path):
    write_sequence(tmp_path / "in", 2)
    out = tmp_path / "out"
    run(make_job(tmp_path / "in", out, depth="16"))
    for name in visible_names(out):
        assert images.read_format(out / name).pixel_type == "uint16"
    source = read_png(tmp_path / "in" / "f é 0001.png").astype(int)
    assert np.array_equal(read_png(out / "f é 0001.png"), source * 257)
    middle = read_png(out / "f é 0002.png").astype(int)
    later = read_png(tmp_path / "in" / "f é 0002.png").astype(int)
    assert np.abs(middle - (source + later) * 257 / 2).max() <= 1, "finer than eight bits"


def test_a_depth_that_is_the_source_s_own_leaves_files_as_they_are(tmp_path):
    paths = write_sequence(tmp_path / "in", 2)
    run(make_job(tmp_path / "in", tmp_path / "out", depth="8"))
    assert (tmp_path / "out" / "f é 0001.png").read_bytes() == paths[0].read_bytes()


def test_a_compression_of_ones_own_is_that_of_all_frames(tmp_path):
    paths = write_sequence(tmp_path / "in", 2, size=(64, 64))
    run(make_job(tmp_path / "in", tmp_path / "out", compression="none"))
    for name in visible_names(tmp_path / "out"):
        assert (tmp_path / "out" / name).stat().st_size > 64 * 64 * 3
    made = read_png(tmp_path / "out" / "f é 0001.png")
    assert np.array_equal(made, read_png(paths[0]))


def test_another_depth_is_another_job(tmp_path):
    write_sequence(tmp_path / "in", 2)
    run(make_job(tmp_path / "in", tmp_path / "out"))
    with pytest.raises(OutputError, match=r"depth \(was source, is 16\)"):
        run(make_job(tmp_path / "in", tmp_path / "out", depth="16"))


def test_passes_take_a_lossless_compression_and_keep_their_depths(tmp_path):
    write_shots(tmp_path / "in", 2)
    run(make_job(tmp_path / "in", tmp_path / "out", compression="piz"))
    made, parts = read_exr(tmp_path / "out" / "shot_0001.exr")
    source, _ = read_exr(tmp_path / "in" / "shot_0001.exr")
    assert {part["compression"] for part in parts} == {"piz"}
    for name, values in source.items():
        assert made[name].dtype == values.dtype
        assert made[name].tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"compression": "dwaa"}, "dwaa would alter passes of ids and numbers"),
        ({"depth": "half"}, "each pass keeps its own depth, and half is asked for"),
    ],
)
def test_passes_refuse_what_would_alter_ids(tmp_path, settings, message):
    write_shots(tmp_path / "in", 2)
    with pytest.raises(RequestError, match=message):
        run(make_job(tmp_path / "in", tmp_path / "out", **settings))
    assert not (tmp_path / "out").exists()
