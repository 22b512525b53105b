"""Takes the edges of a rendered frame apart: which two surfaces meet in a pixel, and how.

The Vector pass is filtered like colour, so that a pixel at an edge carries a mixture of two motions
that nothing in the scene has. Where vectors change evenly they are no mixture: from there surfaces
are continued into the pixels between. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from .guided_background import with_background
from .guided_vectors import Surfaces, nearness_of, slopes

_BEND = 0.12  # pixels: a motion whose change changes by more is a mixture
_BEND_SHARE = 0.05  # and this part of the change
_APART = 0.25  # pixels: motions that differ by less need not be told apart
_SAME_DEPTH = 0.1
_NOTHING_OF = 0.04  # of a pixel: less than this of a surface is nothing
_MOST_CERTAIN = 1e4
_REACH = 6
_MOST_CONTINUED = 0.6  # pixels: at the limb of a ball, motion changes without limit
_DARKER, _BRIGHTER, _SLACK = 0.6, 1.6, 0.02
"""What a surface's colour may be at its edge, as a share of what it is beside, and in light."""

_NEAR_PLACES = tuple(
    sorted(
        (
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if (down, right) != (0, 0)
        ),
        key=lambda place: place[0] ** 2 + place[1] ** 2,
    )
)
_FAR_PLACES = tuple(
    (down * step, right * step)
    for step in (1, 2, 3, 4, _REACH)
    for down in (-1, 0, 1)
    for right in (-1, 0, 1)
    if (down, right) != (0, 0)
)
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def find_surfaces(colour: Tensor, depth: Tensor, motion: Tensor) -> Surfaces:
    """Tell what a frame shows, with its edges apart.

    Args:
        colour: (1, C, H, W) premultiplied light.
        depth: (1, 1, H, W).
        motion: (1, 4, H, W), see `guided_vectors.displacements`.
    """
    nearness = nearness_of(depth)
    motion = with_background(motion, nearness)
    whole = torch.zeros_like(nearness, dtype=torch.bool)
    surfaces = Surfaces(
        nearness=nearness.clone(),
        motion=motion.clone(),
        is_torn=whole.clone(),
        is_edge=whole,
        cover=torch.ones_like(nearness),
        behind_nearness=nearness.clone(),
        behind_motion=motion.clone(),
        front=colour.clone(),
        behind=colour.clone(),
    )
    mixed = ~_is_pure(motion)
    at = mixed.flatten().nonzero()[:, 0]
    if len(at):
        _Edges(colour, nearness, motion, mixed, at).write(surfaces)
    return surfaces


def _is_pure(motion: Tensor) -> Tensor:
    """Tell where motion changes evenly, (1, 1, H, W) bool."""
    bent = torch.zeros_like(motion[:, :1], dtype=torch.bool)
    for one, other in _opposite(motion):
        bend = ((one + other) / 2 - motion).abs().amax(dim=1, keepdim=True)
        change = (one - other).abs().amax(dim=1, keepdim=True)
        bent |= bend > _BEND + _BEND_SHARE * change
    mixed = bent
    # half of one motion and half of the other is even as well, but nothing beside it is
    for one, other in _opposite(bent.to(motion.dtype)):
        mixed = mixed | ((one > 0) & (other > 0))
    return ~mixed


