import warnings

import numpy as np
import pytest

from blender_vfi.engine.quantisation import convert_alpha, from_float, native_type, to_float

pytestmark = pytest.mark.plain

INTEGER_TYPES = ("uint8", "uint10", "uint12", "uint16")


def largest_code(pixel_type):
    return (1 << int(pixel_type.removeprefix("uint"))) - 1


def spread(codes, pixel_type):
    """Codes of 10 or 12 bits over 16, by the definition: scaled and rounded."""
    if native_type(pixel_type) == pixel_type:
        return codes.astype(native_type(pixel_type))
    return np.rint(codes * (65535 / largest_code(pixel_type))).astype(np.uint16)


@pytest.mark.parametrize("pixel_type", INTEGER_TYPES)
def test_every_code_becomes_its_nearest_float(pixel_type):
    codes = np.arange(largest_code(pixel_type) + 1, dtype=np.float64)
    floats = to_float(spread(codes, pixel_type), pixel_type)
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, (codes / largest_code(pixel_type)).astype(np.float32))


@pytest.mark.parametrize("pixel_type", INTEGER_TYPES)
def test_every_code_survives_the_way_to_float_and_back(pixel_type):
    codes = np.arange(largest_code(pixel_type) + 1)
    native = from_float(to_float(spread(codes, pixel_type), pixel_type), pixel_type)
    bits = int(pixel_type.removeprefix("uint"))
    np.testing.assert_array_equal(native >> (np.iinfo(native.dtype).bits - bits), codes)


@pytest.mark.parametrize("pixel_type", ["uint10", "uint12"])
def test_repeated_bits_read_the_same_as_scaled_codes(pixel_type):
    codes = np.arange(largest_code(pixel_type) + 1)
    floats = to_float(spread(codes, pixel_type), pixel_type)
    np.testing.assert_array_equal(to_float(from_float(floats, pixel_type), pixel_type), floats)


@pytest.mark.parametrize("pixel_type", INTEGER_TYPES)
def test_values_between_two_codes_go_to_the_nearer(pixel_type):
    largest = largest_code(pixel_type)
    codes = np.arange(1, largest)
    above = ((codes + 0.4) / largest).astype(np.float32)
    below = ((codes - 0.4) / largest).astype(np.float32)
    want = spread(codes, pixel_type)
    for values in (above, below):
        got = to_float(from_float(values, pixel_type), pixel_type)
        np.testing.assert_array_equal(got, to_float(want, pixel_type))


@pytest.mark.parametrize("pixel_type", INTEGER_TYPES)
def test_values_out_of_range_clip_and_nan_is_black(pixel_type):
    values = np.array([-np.inf, -0.3, np.nan, 1.0, 1.7, np.inf], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        native = from_float(values, pixel_type)
    top = np.iinfo(native.dtype).max
    assert native.tolist() == [0, 0, 0, top, top, top]


def test_every_half_survives_the_way_to_float_and_back():
    halves = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).view(np.float16)
    back = from_float(to_float(halves, "half"), "half")
    np.testing.assert_array_equal(back, halves)


def test_half_clips_large_values_and_keeps_infinity():
    values = np.array([1e6, -1e6, np.inf, -np.inf, 65504.0], np.float32)
    assert from_float(values, "half").tolist() == [65504.0, -65504.0, np.inf, -np.inf, 65504.0]


def test_float_is_kept_bit_for_bit():
    values = np.array([-3.5, np.float32(1e-42), 1e30, np.inf], np.float32)
    assert from_float(to_float(values, "float"), "float").tobytes() == values.tobytes()


def test_source_pixels_are_left_alone():
    pixels = np.full((2, 2, 4), 0.5, np.float32)
    from_float(pixels, "uint8")
    convert_alpha(pixels, "straight", "premultiplied")
    assert (pixels == 0.5).all()


def test_alpha_converts_there_and_back_where_it_is_not_zero():
    straight = np.random.default_rng(1).random((8, 8, 4), dtype=np.float32)
    premultiplied = convert_alpha(straight, "straight", "premultiplied")
    np.testing.assert_array_equal(premultiplied[..., :3], straight[..., :3] * straight[..., 3:])
    back = convert_alpha(premultiplied, "premultiplied", "straight")
    np.testing.assert_allclose(back, straight, rtol=1e-6)


def test_light_without_coverage_stays_when_alpha_is_divided_out():
    pixels = np.array([[[0.5, 0.25, 0.125, 0.0]]], np.float32)
    assert convert_alpha(pixels, "premultiplied", "straight").tolist() == pixels.tolist()
