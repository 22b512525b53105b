from concurrent.futures import ThreadPoolExecutor

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses
import pytest

from blender_vfi.engine.images import read_format, read_frame, set_thread_count, write_frame
from blender_vfi.errors import FrameError

from .image_files import (
    ICC_PROFILE,
    NAMES,
    decode_png,
    encode_png,
    load,
    png_bytes,
    random_codes,
    random_floats,
    save,
    spread,
)

pytestmark = pytest.mark.plain

EXACT = [
    *[(".png", bits, channels) for bits in (8, 16) for channels in (1, 2, 3, 4)],
    *[(".tif", bits, channels) for bits in (8, 10, 12, 16) for channels in (1, 2, 3, 4)],
    *[(".dpx", bits, channels) for bits in (8, 10, 12, 16) for channels in (1, 3)],
    *[(".dpx", bits, 4) for bits in (8, 12, 16)],
    *[(".tga", 8, channels) for channels in (1, 3, 4)],
    (".webp", 8, 3),
]


def save_codes(path, codes, bits):
    attributes = {"compression": "lossless"} if path.suffix == ".webp" else {}
    if bits in (10, 12):
        attributes["oiio:BitsPerSample"] = bits
        codes = spread(codes, bits)
    return save(path, codes, attributes)


def copy(source, target):
    frame = read_frame(source)
    write_frame(target, frame.pixels, frame.header, target.suffix)
    return frame


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_png_code_reads_as_nearest_float_and_returns(tmp_path, dtype):
    top = np.iinfo(dtype).max
    codes = np.arange(top + 1, dtype=dtype).reshape(-1, 256, 1)
    (tmp_path / "a.png").write_bytes(encode_png(codes))
    frame = copy(tmp_path / "a.png", tmp_path / "b.png")
    np.testing.assert_array_equal(frame.pixels, (codes / float(top)).astype(np.float32))
    back = decode_png((tmp_path / "b.png").read_bytes())
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, codes)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_layout_depth_and_colours_under_zero_alpha(tmp_path, bits, channels):
    codes = random_codes(bits, channels)
    (tmp_path / "a.png").write_bytes(encode_png(codes))
    frame = copy(tmp_path / "a.png", tmp_path / "b.png")
    assert frame.header.format.channel_names == NAMES[channels]
    assert frame.header.format.alpha_mode == ("straight" if channels in (2, 4) else "none")
    back = decode_png((tmp_path / "b.png").read_bytes())
    assert back.dtype == codes.dtype
    np.testing.assert_array_equal(back, codes)


def test_palette_and_few_bit_pngs_expand_to_8_bit(tmp_path):
    palette = (b"PLTE", bytes(range(10, 22)))
    cases = {
        "palette": (png_bytes([b"\0\1\2\3"], 8, 3, [palette]), (13, 14, 15)),
        "transparent": (
            png_bytes([b"\0\1\2\3"], 8, 3, [palette, (b"tRNS", b"\xff\0")]),
            (13, 14, 15, 0),
        ),
        "four_bits": (png_bytes([b"\x0f\x5a"], 4, 0), (255,)),
        "one_bit": (png_bytes([b"\x40"], 1, 0), (255,)),
    }
    for name, (data, second_pixel) in cases.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(data)
        frame = copy(path, tmp_path / "out.png")
        assert frame.header.format.pixel_type == "uint8"
        assert tuple(np.rint(frame.pixels[0, 1] * 255)) == second_pixel, name
        expanded = decode_png((tmp_path / "out.png").read_bytes())
        np.testing.assert_array_equal(expanded, np.rint(frame.pixels * 255))


