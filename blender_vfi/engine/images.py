"""Decode and encode single frames, exactly as stored: depth, alpha, colour and metadata.

OpenImageIO does the work; what it would do by itself and we do not want is undone here: it
premultiplies alpha, it hides half-read files behind pixels, and it takes a full disk for success.
Every function may be called from any thread. Never import torch or bpy here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses

from ..errors import FrameError
from . import movies
from .image_formats import (
    LAYOUTS,
    PROFILE_PREFIX,
    AlphaMode,
    FrameFormat,
    channel_roles,
    encoding_for,
)
from .image_output import has_profile, one_line, output_spec, write_file
from .main_memory import free_bytes
from .movie_frames import movie_of
from .multilayer import (
    is_multilayer,
    multilayer_format,
    read_parts,
    read_specs,
    with_manifests,
    write_parts,
)
from .quantisation import Pixels, convert_alpha, from_float, native_type, to_float
from .storage import AS_SOURCE, Storage

_READABLE = ("bmp", "dpx", "hdr", "jpeg", "openexr", "png", "targa", "tiff", "webp")
_SURELY_FITS_BYTES = 1 << 28
_ALWAYS_STRAIGHT = ("bmp", "dpx", "png", "webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHeader:
    """What a file says about its pixels.

    Attributes:
        format: what we act on.
        spec: everything that OpenImageIO knows, metadata included; treat as read-only.
        further_specs: likewise of the parts that follow the first, in a multi-part file.
    """

    format: FrameFormat
    spec: oiio.ImageSpec
    further_specs: tuple[oiio.ImageSpec, ...] = ()

    @property
    def specs(self) -> tuple[oiio.ImageSpec, ...]:
        """Those of all parts."""
        return (self.spec, *self.further_specs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A decoded frame.

    Attributes:
        header: keep this, rather than the frame, where only metadata is needed.
        pixels: (height, width, channels) float32, top row first. Integer files give code /
            largest code, in [0, 1]; float files give their values. Alpha and colours are as
            stored: see `FrameFormat.alpha_mode`. Of a multilayer file, all passes.
    """

    header: FrameHeader
    pixels: Pixels


def set_thread_count(count: int) -> None:
    """Limit OpenImageIO's own threads in this process: 1 where frames are decoded in parallel."""
    oiio.attribute("threads", count)
    # OpenEXR has a pool of its own, which would stand in the model's way; -1 is none
    oiio.attribute("exr_threads", count if count > 1 else -1)


def read_format(path: Path) -> FrameFormat:
    """Look at a frame without decoding its pixels (WebP, which has to be decoded, excepted).

    Raises:
        FrameError: see `read_frame`.
    """
    if movie_of(path) is not None:
        return movies.read_format(path)
    source = _open(path)
    with _reading(source, path):
        header = _header(source, path)
        if not header.format.is_multilayer:
            _check_single(source, path)
    return header.format


def read_frame(path: Path) -> Frame:
    """Decode a frame: a file, or a movie's, as `movie_frames` names it.

    Raises:
        FrameError: the file is missing, damaged, truncated, not a picture, too large for the memory
            that is free, or of a kind that we would not keep whole: several pictures, further
            channels (but in EXR), CMYK, odd types.
    """
    if movie_of(path) is not None:
        return movies.read_frame(path)
    source = _open(path)
    with _reading(source, path):
        header = _header(source, path)
        _check_fits(path, header.format)
        if header.format.is_multilayer:
            pixels = read_parts(source, header.format)
            problem = source.geterror()
            if pixels is None or problem:
                raise _damaged(path, problem)
            return Frame(header=header, pixels=pixels)
        channel_count = len(header.format.channel_names)
        native = source.read_image(0, 0, 0, channel_count, native_type(header.format.pixel_type))
        # Truncated JPEG and TIFF files come with pixels, and with an error besides.
        problem = source.geterror()
        _check_single(source, path)
    if native is None or problem:
        raise _damaged(path, problem)
    return Frame(header=header, pixels=to_float(native, header.format.pixel_type))


