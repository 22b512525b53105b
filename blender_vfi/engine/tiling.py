"""Makes a large frame in overlapping tiles, and blends them so that no seam can be seen.

Tiles bound a model's memory by their size and not by the frame's. A model knows nothing of what
lies outside its tile, so motion near a tile's border is found less well: neighbours overlap, and
each one's weight falls to nothing towards its border.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..models.interface import Interpolation

SMALLEST_WHEN_FULL = 256
"""Where memory runs out, tiles shrink to this side and no further: motion would be lost."""

_OVERLAP = 64


@dataclass(frozen=True, slots=True)
class Span:
    """What one tile covers of an axis, in pixels."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """The first pixel behind it."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a frame."""

    rows: Span
    columns: Span

    def cut(self, picture: Tensor) -> Tensor:
        """Return this part of (..., H, W), without a copy."""
        return picture[..., self.rows.start : self.rows.end, self.columns.start : self.columns.end]


def largest_tile(tile_size: int, *, multiple: int, smallest_side: int) -> int:
    """Return the side of a tile of about `tile_size` pixels that a model can take.

    It is rounded up: to what the model's sides must be, and to twice the overlap of two tiles.
    """
    return _rounded_up(max(tile_size, smallest_side, 2 * _overlap(multiple)), multiple)


def spans(side: int, largest: int, multiple: int, smallest_side: int = 1) -> list[Span]:
    """Cover an axis with as few tiles as possible, all of one length, evenly placed.

    Starts are multiples as well: where a network halves its pictures, a tile's halves are those
    that the whole frame would have had.

    Args:
        side: length of the axis, a multiple of `multiple`.
        largest: longest tile, as `largest_tile` gives it.
        multiple: what lengths are multiples of.
        smallest_side: shortest tile.

    Returns:
        At least one, in order; neighbours overlap by 64 pixels or more.
    """
    if side <= largest:
        return [Span(0, side)]
    overlap = _overlap(multiple)
    count = math.ceil((side - overlap) / (largest - overlap))
    length = _rounded_up(math.ceil((side + (count - 1) * overlap) / count), multiple)
    length = max(length, _rounded_up(smallest_side, multiple))
    steps = (side - length) // multiple
    return [Span(steps * index // (count - 1) * multiple, length) for index in range(count)]


class Tiling:
    """The tiles of a frame, and what each counts where.

    Attributes:
        tiles: from left to right and from top to bottom.

    Args:
        height: of the frame, padded.
        width: likewise.
        largest: longest side of a tile, as `largest_tile` gives it.
        multiple: what sides of tiles are multiples of.
        smallest_side: shortest side of a tile.
    """

    def __init__(
        self, height: int, width: int, *, largest: int, multiple: int, smallest_side: int = 1
    ) -> None:
        self._size = (height, width)
        self._rows = spans(height, largest, multiple, smallest_side)
        self._columns = spans(width, largest, multiple, smallest_side)
        self.tiles = tuple(Tile(rows, columns) for rows in self._rows for columns in self._columns)

    def interpolate(self, make: Callable[[Tile], Interpolation]) -> Interpolation:
        """Make an interpolation of the whole frame out of those of its tiles.

        Flows and masks are blended like pictures: a flow says how far away a pixel is, and does
        not depend on where its tile begins.

        Args:
            make: interpolates one tile; called for one after another, and only the sum is kept.

        Returns:
            float32, of the frame's size; flows and mask where the tiles have them.
        """
        sums: dict[str, Tensor] = {}
        for tile, weight in zip(self.tiles, self.weights(), strict=True):
            part = make(tile)
            for name in ("frames", "flow_t0", "flow_t1", "mask"):
                values = getattr(part, name)
                if values is None:
                    continue
                if name not in sums:
                    sums[name] = values.new_zeros(
                        (*values.shape[:2], *self._size), dtype=torch.float32
                    )
                tile.cut(sums[name]).add_(values.float() * weight.to(values.device))
        return Interpolation(**sums)

    def weights(self) -> list[Tensor]:
        """Return each tile's (h, w) float32 weights; at every pixel of the frame they sum to 1."""
        height, width = self._size
        columns = _axis_weights(self._columns, width)
        return [
            torch.outer(across, along).float()
            for across in _axis_weights(self._rows, height)
            for along in columns
        ]


def _axis_weights(along: Sequence[Span], side: int) -> list[Tensor]:
    """Return float64 weights for the tiles of one axis, that sum to 1 at every pixel."""
    weights = []
    for index, span in enumerate(along):
        weight = torch.ones(span.length, dtype=torch.float64)
        if index > 0:
            rise = _rise(along[index - 1].end - span.start)
            weight[: len(rise)] *= rise
        if index < len(along) - 1:
            fall = _rise(span.end - along[index + 1].start).flip(0)
            weight[-len(fall) :] *= fall
        weights.append(weight)
    # two neighbours sum to 1 by themselves; a third may reach in where tiles overlap by much
    total = torch.zeros(side, dtype=torch.float64)
    for span, weight in zip(along, weights, strict=True):
        total[span.start : span.end] += weight
    return [
        weight / total[span.start : span.end] for span, weight in zip(along, weights, strict=True)
    ]


def _rise(length: int) -> Tensor:
    """Return a raised cosine from 0 to 1 over `length` pixels."""
    places = (torch.arange(length, dtype=torch.float64) + 0.5) / length
    return (1 - torch.cos(math.pi * places)) / 2


def _overlap(multiple: int) -> int:
    return _rounded_up(_OVERLAP, multiple)


def _rounded_up(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple
