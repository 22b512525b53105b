"""Decode single frames of movies, by their index, as `images` decodes files.

A movie stays open while a job asks for its frames, mostly in their order; pictures decoded on the
way are kept for a while, up to a bound: a frame is asked for by the loop and again by its copy.
Needs PyAV; torch and bpy are never imported here.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses

from ..errors import FrameError
from . import durable, movie_pixels
from .image_formats import FrameFormat
from .images import Frame, FrameHeader
from .movie_frames import index_of, is_picture
from .movie_index import MovieIndex, index_movie, video_stream
from .movie_pixels import UnreadableFormatError
from .quantisation import Pixels

_PICTURES_KEPT = 24
_LEAST_KEPT = 6
_KEPT_BYTES = 1 << 29
_SEEKS = 4
_CONTAINER = "movie"


class MovieReader:
    """One open movie; any thread may ask.

    Args:
        path: of the movie.

    Attributes:
        index: its pictures and their times.
        format: of its frames.
        first: its first picture as it is stored.

    Raises:
        FrameError: it cannot be read, or is of a kind that we do not convert.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self.index = _index_of_file(str(path), *_stamp(path))
            self._container = av.open(str(path))
            self._stream = video_stream(self._container, path)
        except av.FFmpegError as error:
            raise _unreadable(path, error) from error
        self._stream.thread_type = "AUTO"
        self._decoder = _decoder_of(self._stream)
        self._frames: Iterator[av.VideoFrame] = self._decoded()
        self._next = 0
        self._kept: OrderedDict[int, av.VideoFrame] = OrderedDict()
        self.first = self._picture(0)
        self._turns = _quarter_turns(self.first, path)
        self.format = self._format_of(self.first)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._kept.clear()
            self._container.close()

    def read(self, source: Path) -> Frame:
        """Decode a frame that `movie_frames` names; those behind the end show the last picture.

        Raises:
            FrameError: it cannot be decoded.
        """
        index = index_of(source)
        if not is_picture(source):
            index = self.index.picture_of(min(index, self.index.frame_count - 1))
        with self._lock:
            picture = self._picture(index)
        pixels = self._pixels(picture)
        header = self.header if picture is self.first else self._header(self._format_of(picture))
        return Frame(header=header, pixels=pixels)

    @functools.cached_property
    def header(self) -> FrameHeader:
        """That of the first frame."""
        return self._header(self.format)

    def doubts(self, last: Path) -> Iterator[str]:
        """Say what looks unintended about the movie, although it can be interpolated.

        Args:
            last: the last of its frames that a job has.
        """
        if self.first.interlaced_frame:
            yield (
                f"{self.path.name} is stored interlaced: unless both fields of a frame show one "
                "moment, deinterlace it first; combs would be interpolated as they are."
            )
        count, wanted = self.index.frame_count, index_of(last) + 1
        if not is_picture(last) and wanted > count:
            yield (
                f"{self.path.name} has {count} frames with a picture, and {wanted} are asked for: "
                "the last one is held from there on."
            )

    def _picture(self, index: int) -> av.VideoFrame:
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index]
        time = self.index.times[index]
        for attempt in range(_SEEKS):
            start = self.index.key_time_before(time, skipping=attempt)
            is_ahead = attempt == 0 and self._next <= index and self._is_near(start)
            if not is_ahead:
                self._seek(start)
            found = self._decode_to(time)
            if found is not None:
                return found
            if start is None:
                break
        raise FrameError(
            f"Frame {index + 1} of {self.path} cannot be decoded: the movie is damaged there; "
            "export it again, or cut that part off."
        )

    def _is_near(self, start: int | None) -> bool:
        """Whether nothing is gained by jumping to `start` rather than decoding on."""
        return start is None or start <= self.index.times[self._next]

    def _seek(self, start: int | None) -> None:
        if start is None:  # containers that cannot be searched begin anew
            self._container.close()
            self._container = av.open(str(self.path))
            self._stream = video_stream(self._container, self.path)
            self._decoder = _decoder_of(self._stream)
        else:
            self._container.seek(start, stream=self._stream)
            self._decoder.flush_buffers()
        self._frames = self._decoded()

    def _decode_to(self, time: int) -> av.VideoFrame | None:
        """Return the picture of `time`; None where the decoder is beyond it already."""
        try:
            for frame in self._frames:
                position = self.index.position_of(frame.pts)
                if position is not None:
                    self._keep(position, frame)
                if frame.pts is not None and frame.pts >= time:
                    return frame if frame.pts == time else None
        except av.FFmpegError as error:
            raise _unreadable(self.path, error) from error
        return None

    def _keep(self, position: int, frame: av.VideoFrame) -> None:
        self._next = min(position + 1, len(self.index.times) - 1)
        self._kept[position] = frame
        self._kept.move_to_end(position)
        frame_bytes = sum(plane.buffer_size for plane in frame.planes)
        most = min(_PICTURES_KEPT, max(_LEAST_KEPT, _KEPT_BYTES // frame_bytes))
        while len(self._kept) > most:
            self._kept.popitem(last=False)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._stream):
            yield from self._decoder.decode(packet)

    def _pixels(self, picture: av.VideoFrame) -> Pixels:
        try:
            pixels = movie_pixels.to_pixels(picture)
        except UnreadableFormatError as error:
            raise FrameError(
                f"{self.path} is stored as {error}, which is not supported: export the movie as "
                "YUV or RGB of 8 to 16 bits, such as ProRes, H.264 or FFV1."
            ) from error
        return movie_pixels.turned(pixels, self._turns)

    def _format_of(self, picture: av.VideoFrame) -> FrameFormat:
        width, height = picture.width, picture.height
        if self._turns % 2:
            width, height = height, width
        channels = movie_pixels.channels_of(picture)
        window = (0, 0, width, height)
        return FrameFormat(
            width=width,
            height=height,
            channel_names=channels,
            alpha_channel=channels.index("A") if "A" in channels else None,
            alpha_mode="straight" if "A" in channels else "none",
            pixel_type=f"uint{movie_pixels.depth_of(picture)}",
            colour_space="",
            container=_CONTAINER,
            data_window=window,
            display_window=window,
        )

    def _header(self, frame_format: FrameFormat) -> FrameHeader:
        is_short = frame_format.pixel_type == "uint8"
        spec = oiio.ImageSpec(
            frame_format.width,
            frame_format.height,
            len(frame_format.channel_names),
            "uint8" if is_short else "uint16",
        )
        spec.channelnames = frame_format.channel_names
        if frame_format.alpha_channel is not None:
            spec.alpha_channel = frame_format.alpha_channel
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        if aspect not in (0, 1):
            spec.attribute("PixelAspectRatio", float(1 / aspect if self._turns % 2 else aspect))
        return FrameHeader(format=frame_format, spec=spec)


def read_movie_index(path: Path) -> MovieIndex:
    """Return a movie's pictures and their times; read once, and again when the file has changed.

    Raises:
        FrameError: it cannot be read.
    """
    try:
        return _index_of_file(str(path), *_stamp(path))
    except av.FFmpegError as error:
        raise _unreadable(path, error) from error


@functools.lru_cache(maxsize=8)
def _index_of_file(path: str, _size: int, _changed_ns: int) -> MovieIndex:
    return index_movie(Path(path))


def _stamp(path: Path) -> list[int]:
    try:
        return durable.stamp(path)
    except OSError as error:
        raise FrameError(
            f"{path} cannot be read ({error.strerror}): restore the movie, or choose another one."
        ) from error


def _decoder_of(stream: av.video.stream.VideoStream) -> av.VideoCodecContext:
    """Return what decodes a stream: FFmpeg's own VP8 and VP9 decoders leave alpha out."""
    context = stream.codec_context
    name = context.codec.name
    if name not in ("vp8", "vp9") or stream.metadata.get("alpha_mode") != "1":
        return context
    with_alpha = av.VideoCodecContext.create(f"libvpx{'' if name == 'vp8' else '-vp9'}", "r")
    assert isinstance(with_alpha, av.VideoCodecContext)
    return with_alpha


def _quarter_turns(picture: av.VideoFrame, path: Path) -> int:
    """Return by how many quarters a movie's pictures are turned to be shown, anticlockwise."""
    turns, rest = divmod(picture.rotation, 90)
    if rest:
        raise FrameError(
            f"{path} is to be shown turned by {picture.rotation}°: only quarter turns are "
            "supported; export the movie without rotation."
        )
    return turns % 4


def _unreadable(path: Path, error: av.FFmpegError) -> FrameError:
    return FrameError(
        f"{path} is damaged or not a movie that can be read ({error.strerror or error}): export or "
        "copy it again."
    )
