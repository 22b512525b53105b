"""Pictures of movies as RGB: matrix, range, depth, chroma and alpha, against the formulas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest

from blender_vfi.engine import movie_pixels
from blender_vfi.engine.movie_pixels import UnreadableFormatError, channels_of, depth_of, to_pixels

pytestmark = pytest.mark.torch

SHARES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
LIMITED, FULL = 1, 2


def make_frame(pix_fmt: str, planes: list[np.ndarray], *, matrix=2, color_range=0) -> av.VideoFrame:
    """A picture with exactly these codes in its planes."""
    height, width = planes[0].shape[:2]
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane, codes in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // codes.dtype.itemsize), codes.dtype)
        flat = codes.reshape(codes.shape[0], -1)
        rows[:, : flat.shape[1]] = flat
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = matrix, color_range
    return frame


def yuv_codes(rgb: np.ndarray, matrix: int, bits: int, color_range: int) -> list[np.ndarray]:
    """Y, U and V by ITU-T H.273, rounded."""
    red, blue = SHARES[matrix]
    luma = rgb @ np.array([red, 1 - red - blue, blue])
    u, v = (rgb[..., 2] - luma) / (2 - 2 * blue), (rgb[..., 0] - luma) / (2 - 2 * red)
    unit = 1 << (bits - 8)
    if color_range == FULL:
        largest = (1 << bits) - 1
        planes = (luma * largest, u * largest + 128 * unit, v * largest + 128 * unit)
    else:
        planes = ((219 * luma + 16) * unit, (224 * u + 128) * unit, (224 * v + 128) * unit)
    dtype = np.uint8 if bits == 8 else np.uint16
    return [np.clip(np.rint(plane), 0, (1 << bits) - 1).astype(dtype) for plane in planes]


@pytest.mark.parametrize("color_range", [LIMITED, FULL])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("matrix", SHARES)
def test_matrix_and_range_lead_back_to_the_colours(matrix, bits, color_range):
    rgb = np.random.default_rng(1).random((16, 18, 3))
    rgb[0, :3] = np.eye(3)
    rgb[1, 0], rgb[1, 1] = 0, 1
    planes = yuv_codes(rgb, matrix, bits, color_range)
    name = "yuv444p" if bits == 8 else f"yuv444p{bits}le"
    pixels = to_pixels(make_frame(name, planes, matrix=matrix, color_range=color_range))
    assert pixels.dtype == np.float32
    assert np.abs(pixels - rgb).max() < 1.5 / (219 << (bits - 8)) + 2e-6
    assert (pixels[1, 0].max(), pixels[1, 1].min()) == (0, pytest.approx(1, abs=1e-6))


def test_unspecified_matrix_is_that_of_ffmpeg_and_blender():
    rgb = np.random.default_rng(1).random((8, 8, 3))
    frame = make_frame("yuv444p", yuv_codes(rgb, 5, 8, LIMITED), matrix=2, color_range=0)
    assert np.abs(to_pixels(frame) - rgb).max() < 1.25 / 219


def test_rgb_stored_as_planes_of_yuv_is_taken_as_it_is():
    codes = [np.full((4, 6), value, np.uint8) for value in (10, 20, 30)]
    pixels = to_pixels(make_frame("yuv444p", codes, matrix=0, color_range=FULL))
    assert np.allclose(pixels[0, 0] * 255, (30, 10, 20))


@pytest.mark.parametrize(
    ("pix_fmt", "shape"), [("yuv420p", (8, 8)), ("yuv422p", (16, 8)), ("yuv411p", (16, 4))]
)
def test_chroma_grows_linearly_from_its_places(pix_fmt, shape):
    across, down = 16 // shape[1], 16 // shape[0]
    # what rises evenly stays even, where chroma lies on every other pixel and between two rows
    places_x = np.arange(shape[1]) * across
    places_y = (np.arange(shape[0]) + 0.5) * down - 0.5
    u = 60 + 4 * places_x[None, :] + 3 * places_y[:, None]
    grown = movie_pixels.enlarge_chroma(
        u.astype(np.float32), (across.bit_length() - 1, down.bit_length() - 1), (16, 16)
    )
    expected = 60 + 4 * np.arange(16)[None, :] + 3 * np.arange(16)[:, None]
    inside = (slice(1, -1), slice(0, 16 - across + 1))
    assert np.abs(grown - expected)[inside].max() < 1e-4
    assert grown.shape == (16, 16)


def test_odd_sizes_keep_their_last_row_and_column():
    planes = [np.full((5, 7), 126, np.uint8), *[np.full((3, 4), 128, np.uint8)] * 2]
    pixels = to_pixels(make_frame("yuv420p", planes, matrix=1, color_range=LIMITED))
    assert pixels.shape == (5, 7, 3)
    assert np.ptp(pixels) < 1e-5


REPACKED = {
    "nv12": "yuv420p",
    "p010le": "yuv420p10le",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "yuvj420p": "yuv420p",
    "p210le": "yuv422p10le",
}


@pytest.mark.parametrize("packed", REPACKED)
def test_arrangement_of_bytes_changes_nothing(packed):
    planar = REPACKED[packed]
    rng = np.random.default_rng(2)
    frame = av.VideoFrame(32, 16, planar)
    bits = frame.format.components[0].bits
    dtype, unit = (np.uint8, 1) if bits == 8 else (np.dtype("<u2"), 4)
    planes = [
        rng.integers(60 * unit, 180 * unit, (plane.height, plane.width)).astype(dtype)
        for plane in frame.planes
    ]
    color_range = FULL if packed == "yuvj420p" else LIMITED
    frame = make_frame(planar, planes, matrix=1, color_range=color_range)
    other = frame.reformat(
        format=packed,
        src_colorspace=1,
        dst_colorspace=1,
        src_color_range=color_range,
        dst_color_range=color_range,
    )
    other.colorspace, other.color_range = 1, color_range
    assert np.array_equal(to_pixels(other), to_pixels(frame))


@pytest.mark.parametrize(
    ("pix_fmt", "bits"), [("gbrp10le", 10), ("gbrp12le", 12), ("gbrp16le", 16)]
)
def test_planar_rgb_keeps_every_code(pix_fmt, bits):
    rng = np.random.default_rng(3)
    planes = [rng.integers(0, 1 << bits, (8, 8)).astype("<u2") for _ in range(3)]
    frame = make_frame(f"gbrp{bits}le", planes)
    codes = np.rint(to_pixels(frame) * ((1 << bits) - 1)).astype(int)
    green, blue, red = planes
    assert np.array_equal(codes, np.stack((red, green, blue), -1))
    assert depth_of(frame) == bits


@pytest.mark.parametrize(
    ("pix_fmt", "channels", "largest"),
    [
        ("rgba", 4, 255),
        ("rgb24", 3, 255),
        ("rgba64le", 4, 65535),
        ("gray", 1, 255),
        ("ya8", 2, 255),
    ],
)
def test_packed_pictures_keep_every_code_and_alpha(pix_fmt, channels, largest):
    dtype = np.uint8 if largest == 255 else np.dtype("<u2")
    codes = np.random.default_rng(4).integers(0, largest + 1, (6, 10, channels)).astype(dtype)
    frame = make_frame(pix_fmt, [codes])
    pixels = to_pixels(frame)
    assert np.array_equal(np.rint(pixels * largest).astype(int), codes)
    assert len(channels_of(frame)) == channels
    assert ("A" in channels_of(frame)) == (channels in (2, 4))


def test_alpha_of_yuv_is_full_range_whatever_luma_is():
    planes = [np.full((4, 4), code, np.uint8) for code in (235, 128, 128, 255)]
    pixels = to_pixels(make_frame("yuva444p", planes, matrix=1, color_range=LIMITED))
    assert np.allclose(pixels, 1, atol=1e-6)


def test_gray_is_full_range_unless_it_says_otherwise():
    codes = [np.uint8([[16, 235]])]
    assert np.allclose(to_pixels(make_frame("gray", codes))[0, :, 0] * 255, (16, 235))
    limited = to_pixels(make_frame("gray", codes, color_range=LIMITED))
    assert np.allclose(limited[0, :, 0], (0, 1))


@pytest.mark.parametrize("matrix", [8, 10, 14])
def test_matrix_that_is_no_plain_one_is_refused(matrix):
    planes = [np.full((4, 4), 128, np.uint8)] * 3
    with pytest.raises(UnreadableFormatError, match=f"matrix {matrix}"):
        to_pixels(make_frame("yuv444p", planes, matrix=matrix, color_range=LIMITED))


def test_floating_point_is_refused():
    with pytest.raises(UnreadableFormatError, match="gbrpf32le"):
        to_pixels(av.VideoFrame(4, 4, "gbrpf32le"))


def test_one_picture_may_be_read_in_many_threads():
    codes = np.random.default_rng(5).integers(0, 256, (48, 64, 3), np.uint8)
    frame = av.VideoFrame.from_ndarray(codes, "rgb24").reformat(format="bgr0")
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda _number: to_pixels(frame), range(2000)))
    assert all(np.array_equal(np.rint(pixels * 255), codes) for pixels in read)