def _opposite(values: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Give for each direction what lies on either side of every pixel."""
    height, width = values.shape[-2:]
    around = pad(values, (1, 1, 1, 1), mode="replicate")
    for down, right in _DIRECTIONS:
        one, other = (
            around[..., 1 + y : 1 + y + height, 1 + x : 1 + x + width]
            for y, x in ((down, right), (-down, -right))
        )
        yield one, other


@dataclass(frozen=True, slots=True)
class _Place:
    """What lies at one place beside each of M pixels, continued to the pixel itself."""

    nearness: Tensor
    motion: Tensor
    colour: Tensor
    is_pure: Tensor


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the surfaces that meet in each of M pixels: (M,), (4, M), (C, M), (M,) bool."""

    nearness: Tensor
    motion: Tensor
    colour: Tensor
    found: Tensor


class _Edges:
    """The M pixels of a frame whose vectors may be mixtures."""

    def __init__(
        self, colour: Tensor, nearness: Tensor, motion: Tensor, mixed: Tensor, at: Tensor
    ) -> None:
        width = nearness.shape[-1]
        self._at = at
        self._nearness = nearness.flatten()[at]
        self._motion = motion.flatten(2)[0][:, at]
        self._colour = colour.flatten(2)[0][:, at]
        pure = (~mixed).to(motion.dtype)
        stacked = torch.cat(
            (nearness, slopes(nearness) * _is_even(nearness), motion, slopes(motion) * pure),
            dim=1,
        )
        stacked = torch.cat((stacked, pure, colour), dim=1)
        self._stride = width + 2 * _REACH
        # what belongs to one pixel lies together: it is fetched together
        self._rows = pad(stacked, (_REACH,) * 4, mode="replicate").flatten(2)[0].t().contiguous()
        self._padded_at = (at // width + _REACH) * self._stride + at % width + _REACH

    def _places(self, places: Sequence[tuple[int, int]]) -> Iterator[_Place]:
        for down, right in places:
            there = self._rows[self._padded_at + down * self._stride + right].t()
            near = there[0] - there[1] * right - there[2] * down
            change = there[7:11] * right + there[11:15] * down
            motion = there[3:7] - change.clamp(-_MOST_CONTINUED, _MOST_CONTINUED)
            yield _Place(near.clamp_min(0), motion, there[16:], there[15] > 0.5)

    def write(self, surfaces: Surfaces) -> None:
        """Put what was found into the frame's surfaces, in place."""
        front, behind = self._sides()
        apart = (front.motion - behind.motion).abs().amax(dim=0) > _APART
        is_torn = front.found & behind.found & apart
        cover = self._cover(front, behind)
        is_front, is_behind = cover > 1 - _NOTHING_OF, cover < _NOTHING_OF
        is_edge = is_torn & ~is_front & ~is_behind
        # a mixture of alike motions, or one pure side: its surface's own motion
        own = _chosen(is_torn & ~is_behind | ~behind.found, front, behind)
        known = torch.where(is_torn, True, own.found & _alike(own.nearness, self._nearness))
        colours = self._unmixed(front, behind, cover)
        for target, value, where in (
            (surfaces.nearness, torch.where(is_torn, own.nearness, self._nearness), known),
            (surfaces.motion, own.motion, known),
            (surfaces.behind_nearness, behind.nearness, is_edge),
            (surfaces.behind_motion, behind.motion, is_edge),
            (surfaces.cover, cover, is_edge),
            (surfaces.front, colours[0], is_edge),
            (surfaces.behind, colours[1], is_edge),
            (surfaces.is_torn, is_torn, is_torn),
            (surfaces.is_edge, is_edge, is_edge),
        ):
            rows = target.flatten(2)[0]
            rows[:, self._at[where]] = value.view(-1, len(self._at))[:, where]

    def _sides(self) -> tuple[_Side, _Side]:
        """Find the two surfaces that meet in each pixel, the nearer one first."""
        nearest = self._best(lambda place: place.nearness)
        apart = self._best(lambda place: (place.motion - nearest.motion).abs().amax(dim=0))
        gap = (apart.motion - nearest.motion).abs().amax(dim=0)
        front, behind = (self._mean(side, gap, _NEAR_PLACES) for side in (nearest, apart))
        own = _Side(self._nearness, self._motion, self._colour, torch.ones_like(gap).bool())
        is_known = _alike(front.nearness, self._nearness) & front.found
        is_known |= _alike(behind.nearness, self._nearness) & behind.found
        # of a thin surface: what it does is seen further away, if at all
        own = self._mean(own, torch.full_like(gap, float("inf")), _FAR_PLACES)
        is_nearer = ~is_known & own.found & (self._nearness > front.nearness)
        is_farther = ~is_known & own.found & ~is_nearer
        back = _chosen(is_farther, own, behind)
        return _chosen(is_nearer, own, front), back

    def _best(self, measure: Callable[[_Place], Tensor]) -> _Side:
        """Return the pure place with the largest measure."""
        most = torch.full_like(self._nearness, -1.0)
        near, motion, colour = self._nearness, self._motion, self._colour
        for place in self._places(_NEAR_PLACES):
            value = torch.where(place.is_pure, measure(place), -1.0)
            better = value > most
            most = torch.where(better, value, most)
            near = torch.where(better, place.nearness, near)
            motion = torch.where(better, place.motion, motion)
            colour = torch.where(better, place.colour, colour)
        return _Side(near, motion, colour, most >= 0)

    def _mean(self, side: _Side, gap: Tensor, places: Sequence[tuple[int, int]]) -> _Side:
        """Average the pure places of one surface, the nearest of them most."""
        motion, colour = torch.zeros_like(side.motion), torch.zeros_like(side.colour)
        total, near = torch.zeros_like(gap), torch.zeros_like(gap)
        allowed = (0.35 * gap).clamp_min(_APART)
        for place, (down, right) in zip(self._places(places), places, strict=True):
            fits = place.is_pure & _alike(place.nearness, side.nearness)
            fits &= (place.motion - side.motion).abs().amax(dim=0) <= allowed
            weight = fits * 4.0 ** -(abs(down) + abs(right))
            motion += weight * place.motion
            colour += weight * place.colour
            near += weight * place.nearness
            total += weight
        found = total > 0
        total = total.clamp_min(1e-12)
        return _Side(
            torch.where(found, near / total, side.nearness),
            torch.where(found, motion / total, side.motion),
            torch.where(found, colour / total, side.colour),
            found & side.found,
        )

    def _cover(self, front: _Side, behind: _Side) -> Tensor:
        """Estimate how much of each pixel the front covers, from all that was mixed alike."""
        is_nearer = (self._nearness - behind.nearness) > (front.nearness - self._nearness)
        estimates = 0.02 * torch.where(is_nearer, 0.75, 0.25)
        weights = torch.full_like(estimates, 0.02)
        # the background has no vectors: those beside it are the front's own, however little of it
        is_mixed = (behind.nearness > 0).to(self._motion.dtype)
        for mixed, one, other, noise in (
            (
                self._motion,
                front.motion,
                front.motion + (behind.motion - front.motion) * is_mixed,
                0.1,
            ),
            (self._colour, front.colour, behind.colour, 0.25),
        ):
            difference = one - other
            energy = difference.square().sum(dim=0)
            share = ((mixed - other) * difference).sum(dim=0) / energy.clamp_min(1e-9)
            weight = energy / (energy + noise**2) * energy / noise**2
            weight = weight.clamp_max(_MOST_CERTAIN)
            estimates = estimates + weight * share.clamp(0, 1)
            weights = weights + weight
        return (estimates / weights).clamp(0, 1)

    def _unmixed(self, front: _Side, behind: _Side, cover: Tensor) -> tuple[Tensor, Tensor]:
        """Solve colour = cover · front + (1 - cover) · behind for the one that there is more of."""
        is_more = cover > 0.5
        rest = (self._colour - (1 - cover) * behind.colour) / cover.clamp_min(0.5)
        front_colour = torch.where(is_more, rest, front.colour)
        rest = (self._colour - cover * front.colour) / (1 - cover).clamp_min(0.5)
        behind_colour = torch.where(is_more, behind.colour, rest)
        return _like(front_colour, front.colour), _like(behind_colour, behind.colour)


def _like(colour: Tensor, beside: Tensor) -> Tensor:
    """Keep what was solved for near what the surface shows beside: small errors grow there."""
    least, most = beside * _DARKER - _SLACK, beside * _BRIGHTER + _SLACK
    return torch.minimum(torch.maximum(colour, least), most)


def _chosen(where: Tensor, one: _Side, other: _Side) -> _Side:
    return _Side(
        torch.where(where, one.nearness, other.nearness),
        torch.where(where, one.motion, other.motion),
        torch.where(where, one.colour, other.colour),
        torch.where(where, one.found, other.found),
    )


def _alike(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs() <= _SAME_DEPTH * torch.maximum(one, other)


def _is_even(nearness: Tensor) -> Tensor:
    """Tell where nearness changes evenly, so that it can be continued."""
    even = torch.ones_like(nearness, dtype=torch.bool)
    for one, other in _opposite(nearness):
        even &= ((one + other) / 2 - nearness).abs() <= 0.01 * nearness
    return even
