"""A movie's sound streams taken over into another, packet by packet, without decoding them.

Needs PyAV; torch and bpy are never imported here.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import av.container
import av.stream
from av.packet import Packet

_Sound: TypeAlias = "Packet[av.stream.Stream]"
_WITH_EDIT_LISTS = (".mp4", ".mov")


class SoundCopy:
    """The sound of a part of a movie.

    A packet lasts some 20 ms and is never cut: a part begins with the first packet that lies
    within it, at its own moment, so that sound and picture stay in sync.

    Args:
        movie: whose sound.
        begin_s: where the part begins, in the movie's own time.
        end_s: where it ends.
        is_from_start: whether the part begins where the movie does.
    """

    def __init__(
        self, movie: Path, *, begin_s: Fraction, end_s: Fraction, is_from_start: bool
    ) -> None:
        self._begin_s = begin_s
        self._end_s = end_s
        self._is_from_start = is_from_start
        self._source = av.open(str(movie))
        self._streams = list(self._source.streams.audio)
        self._copies: dict[int, av.AudioStream] = {}
        self._early_s = begin_s
        self._packets: Iterator[_Sound] = iter(())
        self._waiting: _Sound | None = None

    def __enter__(self) -> SoundCopy:
        return self

    def __exit__(self, *_error: object) -> None:
        self._source.close()

    @property
    def codecs(self) -> list[str]:
        """Names of the streams' codecs."""
        return [stream.codec_context.codec.canonical_name for stream in self._streams]

    def add_to(self, target: av.container.OutputContainer, suffix: str) -> None:
        """Give `target`, a file with that suffix, a stream for each of these."""
        for stream in self._streams:
            copy = target.add_stream_from_template(stream)
            copy.metadata.update(stream.metadata)
            self._copies[stream.index] = copy
        if self._is_from_start and suffix in _WITH_EDIT_LISTS:
            self._early_s = self._begin_s - 1  # what an encoder needs to begin with
        if self._streams:
            self._packets = self._source.demux(self._streams)
            self._waiting = next(self._packets, None)

    def mux_until(self, target: av.container.OutputContainer, moment_s: Fraction) -> None:
        """Write what is heard before a moment of the part, so that the file can be streamed."""
        until_s = min(self._begin_s + moment_s, self._end_s)
        while self._waiting is not None:
            packet = self._waiting
            if packet.pts is not None and packet.pts * packet.time_base >= until_s:
                return
            if packet.pts is not None and packet.pts * packet.time_base >= self._early_s:
                self._mux(target, packet)
            self._waiting = next(self._packets, None)

    def _mux(self, target: av.container.OutputContainer, packet: _Sound) -> None:
        shift = round(self._begin_s / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._copies[packet.stream_index]
        target.mux(packet)
