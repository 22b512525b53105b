"""Finds where a strip cuts and where frames are held, from one frame after the other.

Of their small copies it keeps a few, so that memory does not grow with the strip. No torch and no
bpy here.
"""

from __future__ import annotations

import statistics
from collections import deque

from .findings import Findings
from .similarity import Signature, change, difference, is_same

_LONGEST_FLASH = 5
"""Frames: lightning and camera flashes take one to five."""

_LEAST_FLASH = 0.08
"""Least change of brightness, of 1, that makes a flash: another picture need not be brighter."""

_NEIGHBOURS = 2
_SHARE_OF_NEIGHBOURS = 0.5
"""How much of the difference that the pairs around have is put down to motion."""


_LARGEST_NOISE = 12 / 255
_SHARE_OF_MOTION = 1 / 8
"""Changes of up to this share of those around are noise of compression: on twos and threes, the
others are drawings. In film as H.264 of crf 18, noise is 2 to 4 steps of 8 bits, motion 100."""


class Finder:
    """Compares the frames of a strip, one after the other.

    A cut is a pair whose difference exceeds the threshold, half the usual difference of the pairs
    around it taken off: what moves fast differs for many frames. A picture that comes back within
    five frames after a change of brightness was a flash.

    Args:
        cut_threshold: difference from which on two frames belong to two shots; 1 finds none.
        first: index of the first frame that it will get, for a search that goes on: from 0, or as
            `restart_for` said.
    """

    def __init__(self, cut_threshold: float, *, first: int = 0) -> None:
        self._threshold = cut_threshold
        self._first = first
        self._held: Signature | None = None
        self._latest: deque[Signature] = deque(maxlen=_LONGEST_FLASH + 2)
        self._differences: list[float] = []
        self._changes: list[float] = []
        self._duplicates: set[int] = set()
        self._flashes: set[int] = set()

    @property
    def end(self) -> int:
        """Index of the frame that comes next."""
        return self._first + len(self._changes) + (self._held is not None)

    @property
    def settled_duplicates(self) -> int:
        """Whether a pair before this one is held, no further frame can change."""
        return self._first + max(0, len(self._changes) - _NEIGHBOURS)

    def add(self, frame: Signature) -> None:
        """Take the next frame."""
        if self._held is not None:
            self._changes.append(change(self._latest[-1], frame))
        if self._held is None:
            self._held = frame
        elif is_same(self._held, frame):  # not the frame before: slow motion adds up
            self._duplicates.add(len(self._differences))
            self._differences.append(0.0)
        else:
            self._held = frame
            looks_for_cuts = self._threshold < 1
            self._differences.append(difference(self._latest[-1], frame) if looks_for_cuts else 0.0)
        self._latest.append(frame)
        self._note_flash()

    def findings(self) -> Findings:
        """Return what was found in the frames so far."""
        pairs = range(self._first, self._first + len(self._changes))
        return Findings(
            cuts=tuple(pair for pair in pairs if self.is_cut(pair, is_whole=True)),
            duplicates=tuple(pair for pair in pairs if self._is_held(pair - self._first)),
        )

    def is_cut(self, pair: int, *, is_whole: bool) -> bool | None:
        """Tell whether a pair is a cut; None as long as that depends on further frames.

        Args:
            pair: not before the first frame.
            is_whole: whether no further frames come.
        """
        at, known = pair - self._first, len(self._differences)
        if at >= known:
            return None
        # motion around it can only take off
        if self._differences[at] < self._threshold or at in self._flashes:
            return False
        if known <= at + _NEIGHBOURS and not is_whole:
            return None
        if self._isolated(at) < self._threshold:
            return False
        return True if is_whole or known > at + _LONGEST_FLASH else None

    def restart_for(self, pair: int) -> int:
        """Return the frame to begin with in order to judge the pairs from `pair` on as now.

        It is no held one, and all that pairs are compared with comes after it.
        """
        last = pair - self._first - _LONGEST_FLASH - _NEIGHBOURS
        starts = (at for at in range(last, 0, -1) if at - 1 not in self._duplicates)
        return self._first + next(starts, 0)

    def _is_held(self, pair: int) -> bool:
        """Tell whether a pair's frames are the same, or differ by noise beside what moves."""
        around = self._changes[max(pair - _NEIGHBOURS, 0) : pair + 1 + _NEIGHBOURS]
        noise = min(_LARGEST_NOISE, max(around) * _SHARE_OF_MOTION)
        return pair in self._duplicates or self._changes[pair] <= noise

    def _isolated(self, pair: int) -> float:
        """Return a pair's difference beyond what the motion around it explains."""
        around = (
            self._differences[max(pair - _NEIGHBOURS, 0) : pair]
            + self._differences[pair + 1 : pair + 1 + _NEIGHBOURS]
        )
        usual = statistics.median(around) if around else 0.0
        return self._differences[pair] - _SHARE_OF_NEIGHBOURS * usual

    def _note_flash(self) -> None:
        """Find out whether the newest frame brings back the picture from before a flash."""
        end = len(self._differences) - 1
        like = self._threshold / 2
        if end < 1 or self._differences[end] < like:
            return
        newest = self._latest[-1]
        for length in range(1, len(self._latest) - 1):
            begin = end - length
            before, flash = self._latest[-2 - length], self._latest[-1 - length]
            is_step = self._differences[begin] >= like
            is_brighter = abs(before.brightness - flash.brightness) >= _LEAST_FLASH
            if is_step and is_brighter and difference(before, newest) < self._threshold:
                self._flashes.update(range(begin, end + 1))
                return
