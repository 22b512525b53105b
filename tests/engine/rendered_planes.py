"""Frames as a renderer would make them of planes with known motion: the truth at every moment."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

HEIGHT, WIDTH = 48, 64
NEAR, FAR = 2.0, 10.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A textured square before a textured ground; speeds in pixels a scene frame, y downwards."""

    square_speed: tuple[float, float] = (4.0, 0.0)
    ground_speed: tuple[float, float] = (0.0, 0.0)
    left: float = 10.3
    top: float = 14.6
    side: float = 17.0
    turn: float = 0.0

    def cover(self, time: float) -> Tensor:
        """Share of each pixel that the square covers, filtered over one pixel, (1, 1, H, W)."""
        x, y = _places()
        left, top = (
            start + speed * time
            for start, speed in zip((self.left, self.top), self.square_speed, strict=True)
        )

        def inside(place: Tensor, start: float) -> Tensor:
            return (place - start + 0.5).clamp(0, 1) * (start + self.side - place + 0.5).clamp(0, 1)

        return (inside(x, left) * inside(y, top))[None, None]

    def colour(self, time: float) -> Tensor:
        """(1, 4, H, W) premultiplied light with alpha."""
        square = _texture(*(speed * time for speed in self.square_speed), (0.9, 0.3, 0.1), 0.5)
        ground = _texture(*(speed * time for speed in self.ground_speed), (0.1, 0.4, 0.7), 0.35)
        cover = self.cover(time)
        light = cover * square + (1 - cover) * ground
        return torch.cat((light, torch.ones_like(cover)), dim=1)

    def depth(self, time: float) -> Tensor:
        """(1, 1, H, W), unfiltered: of what the middle of the pixel shows."""
        return torch.where(self.cover(time) > 0.5, NEAR, FAR)

    def vectors(self, time: float) -> Tensor:
        """(1, 4, H, W), as Blender writes them: filtered like colour."""

        def each(speed: tuple[float, float]) -> Tensor:
            x, y = speed
            return torch.tensor((-x, y, -x, y)).view(1, 4, 1, 1)

        cover = self.cover(time)
        return cover * each(self.square_speed) + (1 - cover) * each(self.ground_speed)


def _places() -> tuple[Tensor, Tensor]:
    return torch.arange(WIDTH).float()[None, :], torch.arange(HEIGHT).float()[:, None]


def _texture(
    right: float, down: float, colour: tuple[float, float, float], frequency: float
) -> Tensor:
    """Return (1, 3, H, W) of a soft pattern that has moved."""
    x, y = _places()
    x, y = x - right, y - down
    pattern = 0.5 + 0.25 * torch.sin(frequency * x) + 0.25 * torch.cos(frequency * 1.3 * y + 0.4)
    return pattern * torch.tensor(colour).view(1, 3, 1, 1)
