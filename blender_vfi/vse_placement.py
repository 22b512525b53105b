"""When a job's new strip lies on the timeline, and where moments of the old one are on it."""

from __future__ import annotations

import bisect
from fractions import Fraction

import bpy

from . import vse_carry
from .engine.protocol import JobSpec
from .engine.rates import nearest_frame
from .engine.schedule import Source
from .engine.times import parse_time
from .errors import RequestError
from .messages import message
from .remedies import slow_motion
from .strip_values import ImageSource, StripTimes


def first_frame(times: StripTimes, source: ImageSource) -> int:
    """Return the frame on the timeline that shows `source.files[0]` now."""
    return round(times.content_start) + source.lead


def steady_times(old: StripTimes, source: ImageSource, job: JobSpec) -> StripTimes:
    """Return the same seconds at the new rate; the last frame is held to the end of its own."""
    content_start = first_frame(old, source)
    times = StripTimes(content_start, old.left, old.right).scaled(rate_factor(job))
    # a lower rate may round the end to before the last frame
    right = max(times.right, round(times.content_start) + len(job.plan().outputs))
    return StripTimes(times.content_start, times.left, right)


def slow_motion_times(old: StripTimes, source: ImageSource, job: JobSpec) -> StripTimes:
    """Return the time of the job's frames from the old strip's first frame on."""
    factor = stretch(job)
    content_start = old.left + nearest_frame(source.held_before * factor)
    held_after = nearest_frame(source.held_after * factor)
    return StripTimes(content_start, old.left, content_start + len(job.plan().outputs) + held_after)


def place_map(old: StripTimes, new: StripTimes) -> vse_carry.FrameMap:
    """Map the old strip's time onto that of one which shows the same at each of its frames."""
    return lambda frame: frame + new.left - old.left


def slow_motion_map(
    old: StripTimes, new: StripTimes, source: ImageSource, job: JobSpec
) -> vse_carry.FrameMap:
    """Map the old strip's time onto the new one's, where pairs left alone take no longer.

    Where time halts or runs backwards, the first frame counts that shows a moment or a later one.
    """
    first = first_frame(old, source)
    factor = float(stretch(job))
    if job.ratio is not None:  # all time is kept
        return lambda frame: new.content_start + (frame - first) * factor
    anchors = [
        (float(first + moment), float(new.content_start + position))
        for moment, position in _anchors(job)
    ]

    def frame_map(frame: float) -> float:
        after = bisect.bisect_right(anchors, (frame, float("inf")))
        if after == 0 or after == len(anchors):  # held frames last longer in any case
            old_anchor, new_anchor = anchors[0 if after == 0 else -1]
            return new_anchor + (frame - old_anchor) * factor
        (old_0, new_0), (old_1, new_1) = anchors[after - 1], anchors[after]
        return new_0 + (frame - old_0) * (new_1 - new_0) / (old_1 - old_0)

    return frame_map


def _anchors(job: JobSpec) -> list[tuple[Fraction, int]]:
    """Return moments of the source, rising, and the output frame that each of them has."""
    outputs = job.plan().outputs
    if job.times is None:
        positions = [index for index, output in enumerate(outputs) if isinstance(output, Source)]
        # the last frame lasts one frame, and in a loop as long as any
        positions.append(len(outputs) if job.loop else positions[-1] + 1)
        return [(Fraction(frame), position) for frame, position in enumerate(positions)]
    anchors: list[tuple[Fraction, int]] = []
    for position, text in enumerate(job.times):
        moment = parse_time(text)
        if not anchors or moment > anchors[-1][0]:
            anchors.append((moment, position))
    return anchors


def rate_factor(job: JobSpec) -> int | Fraction:
    """Return how many frames of the new rate there are for each of the old.

    Raises:
        RequestError: multipliers differ from pair to pair.
    """
    if job.ratio is not None:
        return job.ratio
    if isinstance(job.multiplier, int):
        return job.multiplier
    raise RequestError(
        "Multipliers {multipliers} differ from pair to pair, so that no frame rate keeps the "
        "time: choose the timing {slow}, or one multiplier.",
        slow=slow_motion(),
        multipliers=job.multiplier,
    )


def stretch(job: JobSpec) -> int | Fraction:
    """Return how many frames a source frame becomes, at most."""
    if job.times is not None:
        return 1
    return largest(job) if job.ratio is None else job.ratio


def largest(job: JobSpec) -> int:
    """Return the largest multiplier."""
    return job.multiplier if isinstance(job.multiplier, int) else max(job.multiplier)


def beyond_end(scene: bpy.types.Scene, strip_name: str, times: StripTimes) -> list[str]:
    """Say so where a strip reaches beyond the end of its scene."""
    if times.right <= scene.frame_end + 1:
        return []
    return [
        message(
            "Strip {strip!r} reaches frame {last}, and scene {scene!r} ends at {end}: move its "
            "end to see and render all of it.",
            strip=strip_name,
            last=times.right - 1,
            scene=scene.name,
            end=scene.frame_end,
        )
    ]
