"""Every format at every depth that it has, read back by Blender's own loader and by Pillow."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from blender_vfi.engine import images
from blender_vfi.engine.image_formats import encoding_for
from blender_vfi.engine.job_spec import OUTPUT_SUFFIXES
from blender_vfi.engine.storage import Storage
from blender_vfi.errors import RequestError

from ..engine.image_files import ICC_PROFILE, random_codes, random_floats, save, spread
from .readers import exr_header, exr_types, read_by_blender

pytestmark = [pytest.mark.torch, pytest.mark.blender]

INTEGERS = [
    *((".png", bits) for bits in (8, 16)),
    *((".tif", bits) for bits in (8, 10, 12, 16)),
    *((".dpx", bits) for bits in (8, 10, 12, 16)),
    *((suffix, 8) for suffix in (".tga", ".bmp", ".webp")),
]
HAS_GREY = {".png", ".tif", ".dpx", ".tga", ".bmp"}
HAS_ALPHA = {".png", ".tif", ".dpx", ".tga", ".webp"}
SIZE = (18, 22)
CODE_DEPTHS = {
    **dict.fromkeys((".jpg", ".webp", ".tga", ".bmp"), ("8",)),
    **dict.fromkeys((".tif", ".dpx"), ("8", "10", "12", "16")),
    ".png": ("8", "16"),
}
LIGHT_DEPTHS = {".exr": ("half", "float"), ".tif": ("float",), ".hdr": ("8",)}


def source_of(tmp_path, bits, channels):
    """Write a TIFF of random codes; alpha in it is at least a half."""
    codes = random_codes(8 if bits == 8 else 16, channels, SIZE)
    codes >>= 0 if bits in (8, 16) else 16 - bits
    if channels == 4:
        codes[..., 3] = codes[..., 3] // 2 + ((1 << bits) - 1) // 2
    stored = codes if bits in (8, 16) else spread(codes, bits)
    extra = {} if bits in (8, 16) else {"oiio:BitsPerSample": bits}
    path = tmp_path / "source.tif"
    save(path, stored, extra)
    return codes, images.read_frame(path)


def layouts():
    for suffix, bits in INTEGERS:
        for channels in (1, 3, 4):
            is_held = {1: suffix in HAS_GREY, 3: True, 4: suffix in HAS_ALPHA}[channels]
            if is_held and (suffix, bits, channels) != (".dpx", 10, 4):
                yield suffix, bits, channels


@pytest.mark.parametrize(("suffix", "bits", "channels"), list(layouts()))
def test_blender_reads_every_code_that_was_written(tmp_path, suffix, bits, channels):
    codes, frame = source_of(tmp_path, bits, channels)
    path = tmp_path / f"made{suffix}"
    images.write_frame(path, frame.pixels, frame.header, suffix)
    seen = read_by_blender(path)[..., : max(channels, 3)] * ((1 << bits) - 1)
    assert np.abs(seen - codes).max() < 0.1  # of a code
    assert np.array_equal(np.rint(seen), np.broadcast_to(codes, seen.shape))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tga", ".bmp", ".webp"])
def test_pillow_reads_every_8_bit_code_that_was_written(tmp_path, suffix):
    codes, frame = source_of(tmp_path, 8, 3)
    path = tmp_path / f"made{suffix}"
    images.write_frame(path, frame.pixels, frame.header, suffix)
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), codes)


@pytest.mark.parametrize("quality", [0, 40])
def test_pillow_and_blender_see_the_same_jpeg(tmp_path, quality):
    smooth = np.linspace(20, 220, SIZE[1]).astype(np.uint8)[None, :, None].repeat(SIZE[0], 0)
    save(tmp_path / "source.tif", smooth.repeat(3, 2))
    frame = images.read_frame(tmp_path / "source.tif")
    path = tmp_path / "made.jpg"
    images.write_frame(path, frame.pixels, frame.header, ".jpg", Storage(quality=quality))
    with Image.open(path) as image:
        seen = np.asarray(image).astype(float)
    assert np.abs(seen - smooth).max() <= (3 if quality == 0 else 12)
    assert np.abs(read_by_blender(path)[..., :3] * 255 - seen).max() <= 2


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    ("suffix", "depth"), [(".exr", "half"), (".exr", "float"), (".tif", "float")]
)
def test_blender_reads_all_light_that_was_written(tmp_path, suffix, depth, channels):
    light = random_floats(channels, size=SIZE) * 100
    if depth == "half":
        light = light.astype(np.float16).astype(np.float32)
    if channels == 4:
        light[..., 3] = np.linspace(0, 1, SIZE[0] * SIZE[1]).reshape(SIZE).astype(np.float16)
    save(tmp_path / "source.exr", light)
    frame = images.read_frame(tmp_path / "source.exr")
    path = tmp_path / f"made{suffix}"
    images.write_frame(path, frame.pixels, frame.header, suffix, Storage(depth=depth))
    seen = read_by_blender(path)[..., : max(channels, 3)]
    assert np.array_equal(seen, np.broadcast_to(light, seen.shape))
    if suffix == ".exr":
        assert exr_types(path) == {depth}


def test_blender_reads_radiance_codes_nearest_to_the_light(tmp_path):
    light = np.exp2(np.random.default_rng(4).uniform(-12, 20, (*SIZE, 3))).astype(np.float32)
    light[0, 0] = 0
    light[0, 1] = (-1, 0.999, 0.5)
    save(tmp_path / "source.exr", light)
    frame = images.read_frame(tmp_path / "source.exr")
    path = tmp_path / "made.hdr"
    images.write_frame(path, frame.pixels, frame.header, ".hdr", Storage(depth="8"))
    seen = read_by_blender(path)[..., :3]
    unit = np.exp2(np.frexp(light.max(axis=2, keepdims=True))[1] - 8.0)
    assert (np.abs(seen - light.clip(0)) <= unit * 1.01).all()
    assert np.abs(np.median((seen - light.clip(0)) / unit)) < 0.05, "neither cut nor raised"
    again = images.read_frame(path)
    images.write_frame(tmp_path / "again.hdr", again.pixels, again.header, ".hdr")
    assert np.array_equal(read_by_blender(tmp_path / "again.hdr"), read_by_blender(path))


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
@pytest.mark.parametrize("depth", ["8", "10", "12", "16", "half", "float"])
@pytest.mark.parametrize("is_light", [False, True])
def test_a_depth_is_held_or_refused_by_name(tmp_path, suffix, depth, is_light):
    if is_light:
        save(tmp_path / "source.exr", random_floats(3, size=SIZE).clip(0))
        frame = images.read_frame(tmp_path / "source.exr")
    else:
        _, frame = source_of(tmp_path, 16, 3)
    storage = Storage(depth=depth)
    path = tmp_path / f"made{suffix}"
    held = LIGHT_DEPTHS if is_light else CODE_DEPTHS
    if depth not in held.get(suffix, ()):
        with pytest.raises(RequestError, match=f"Output format {suffix} for 22×18 RGB") as told:
            encoding_for(frame.header.format, suffix, storage)
        assert any(word in str(told.value) for word in (f"depth {depth}", "scene-linear"))
        return
    images.write_frame(path, frame.pixels, frame.header, suffix, storage)
    written = images.read_format(path).pixel_type
    assert written in ((depth, "rgbe") if is_light else (f"uint{depth}",))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@pytest.mark.parametrize("source", [".png", ".tif", ".jpg"])
def test_pillow_finds_resolution_and_profile_in_whatever_format(tmp_path, source, suffix):
    _, frame = source_of(tmp_path, 8, 3)
    path = tmp_path / f"with{source}"
    codes = np.rint(frame.pixels * 255).astype(np.uint8)
    Image.fromarray(codes).save(path, dpi=(300, 300), icc_profile=ICC_PROFILE)
    frame = images.read_frame(path)
    made = tmp_path / f"made{suffix}"
    images.write_frame(made, frame.pixels, frame.header, suffix)
    with Image.open(made) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert image.info["icc_profile"] == ICC_PROFILE


def test_an_exr_header_by_hand_has_time_code_primaries_and_colour_space(tmp_path):
    primaries = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329)
    time_code = (0x01020304, 0x05060708)
    extra = {
        "chromaticities": primaries,
        "smpte:TimeCode": time_code,
        "colorInteropID": "lin_rec2020_scene",
        "framesPerSecond": "24/1",
    }
    save(tmp_path / "source.exr", random_floats(3, size=SIZE), extra)
    frame = images.read_frame(tmp_path / "source.exr")
    for depth, compression in (("source", "auto"), ("half", "piz")):
        path = tmp_path / f"made_{depth}.exr"
        storage = Storage(depth=depth, compression=compression)
        images.write_frame(path, frame.pixels, frame.header, ".exr", storage)
        header = exr_header(path)
        assert struct.unpack("<8f", header["chromaticities"]) == pytest.approx(primaries)
        assert struct.unpack("<2I", header["timeCode"]) == time_code
        assert header["colorInteropID"] == b"lin_rec2020_scene"
        assert header["compression"] == {"auto": b"\x03", "piz": b"\x04"}[compression]
