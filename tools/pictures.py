"""Makes pictures that show what becomes of light, gradients and alpha.

    python -m tools.pictures DIR

Three small scenes whose in-between frame is known, made with the default model:

- a light of 100 that moves over black and over gray, shown at three exposures;
- a gradient of 16 bits that pans, with its contrast raised until single codes show;
- hair, thinner than a pixel in places, over black, white and green.

Each picture has the frame before, the new one, the frame after, and the truth, from the left.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from blender_vfi.engine import api
from blender_vfi.engine.light import display_encoded

HEIGHT, WIDTH = 128, 192
LIGHT = 100.0
LIGHT_RADIUS = 18.0
HAIR = (0.55, 0.3, 0.12)
GARBAGE = (0.0, 1.0, 0.0)
"""Colour that files may have where alpha is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Two frames and what lies between them, (H, W, C) each."""

    before: Tensor
    truth: Tensor
    after: Tensor
    is_linear: bool = False

    def made(self) -> Tensor:
        """Return the middle frame (H, W, C) that the default model makes."""
        ends = torch.stack((self.before, self.after))
        return api.interpolate(ends, device="cpu", is_linear=self.is_linear)[1]


def moving_light(background: float) -> Scene:
    """Move a disc of light 20 pixels over an even background."""

    def at(moment: float) -> Tensor:
        cover = disc_cover(moment)[..., None]
        return (background + (LIGHT - background) * cover).expand(-1, -1, 3).contiguous()

    return Scene(before=at(0), truth=at(0.5), after=at(1), is_linear=True)


def disc_cover(moment: float) -> Tensor:
    """Return how much of each pixel the disc covers, (H, W)."""
    rows, columns = _grid()
    centre = WIDTH / 2 - 10 + 20 * moment
    distance = torch.hypot(columns - centre, rows - HEIGHT / 2)
    return (LIGHT_RADIUS + 0.5 - distance).clamp(0, 1)


def panning_gradient() -> Scene:
    """Pan a gradient by 8 pixels whose neighbouring pixels differ by a third of an 8-bit code."""

    def at(moment: float) -> Tensor:
        rows, columns = _grid()
        value = 0.3 + (columns - 8 * moment) / (3 * 255) + 0.02 * torch.sin(rows / 20)
        codes = (value[..., None].expand(-1, -1, 3) * 65535).round()
        return codes / 65535

    return Scene(before=at(0), truth=at(0.5), after=at(1))


def waving_hair() -> Scene:
    """Move twelve strands of one colour, at uneven distances and on nothing, by 4 pixels."""

    def at(moment: float) -> Tensor:
        rows, columns = _grid()
        alpha = torch.zeros(HEIGHT, WIDTH)
        for strand in range(12):
            root = 16 + strand * 13 + 5 * math.sin(strand * 2.3) + 4 * moment
            bend = 12 * math.sin(strand * 1.7)
            line = root + bend * (rows / HEIGHT) ** 2
            width = 0.35 + 0.5 * (1 - rows / HEIGHT)
            alpha = torch.maximum(alpha, (width + 0.5 - (columns - line).abs()).clamp(0, 1))
        colour = torch.tensor(HAIR).expand(HEIGHT, WIDTH, 3)
        hidden = torch.tensor(GARBAGE).expand(HEIGHT, WIDTH, 3)
        colour = torch.where(alpha[..., None] > 0, colour, hidden)
        return torch.cat((colour, alpha[..., None]), dim=2)

    return Scene(before=at(0), truth=at(0.5), after=at(1))


def over(frame: Tensor, background: Sequence[float]) -> Tensor:
    """Lay a frame with straight alpha over one colour."""
    colour, alpha = frame[..., :3], frame[..., 3:]
    return colour * alpha + torch.tensor(background) * (1 - alpha)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="made when missing")
    folder: Path = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, background in (("black", 0.0), ("gray", 0.18)):
        exposures = [_exposed(exposure) for exposure in (1 / LIGHT, 1.0, 100.0)]
        _write(folder / f"light_{name}.png", moving_light(background), exposures)
    _write(folder / "gradient.png", panning_gradient(), [lambda frame: frame, _raised])
    grounds = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 0.6, 0.2))
    _write(folder / "hair.png", waving_hair(), [_over(ground) for ground in grounds])
    return 0


def _exposed(exposure: float) -> Callable[[Tensor], Tensor]:
    return lambda frame: display_encoded(frame * exposure)


def _over(background: Sequence[float]) -> Callable[[Tensor], Tensor]:
    return lambda frame: over(frame, background)


def _raised(frame: Tensor) -> Tensor:
    return (frame - frame.mean()) * 12 + 0.5


def _write(path: Path, scene: Scene, views: Sequence[Callable[[Tensor], Tensor]]) -> None:
    frames = [scene.before, scene.made(), scene.after, scene.truth]
    rows = [torch.cat([view(frame) for frame in frames], dim=1) for view in views]
    picture = torch.cat(rows).clamp(0, 1).mul(255).round().to(torch.uint8)
    Image.fromarray(picture.numpy()).save(path)
    print(path)


def _grid() -> tuple[Tensor, Tensor]:
    rows, columns = torch.meshgrid(
        torch.arange(HEIGHT, dtype=torch.float32),
        torch.arange(WIDTH, dtype=torch.float32),
        indexing="ij",
    )
    return rows, columns


if __name__ == "__main__":
    sys.exit(main())
