"""Frame rates as exact fractions: reading, writing and dividing them.

23.976 frames a second are 24000/1001: as a decimal, picture and sound would drift apart. Standard
library alone: Blender's process imports this.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from ..errors import RequestError
from .schedule import check_ratio

_FRACTION = re.compile(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*")
_DECIMAL = re.compile(r"\s*(\d{1,9}(?:\.(\d{0,18}))?)\s*")
_NTSC = Fraction(1000, 1001)
_LEAST_NTSC_DIGITS = 2  # 23.98 is NTSC's, 99.9 is not
_MOST_NTSC_DIGITS = 6


def parse_rate(text: str) -> Fraction:
    """Read a frame rate: "60", "12.5", "24000/1001", or "59.94" for what television means by it.

    Decimals that are 1000/1001 of a multiple of 12 or 15, rounded or cut to two digits or more,
    stand for exactly that: 23.976, 23.98, 29.97, 47.952, 59.94, 119.88.

    Raises:
        RequestError: it is not a number above 0 in one of these forms.
    """
    fraction, decimal = _FRACTION.fullmatch(text), _DECIMAL.fullmatch(text)
    if fraction and int(fraction[1]) and int(fraction[2]):
        return Fraction(int(fraction[1]), int(fraction[2]))
    if decimal and Fraction(decimal[1]):
        return _as_meant(Fraction(decimal[1]), len(decimal[2] or ""))
    raise RequestError(
        f"Frame rate {text[:40]!r}: must be a number above 0, such as 60, 12.5, 59.94 or "
        "24000/1001."
    )


def rate_text(rate: Fraction) -> str:
    """Write a frame rate as people do: "48", "23.976"."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def ratio_between(source_rate: Fraction, target_rate: Fraction) -> Fraction:
    """Return how many output frames there are for each source frame.

    Raises:
        RequestError: a plan cannot have that ratio; the message names the two rates.
    """
    ratio = target_rate / source_rate
    try:
        check_ratio(ratio)
    except RequestError as error:
        raise RequestError(
            f"From {rate_text(source_rate)} to {rate_text(target_rate)} frames a second: {error}"
        ) from error
    return ratio


def ratio_from_pair(pair: Sequence[int]) -> Fraction:
    """Return the ratio of a numerator and a denominator.

    Raises:
        RequestError: these are not two whole numbers above 0, or a plan cannot have that ratio.
    """
    is_sound = len(pair) == 2 and all(type(number) is int and number > 0 for number in pair)
    if not is_sound:
        raise RequestError(
            f"Rate ratio {tuple(pair)}: must be two whole numbers above 0, such as (5, 2) for 60 "
            "frames a second of 24."
        )
    ratio = Fraction(*pair)
    check_ratio(ratio)
    return ratio


def rate_from_pair(pair: Sequence[int]) -> Fraction:
    """Return the frame rate of a numerator and a denominator.

    Raises:
        RequestError: these are not two whole numbers above 0.
    """
    if len(pair) != 2 or not all(type(number) is int and number > 0 for number in pair):
        raise RequestError(
            f"Frame rate {tuple(pair)}: must be two whole numbers above 0, such as (24000, 1001)."
        )
    return Fraction(*pair)


def nearest_frame(moment: float | Fraction) -> int:
    """Round to a whole frame, halves up, so that neighbours stay neighbours wherever they lie."""
    return math.floor(moment + Fraction(1, 2))


def _as_meant(value: Fraction, digits: int) -> Fraction:
    whole_rate = math.ceil(value)
    is_known = whole_rate % 12 == 0 or whole_rate % 15 == 0
    if whole_rate == value or digits < _LEAST_NTSC_DIGITS or not is_known:
        return value
    exact = whole_rate * _NTSC
    # more digits than anybody means are those of a float
    scale = 10 ** min(digits, _MOST_NTSC_DIGITS)
    written = math.floor(value * scale)
    return exact if written in (math.floor(exact * scale), round(exact * scale)) else value
