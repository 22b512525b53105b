"""How alike two frames are, told from small copies of them.

Neither brightness nor contrast counts, so that a fade or a flash of the same picture stays alike,
and parts of it may have moved, so that a pan does. No torch and no bpy here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .image_formats import FrameFormat
from .passes import leading_pass
from .quantisation import Pixels

_ROWS, _COLUMNS = 36, 64
_FINENESS = 4
_BLOCK = 6
_REACH = (6, 10)
"""How far a block may have moved, in rows and columns of the small copy: a sixth of the frame."""

_LEAST_CONTRAST = 0.03
"""Standard deviation of luma below which contrast is not raised any more: noise, not picture."""

_BLANK = 0.01
_LEAST_CONTRAST_BESIDE_BLANK = 0.1
"""Between black and a picture, its contrast is the difference: the last step of a fade is small."""

_UNLIKE = 2.0
"""Mean squared difference of two pictures of variance 1 that have nothing in common."""

_LARGEST_SAME = 5 / 255
"""Most that one of the fine cells may differ where a frame was held: faint noise of compression.
An edge that moves by a pixel of 1280×720 is more."""

# BT.709: luma, and the two differences of colour
_LUMA_AND_COLOUR = np.array(
    [[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]], np.float32
)


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """A frame of up to 64×36 cells, to compare with others.

    Attributes:
        cells: (rows, columns, 3) float32: luma and two differences of colour, display-encoded.
        detail: (rows, columns) float32: luma in cells of a quarter of the size.
        brightness: mean of luma, 0 to 1.
        contrast: standard deviation of luma.
    """

    cells: Pixels
    detail: Pixels
    brightness: float
    contrast: float


def signature(pixels: Pixels, frame_format: FrameFormat) -> Signature:
    """Make the small copy of a frame.

    Args:
        pixels: (height, width, channels) float32, as `images.read_frame` gives them.
        frame_format: what the channels mean.
    """
    leading = leading_pass(frame_format.passes)
    if leading is not None:
        pixels = pixels[..., leading.channels[: len(_LUMA_AND_COLOUR)]]
    small: Pixels = _averaged(pixels, _ROWS * _FINENESS, _COLUMNS * _FINENESS)
    if frame_format.alpha_channel is not None:
        colour, alpha = small[..., :-1], small[..., -1:]
        small = colour * alpha if frame_format.alpha_mode == "straight" else colour
    small = np.nan_to_num(small).clip(0, 1)
    if frame_format.is_linear:
        small = small ** np.float32(1 / 2.2)
    if small.shape[-1] != _LUMA_AND_COLOUR.shape[1]:
        small = np.repeat(small[..., :1], _LUMA_AND_COLOUR.shape[1], axis=-1)
    fine = small @ _LUMA_AND_COLOUR.T
    cells = _averaged(fine, _ROWS, _COLUMNS)
    luma = cells[..., 0]
    return Signature(cells, fine[..., 0].copy(), float(luma.mean()), float(luma.std()))


def difference(one: Signature, two: Signature) -> float:
    """Return how little two frames have in common: 0 for the same picture, up to 1.

    Blocks of each frame are looked for in the other, near their place; what stays different counts.
    Frames of one shot are below 0.2 even in fast motion, frames of two shots above.
    """
    is_beside_blank = min(one.contrast, two.contrast) < _BLANK
    least = _LEAST_CONTRAST_BESIDE_BLANK if is_beside_blank else _LEAST_CONTRAST
    first, second = _normalised(one, least), _normalised(two, least)
    return (_unmatched(first, second) + _unmatched(second, first)) / 2


def change(one: Signature, two: Signature) -> float:
    """Return the most that any fine cell changes, 0 to 1: what moves anywhere."""
    return float(np.abs(one.detail - two.detail).max())


def is_same(one: Signature, two: Signature) -> bool:
    """Tell whether a frame was held: the same picture, apart from faint noise of compression."""
    return change(one, two) <= _LARGEST_SAME


def _averaged(pixels: Pixels, most_rows: int, most_columns: int) -> Pixels:
    """Return the averages of equal parts of a frame."""
    height, width = pixels.shape[:2]
    tops = _starts(height, most_rows)
    lefts = _starts(width, most_columns)
    ends = [*tops[1:], height]
    with np.errstate(invalid="ignore", over="ignore"):  # light may be infinite
        # reduceat would take ten times as long for the rows, which are many numbers each
        rows = np.stack([pixels[top:end].sum(axis=0) for top, end in zip(tops, ends, strict=True)])
        sums: Pixels = np.add.reduceat(rows, lefts, axis=1)
    heights, widths = np.diff(tops, append=height), np.diff(lefts, append=width)
    return sums / np.outer(heights, widths)[..., None].astype(np.float32)


def _starts(size: int, most: int) -> npt.NDArray[np.int64]:
    count = min(size, most)
    return np.arange(count, dtype=np.int64) * size // count


def _normalised(frame: Signature, least_contrast: float) -> Pixels:
    shifted = frame.cells - np.array([frame.brightness, 0, 0], np.float32)
    return (shifted / max(frame.contrast, least_contrast)).astype(np.float32)


def _unmatched(blocks_of: Pixels, found_in: Pixels) -> float:
    """Return what is left of blocks when the nearest of the other frame is taken off, 0 to 1."""
    rows, columns, _channels = blocks_of.shape
    high, wide = min(_BLOCK, rows), min(_BLOCK, columns)
    windows = _windows(found_in, high, wide)
    places = windows.shape[:2]
    candidates = windows.reshape(places[0] * places[1], -1)
    tops, lefts = np.arange(rows // high) * high, np.arange(columns // wide) * wide
    blocks = _windows(blocks_of, high, wide)[np.ix_(tops, lefts)]
    blocks = blocks.reshape(len(tops) * len(lefts), -1)
    squared = (
        (blocks**2).sum(axis=1)[:, None]
        + (candidates**2).sum(axis=1)[None, :]
        - 2 * blocks @ candidates.T
    ).reshape(len(tops), len(lefts), *places)
    is_near = (np.abs(np.arange(places[0]) - tops[:, None]) <= _REACH[0])[:, None, :, None] & (
        np.abs(np.arange(places[1]) - lefts[:, None]) <= _REACH[1]
    )[None, :, None, :]
    nearest = np.where(is_near, squared, np.inf).min(axis=(2, 3)) / (high * wide)
    return float(nearest.clip(0, _UNLIKE).mean()) / _UNLIKE


def _windows(frame: Pixels, high: int, wide: int) -> Pixels:
    """Return a view of all windows: (places down, places across, …) with the window's numbers."""
    windows: Pixels = np.lib.stride_tricks.sliding_window_view(frame, (high, wide, frame.shape[2]))
    return windows
