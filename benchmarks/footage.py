"""What benchmarks show to models and jobs: frames of the film, and what is made of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from blender_vfi.models import catalog
from blender_vfi.models.rife import pad_multiple
from tools.demo.footage import extract_frames, fetch_film

FOLDER = Path("build/footage")
MOVING = 8
"""From this frame on, the film moves everywhere and does not cut."""

_MOTION_PX = 5


def film_frames(folder: Path, *, first: int = MOVING, count: int) -> list[Path]:
    """Write `count` frames of the film into `folder` as PNG files of 1280×720; return them."""
    return extract_frames(fetch_film(FOLDER), folder, first=first, count=count)


def long_sequence(clip: Sequence[Path], count: int, folder: Path) -> Path:
    """Make `count` frames out of the clip's, forwards and backwards, as links; return `folder`."""
    there_and_back = [*clip, *clip[-2:0:-1]]
    folder.mkdir()
    for index in range(count):
        os.link(there_and_back[index % len(there_and_back)], folder / f"frame_{index:05d}.png")
    return folder


def moving_noise(count: int, size: tuple[int, int]) -> list[Tensor]:
    """Draw `count` smooth frames (1, 3, H, W) of `size`, each moved from the one before."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, size[0] // 16, size[1] // 16, generator=generator)
    first = functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    return [first.roll(_MOTION_PX * index, 3) for index in range(count)]


def padded(frame: Tensor) -> Tensor:
    """Turn (H, W, 3) into (1, 3, H, W) with sides as RIFE, the default model, takes them."""
    picture = frame.permute(2, 0, 1)[None]
    multiple = pad_multiple(catalog.DEFAULT_MODEL.removeprefix("rife-"))
    height, width = frame.shape[:2]
    return functional.pad(picture, (0, -width % multiple, 0, -height % multiple)).contiguous()


def moments(multiplier: int) -> list[float]:
    """Return the moments of the new frames between two."""
    return [step / multiplier for step in range(1, multiplier)]


class Frames:
    """Frames (H, W, 3) in memory, for a frame loop to load."""

    def __init__(self, frames: Sequence[Tensor]) -> None:
        self._frames = frames

    def load(self, index: int) -> Tensor:
        """Return a frame."""
        return self._frames[index]


class Nowhere:
    """Takes frames from a frame loop and keeps none."""

    def store(self, output_index: int, frame: Tensor) -> None:
        """Drop the frame."""
