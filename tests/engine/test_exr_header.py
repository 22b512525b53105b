"""What the beginning of an OpenEXR file tells, of one part and of many."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from blender_vfi.engine.exr_header import read_exr_header
from blender_vfi.errors import FrameError

pytestmark = pytest.mark.plain

COLOUR = ("ViewLayer.Combined.A", "ViewLayer.Combined.B", "ViewLayer.Combined.G")
COLOUR += ("ViewLayer.Combined.R",)
DEPTH = ("ViewLayer.Depth.Z",)
VECTOR = tuple(f"ViewLayer.Vector.{letter}" for letter in "WXYZ")


def attribute(name: str, kind: str, content: bytes) -> bytes:
    head = name.encode() + b"\0" + kind.encode() + b"\0"
    return head + struct.pack("<i", len(content)) + content


def part(channels: tuple[str, ...], name: str = "") -> bytes:
    """The attributes of a part of 64×36, with a manifest of a megabyte in their midst."""
    listed = b"".join(each.encode() + b"\0" + bytes(16) for each in channels) + b"\0"
    attributes = attribute("manifest", "string", b"x" * 1_000_000)
    attributes += attribute("displayWindow", "box2i", struct.pack("<4i", 10, 10, 73, 45))
    attributes += attribute("channels", "chlist", listed)
    if name:
        attributes += attribute("name", "string", name.encode())
    return attributes + b"\0"


def write(folder: Path, *parts: bytes) -> Path:
    flags = 2 | (0x1000 if len(parts) > 1 else 0)
    end = b"\0" if len(parts) > 1 else b""
    path = folder / "frame.exr"
    path.write_bytes(struct.pack("<II", 20000630, flags) + b"".join(parts) + end + b"pixels")
    return path


def test_header_of_one_part_tells_size_and_channels(tmp_path):
    header = read_exr_header(write(tmp_path, part(COLOUR + DEPTH + VECTOR)))
    assert (header.width, header.height) == (64, 36)
    assert [each.channels for each in header.parts] == [COLOUR + DEPTH + VECTOR]
    assert header.has_guides


def test_header_of_many_parts_tells_of_each(tmp_path):
    parts = {"ViewLayer.Combined": COLOUR, "ViewLayer.Depth": DEPTH, "ViewLayer.Vector": VECTOR}
    path = write(tmp_path, *(part(channels, name) for name, channels in parts.items()))
    header = read_exr_header(path)
    assert {each.name: each.channels for each in header.parts} == parts
    assert header.has_guides


@pytest.mark.parametrize(
    "channels",
    [
        COLOUR + DEPTH,
        COLOUR + VECTOR,
        DEPTH + VECTOR,
        COLOUR + DEPTH + VECTOR[:2],  # to one side alone
        COLOUR + DEPTH + tuple(name.replace("ViewLayer", "Other") for name in VECTOR),
    ],
)
def test_without_colour_depth_and_vectors_of_one_layer_nothing_guides(tmp_path, channels):
    assert not read_exr_header(write(tmp_path, part(channels))).has_guides


@pytest.mark.parametrize("length", [0, 4, 9, 1_000_040, 1_000_100])
def test_cut_off_file_is_named(tmp_path, length):
    path = write(tmp_path, part(COLOUR))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FrameError, match=r"frame\.exr cannot be read as an OpenEXR file"):
        read_exr_header(path)


def test_file_of_another_format_and_missing_one_are_named(tmp_path):
    (tmp_path / "a.exr").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    for name in ("a.exr", "b.exr"):
        with pytest.raises(FrameError, match=f"{name} cannot be read"):
            read_exr_header(tmp_path / name)
