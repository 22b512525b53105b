"""Pictures of movies as RGB in floating point, and back: matrix, range, chroma, depth and alpha.

We convert ourselves, since FFmpeg's scaler does so to whole numbers, and at 16 bits with a white
that is not white: up to one code of 8 bits beside what it should be. Needs PyAV; no torch, no bpy.
"""

from __future__ import annotations

import threading
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from .quantisation import Pixels

MATRICES = {
    1: (0.2126, 0.0722),
    4: (0.3, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Shares of red and blue in luma, by FFmpeg's number: 709, FCC, 601 twice, 240M, 2020."""

UNSPECIFIED = 2
UNSPECIFIED_MATRIX = 5
"""BT.601, as FFmpeg and Blender's Sequencer take it, whatever the size."""

_IDENTITY = 0
_FULL_RANGE = 2
_LIMITED_RANGE = 1
_PLANE_NAMES = {
    **{(0, 0): "444", (1, 0): "422", (1, 1): "420"},
    **{(2, 0): "411", (2, 2): "410", (0, 1): "440"},
}

# PyAV keeps the scaler with the picture: two threads that reformat one picture crash
_rearranging = threading.Lock()

Plane = npt.NDArray[np.float32]


class UnreadableFormatError(Exception):
    """Pictures stored in a way that we do not turn into RGB; says in words what it is."""


def depth_of(frame: av.VideoFrame) -> int:
    """Return the bits of a component: 8, 10, 12 or 16, the next that holds what is stored."""
    stored = max(component.bits for component in frame.format.components)
    return next(bits for bits in (8, 10, 12, 16, stored) if bits >= stored)


def channels_of(frame: av.VideoFrame) -> tuple[str, ...]:
    """Return the channels that a picture has: of ("Y",), ("Y", "A"), RGB and RGBA."""
    components = frame.format.components
    has_alpha = frame.format.has_palette or any(component.is_alpha for component in components)
    is_gray = not frame.format.has_palette and len(components) - has_alpha == 1
    return ("Y",) * is_gray + ("R", "G", "B") * (not is_gray) + ("A",) * has_alpha


def to_pixels(frame: av.VideoFrame) -> Pixels:
    """Turn a picture into channels as `channels_of` names them.

    Returns:
        (height, width, channels) float32, in [0, 1].

    Raises:
        UnreadableFormatError: it is stored in a way that we cannot convert.
    """
    name = frame.format.name
    if "f16" in name or "f32" in name or "xyz" in name or "bayer" in name:
        raise UnreadableFormatError(f"pixel format {name}")
    if frame.format.is_rgb or frame.format.has_palette:
        return _from_rgb(frame)
    channels = channels_of(frame)
    if "R" not in channels:
        return _from_gray(frame, has_alpha="A" in channels)
    return _from_yuv(frame, has_alpha="A" in channels)


def turned(pixels: Pixels, quarters: int) -> Pixels:
    """Turn a picture anticlockwise by so many quarters."""
    return np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels


def is_full_range(frame: av.VideoFrame) -> bool:
    """Tell whether luma uses all codes: gray unless it says otherwise, colour if it says so."""
    if frame.format.name.startswith("yuvj") or frame.color_range == _FULL_RANGE:
        return True
    return frame.format.name.startswith(("gray", "ya")) and frame.color_range != _LIMITED_RANGE


def _from_rgb(frame: av.VideoFrame) -> Pixels:
    bits = max(component.bits for component in frame.format.components)
    has_alpha = "A" in channels_of(frame)
    if frame.format.is_planar and bits > 8:  # the scaler would round 10 bits on their way to 16
        frame = _native(frame, f"gbr{'a' if has_alpha else ''}p{bits}le")
        planes = _planes(frame, 4 if has_alpha else 3)
        green, blue, red = planes[:3]
        largest = np.float32((1 << bits) - 1)
        return np.stack([plane / largest for plane in (red, green, blue, *planes[3:])], axis=-1)
    names = ("rgb48le", "rgba64le") if bits > 8 else ("rgb24", "rgba")
    array = _packed(_native(frame, names[has_alpha]), 4 if has_alpha else 3)
    return np.divide(array, np.float32(np.iinfo(array.dtype).max), dtype=np.float32)


def _from_gray(frame: av.VideoFrame, *, has_alpha: bool) -> Pixels:
    bits = max(component.bits for component in frame.format.components)
    largest = np.float32((1 << bits) - 1)
    is_full = is_full_range(frame)
    if has_alpha:
        frame = _native(frame, "ya8" if bits == 8 else "ya16le")
        array = _packed(frame, 2).astype(np.float32)
        luma, alpha = array[..., 0], array[..., 1]
        luma = np.clip(_luma(luma, bits, is_full=is_full), 0, 1)
        return np.stack((luma, alpha / largest), axis=-1)
    (luma,) = _planes(_native(frame, "gray" if bits == 8 else f"gray{bits}le"), 1)
    return np.clip(_luma(luma, bits, is_full=is_full), 0, 1)[..., None]


def _from_yuv(frame: av.VideoFrame, *, has_alpha: bool) -> Pixels:
    number = UNSPECIFIED_MATRIX if frame.colorspace == UNSPECIFIED else int(frame.colorspace)
    if number not in MATRICES and number != _IDENTITY:
        raise UnreadableFormatError(f"colour matrix {number} of ISO/IEC 23091-2")
    bits = max(component.bits for component in frame.format.components)
    is_full = is_full_range(frame)
    shifts = _chroma_shifts(frame)
    frame = _native(frame, yuv_name(shifts, bits, has_alpha=has_alpha))
    luma, blue, red, *alpha = _planes(frame, 4 if has_alpha else 3)
    height, width = luma.shape
    largest = np.float32((1 << bits) - 1)
    if number == _IDENTITY:
        colours = [red / largest, luma / largest, blue / largest]
    else:
        blue, red = (
            _chroma(enlarge_chroma(plane, shifts, (height, width)), bits, is_full=is_full)
            for plane in (blue, red)
        )
        colours = _to_rgb(_luma(luma, bits, is_full=is_full), blue, red, MATRICES[number])
    pixels: Pixels = np.empty((height, width, 3 + len(alpha)), np.float32)
    for channel, plane in enumerate((*colours, *(plane / largest for plane in alpha))):
        np.clip(plane, 0, 1, out=pixels[..., channel])
    return pixels


def _to_rgb(luma: Plane, blue: Plane, red: Plane, shares: tuple[float, float]) -> list[Plane]:
    of_red, of_blue = (np.float32(share) for share in shares)
    r = luma + 2 * (1 - of_red) * red
    b = luma + 2 * (1 - of_blue) * blue
    return [r, (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue), b]


def _luma(plane: Plane, bits: int, *, is_full: bool) -> Plane:
    if is_full:
        return plane / np.float32((1 << bits) - 1)
    step = np.float32(1 << (bits - 8))
    return (plane - 16 * step) / (219 * step)


def _chroma(plane: Plane, bits: int, *, is_full: bool) -> Plane:
    largest = (1 << bits) - 1 if is_full else 224 << (bits - 8)
    return np.asarray((plane - np.float32(128 << (bits - 8))) / np.float32(largest))


def yuv_name(shifts: tuple[int, int], bits: int, *, has_alpha: bool) -> str:
    """Return FFmpeg's name of a planar format.

    Raises:
        UnreadableFormatError: there is none with such chroma.
    """
    if shifts not in _PLANE_NAMES:
        raise UnreadableFormatError(f"chroma of 1/{1 << shifts[0]} by 1/{1 << shifts[1]}")
    return f"yuv{'a' * has_alpha}{_PLANE_NAMES[shifts]}p{'' if bits == 8 else f'{bits}le'}"


def _chroma_shifts(frame: av.VideoFrame) -> tuple[int, int]:
    """Return by how many powers of two chroma is smaller, in width and height."""
    size = 1 << 8
    across, down = frame.format.chroma_width(size), frame.format.chroma_height(size)
    return (size // across).bit_length() - 1, (size // down).bit_length() - 1


def enlarge_chroma(plane: Plane, shifts: tuple[int, int], size: tuple[int, int]) -> Plane:
    """Bring chroma to the size of luma, linearly, from where MPEG-2 and H.264 put its samples.

    Across, they lie on every other pixel, from the first on; down, halfway between two rows.

    Args:
        plane: (height, width).
        shifts: by how many powers of two it is smaller, across and down.
        size: height and width of luma.
    """
    height, width = size
    across, down = shifts
    if down == 1:
        plane = _twice_as_high(plane)
    elif down:
        plane = _interpolated(plane, (np.arange(height) + 0.5) / (1 << down) - 0.5)
    if across == 1:
        plane = _twice_as_wide(plane)
    elif across:
        plane = _interpolated(plane.T, np.arange(width) / (1 << across)).T
    return plane[:height, :width]


def _twice_as_high(plane: Plane) -> Plane:
    """Do for a factor of 2 what `_interpolated` does, in a third of the time."""
    rows, columns = plane.shape
    enlarged = np.empty((2 * rows, columns), np.float32)
    quarter, rest = plane / 4, plane * np.float32(0.75)
    enlarged[0], enlarged[-1] = plane[0], plane[-1]
    np.add(rest[1:], quarter[:-1], out=enlarged[2::2])
    np.add(rest[:-1], quarter[1:], out=enlarged[1:-1:2])
    return enlarged


def _twice_as_wide(plane: Plane) -> Plane:
    rows, columns = plane.shape
    enlarged = np.empty((rows, 2 * columns), np.float32)
    enlarged[:, ::2], enlarged[:, -1] = plane, plane[:, -1]
    between = plane[:, :-1] + plane[:, 1:]
    between /= 2
    enlarged[:, 1:-1:2] = between
    return enlarged


def _interpolated(plane: Plane, places: npt.NDArray[np.float64]) -> Plane:
    """Return rows of `plane` at `places` between them; those beyond the edge repeat it."""
    last = plane.shape[0] - 1
    places = np.clip(places, 0, last)
    lower = places.astype(np.intp)
    upper = np.minimum(lower + 1, last)
    share = (places - lower).astype(np.float32)[:, None]
    low: Plane = plane[lower]
    high: Plane = plane[upper]
    high -= low
    high *= share
    high += low
    return high


def _native(frame: av.VideoFrame, name: str) -> av.VideoFrame:
    """Return the picture's own codes in another arrangement of bytes."""
    if frame.format.name in (name, name.replace("yuv", "yuvj")):
        return frame
    # same matrix and range on both sides: nothing is converted but the place of each code
    same = int(frame.colorspace) if int(frame.colorspace) in MATRICES else UNSPECIFIED_MATRIX
    span = _FULL_RANGE if is_full_range(frame) else _LIMITED_RANGE
    try:
        with _rearranging:
            return frame.reformat(
                format=name,
                src_colorspace=same,
                dst_colorspace=same,
                src_color_range=span,
                dst_color_range=span,
            )
    except (ValueError, av.FFmpegError) as error:
        raise UnreadableFormatError(f"pixel format {frame.format.name}") from error


def _planes(frame: av.VideoFrame, count: int) -> list[Plane]:
    dtype = _code_type(frame)
    return [_codes(plane, dtype, plane.width).astype(np.float32) for plane in frame.planes[:count]]


def _packed(frame: av.VideoFrame, channel_count: int) -> npt.NDArray[Any]:
    codes = _codes(frame.planes[0], _code_type(frame), frame.width * channel_count)
    return codes.reshape(frame.height, frame.width, channel_count)


def _code_type(frame: av.VideoFrame) -> np.dtype[Any]:
    is_long = max(component.bits for component in frame.format.components) > 8
    return np.dtype("<u2" if is_long else "u1")


def _codes(plane: Any, dtype: np.dtype[Any], row_length: int) -> npt.NDArray[Any]:
    """Return the codes of a plane without what its rows are padded with: (rows, codes in a row)."""
    rows: npt.NDArray[Any] = np.frombuffer(plane, dtype).reshape(
        plane.height, plane.line_size // dtype.itemsize
    )
    return rows[:, :row_length]
