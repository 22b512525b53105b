"""What a strip shows, and when, as data. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .engine.rates import nearest_frame


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """What an image strip shows, frame by frame.

    Attributes:
        scene_name: name of its scene.
        strip_name: its name, unique in that scene.
        files: absolute path of each frame, in the order shown, without held ones.
        lead: frames from the start of the strip's content to `files[0]`.
        held_before: frames for which `files[0]` is held before its time, by a pulled-out handle.
        held_after: frames for which `files[-1]` is held after its time.
        is_part: whether the strip has more files than these, behind its handles.
    """

    scene_name: str
    strip_name: str
    files: tuple[str, ...]
    lead: int
    held_before: int
    held_after: int
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class StripTimes:
    """When a strip is on the timeline, in frames.

    Attributes:
        content_start: where its first frame would be without handles.
        left: first visible frame.
        right: the frame after the last visible one.
    """

    content_start: float
    left: int
    right: int

    def shifted(self, frames: int) -> StripTimes:
        """Return the same part of the strip, `frames` later."""
        return StripTimes(self.content_start + frames, self.left + frames, self.right + frames)

    def scaled(self, factor: int | Fraction) -> StripTimes:
        """Return the same seconds at `factor` times the frame rate, to the nearest frame.

        Blender takes whole frames alone, and cuts off what is behind the point.
        """
        if isinstance(factor, int):
            return StripTimes(self.content_start * factor, self.left * factor, self.right * factor)
        start, left, right = (
            nearest_frame(Fraction(moment) * factor)
            for moment in (self.content_start, self.left, self.right)
        )
        return StripTimes(start, left, max(right, left + 1))
