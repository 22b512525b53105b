"""Readers that share no code with ours: Blender's image loader, and an EXR header by hand."""

from __future__ import annotations

import struct
from pathlib import Path

import bpy
import numpy as np


def read_by_blender(path: Path) -> np.ndarray:
    """Return (H, W, 4) values as stored, top row first, as Blender's image editor has them."""
    image = bpy.data.images.load(str(path))
    try:
        image.colorspace_settings.name = "Non-Color"
        image.alpha_mode = "CHANNEL_PACKED"
        width, height = image.size
        pixels = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1]


def exr_header(path: Path) -> dict[str, bytes]:
    """Return the attributes of a single-part EXR file, each as its bytes."""
    data = path.read_bytes()
    assert data[:4] == b"\x76\x2f\x31\x01"
    at, attributes = 8, {}
    while data[at]:
        name, _kind, rest = data[at:].split(b"\0", 2)
        begin = len(data) - len(rest)
        (size,) = struct.unpack("<I", data[begin : begin + 4])
        attributes[name.decode()] = data[begin + 4 : begin + 4 + size]
        at = begin + 4 + size
    return attributes


def exr_types(path: Path) -> set[str]:
    """Return the types of an EXR file's channels."""
    channels, kinds = exr_header(path)["channels"], set()
    while channels[0]:
        rest = channels.split(b"\0", 1)[1]
        kinds.add({1: "half", 2: "float"}[struct.unpack("<I", rest[:4])[0]])
        channels = rest[16:]
    return kinds
