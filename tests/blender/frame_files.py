"""Tiny PNG frames and WAV sounds, written and read with the standard library alone.

Blender's process needs neither torch nor OpenImageIO, and so do its tests.
"""

import struct
import wave
import zlib
from pathlib import Path

WIDTH, HEIGHT = 16, 12


def write_png(path: Path, grey: int) -> Path:
    """Write an RGB frame of one grey value."""
    rows = (b"\0" + bytes([grey]) * 3 * WIDTH) * HEIGHT
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path


def write_sequence(folder: Path, count: int, prefix: str = "shot_", first: int = 1) -> list[Path]:
    """Write frames that grow brighter, so that each can be told from the others."""
    return [
        write_png(folder / f"{prefix}{first + index:04d}.png", 10 + 5 * index % 240)
        for index in range(count)
    ]


def write_clicks(path: Path, duration_s: int) -> Path:
    """Write a sound that clicks at every half second past a whole one, ever louder."""
    rate = 48_000
    samples = [0] * (rate * duration_s)
    for second in range(duration_s):
        begin = second * rate + rate // 2
        samples[begin : begin + 480] = [3000 * (second + 1)] * 480
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


def find_clicks(path: Path) -> list[tuple[float, int]]:
    """Return second and height of each click of a 16-bit sound."""
    with wave.open(str(path), "rb") as file:
        channels, rate = file.getnchannels(), file.getframerate()
        data = file.readframes(file.getnframes())
    samples = struct.unpack(f"<{len(data) // 2}h", data)[::channels]
    clicks, was_loud = [], False
    for index, sample in enumerate(samples):
        is_loud = abs(sample) > 400
        if is_loud and not was_loud:
            clicks.append((round(index / rate, 3), sample))
        was_loud = is_loud
    return clicks
