"""Integer codes and half floats to float32 and back, without losing a code.

float32 has 24 bits of mantissa, so that every code up to 16 bits survives the way there and back.
Neither OpenImageIO nor torch nor bpy is imported here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .image_formats import INTEGER_BITS, AlphaMode

Pixels = npt.NDArray[np.float32]

LARGEST_HALF = 65504.0
_BRIGHTEST_RGBE = 1e38


def native_type(pixel_type: str) -> str:
    """Name the type that OpenImageIO hands out: 10 and 12 bits come spread over 16."""
    return {"uint10": "uint16", "uint12": "uint16", "rgbe": "float"}.get(pixel_type, pixel_type)


def to_float(native: npt.NDArray[Any], pixel_type: str) -> Pixels:
    """Scale codes to [0, 1], each to the nearest float32; take floating point as it is.

    OpenImageIO's own conversion multiplies by 1/255, which leaves half of the codes one ulp off.

    Args:
        native: any shape, of `native_type(pixel_type)`.
        pixel_type: see `FrameFormat`.
    """
    if pixel_type not in INTEGER_BITS:
        return native.astype(np.float32, copy=False)
    bits = INTEGER_BITS[pixel_type]
    largest = np.float32((1 << bits) - 1)
    if bits in (10, 12):
        native = np.rint(native * (largest / np.float32(65535)))
    return np.divide(native, largest, dtype=np.float32)


def from_float(pixels: Pixels, pixel_type: str) -> npt.NDArray[Any]:
    """Undo `to_float`: clip to [0, 1] and round to the nearest code, NaN as 0.

    Half clips finite values to ±65504, and keeps infinities and NaN. Radiance's codes have no light
    below 0.

    Args:
        pixels: float32, any shape.
        pixel_type: see `FrameFormat`.

    Returns:
        Contiguous array of `native_type(pixel_type)`.
    """
    if pixel_type == "float":
        return np.ascontiguousarray(pixels, dtype=np.float32)
    if pixel_type == "rgbe":
        return _with_shared_exponents(pixels)
    if pixel_type == "half":
        with np.errstate(over="ignore"):
            halves = pixels.astype(np.float16)
        overflow = np.isinf(halves) & np.isfinite(pixels)
        halves[overflow] = np.copysign(LARGEST_HALF, pixels[overflow])
        return halves
    bits = INTEGER_BITS[pixel_type]
    # fmax and fmin, unlike clip, turn NaN into a number.
    scaled = np.fmin(np.fmax(pixels, 0, dtype=np.float32), 1, dtype=np.float32)
    scaled *= np.float32((1 << bits) - 1)
    codes: npt.NDArray[Any] = np.rint(scaled, out=scaled).astype(
        np.uint8 if bits == 8 else np.uint16
    )
    if bits in (10, 12):
        # What OpenImageIO takes the top bits of; repeated, so that white stays white.
        codes = (codes << (16 - bits)) | (codes >> (2 * bits - 16))
    return codes


def _with_shared_exponents(pixels: Pixels) -> Pixels:
    """Round light to Radiance's codes: whole numbers to 255, times a power of two for each pixel.

    OpenImageIO cuts off what is behind the point; a quarter of a code more keeps it from cutting
    one too many.
    """
    light = np.nan_to_num(pixels, nan=0.0, posinf=_BRIGHTEST_RGBE).clip(0, _BRIGHTEST_RGBE)
    brightest = light.max(axis=-1, keepdims=True)
    unit = np.exp2(np.frexp(brightest)[1] - 8.0).astype(np.float32)
    unit = np.where(np.rint(brightest / unit) > 255, unit * 2, unit)
    codes = np.rint(light / unit)
    return np.ascontiguousarray((codes + 0.25) * unit * (brightest > 0), dtype=np.float32)


def convert_alpha(pixels: Pixels, stored: AlphaMode, wanted: AlphaMode) -> Pixels:
    """Multiply colours by alpha, or divide them; `pixels` is left as it is.

    Args:
        pixels: (height, width, channels) float32; where there is alpha, it is the last channel.
        stored: alpha mode of `pixels`.
        wanted: alpha mode of the result; "none" exactly where `stored` is.
    """
    if wanted == stored:
        return pixels
    alpha = pixels[..., -1:]
    converted = pixels.copy()
    if wanted == "premultiplied":
        converted[..., :-1] *= alpha
    else:
        # Light without coverage (alpha 0) has no straight colour; it stays as it is.
        np.divide(pixels[..., :-1], alpha, out=converted[..., :-1], where=alpha > 0)
    return converted
