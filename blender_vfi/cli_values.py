"""How the command lines read values: types of argparse."""

from __future__ import annotations

import argparse
from fractions import Fraction

from .engine import schedule
from .engine.rates import parse_rate
from .errors import RequestError
from .models import catalog


def frame_rate(text: str) -> Fraction:
    """Read a frame rate as a type of argparse."""
    try:
        return parse_rate(text)
    except RequestError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def model_name(text: str) -> str:
    """Read the name of a model, before any file is looked at or an engine is started.

    Raises:
        UnknownModelError: the catalog has none of that name; argparse lets it through.
    """
    return catalog.find(text).name


def suffix(text: str) -> str:
    """Read the suffix of a format, with or without its dot."""
    return text if text.startswith(".") else f".{text.lower()}"


def whole_number(text: str) -> int:
    """Read a multiplier; its range is checked with the job."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} must be a whole number from 2 to {schedule.LARGEST_MULTIPLIER}"
        ) from None
