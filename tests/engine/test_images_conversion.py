import numpy as np
import pytest

from blender_vfi.engine.images import read_format, read_frame, write_frame

from .image_files import NAMES, decode_png, load, random_codes, random_floats, save

pytestmark = pytest.mark.plain


def copy(source, target):
    frame = read_frame(source)
    write_frame(target, frame.pixels, frame.header, target.suffix)
    return frame


def test_premultiplied_tiff_becomes_straight_png(tmp_path):
    codes = np.array([[[16384, 8192, 0, 32768], [5, 6, 7, 0]]], np.uint16)
    path = save(tmp_path / "a.tif", codes, {"oiio:UnassociatedAlpha": 0})
    frame = copy(path, tmp_path / "b.png")
    assert frame.header.format.alpha_mode == "premultiplied"
    np.testing.assert_array_equal(np.rint(frame.pixels * 65535), codes)
    straight = decode_png((tmp_path / "b.png").read_bytes())
    assert straight.tolist() == [[[32768, 16384, 0, 32768], [5, 6, 7, 0]]]


def test_straight_float_tiff_becomes_premultiplied_exr(tmp_path):
    values = np.array([[[4.0, 0.5, 1.0, 0.25]]], np.float32)
    frame = copy(save(tmp_path / "a.tif", values), tmp_path / "b.exr")
    assert frame.header.format.alpha_mode == "straight"
    assert load(tmp_path / "b.exr")[0].tolist() == [[[1.0, 0.125, 0.25, 0.25]]]


@pytest.mark.parametrize(
    ("source", "target", "stored"),
    [
        (".dpx", ".png", np.uint16),
        (".png", ".tif", np.uint16),
        (".tif", ".dpx", np.uint16),
    ],
)
def test_depth_stays_in_another_format(tmp_path, source, target, stored):
    codes = random_codes(16, 3)
    copy(save(tmp_path / f"a{source}", codes), tmp_path / f"b{target}")
    result, _ = load(tmp_path / f"b{target}")
    assert result.dtype == stored
    np.testing.assert_array_equal(result, codes)


@pytest.mark.parametrize("suffix", [".png", ".dpx", ".tga", ".webp"])
def test_tiled_source_fits_formats_without_tiles(tmp_path, suffix):
    codes = random_codes(8, 3)
    copy(save(tmp_path / "a.tif", codes, tile_width=16, tile_height=16), tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(load(tmp_path / f"b{suffix}")[0], codes)


def test_layered_exr_becomes_plain_tiff(tmp_path):
    names = tuple(f"ViewLayer.Combined.{role}" for role in "RGBA")
    values = random_floats(4)
    copy(save(tmp_path / "a.exr", values, channelnames=names), tmp_path / "b.tif")
    assert read_format(tmp_path / "b.tif").channel_names == NAMES[4]
    np.testing.assert_array_equal(load(tmp_path / "b.tif")[0], values)