@pytest.mark.parametrize(("suffix", "bits", "channels"), EXACT)
def test_integer_files_round_trip_at_their_depth(tmp_path, suffix, bits, channels):
    codes = random_codes(bits, channels)
    path = save_codes(tmp_path / f"a{suffix}", codes, bits)
    frame = copy(path, tmp_path / f"b{suffix}")
    assert frame.header.format.pixel_type == f"uint{bits}"
    assert not frame.header.format.is_linear
    np.testing.assert_array_equal(frame.pixels, (codes / float((1 << bits) - 1)).astype(np.float32))
    before, metadata_before = load(path)
    after, metadata_after = load(tmp_path / f"b{suffix}")
    assert after.dtype == before.dtype
    np.testing.assert_array_equal(after, before)
    assert metadata_after == metadata_before
    assert read_format(tmp_path / f"b{suffix}") == frame.header.format


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("suffix", "dtype", "attributes"),
    [
        (".exr", np.float16, {"compression": "piz"}),
        (".exr", np.float32, {"compression": "zips"}),
        (".tif", np.float32, {"compression": "lzw"}),
    ],
)
def test_float_files_round_trip_bit_for_bit(tmp_path, suffix, dtype, attributes, channels):
    values = random_floats(channels, dtype)
    path = save(tmp_path / f"a{suffix}", values, attributes)
    frame = copy(path, tmp_path / f"b{suffix}")
    assert frame.header.format.is_linear
    assert frame.header.format.pixel_type == ("half" if dtype == np.float16 else "float")
    np.testing.assert_array_equal(frame.pixels, values.astype(np.float32))
    after, metadata = load(tmp_path / f"b{suffix}")
    assert after.dtype == dtype
    np.testing.assert_array_equal(after, values)
    assert metadata["compression"] == attributes["compression"]
    assert metadata == load(path)[1]


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("suffix", [".dpx", ".tif"])
def test_every_10_and_12_bit_code_returns(tmp_path, suffix, bits):
    codes = np.arange(1 << bits, dtype=np.uint16).reshape(-1, 64, 1)
    path = save_codes(tmp_path / f"a{suffix}", codes, bits)
    frame = copy(path, tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(frame.pixels, (codes / float(codes.max())).astype(np.float32))
    np.testing.assert_array_equal(load(tmp_path / f"b{suffix}")[0], load(path)[0])


@pytest.mark.parametrize(
    ("suffix", "native", "as_stored"),
    [
        (".tif", random_codes(16, 4), lambda a: a.astype("<u2").tobytes()),
        (".tif", random_floats(3), lambda a: a.astype("<f4").tobytes()),
        (".dpx", random_codes(16, 3), lambda a: a.astype("<u2").tobytes()),
        (".exr", random_floats(1), lambda a: a[5].astype("<f4").tobytes()),
        (".exr", random_floats(1, np.float16), lambda a: a[5].astype("<f2").tobytes()),
    ],
)
def test_uncompressed_files_hold_the_values_themselves(tmp_path, suffix, native, as_stored):
    path = save(tmp_path / f"a{suffix}", native, {"compression": "none"})
    copy(path, tmp_path / f"b{suffix}")
    data = (tmp_path / f"b{suffix}").read_bytes()
    assert as_stored(native) in data


def test_uncompressed_targa_holds_the_codes_themselves(tmp_path):
    codes = random_codes(8, 4)
    copy(save(tmp_path / "a.tga", codes), tmp_path / "b.tga")
    data = (tmp_path / "b.tga").read_bytes()
    stored = codes[..., [2, 1, 0, 3]]
    from_below = not data[17] & 0x20
    assert (stored[::-1] if from_below else stored).tobytes() in data


def test_new_values_are_rounded_to_the_nearest_code(tmp_path):
    codes = random_codes(8, 3)
    frame = read_frame(save(tmp_path / "a.png", codes))
    write_frame(tmp_path / "b.png", frame.pixels - np.float32(0.4 / 255), frame.header, ".png")
    np.testing.assert_array_equal(decode_png((tmp_path / "b.png").read_bytes()), codes)


def test_lossless_webp_keeps_all_that_can_be_seen(tmp_path):
    codes = random_codes(8, 4)
    codes[..., 3] |= 1
    codes[0, 0, 3] = 0
    path = save(tmp_path / "a.webp", codes, {"compression": "webp:50"})
    source, _ = load(path)
    copy(path, tmp_path / "b.webp")
    result, _ = load(tmp_path / "b.webp")
    seen = source[..., 3] > 0
    np.testing.assert_array_equal(result[..., 3], source[..., 3])
    np.testing.assert_array_equal(result[seen], source[seen])
    assert b"VP8L" in (tmp_path / "b.webp").read_bytes()[:64]


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_jpeg_stays_close_and_keeps_its_subsampling(tmp_path, subsampling):
    y, x = np.mgrid[0:64, 0:64]
    smooth = np.stack([x * 3, y * 3, (x + y) * 2], -1).astype(np.uint8)
    attributes = {"compression": "jpeg:97", "jpeg:subsampling": subsampling}
    path = save(tmp_path / "a.jpg", smooth, attributes)
    copy(path, tmp_path / "b.jpg")
    source, _ = load(path)
    result, metadata = load(tmp_path / "b.jpg")
    assert metadata["jpeg:subsampling"] == subsampling
    assert np.abs(source.astype(int) - result).mean() < 1.5


def test_gray_jpeg_stays_gray(tmp_path):
    path = save(tmp_path / "a.jpg", np.full((16, 16, 1), 99, np.uint8))
    copy(path, tmp_path / "b.jpg")
    assert load(tmp_path / "b.jpg")[0].shape == (16, 16, 1)


def test_other_sources_become_jpeg_without_subsampling(tmp_path):
    copy(save(tmp_path / "a.png", random_codes(8, 3)), tmp_path / "b.jpg")
    assert load(tmp_path / "b.jpg")[1]["jpeg:subsampling"] == "4:4:4"


@pytest.mark.parametrize(
    ("suffix", "bits", "attributes"),
    [
        (".png", 16, {"XResolution": 300.0, "YResolution": 300.0, "Frame": "0012", "Artist": "me"}),
        (".tif", 8, {"XResolution": 72.0, "Artist": "me", "Orientation": 6}),
        (".jpg", 8, {"Orientation": 6, "FNumber": 2.0, "ImageDescription": "a picture"}),
        (".dpx", 10, {"dpx:Transfer": "Logarithmic", "smpte:TimeCode": (0x01020304, 0)}),
    ],
)
def test_metadata_stays(tmp_path, suffix, bits, attributes):
    depth = {"oiio:BitsPerSample": bits} if bits == 10 else {}
    path = save(
        tmp_path / f"a{suffix}",
        random_codes(16 if bits == 10 else bits, 3),
        {**attributes, **depth},
    )
    copy(path, tmp_path / f"b{suffix}")
    before, after = load(path)[1], load(tmp_path / f"b{suffix}")[1]
    assert set(attributes) <= set(after)
    assert {name: after.get(name) for name in before} == before


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_icc_profile_stays_and_stands_alone(tmp_path, suffix):
    profile = np.frombuffer(ICC_PROFILE, np.uint8)
    path = save(tmp_path / f"a{suffix}", random_codes(8, 3), {"ICCProfile": profile})
    frame = copy(path, tmp_path / f"b{suffix}")
    assert load(tmp_path / f"b{suffix}")[1]["ICCProfile"] == ICC_PROFILE
    assert frame.header.format.colour_space.startswith("ICC profile")
    data = (tmp_path / f"b{suffix}").read_bytes()
    assert b"sRGB" not in data
    assert b"profile_size" not in data


@pytest.mark.parametrize("compression", ["none", "rle", "zips", "zip", "piz", "b44", "dwab"])
def test_exr_keeps_compression_and_attributes(tmp_path, compression):
    attributes = {
        "compression": compression,
        "chromaticities": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329),
        "smpte:TimeCode": (0x01020304, 0),
        "Frame": "12",
        "framesPerSecond": 24.0,
    }
    path = save(tmp_path / "a.exr", random_floats(4, np.float16), attributes)
    copy(path, tmp_path / "b.exr")
    before, after = load(path)[1], load(tmp_path / "b.exr")[1]
    assert after == before
    assert after["compression"] == compression
    assert set(attributes) <= set(after)


