"""Write files through OpenImageIO so that metadata stays and no failure passes for success.

What `images` needs for encoding; use `images.write_frame`. Never import torch or bpy here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses

from ..errors import OutputError
from .image_formats import INTEGER_BITS, Encoding
from .quantisation import native_type
from .storage import Storage

USUAL_QUALITY = 95
"""Of JPEG and lossy WebP. A file does not tell its own; at 95 the second encoding hardly shows."""

PNG_COMPRESSION_LEVEL = 1
PNG_FILTER = 0x20
"""Blender's default level, and of libpng's filters the row above ("up") alone. Choosing among all
for each row takes twice the time, for files that are at most 4 % smaller in `benchmarks.png`."""

_PNG_LEVELS = {"auto": PNG_COMPRESSION_LEVEL, "none": 0, "best": 9}

WEBP_METHOD = 4
"""Lossless effort; OpenImageIO's default 6 takes twice as long for files that are no smaller."""


def output_spec(
    source: oiio.ImageSpec, encoding: Encoding, storage: Storage, *, is_same_container: bool
) -> oiio.ImageSpec:
    """Describe the file to write: the source's metadata, and what is asked for."""
    spec = oiio.ImageSpec(source)
    erased = ["oiio:BitsPerSample", "oiio:UnassociatedAlpha"]
    if has_profile(spec):
        # Otherwise PNG would claim sRGB besides, and repeat the profile's fields as text.
        erased.append("oiio:ColorSpace")
        erased += [item.name for item in spec.extra_attribs if item.name.startswith("ICCProfile:")]
    for name in erased:
        spec.erase_attribute(name)
    spec.set_format(native_type(encoding.pixel_type))
    spec.channelformats = ()
    if not is_same_container:
        spec.tile_width = spec.tile_height = 0
    if encoding.pixel_type in ("uint10", "uint12"):
        spec.attribute("oiio:BitsPerSample", INTEGER_BITS[encoding.pixel_type])
    if encoding.alpha_mode == "straight":
        spec.attribute("oiio:UnassociatedAlpha", 1)
    _set_compression(spec, encoding.container, storage)
    if spec.get_string_attribute("ResolutionUnit") == "inch":  # PNG's word, unknown to JPEG
        spec.attribute("ResolutionUnit", "in")
    return spec


def _set_compression(spec: oiio.ImageSpec, container: str, storage: Storage) -> None:
    quality = storage.quality or USUAL_QUALITY
    if container == "jpeg":
        spec.attribute("compression", f"jpeg:{quality}")
        if not spec.get_string_attribute("jpeg:subsampling"):
            spec.attribute("jpeg:subsampling", "4:4:4")
    elif container == "png":
        spec.attribute("png:compressionLevel", _PNG_LEVELS[storage.compression])
        if storage.compression == "auto":
            spec.attribute("png:filter", PNG_FILTER)
    elif container == "webp":
        is_lossy = storage.compression == "lossy"
        spec.attribute("compression", f"webp:{quality}" if is_lossy else "lossless")
        spec.attribute("webp:method", WEBP_METHOD)
    else:
        set_compression(spec, storage.compression)


def set_compression(spec: oiio.ImageSpec, compression: str) -> None:
    """Let an EXR, TIFF or Targa file have a compression; with "auto", the source's."""
    if compression == "auto":
        keep_dwa_level(spec)
        return
    spec.erase_attribute("tiff:Compression")
    spec.attribute("compression", compression)
    if compression.startswith("dwa"):
        keep_dwa_level(spec)


def keep_dwa_level(spec: oiio.ImageSpec) -> None:
    """Hand a lossy EXR's level back the way OpenImageIO takes it, not the way it gives it."""
    compression = spec.get_string_attribute("compression")
    level = spec.getattribute("openexr:dwaCompressionLevel")
    if compression.startswith("dwa") and level is not None:
        spec.attribute("compression", f"{compression.partition(':')[0]}:{level:g}")


def write_file(
    path: Path,
    specs: Sequence[oiio.ImageSpec],
    natives: Iterable[npt.NDArray[Any]],
    container: str,
) -> None:
    """Write pixels to exactly `path` as a file of kind `container`, and make sure it is whole.

    Args:
        path: replaced when it exists.
        specs: one for each part of the file; more than one in EXR only.
        natives: their pixels; each is asked for when the one before has been written.
        container: file format, in OpenImageIO's words.

    Raises:
        OutputError: it is not whole; nothing or a broken file lies at `path`.
    """
    _check_writable(path)
    if container == "jpeg":
        _check_space(path, specs[0])
    _encode(path, specs, natives, container)
    _check_whole(path, container, len(specs))


