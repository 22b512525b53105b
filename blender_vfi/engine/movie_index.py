"""Which pictures a movie has and when each is shown, from its packets, without decoding them.

Needs PyAV; torch and bpy are never imported here.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.container
import av.video.stream

from ..errors import FrameError
from .rates import nearest_frame, parse_rate

_LARGEST_JITTER = Fraction(1, 8)
"""In frames. Containers round times, Matroska to milliseconds: 0.12 frames at 120 a second."""

_NTSC = ("23.976", "29.97", "47.952", "59.94", "119.88")
_KNOWN_RATES = tuple(map(parse_rate, (*_NTSC, "24", "25", "30", "48", "50", "60", "100", "120")))
_LARGEST_SLIP = Fraction(1, 5000)  # 24 and 23.976 lie five times as far apart
_LARGEST_RATE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieIndex:
    """The pictures of a movie, in the order in which they are shown.

    Attributes:
        rate: frames a second, exact.
        time_base: seconds in which times are counted.
        times: when each picture is shown.
        key_times: of those that decoding can begin with.
        shown: picture for each frame at the constant rate; None where there is one each.
    """

    rate: Fraction
    time_base: Fraction
    times: tuple[int, ...]
    key_times: tuple[int, ...]
    shown: tuple[int, ...] | None

    @property
    def frame_count(self) -> int:
        """Number of frames at the constant rate."""
        return len(self.times if self.shown is None else self.shown)

    def picture_of(self, frame: int) -> int:
        """Return the picture that is shown at a frame of the constant rate."""
        return frame if self.shown is None else self.shown[frame]

    def position_of(self, time: int | None) -> int | None:
        """Return the picture that is shown at exactly `time`; None for none."""
        position = len(self.times) if time is None else bisect.bisect_left(self.times, time)
        is_there = position < len(self.times) and self.times[position] == time
        return position if is_there else None

    def moments(self) -> tuple[Fraction, ...]:
        """Return when each picture is shown, in frames of the constant rate from the first on."""
        unit = self.time_base * self.rate
        return tuple((time - self.times[0]) * unit for time in self.times)

    def key_time_before(self, time: int, *, skipping: int = 0) -> int | None:
        """Return the time at which to begin decoding to get to `time`.

        Args:
            time: of a picture.
            skipping: how many such places to go further back; None comes out for too many.
        """
        position = bisect.bisect_right(self.key_times, time) - 1 - skipping
        return self.key_times[position] if position >= 0 else None


def index_movie(path: Path) -> MovieIndex:
    """Read all packets of a movie's first video stream.

    Raises:
        FrameError: it has no pictures.
        av.FFmpegError: it cannot be read.
    """
    with av.open(str(path)) as container:
        stream = video_stream(container, path)
        packets = [packet for packet in container.demux(stream) if packet.size]
        shown = [packet for packet in packets if not packet.is_discard]
        times = [packet.pts for packet in shown if packet.pts is not None]
        key_times = [
            packet.pts for packet in shown if packet.is_keyframe and packet.pts is not None
        ]
        lengths = {packet.pts: packet.duration or 0 for packet in shown}
        rates = _rates_of(stream)
        time_base = stream.time_base
    first = _first_decoded(path)
    if len(set(times)) < len(shown):  # a container that does not say when pictures are shown
        times, key_times = _decoded_times(path)
    times = sorted(time for time in set(times) if first is None or time >= first)
    if not times or first is None or time_base is None:
        raise FrameError(f"{path} has no pictures that can be decoded: export the movie again.")
    key_times = sorted({times[0], *(time for time in key_times if time > times[0])})
    length = lengths.get(times[-1]) or 0
    return _with_rate(rates, time_base, times, key_times, length)


def video_stream(container: av.container.InputContainer, path: Path) -> av.video.stream.VideoStream:
    """Return the first video stream that is no cover picture.

    Raises:
        FrameError: there is none.
    """
    cover = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & cover:
            return stream
    raise FrameError(f"{path} has no video stream: choose a movie with a picture.")


def _first_decoded(path: Path) -> int | None:
    """Return the time of the first picture: those before it lack what they are made from."""
    with av.open(str(path)) as container:
        stream = video_stream(container, path)
        return next((frame.pts for frame in container.decode(stream)), None)


def _decoded_times(path: Path) -> tuple[list[int], list[int]]:
    """Decode the whole movie for the times of its pictures, and of those to begin with."""
    with av.open(str(path)) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        frames = [(frame.pts, frame.key_frame) for frame in container.decode(stream)]
    known = [(time, is_key) for time, is_key in frames if time is not None]
    return [time for time, _is_key in known], [time for time, is_key in known if is_key]


def _rates_of(stream: av.video.stream.VideoStream) -> list[Fraction]:
    """Return what the container says its rate is, the most trustworthy first."""
    said = (stream.guessed_rate, stream.average_rate, stream.base_rate)
    return [rate for rate in said if rate is not None and 0 < rate <= _LARGEST_RATE]


def _with_rate(
    rates: Sequence[Fraction],
    time_base: Fraction,
    times: Sequence[int],
    key_times: Sequence[int],
    length: int,
) -> MovieIndex:
    """Find the constant rate that the pictures have, or else spread frames over their times."""
    seconds = (times[-1] - times[0]) * time_base
    mean = (len(times) - 1) / seconds if seconds else Fraction(24)
    candidates = [*map(_as_known, rates), _as_known(mean), mean]
    even = (rate for rate in candidates if _is_even(times, time_base * rate))
    rate = next(even, None)
    shown = None
    if rate is None:
        rate = candidates[0]
        shown = _shown_at(times, time_base * rate, length)
    return MovieIndex(
        rate=rate,
        time_base=time_base,
        times=tuple(times),
        key_times=tuple(key_times),
        shown=shown,
    )


def _as_known(rate: Fraction) -> Fraction:
    """Return the usual rate that is meant: containers without one make it up from rounded times."""
    nearest = min(_KNOWN_RATES, key=lambda known: abs(known - rate))
    return nearest if abs(nearest - rate) <= nearest * _LARGEST_SLIP else rate


def _is_even(times: Sequence[int], unit: Fraction) -> bool:
    """Tell whether each picture lies at its own frame, but for rounding; `unit`: frames a tick."""
    limit = _LARGEST_JITTER * unit.denominator
    return all(
        abs((time - times[0]) * unit.numerator - index * unit.denominator) <= limit
        for index, time in enumerate(times)
    )


def _shown_at(times: Sequence[int], unit: Fraction, length: int) -> tuple[int, ...]:
    """Return the picture shown at each frame, up to the end of the last one."""
    moments = [(time - times[0]) * unit - _LARGEST_JITTER for time in times]
    end = (times[-1] - times[0] + length) * unit
    count = max(nearest_frame(end), int(moments[-1] + _LARGEST_JITTER) + 1)
    return tuple(bisect.bisect_right(moments, frame) - 1 for frame in range(count))
