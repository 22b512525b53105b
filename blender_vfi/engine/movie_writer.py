"""Writes one movie file, picture by picture. Needs PyAV; torch and bpy are never imported here."""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from pathlib import Path

import av

from ..errors import OutputError
from .image_formats import FrameFormat
from .movie_codecs import MovieCodec
from .movie_encoding import ColourTags, PictureFormat, displayed, picture_format, to_picture
from .movie_sound import SoundCopy
from .quantisation import Pixels

_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "prores-hq": ("prores_ks", {"profile": "hq", "vendor": "apl0"}),
    "prores-4444": ("prores_ks", {"profile": "4444", "vendor": "apl0", "alpha_bits": "16"}),
    "h264": ("libx264", {"preset": "medium"}),
    "h264-10bit": ("libx264", {"preset": "medium"}),
    "h265-10bit": ("libx265", {"preset": "medium", "x265-params": "log-level=none"}),
    "av1-10bit": ("libsvtav1", {"preset": "6"}),
    "ffv1": ("ffv1", {"level": "3", "g": "1", "slices": "4", "slicecrc": "1"}),
}
_CONTAINERS = {".mov": "mov", ".mp4": "mp4", ".mkv": "matroska", ".webm": "webm"}


class MovieWriter:
    """A movie that is being written.

    Args:
        path: where to; a file there is replaced.
        codec: of the pictures.
        crf: constant rate factor; None for the codec's usual.
        rate: pictures a second.
        frames: format of what `write` gets.
        tags: what the movie says of its colours.
        pixel_aspect: width of a pixel divided by its height.
        sound: to put beside; None for none.
        suffix: the file's final one, which decides its kind.

    Raises:
        OutputError: the encoder cannot be started, or the file not be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        codec: MovieCodec,
        crf: int | None,
        rate: Fraction,
        frames: FrameFormat,
        tags: ColourTags,
        pixel_aspect: Fraction,
        sound: SoundCopy | None,
        suffix: str,
    ) -> None:
        self._path = path
        self._frames = frames
        self._tags = tags
        self._rate = rate
        self._sound = sound
        self._count = 0
        self._format: PictureFormat = picture_format(codec, frames)
        encoder, options = _ENCODERS[codec.name]
        if codec.crf is not None:
            options = {**options, "crf": str(codec.crf[0] if crf is None else crf)}
        try:
            with contextlib.ExitStack() as stack:
                self._target = stack.enter_context(
                    av.open(str(path), "w", format=_CONTAINERS[suffix])
                )
                self._stream = self._target.add_stream(encoder, rate=rate, options=options)
                self._describe(encoder, pixel_aspect, suffix)
                if sound is not None:
                    sound.add_to(self._target, suffix)
                stack.pop_all()  # closed by `__exit__`
        except (av.FFmpegError, ValueError) as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> MovieWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            with self._target:  # closed whatever happens: Windows keeps an open file locked
                if kind is None:
                    self._target.mux(self._stream.encode())
                    if self._sound is not None:
                        self._sound.mux_until(self._target, self._count / self._rate)
        except av.FFmpegError as problem:
            if kind is None:
                raise self._unwritable(problem) from problem

    def write(self, pixels: Pixels) -> None:
        """Append a frame.

        Raises:
            OutputError: it cannot be encoded or written.
        """
        picture = to_picture(displayed(pixels, self._frames), self._format, self._tags)
        picture.pts, picture.time_base = self._count, 1 / self._rate
        try:
            self._target.mux(self._stream.encode(picture))
            if self._sound is not None:
                self._sound.mux_until(self._target, self._count / self._rate)
        except av.FFmpegError as error:
            raise self._unwritable(error) from error
        self._count += 1

    def _describe(self, encoder: str, pixel_aspect: Fraction, suffix: str) -> None:
        """Tell the encoder what its pictures are."""
        stream = self._stream
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = self._frames.width, self._frames.height
        stream.pix_fmt = self._format.pix_fmt
        context = stream.codec_context
        context.sample_aspect_ratio = pixel_aspect
        context.color_range = 1 if self._format.is_yuv else 2
        context.colorspace = self._tags.matrix if self._format.is_yuv else 0
        context.color_primaries, context.color_trc = self._tags.primaries, self._tags.transfer
        if encoder == "libx265" and suffix != ".mkv":
            context.codec_tag = "hvc1"  # QuickTime plays no other

    def _unwritable(self, error: Exception) -> OutputError:
        return OutputError(
            f"Movie {self._path} cannot be written ({error}): check free space and permissions, or "
            "choose another codec; the frames are kept."
        )


def sound_codecs_of(suffix: str) -> frozenset[str]:
    """Return the names of codecs that a file with that suffix can hold."""
    with io.BytesIO() as file, av.open(file, "w", format=_CONTAINERS[suffix]) as target:
        return frozenset(target.supported_codecs)
