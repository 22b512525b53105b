"""What an OpenEXR file says of itself at its beginning: size, channels, and so its passes.

Blender's process needs to know whether a render has vectors and depth, and whether two files have
the same channels, without a picture library. The layout is that of "OpenEXR File Layout" in
OpenEXR's technical documentation. Standard library alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import FrameError
from .passes import PartNames, find_guides, find_passes, full_names, in_layers, leading_pass

_MAGIC = 20000630
_MULTI_PART = 0x1000
_LONGEST_NAME = 255
_AFTER_CHANNEL = 16  # bytes of type, linearity and sampling behind a channel's name
_KEPT = ("channels", "name", "displayWindow")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExrHeader:
    """The part of a file's header that is of use here.

    Attributes:
        width: of the display window, in pixels.
        height: likewise.
        parts: what each part calls its channels.
    """

    width: int
    height: int
    parts: tuple[PartNames, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    @property
    def full_names(self) -> frozenset[str]:
        """Names of all channels, with that of the part where it is not in them."""
        return frozenset(name for part in self.parts for name in full_names(part))

    @property
    def has_guides(self) -> bool:
        """Whether some view layer has colour, and vectors and depth that say where it goes."""
        return any(
            leading_pass(layer) is not None and find_guides(layer) is not None
            for layer in in_layers(find_passes(self.parts))
        )


def has_guides(path: Path) -> bool:
    """Tell whether a file is a render with vectors and depth; one that cannot be read is none."""
    if path.suffix.lower() != ".exr":
        return False
    try:
        return read_exr_header(path).has_guides
    except FrameError:
        return False  # who reads the pixels says more of what is wrong with it


def read_exr_header(path: Path) -> ExrHeader:
    """Read the header of a file, of one part or many.

    Raises:
        FrameError: the file cannot be read, or is no OpenEXR file.
    """
    try:
        with path.open("rb") as file:
            return _header(file)
    except (OSError, ValueError, KeyError, struct.error, UnicodeDecodeError) as error:
        raise FrameError(
            "{path} cannot be read as an OpenEXR file ({reason}): render it again.",
            path=path,
            reason=str(error) or type(error).__name__,
        ) from error


def _header(file: BinaryIO) -> ExrHeader:
    magic, flags = struct.unpack("<II", file.read(8))
    if magic != _MAGIC:
        raise ValueError("its first bytes are those of another format")
    parts: list[dict[str, bytes]] = []
    while attributes := dict(_attributes(file)):
        parts.append(attributes)
        if not flags & _MULTI_PART:
            break
    left, bottom, right, top = struct.unpack("<4i", parts[0]["displayWindow"])
    return ExrHeader(
        width=right - left + 1,
        height=top - bottom + 1,
        parts=tuple(
            PartNames(
                name=part.get("name", b"").decode(), channels=tuple(_channels(part["channels"]))
            )
            for part in parts
        ),
    )


def _attributes(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Return the attributes of one part; manifests of megabytes among them are passed over."""
    while name := _name(file):
        _name(file)  # of its type
        (size,) = struct.unpack("<i", file.read(4))
        if size < 0:
            raise ValueError(f"attribute {name} has {size} bytes")
        if name in _KEPT:
            yield name, file.read(size)
        else:
            file.seek(size, 1)


def _name(file: BinaryIO) -> str:
    """Read up to the next zero."""
    letters = bytearray()
    while (letter := file.read(1)) != b"\0":
        if not letter or len(letters) == _LONGEST_NAME:
            raise ValueError("its header is cut off")
        letters += letter
    return letters.decode()


def _channels(content: bytes) -> Iterator[str]:
    at = 0
    while content[at : at + 1] not in (b"\0", b""):
        end = content.index(b"\0", at)
        yield content[at:end].decode()
        at = end + 1 + _AFTER_CHANNEL
