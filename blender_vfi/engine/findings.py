"""What was found in a strip, as data: the standard library alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found in a strip.

    Attributes:
        cuts: pairs of frames that belong to two shots, in order.
        duplicates: pairs of frames that show the same picture, in order.
        until: the pair from which on more may be found; None where all is.
        begin: the frame from which on to look in order to find it.
    """

    cuts: tuple[int, ...] = ()
    duplicates: tuple[int, ...] = ()
    until: int | None = None
    begin: int = 0