def test_dwa_exr_keeps_its_level(tmp_path):
    path = save(tmp_path / "a.exr", random_floats(3, np.float16), {"compression": "dwaa:80"})
    copy(path, tmp_path / "b.exr")
    assert load(tmp_path / "b.exr")[1]["openexr:dwaCompressionLevel"] == 80


@pytest.mark.parametrize(
    ("place", "display"),
    [
        ({"x": -4, "y": -3}, (0, 0, 14, 12)),
        ({"x": 10, "y": 12}, (0, 0, 132, 130)),
    ],
)
def test_exr_with_overscan_or_crop_keeps_both_windows(tmp_path, place, display):
    full = dict(zip(("full_x", "full_y", "full_width", "full_height"), display, strict=True))
    path = save(tmp_path / "a.exr", random_floats(4), **place, **full)
    frame = copy(path, tmp_path / "b.exr")
    assert frame.header.format.data_window == (place["x"], place["y"], 22, 18)
    assert frame.header.format.display_window == display
    assert read_format(tmp_path / "b.exr") == frame.header.format


def test_layer_names_tiles_and_line_order_stay(tmp_path):
    names = tuple(f"ViewLayer.Combined.{role}" for role in "RGBA")
    cases = [
        {"channelnames": names},
        {"tile_width": 16, "tile_height": 16},
        {"attributes": {"openexr:lineOrder": "decreasingY"}},
    ]
    values = random_floats(4, np.float16)
    for case in cases:
        path = save(tmp_path / "a.exr", values, **case)
        frame = copy(path, tmp_path / "b.exr")
        again = read_frame(tmp_path / "b.exr")
        assert again.header.format == frame.header.format
        assert again.header.spec.tile_width == case.get("tile_width", 0)
        assert again.header.format.channel_names == case.get("channelnames", NAMES[4])
        np.testing.assert_array_equal(again.pixels, values.astype(np.float32))