def _check_writable(path: Path) -> None:
    try:
        path.open("wb").close()
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


def _check_space(path: Path, spec: oiio.ImageSpec) -> None:
    """Fill `path` with as many bytes as a JPEG can take.

    libjpeg ends the whole process when it cannot write (OpenImageIO 3.0 leaves its default
    handler in place), so that a full disk must show before.
    """
    metadata_bytes = 1 << 20
    try:
        path.write_bytes(bytes(2 * int(spec.image_bytes()) + metadata_bytes))
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error


def _encode(
    path: Path,
    specs: Sequence[oiio.ImageSpec],
    natives: Iterable[npt.NDArray[Any]],
    container: str,
) -> None:
    target = oiio.ImageOutput.create(container)
    if target is None:
        raise OutputError(
            f"{path} cannot be written ({one_line(oiio.geterror())}): OpenImageIO was built "
            f"without {container}; choose another output format."
        )
    # EXR wants to know all parts beforehand
    if not target.open(str(path), specs[0] if len(specs) == 1 else tuple(specs)):
        raise _unwritable(path, target.geterror())
    is_written = True
    for index, (spec, native) in enumerate(zip(specs, natives, strict=True)):
        if index and is_written:
            is_written = target.open(str(path), spec, "AppendSubimage")
        is_written = is_written and target.write_image(native)
    problem = target.geterror()
    is_closed = target.close()
    # TIFF leaves a complaint about Exif after a good close: only what it returns counts there.
    problem = problem or (target.geterror() if container != "tiff" or not is_closed else "")
    target.geterror()
    if not is_written or not is_closed or problem:
        raise _unwritable(path, problem)


def _check_whole(path: Path, container: str, part_count: int) -> None:
    """Notice the short files that a full disk leaves although OpenImageIO reports success.

    The bytes that are missing then are the last ones: PNG has a fixed end; of the others we
    decode the first and the last row (an EXR may be stored from the bottom up).
    """
    if container == "png":
        with path.open("rb") as stream:
            stream.seek(-min(path.stat().st_size, 12), 2)
            is_whole = stream.read(12) == b"\0\0\0\0IEND\xaeB`\x82"
    else:
        is_whole = _reads_back(path, part_count)
    if not is_whole:
        raise _unwritable(path, "the file is incomplete, perhaps for want of disk space")


def _reads_back(path: Path, part_count: int) -> bool:
    source: oiio.ImageInput | None = oiio.ImageInput.open(str(path))
    if source is None:
        oiio.geterror()
        return False
    try:
        # the other formats do not seek back to where they are
        return all(
            (part_count == 1 or source.seek_subimage(part, 0)) and _part_reads_back(source, part)
            for part in range(part_count)
        )
    finally:
        source.geterror()
        source.close()


def _part_reads_back(source: oiio.ImageInput, part: int) -> bool:
    spec = source.spec()
    if spec.tile_width:
        pixels = source.read_image(part, 0, 0, spec.nchannels, spec.format)
        return pixels is not None and not source.geterror()
    last = spec.y + spec.height - 1
    rows = [source.read_scanline(y, 0) for y in sorted({spec.y, last})]
    return all(row is not None for row in rows) and not source.geterror()


def has_profile(spec: oiio.ImageSpec) -> bool:
    """Tell whether the file embeds an ICC profile."""
    # Bytes may be asked for so; strings only with get_string_attribute, here and elsewhere: an
    # empty one that a profile brought makes getattribute of OpenImageIO 3.0.21 end the process.
    return spec.getattribute("ICCProfile") is not None


def _unwritable(path: Path, problem: str) -> OutputError:
    return OutputError(
        f"{path} cannot be written ({one_line(problem)}): check that the folder exists, that you "
        "may write there, and that the disk has space."
    )


def one_line(problem: str) -> str:
    """Shorten what OpenImageIO says to what fits into a message."""
    lines = problem.strip().splitlines()
    return lines[0][:200] if lines else "no further details"
