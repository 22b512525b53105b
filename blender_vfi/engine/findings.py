"""What was found in a strip, as data: the standard library alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found in a strip.

    Attributes:
        cuts: pairs of frames that belong to two shots, in order.
        duplicates: pairs of frames that show the same picture, in order.
    """

    cuts: tuple[int, ...] = ()
    duplicates: tuple[int, ...] = ()
