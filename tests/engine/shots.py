"""Moving pictures of known shots: soft textures that pan."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from blender_vfi.engine.image_formats import FrameFormat
from blender_vfi.engine.similarity import Signature, signature

from .image_files import encode_png

HEIGHT, WIDTH = 72, 128


def shot(seed: int, count: int, *, pan: int = 2) -> list[np.ndarray]:
    """Make `count` frames of one texture, (72, 128, 3) in [0, 1], moving `pan` pixels a frame."""
    random = np.random.default_rng(seed)
    wide = WIDTH + pan * count
    texture = np.full((HEIGHT, wide, 3), 0.5)
    y, x = np.mgrid[0:HEIGHT, 0:wide]
    for _ in range(24):
        wave = 2 * np.pi / random.uniform(12, 90)
        angle, phase = random.uniform(0, 2 * np.pi, 2)
        ripple = np.sin(wave * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        texture += ripple[..., None] * random.uniform(-0.06, 0.06, 3)
    texture = texture.clip(0, 1)
    return [texture[:, pan * index : pan * index + WIDTH] for index in range(count)]


def signatures(frames: list[np.ndarray], **changes: object) -> list[Signature]:
    """Make the small copies of frames."""
    return [signature(frame.astype(np.float32), format_of(frame, **changes)) for frame in frames]


def format_of(frame: np.ndarray, **changes: object) -> FrameFormat:
    """Describe a frame as a PNG's."""
    height, width, channels = frame.shape
    fields = {
        "width": width,
        "height": height,
        "channel_names": {1: ("Y",), 2: ("Y", "A"), 3: tuple("RGB"), 4: tuple("RGBA")}[channels],
        "alpha_channel": channels - 1 if channels in (2, 4) else None,
        "alpha_mode": "straight" if channels in (2, 4) else "none",
        "pixel_type": "uint8",
        "colour_space": "",
        "container": "png",
        "data_window": (0, 0, width, height),
        "display_window": (0, 0, width, height),
    }
    return FrameFormat(**{**fields, **changes})


def write_frames(folder: Path, frames: list[np.ndarray], numbers: list[int] | None = None) -> Path:
    """Write frames as PNG files of 8 bits, numbered from 1 or as given."""
    folder.mkdir(parents=True)
    for number, frame in zip(numbers or range(1, len(frames) + 1), frames, strict=True):
        codes = np.rint(frame * 255).astype(np.uint8)
        (folder / f"shot_{number:04d}.png").write_bytes(encode_png(codes))
    return folder