def with_names_of(header: FrameHeader, other: FrameHeader) -> FrameHeader:
    """Return `header` with the Cryptomatte names besides that only `other` knows."""
    spec, *further_specs = with_manifests(header.specs, other.specs)
    return FrameHeader(format=header.format, spec=spec, further_specs=tuple(further_specs))


def write_frame(
    path: Path, pixels: Pixels, like: FrameHeader, suffix: str, storage: Storage = AS_SOURCE
) -> None:
    """Encode a frame to exactly `path`, with the depth, alpha and metadata of `like`.

    The file format follows `suffix`, whatever `path` is called. Where `storage` says nothing else,
    JPEG is written at `USUAL_QUALITY` with the source's chroma subsampling (none for other
    sources). WebP is lossless, since a source's quality is not known; it forgets colours where
    alpha is 0. PNG takes `PNG_COMPRESSION_LEVEL` and `PNG_FILTER`; EXR and TIFF keep the source's
    compression.

    Args:
        path: replaced when it exists. After an error, nothing or a broken file may lie there.
        pixels: (height, width, channels) float32 as `read_frame` gives them. Integer files get
            values clipped to [0, 1] and rounded to the nearest code, NaN as 0; half files get
            values clipped to ±65504.
        like: a source frame's; its size and channels must be those of `pixels`. A multilayer
            file keeps the parts, channels, types and compression of that.
        suffix: one of `job_spec.OUTPUT_SUFFIXES`.
        storage: depth and compression, where these shall not be the source's.

    Raises:
        RequestError: see `image_formats.encoding_for`.
        OutputError: the file cannot be written.
    """
    frame_format = like.format
    encoding = encoding_for(frame_format, suffix, storage)
    expected = (frame_format.height, frame_format.width, len(frame_format.channel_names))
    assert pixels.shape == expected, f"{pixels.shape} is not {expected}"
    if frame_format.is_multilayer:
        write_parts(path, pixels, frame_format, like.specs, storage.compression)
        return
    converted = convert_alpha(pixels, frame_format.alpha_mode, encoding.alpha_mode)
    native = from_float(converted, encoding.pixel_type)
    spec = output_spec(
        like.spec, encoding, storage, is_same_container=encoding.container == frame_format.container
    )
    write_file(path, [spec], [native], encoding.container)


def _open(path: Path) -> oiio.ImageInput:
    try:
        with path.open("rb") as stream:
            is_empty = not stream.read(1)
    except OSError as error:
        raise FrameError(
            f"{path} cannot be read ({error.strerror}): restore the frame, or render it again."
        ) from error
    if is_empty:
        raise FrameError(f"{path} is empty (0 bytes): render the frame again.")
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source: oiio.ImageInput | None = oiio.ImageInput.open(str(path), config)
    if source is None:
        raise FrameError(
            f"{path} is damaged or not a picture ({one_line(oiio.geterror())}): render the frame "
            "again, or remove it from the strip."
        )
    return source


