"""The moments of output frames where they are not evenly spaced: lists of times, and speed ramps.

Standard library alone: Blender's process imports this.
"""

from __future__ import annotations

import bisect
import itertools
import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..errors import RequestError
from .schedule import Between, Hold, OutputFrame, Plan, Source, check_source_count, skipped_pairs

LONGEST_STRETCH = 256
"""Output frames that a speed ramp may make of a source frame, on average."""

_NUMBER = re.compile(r"\s*-?\d{1,40}(?:\.\d{0,40}|/\d{1,40})?\s*")
_LARGEST_DENOMINATOR = 10**9  # of a float: what it means, rather than its last bit


def parse_time(moment: str | float | Fraction) -> Fraction:
    """Read a moment: "12", "12.5", "25/2", or a number of Python's.

    Raises:
        RequestError: it is none of these.
    """
    if isinstance(moment, Fraction | int):
        return Fraction(moment)
    if isinstance(moment, float) and math.isfinite(moment):
        return Fraction(moment).limit_denominator(_LARGEST_DENOMINATOR)
    if isinstance(moment, str) and _NUMBER.fullmatch(moment):
        numerator, slash, denominator = moment.partition("/")
        if not slash or int(denominator):
            return Fraction(numerator) / Fraction(denominator or 1)
    raise RequestError(
        f"Time {str(moment)[:40]!r}: must be a number of source frames, counted from 0, such as "
        "12, 12.5 or 25/2."
    )


def read_times(path: Path) -> tuple[Fraction, ...]:
    """Read a file of times: one a line for each output frame; # begins a comment.

    Raises:
        RequestError: it cannot be read, has no times, or a line is none; the message names it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(
            f"Times file {path} cannot be read ({error}): give a text file with one time a line."
        ) from error
    times: list[Fraction] = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                times.append(parse_time(text))
            except RequestError as error:
                raise RequestError(f"{path}, line {number}: {error}") from error
    if not times:
        raise RequestError(
            f"Times file {path} has no times: give one a line for each output frame, such as 12.5."
        )
    return tuple(times)


def plan_at(
    source_count: int,
    times: Sequence[Fraction],
    *,
    skip: Collection[int] | None = None,
    keep: Collection[int] | None = None,
    loop: bool = False,
) -> Plan:
    """Plan an output sequence at any moments, such as those of a speed ramp.

    Args:
        source_count: number of source frames, at least 2.
        times: the moment that each output frame shows, in source frames counted from 0. They may
            halt, jump and run backwards; a whole one is the source frame itself.
        skip: pairs in which the earlier frame is held in place of new ones.
        keep: the opposite: only these pairs get new frames. Not together with `skip`.
        loop: go on from the last source frame to the first, on end: any moment is allowed.

    Raises:
        RequestError: an argument is out of range; the message names it.
    """
    check_source_count(source_count)
    if not times:
        raise RequestError("No times: give one for each output frame, at least one.")
    skipped = skipped_pairs(source_count, source_count if loop else source_count - 1, skip, keep)

    def shown(number: int, moment: Fraction) -> OutputFrame:
        if loop:
            moment %= source_count
        elif not 0 <= moment <= source_count - 1:
            raise RequestError(
                f"Time {number}, {float(moment):g}: {source_count} source frames have the times 0 "
                f"to {source_count - 1}; leave out what lies beyond, or choose a loop."
            )
        pair = moment.numerator // moment.denominator
        timestep = moment - pair
        if timestep == 0:
            return Source(pair)
        return Hold(pair) if pair in skipped else Between(pair, timestep)

    outputs = tuple(shown(number, moment) for number, moment in enumerate(times, start=1))
    return Plan(source_count, outputs, skipped=skipped, loops=loop)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedCurve:
    """Speed over the output's frames, from key to key, in source frames for an output frame.

    Before the first key it is that of the first, after the last that of the last.

    Attributes:
        frames: output frames of the keys, counted from 0, rising.
        speeds: at each key; below 0 runs backwards.
        is_smooth: whether speed eases in and out of each key; otherwise it changes evenly.
    """

    frames: tuple[int, ...]
    speeds: tuple[Fraction, ...]
    is_smooth: bool = True

    def __call__(self, frame: Fraction) -> Fraction:
        """Return the speed at an output frame, whole or not."""
        after = bisect.bisect_right(self.frames, frame)
        if after == 0 or after == len(self.frames):
            return self.speeds[0 if after == 0 else -1]
        begin, end = self.frames[after - 1 : after + 1]
        slow, fast = self.speeds[after - 1 : after + 1]
        share = (frame - begin) / (end - begin)
        if self.is_smooth:
            share = share * share * (3 - 2 * share)
        return slow + (fast - slow) * share


def parse_speed_curve(text: str, *, is_smooth: bool) -> SpeedCurve:
    """Read a list of keys, each an output frame and its speed: "0:1, 48:0.25, 96:1".

    Raises:
        RequestError: a key cannot be read, or frames do not rise.
    """
    keys: list[tuple[int, Fraction]] = []
    for part in filter(None, map(str.strip, text.split(","))):
        frame, colon, speed = (piece.strip() for piece in part.partition(":"))
        if not (colon and re.fullmatch(r"\d{1,9}", frame) and _NUMBER.fullmatch(speed)):
            raise RequestError(
                f"Speed key {part[:40]!r}: must be an output frame, counted from 0, a colon and a "
                "speed, such as 48:0.25 for a quarter of the speed."
            )
        keys.append((int(frame), parse_time(speed)))
    if not keys:
        raise RequestError("No speed keys: give some, such as 0:1, 48:0.25, 96:1.")
    for (earlier, _), (later, _) in itertools.pairwise(keys):
        if later <= earlier:
            raise RequestError(
                f"Speed key at frame {later} after one at {earlier}: frames must rise."
            )
    frames, speeds = zip(*keys, strict=True)
    return SpeedCurve(frames=frames, speeds=speeds, is_smooth=is_smooth)


def times_at_speed(
    speed_at: Callable[[Fraction], Fraction], source_count: int, *, last_key: int
) -> tuple[Fraction, ...]:
    """Return the moments of a sequence that plays at a changing speed, up to the source's end.

    Simpson's rule from frame to frame: exact for speeds that change evenly or smoothly between
    keys on whole frames, as `SpeedCurve` does.

    Args:
        speed_at: speed at an output frame, in source frames for an output frame.
        source_count: number of source frames. Where the speed begins below 0, the sequence begins
            with the last of them.
        last_key: output frame after which the speed stays: standing still ends there.

    Raises:
        RequestError: the sequence would get far too long.
    """
    last = Fraction(source_count - 1)
    speed = speed_at(Fraction(0))
    position = last if speed < 0 else Fraction(0)
    times: list[Fraction] = []
    while 0 <= position <= last:
        frame = len(times)
        times.append(position)
        if speed == 0 and frame >= last_key:
            break
        if frame > LONGEST_STRETCH * source_count:
            raise RequestError(
                f"At this speed, {source_count} source frames become more than "
                f"{LONGEST_STRETCH * source_count}: choose a higher speed after output frame "
                f"{last_key}, or 0 there to end with a still."
            )
        following = speed_at(Fraction(frame + 1))
        position += (speed + 4 * speed_at(frame + Fraction(1, 2)) + following) / 6
        speed = following
    return tuple(times)
