"""Carries what a frame shows to another moment, by the renderer's own vectors, nearest first.

Not colours are carried but places: each pixel of the moment learns where in the source frame to
look, and colours are sampled once, from one surface alone. Never import bpy here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from .guided_vectors import SAME_SURFACE, Surfaces

_PARTS = 3  # each pixel is carried in this many parts a side, so that growing surfaces stay whole
_SAME_MOTION = 0.3  # pixels
_BESIDE_EDGE = 0.9  # how purely pixels beside an edge show one surface: filters reach far
_DEPTH_BIN = 0.01
_MOST_BINS = 1 << 13
_DISTANCE_BINS = 64
_LEAST_COMPANY = 8  # of the 25 pixels around a pixel, itself included, that came the same way
_COMPANY_SHIFT, _COMPANY_SHARE = 0.75, 0.1  # in pixels, and of the way
_NOTHING = (1 << 62) - 1


@dataclass(frozen=True, slots=True)
class View:
    """Where the pixels of a moment look in a source frame.

    Attributes:
        found: (P,) bool, whether they see anything there; P pixels in rows.
        x: (P,) columns in the source frame.
        y: (P,) rows.
        nearness: (P,) of what they see there.
    """

    found: Tensor
    x: Tensor
    y: Tensor
    nearness: Tensor


class Projection:
    """One source frame, carried to one moment.

    Args:
        surfaces: what the frame shows.
        front_shift: (1, 2, H, W) pixels from each front surface's place to that at the moment.
        behind_shift: likewise of those behind.
    """

    def __init__(self, surfaces: Surfaces, front_shift: Tensor, behind_shift: Tensor) -> None:
        self._surfaces = surfaces
        self.size: tuple[int, int] = surfaces.nearness.shape[-2:]  # type: ignore[assignment]
        self._front_shift, self._behind_shift = front_shift, behind_shift
        edges = surfaces.is_edge.flatten().nonzero()[:, 0]
        height, width = self.size
        count = height * width
        device = front_shift.device
        pixels = torch.cat((torch.arange(count, device=device), edges))
        self._x = (pixels % width).to(front_shift.dtype)
        self._y = (pixels // width).to(front_shift.dtype)
        shift = front_shift.flatten(2)[0]
        self._shift = torch.cat((shift, behind_shift.flatten(2)[0][:, edges]), dim=1)
        near = surfaces.nearness.flatten()
        self._near = torch.cat((near, surfaces.behind_nearness.flatten()[edges]))
        slope = _shift_slopes(front_shift, surfaces.nearness).flatten(2)[0]
        self._slope = torch.cat((slope, slope.new_zeros(4, len(edges))), dim=1)
        self._land()

    def _land(self) -> None:
        """Find the pixel that each part of each point lands on, and its order there."""
        height, width = self.size
        steps = [(index + 0.5) / _PARTS - 0.5 for index in range(_PARTS)]
        order = _depth_order(self._near)
        targets, keys = [], []
        points = torch.arange(len(self._x), device=self._x.device)
        xx, xy, yx, yy = self._slope
        for part, (down, right) in enumerate((down, right) for down in steps for right in steps):
            x = self._x + right + self._shift[0] + xx * right + xy * down
            y = self._y + down + self._shift[1] + yx * right + yy * down
            column, row = x.round(), y.round()
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            away = ((x - column).square() + (y - row).square()) * 2 * (_DISTANCE_BINS - 1)
            key = (order * _DISTANCE_BINS + away.long()) << 36
            key = key + points * _PARTS**2 + part
            keys.append(key[inside])
            targets.append((row * width + column).long()[inside])
        self._targets, self._keys = torch.cat(targets), torch.cat(keys)

    def front(self) -> View:
        """Return what is nearest at each pixel of the moment, but for single pixels gone astray.

        Vectors that are mixtures of more than two motions throw their pixels anywhere.
        """
        view = self._winners(self._targets, self._keys)
        astray = view.found & ~self._is_in_company(view)
        if not bool(astray.any()):
            return view
        stays = ~astray[self._targets] | (self._near_of(self._keys) < view.nearness[self._targets])
        return self._winners(self._targets[stays], self._keys[stays])

    def _is_in_company(self, view: View) -> Tensor:
        """Tell which pixels, (P,), came the same way as some of those around them."""
        height, width = self.size
        pixels = torch.arange(height * width, device=view.x.device)
        shift = torch.stack((pixels % width - view.x, pixels // width - view.y))
        shift = torch.where(view.found, shift, float("inf")).view(1, 2, height, width)
        around = pad(shift, (2, 2, 2, 2), value=float("inf"))
        allowed = _COMPANY_SHIFT + _COMPANY_SHARE * shift.abs().amax(dim=1)
        count = torch.zeros(1, height, width, device=shift.device)
        for down in range(5):
            for right in range(5):
                there = around[..., down : down + height, right : right + width]
                # infinity less infinity is no number, and no company
                count += (there - shift).abs().amax(dim=1) <= allowed
        return count.flatten() > _LEAST_COMPANY

    def _near_of(self, keys: Tensor) -> Tensor:
        return self._near[(keys & ((1 << 36) - 1)) // _PARTS**2]

    def behind(self, nearness: Tensor, wanted: Tensor) -> View:
        """Return what is nearest behind surfaces of a nearness (P,), where (P,) `wanted`."""
        limit = nearness[self._targets] * (1 - 2 * SAME_SURFACE)
        is_behind = wanted[self._targets] & (self._near_of(self._keys) < limit)
        return self._winners(self._targets[is_behind], self._keys[is_behind])

    def _winners(self, targets: Tensor, keys: Tensor) -> View:
        height, width = self.size
        best = torch.full((height * width,), _NOTHING, dtype=torch.long, device=keys.device)
        best.scatter_reduce_(0, targets, keys, "amin")
        found = best != _NOTHING
        packed = torch.where(found, best & ((1 << 36) - 1), torch.zeros_like(best))
        point = packed // _PARTS**2
        # from where the point's own place lands, back to the pixel's middle
        pixels = torch.arange(height * width, device=keys.device)
        x, y, shift = self._x[point], self._y[point], self._shift[:, point]
        across = pixels % width - x - shift[0]
        along = pixels // width - y - shift[1]
        xx, xy, yx, yy = self._slope[:, point]
        determinant = ((1 + xx) * (1 + yy) - xy * yx).clamp_min(0.2)
        return View(
            found,
            x + ((1 + yy) * across - xy * along) / determinant,
            y + ((1 + xx) * along - yx * across) / determinant,
            self._near[point],
        )

    def sample(self, view: View, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look where a view points.

        Args:
            view: of this frame.
            wanted: (P,) bool, where to look; the rest is 0.

        Returns:
            (C, P) colours multiplied by cover; (P,) how much of the pixel the surface that is seen
            there covers, 0 to 1; and (P,) how much of its colour was seen and not solved for.
        """
        surfaces = self._surfaces
        colour = torch.cat((surfaces.front, torch.ones_like(surfaces.cover)), dim=1).flatten(2)[0]
        result = colour.new_zeros(colour.shape[0], len(view.x))
        purity = torch.ones_like(result[0])
        wanted = wanted & view.found
        height, width = self.size
        column = view.x.round().clamp(0, width - 1)
        row = view.y.round().clamp(0, height - 1)
        nearest = (row * width + column).long()
        beside = max_pool2d(surfaces.is_torn.to(colour.dtype), 5, stride=1, padding=2).flatten()
        is_beside = beside[nearest] > 0.5
        plain = (wanted & ~is_beside).nonzero()[:, 0]
        result[:, plain] = _cubic(colour, view.x[plain], view.y[plain], self.size)
        edge = (wanted & is_beside).nonzero()[:, 0]
        result[:, edge], purity[edge] = self._of_surface(view, edge)
        return result[:-1], result[-1], purity

    def _of_surface(self, view: View, at: Tensor) -> tuple[Tensor, Tensor]:
        """Return (C + 1, M) colour times cover and cover of one surface at its edges; purity."""
        height, width = self.size
        surfaces = self._surfaces
        x, y = view.x[at].clamp(0, width - 1), view.y[at].clamp(0, height - 1)
        near = view.nearness[at]
        pixels = at.to(x.dtype)
        shift = torch.stack((at % width - view.x[at], at // width - view.y[at])).to(pixels.dtype)
        left = x.floor().clamp(0, max(width - 2, 0))
        top = y.floor().clamp(0, max(height - 2, 0))
        front, behind = surfaces.front.flatten(2)[0], surfaces.behind.flatten(2)[0]
        total = torch.zeros_like(x)
        covered, seen = torch.zeros_like(x), torch.zeros_like(x)
        colour = front.new_zeros(front.shape[0], len(at))
        for down in (0, 1):
            for right in (0, 1):
                share = (1 - (x - left - right).abs()) * (1 - (y - top - down).abs())
                column, row = (
                    (left + right).clamp_max(width - 1),
                    (top + down).clamp_max(height - 1),
                )
                tap = (row * width + column).long()
                tap_near = surfaces.nearness.flatten()[tap]
                tap_behind = surfaces.behind_nearness.flatten()[tap]
                is_edge = surfaces.is_edge.flatten()[tap]
                in_front = _alike(tap_near, near, self._front_shift.flatten(2)[0][:, tap], shift)
                in_back = _alike(tap_behind, near, self._behind_shift.flatten(2)[0][:, tap], shift)
                in_back = in_back & is_edge & ~in_front
                cover = surfaces.cover.flatten()[tap]
                weight = torch.where(in_back, share * (1.02 - cover), share)
                weight = weight * (in_front | in_back | (tap_near < near))
                gain = weight * torch.where(in_back, 1, cover) * (in_front | in_back)
                total += weight
                covered += gain
                whole = torch.where(surfaces.is_torn.flatten()[tap], _BESIDE_EDGE, 1.0)
                seen += gain * torch.where(is_edge, torch.where(in_back, 1 - cover, cover), whole)
                colour += gain * torch.where(in_back, behind[:, tap], front[:, tap])
        total = total.clamp_min(1e-6)
        purity = seen / covered.clamp_min(1e-6)
        return torch.cat((colour / total, (covered / total)[None])), purity


def _alike(near: Tensor, other: Tensor, shift: Tensor, other_shift: Tensor) -> Tensor:
    """Tell where two samples may be of one surface, or move so alike that it does not matter."""
    same_depth = (near - other).abs() <= SAME_SURFACE * torch.maximum(near, other)
    same_motion = (shift - other_shift).abs().amax(dim=0) <= _SAME_MOTION
    return same_depth | same_motion


def _depth_order(nearness: Tensor) -> Tensor:
    """Number depths from the nearest on; those within a hundredth are alike."""
    depth = -(nearness.clamp(1e-10, 1e8).log()) / _DEPTH_BIN
    return (depth + _MOST_BINS / 2).clamp(0, _MOST_BINS - 1).long()


def _shift_slopes(shift: Tensor, nearness: Tensor) -> Tensor:
    """Return (1, 4, H, W): how each surface's shift changes: x along x and y, y along x and y."""

    def along(axis: int) -> Tensor:
        before, after = torch.roll(shift, 1, axis), torch.roll(shift, -1, axis)
        near_before, near_after = torch.roll(nearness, 1, axis), torch.roll(nearness, -1, axis)
        difference = (after - before) / 2
        tolerance = 2 * SAME_SURFACE
        fits = (near_before - nearness).abs() <= tolerance * torch.maximum(near_before, nearness)
        fits &= (near_after - nearness).abs() <= tolerance * torch.maximum(near_after, nearness)
        fits &= (difference.abs() < 0.5).all(dim=1, keepdim=True)
        # of a torus no more than of a plane: what is rolled in from the other side is left out
        fits.select(axis, 0).fill_(False)
        fits.select(axis, -1).fill_(False)
        return difference * fits

    x, y = along(3), along(2)
    return torch.cat((x[:, :1], y[:, :1], x[:, 1:], y[:, 1:]), dim=1)


def _cubic(image: Tensor, x: Tensor, y: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (C, M) samples of (C, P), by Catmull and Rom's cubic; beyond the edge, the edge."""
    height, width = size
    left, top = x.floor(), y.floor()
    across, along = _weights(x - left), _weights(y - top)
    result = image.new_zeros(image.shape[0], len(x))
    for j in range(4):
        row = (top + j - 1).clamp(0, height - 1)
        for i in range(4):
            column = (left + i - 1).clamp(0, width - 1)
            result += across[i] * along[j] * image[:, (row * width + column).long()]
    return result


def _weights(share: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    square, cube = share * share, share * share * share
    return (
        (-cube + 2 * square - share) / 2,
        (3 * cube - 5 * square + 2) / 2,
        (-3 * cube + 4 * square + share) / 2,
        (cube - square) / 2,
    )
