"""Finished frames as pictures that an encoder takes: the way back of `movie_pixels`.

Needs PyAV; torch and bpy are never imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from .image_formats import FrameFormat
from .movie_codecs import MovieCodec
from .movie_pixels import MATRICES, UNSPECIFIED, UNSPECIFIED_MATRIX, Plane
from .quantisation import Pixels, convert_alpha

_LIMITED_RANGE = 1
_FULL_RANGE = 2
_BT709 = 1
_IDENTITY = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourTags:
    """What a movie says of its colours, by the numbers of ITU-T H.273.

    Attributes:
        matrix: from RGB to luma and chroma.
        primaries: what red, green and blue are.
        transfer: curve from light to codes.
    """

    matrix: int = _BT709
    primaries: int = _BT709
    transfer: int = _BT709


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFormat:
    """How pictures are handed to an encoder.

    Attributes:
        pix_fmt: FFmpeg's name of it.
        bits: of a component.
        has_alpha: whether there is alpha.
        is_yuv: luma and chroma in limited range, or else RGB or gray in full range.
        chroma: see `MovieCodec`.
    """

    pix_fmt: str
    bits: int
    has_alpha: bool
    is_yuv: bool
    chroma: tuple[int, int] = (1, 1)


def picture_format(codec: MovieCodec, frames: FrameFormat) -> PictureFormat:
    """Choose the format that keeps the most of `frames` that `codec` can keep."""
    has_alpha = frames.alpha_channel is not None and codec.keeps_alpha
    if not codec.is_lossless:
        subsampling = {(1, 1): "444", (2, 1): "422", (2, 2): "420"}[codec.chroma]
        depth = "" if codec.bits == 8 else f"{codec.bits}le"
        return PictureFormat(
            pix_fmt=f"yuv{'a' if has_alpha else ''}{subsampling}p{depth}",
            bits=codec.bits,
            has_alpha=has_alpha,
            is_yuv=True,
            chroma=codec.chroma,
        )
    bits = {"uint8": 8, "uint10": 10, "uint12": 12}.get(frames.pixel_type, 16)
    is_gray = len(frames.channel_names) == 1
    if is_gray:
        name = "gray" if bits == 8 else f"gray{bits}le"
    elif bits == 8:
        name = "bgra" if has_alpha else "bgr0"
    else:
        name = f"gbr{'a' if has_alpha else ''}p{bits}le"
    return PictureFormat(pix_fmt=name, bits=bits, has_alpha=has_alpha, is_yuv=False)


def displayed(pixels: Pixels, frames: FrameFormat) -> Pixels:
    """Return what a screen shows of a frame, with straight alpha.

    Scene-linear light is clipped to [0, 1] and gets sRGB's curve.
    """
    straight = convert_alpha(
        pixels, frames.alpha_mode, "none" if frames.alpha_mode == "none" else "straight"
    )
    if not frames.is_linear:
        return straight
    colours = straight.shape[-1] - (frames.alpha_channel is not None)
    encoded = straight.copy()
    light = np.clip(np.nan_to_num(straight[..., :colours]), 0, 1)
    curve = 1.055 * np.maximum(light, 1e-8) ** (1 / 2.4) - 0.055
    encoded[..., :colours] = np.where(light <= 0.0031308, light * 12.92, curve)
    return encoded


def to_picture(pixels: Pixels, wanted: PictureFormat, tags: ColourTags) -> av.VideoFrame:
    """Turn a frame into a picture.

    Args:
        pixels: (height, width, channels) float32, as displayed; alpha is last.
        wanted: format.
        tags: colours.
    """
    height, width = pixels.shape[:2]
    picture = av.VideoFrame(width, height, wanted.pix_fmt)
    clipped = np.clip(np.nan_to_num(pixels), 0, 1)
    planes = _yuv_planes(clipped, wanted, tags) if wanted.is_yuv else _rgb_planes(clipped, wanted)
    for plane, codes in zip(picture.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // codes.dtype.itemsize), codes.dtype)
        rows[:, : codes.shape[1]] = codes
        plane.update(rows.tobytes())
    picture.color_range = _LIMITED_RANGE if wanted.is_yuv else _FULL_RANGE
    picture.colorspace = tags.matrix if wanted.is_yuv else _IDENTITY
    picture.color_primaries = tags.primaries
    picture.color_trc = tags.transfer
    return picture


def _rgb_planes(pixels: Pixels, wanted: PictureFormat) -> list[npt.NDArray[Any]]:
    codes = _rounded(pixels * np.float32((1 << wanted.bits) - 1), wanted.bits)
    if wanted.pix_fmt.startswith("gray"):
        return [codes[..., 0]]
    red, green, blue, alpha = _channels(codes, (1 << wanted.bits) - 1)
    if wanted.bits == 8:
        packed = np.stack((blue, green, red, alpha), axis=-1)
        return [packed.reshape(packed.shape[0], -1)]
    return [green, blue, red, *([alpha] if wanted.has_alpha else [])]


def _yuv_planes(pixels: Pixels, wanted: PictureFormat, tags: ColourTags) -> list[npt.NDArray[Any]]:
    red, green, blue, alpha = _channels(pixels, 1)
    number = UNSPECIFIED_MATRIX if tags.matrix == UNSPECIFIED else tags.matrix
    of_red, of_blue = (np.float32(share) for share in MATRICES[number])
    unit = np.float32(1 << (wanted.bits - 8))
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    chroma = ((blue - luma) / (2 * (1 - of_blue)), (red - luma) / (2 * (1 - of_red)))
    planes = [
        (219 * luma + 16) * unit,
        *((224 * shrink_chroma(plane, wanted.chroma) + 128) * unit for plane in chroma),
    ]
    if wanted.has_alpha:
        planes.append(alpha * np.float32((1 << wanted.bits) - 1))
    return [_rounded(plane, wanted.bits) for plane in planes]


def _channels(values: npt.NDArray[Any], opaque: float) -> list[npt.NDArray[Any]]:
    """Return red, green, blue and alpha of gray or RGB with or without alpha."""
    count = values.shape[-1]
    colours = [values[..., 0]] * 3 if count < 3 else [values[..., index] for index in range(3)]
    alpha = values[..., -1] if count in (2, 4) else np.full_like(values[..., 0], opaque)
    return [*colours, alpha]


def shrink_chroma(plane: Plane, chroma: tuple[int, int]) -> Plane:
    """Bring chroma to its own size: on every other pixel, and halfway between two rows.

    Args:
        plane: (height, width), both divisible by `chroma`.
        chroma: see `MovieCodec`.
    """
    across, down = chroma
    if across == 2:
        padded = np.pad(plane, ((0, 0), (1, 1)), mode="edge")
        plane = (padded[:, :-2:2] + 2 * padded[:, 1:-1:2] + padded[:, 2::2]) / 4
    if down == 2:
        plane = (plane[::2] + plane[1::2]) / 2
    return plane


def _rounded(values: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    codes: npt.NDArray[Any] = np.clip(np.rint(values), 0, (1 << bits) - 1)
    return codes.astype(np.uint8 if bits == 8 else np.dtype("<u2"))