@contextlib.contextmanager
def _reading(source: oiio.ImageInput, path: Path) -> Iterator[None]:
    """Close `source` at the end, and call a file damaged that has names which are no text."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise _damaged(path, "a name in it is no text") from error
    finally:
        source.close()


def _check_fits(path: Path, frame_format: FrameFormat) -> None:
    """Refuse a frame that memory has no room for: a file of a kilobyte may claim any size."""
    values = frame_format.width * frame_format.height * len(frame_format.channel_names)
    needed = 8 * values  # as stored, at most four bytes each, and as float32
    if needed < _SURELY_FITS_BYTES:
        return
    free = free_bytes()
    if needed > free:
        raise FrameError(
            f"{path} is {frame_format.width}×{frame_format.height} with "
            f"{len(frame_format.channel_names)} channels, which takes {needed / 2**30:.1f} GB to "
            f"decode, and {free / 2**30:.1f} GB of memory are free: if that is its size, close "
            "other programs; if not, the file is damaged: render the frame again."
        )


def _header(source: oiio.ImageInput, path: Path) -> FrameHeader:
    container = source.format_name()
    if container not in _READABLE:
        raise FrameError(
            f"{path} is a {container} file, which is not supported: convert the frames to PNG, "
            "TIFF or EXR."
        )
    spec = oiio.ImageSpec(source.spec())
    if container == "openexr":
        specs = read_specs(source)
        if is_multilayer(specs):
            return FrameHeader(
                format=multilayer_format(specs, path), spec=spec, further_specs=specs[1:]
            )
    _check_supported(spec, path)
    roles = channel_roles(tuple(spec.channelnames))
    data_window = (spec.x, spec.y, spec.width, spec.height)
    return FrameHeader(
        format=FrameFormat(
            width=spec.width,
            height=spec.height,
            channel_names=tuple(spec.channelnames),
            alpha_channel=roles.index("A") if "A" in roles else None,
            alpha_mode=_alpha_mode(spec, roles, container),
            pixel_type="rgbe" if container == "hdr" else _pixel_type(spec, path),
            colour_space=_colour_space(spec),
            container=container,
            data_window=data_window,
            display_window=(spec.full_x, spec.full_y, spec.full_width, spec.full_height),
        ),
        spec=spec,
    )


def _check_single(source: oiio.ImageInput, path: Path) -> None:
    """Refuse a second picture; call this last, since a WebP reader does not seek back."""
    is_several = source.seek_subimage(1, 0)
    source.geterror()
    if is_several:
        raise FrameError(
            f"{path} holds more than one picture (animation or pages), of which all but the first "
            "would be lost: save the frames as files of their own, or layers as EXR."
        )


def _check_supported(spec: oiio.ImageSpec, path: Path) -> None:
    if spec.deep or spec.depth > 1:
        raise FrameError(
            f"{path} is a deep or volume image: flatten the frames, and save them as plain EXR."
        )
    names = tuple(spec.channelnames)
    if channel_roles(names) not in LAYOUTS:
        raise FrameError(
            f"{path} has the channels {', '.join(names)}: only gray (Y) or RGB, each with or "
            "without alpha (A), can be interpolated, or passes in EXR; save the frames so."
        )
    for name in ("tiff:ColorSpace", "jpeg:ColorSpace"):
        stored = spec.get_string_attribute(name)
        if stored in ("CMYK", "YCCK", "multichannel"):
            raise FrameError(
                f"{path} is stored as {stored}: convert the frames to RGB, since the result could "
                "not be stored the same way."
            )


def _alpha_mode(spec: oiio.ImageSpec, roles: tuple[str, ...], container: str) -> AlphaMode:
    if "A" not in roles:
        return "none"
    is_straight = container in _ALWAYS_STRAIGHT or spec.get_int_attribute("oiio:UnassociatedAlpha")
    return "straight" if is_straight else "premultiplied"


def _colour_space(spec: oiio.ImageSpec) -> str:
    # What a profile says counts; OpenImageIO calls such files sRGB nevertheless.
    if has_profile(spec):
        description = spec.get_string_attribute("ICCProfile:profile_description")
        return f"{PROFILE_PREFIX}{description or 'without a name'}"
    return spec.get_string_attribute("oiio:ColorSpace")


def _pixel_type(spec: oiio.ImageSpec, path: Path) -> str:
    stored = {str(item) for item in spec.channelformats} or {str(spec.format)}
    if stored <= {"half", "float"}:
        return "float" if "float" in stored else "half"
    if stored not in ({"uint8"}, {"uint16"}):
        raise FrameError(
            f"{path} stores pixels as {', '.join(sorted(stored))}: save the frames as 8- or 16-bit "
            "integer, or as half or float."
        )
    (pixel_type,) = stored
    # OpenImageIO spreads 10 and 12 bits over 16; other odd depths we take as spread for good.
    bits = spec.get_int_attribute("oiio:BitsPerSample")
    return f"uint{bits}" if pixel_type == "uint16" and bits in (10, 12) else pixel_type


def _damaged(path: Path, problem: str) -> FrameError:
    return FrameError(
        f"{path} is damaged or incomplete ({one_line(problem)}): render or copy the frame again."
    )