def test_mixed_half_and_float_channels_become_float(tmp_path):
    kinds = tuple(oiio.TypeDesc(kind) for kind in ("half", "half", "half", "float"))
    path = save(tmp_path / "a.exr", random_floats(4), channelformats=kinds)
    frame = copy(path, tmp_path / "b.exr")
    assert frame.header.format.pixel_type == "float"
    assert read_frame(tmp_path / "b.exr").header.spec.channelformats == ()
    np.testing.assert_array_equal(load(tmp_path / "b.exr")[0], frame.pixels)


def test_format_follows_the_suffix_argument_and_not_the_name(tmp_path):
    frame = read_frame(save(tmp_path / "a.png", random_codes(8, 3)))
    write_frame(tmp_path / "temporary", frame.pixels, frame.header, ".tif")
    assert read_format(tmp_path / "temporary").container == "tiff"


def test_format_is_told_by_content_and_not_by_name(tmp_path):
    save(tmp_path / "a.jpg", random_codes(8, 3)).rename(tmp_path / "a.png")
    assert read_format(tmp_path / "a.png").container == "jpeg"


def test_names_with_spaces_and_other_scripts_work(tmp_path):
    path = save(tmp_path / "ä 日本 %04d #.png", random_codes(8, 3))
    frame = copy(path, tmp_path / "ö 日本 %04d #.png")
    np.testing.assert_array_equal(read_frame(tmp_path / "ö 日本 %04d #.png").pixels, frame.pixels)


def test_header_and_pixels_of_the_source_are_left_alone(tmp_path):
    frame = read_frame(save(tmp_path / "a.png", random_codes(8, 4)))
    pixels, spec = frame.pixels.copy(), frame.header.spec.to_xml()
    write_frame(tmp_path / "b.tga", frame.pixels, frame.header, ".tga")
    np.testing.assert_array_equal(frame.pixels, pixels)
    assert frame.header.spec.to_xml() == spec


def test_many_threads_read_and_write_without_mixing_frames_or_errors(tmp_path):
    set_thread_count(1)
    (tmp_path / "broken.png").write_bytes(encode_png(random_codes(8, 3))[:200])

    def work(index):
        suffix = (".png", ".tif", ".exr", ".jpg")[index % 4]
        if index % 5 == 0:
            with pytest.raises(FrameError, match=r"broken\.png"):
                read_frame(tmp_path / "broken.png")
        linear = suffix == ".exr"
        native = random_floats(3) + index if linear else random_codes(8, 3, seed=index)
        path = save(tmp_path / f"a{index}{suffix}", native)
        copy(path, tmp_path / f"b{index}{suffix}")
        result, _ = load(tmp_path / f"b{index}{suffix}")
        return suffix == ".jpg" or np.array_equal(result, native)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(48)))


@pytest.mark.parametrize("bits", [8, 16])
def test_png_is_hardly_larger_than_blenders(tmp_path, bits):
    y, x = np.mgrid[0:90, 0:160]
    waves = np.stack([0.5 + 0.4 * np.sin(x / 9 + k) * np.cos(y / 7) for k in range(3)], axis=-1)
    noisy = waves + np.random.default_rng(0).normal(0, 0.01, waves.shape)
    codes = np.rint(noisy.clip(0, 1) * (2**bits - 1)).astype(f"uint{bits}")
    # level 1 and all filters are what Blender's compression of 15 % means
    usual = save(tmp_path / "usual.png", codes, {"png:compressionLevel": 1})
    copy(usual, tmp_path / "ours.png")
    np.testing.assert_array_equal(load(tmp_path / "ours.png")[0], codes)
    sizes = [(tmp_path / name).stat().st_size for name in ("ours.png", "usual.png")]
    assert sizes[0] <= 1.1 * sizes[1]
