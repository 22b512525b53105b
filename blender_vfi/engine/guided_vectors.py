"""Reads the renderer's own motion: where each pixel of a frame was, and where it will be.

Renderers filter the Vector pass as they filter colour: a pixel at an edge carries a mixture of two
motions that nothing in the scene has. Depth is not filtered, which tells the surfaces apart; so
such pixels are given back the motions of the surfaces that meet in them, and how much of the pixel
each covers. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from .sampling import inside_surfaces

SAME_SURFACE = 0.05
"""Nearness (one by depth) of one surface differs by less from pixel to pixel, in parts of it."""

_LEAST_DEPTH = 1e-6
_FARTHEST = 1e-9
"""Nearness below this is the background's, which lies at infinity."""

_REACH = 2  # how far a pixel looks for its surface's own motion
_NOTHING_OF = 0.04  # of a pixel: less than this of a surface is nothing
_MOST_CERTAIN = 1e4
_APART = 0.15  # pixels: motions that differ by less need not be told apart


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What one source frame shows, pixel by pixel, with edges taken apart.

    Attributes:
        nearness: (1, 1, H, W) one by depth; 0 for the background.
        motion: (1, 4, H, W) pixels to where a point is in the next scene frame, x and y
            (downwards), and to where it was in the one before.
        is_torn: (1, 1, H, W) bool, surfaces with motions of their own meet here.
        is_edge: (1, 1, H, W) bool, the pixel shows something of both. Then nearness and motion are
            the front one's.
        cover: (1, 1, H, W) share of the pixel that the front one covers; 1 where it is no edge.
        behind_nearness: (1, 1, H, W) of the surface behind; as `nearness` where it is no edge.
        behind_motion: (1, 4, H, W) likewise.
        front: (1, C, H, W) colour of the front surface alone.
        behind: (1, C, H, W) likewise of the one behind.
    """

    nearness: Tensor
    motion: Tensor
    is_torn: Tensor
    is_edge: Tensor
    cover: Tensor
    behind_nearness: Tensor
    behind_motion: Tensor
    front: Tensor
    behind: Tensor


def displacements(vectors: Tensor) -> Tensor:
    """Turn Blender's Vector pass into displacements of image pixels.

    Args:
        vectors: (1, 4, H, W), X, Y, Z, W: position in the previous frame minus the position, and
            position minus that in the next frame, y upwards.

    Returns:
        (1, 4, H, W): to the next frame, x and y downwards; to the previous one.
    """
    x, y, z, w = vectors.unbind(1)
    return torch.stack((-z, w, x, -y), dim=1).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def nearness_of(depth: Tensor) -> Tensor:
    """Return one by depth, 0 for the background; what is no number counts as background."""
    near = 1 / depth.abs().clamp_min(_LEAST_DEPTH)
    near = near.nan_to_num(nan=0.0)
    return torch.where(near < _FARTHEST, torch.zeros_like(near), near)


def is_same_surface(one: Tensor, other: Tensor, share: float = SAME_SURFACE) -> Tensor:
    """Tell where two nearnesses may be those of one surface."""
    return (one - other).abs() <= share * torch.maximum(one, other)


def find_surfaces(colour: Tensor, depth: Tensor, motion: Tensor) -> Surfaces:
    """Take a frame's edges apart.

    Args:
        colour: (1, C, H, W) premultiplied light.
        depth: (1, 1, H, W).
        motion: (1, 4, H, W), see `displacements`.
    """
    nearness = nearness_of(depth)
    inside = inside_surfaces(depth.abs().clamp(_LEAST_DEPTH, 1 / _FARTHEST)) & _is_even(nearness)
    around = _Around(colour, nearness, motion, inside)
    return around.split()


def _is_even(nearness: Tensor) -> Tensor:
    """Tell pixels with no step to any of the eight around them; (1, 1, H, W) bool."""
    most = torch.nn.functional.max_pool2d(nearness, 3, stride=1, padding=1)
    least = -torch.nn.functional.max_pool2d(-nearness, 3, stride=1, padding=1)
    return (most - least) <= 0.2 * most


class _Around:
    """Looks around each pixel for the surfaces that meet there."""

    def __init__(self, colour: Tensor, nearness: Tensor, motion: Tensor, inside: Tensor) -> None:
        self._colour, self._nearness, self._motion = colour, nearness, motion
        self._inside = inside
        height, width = nearness.shape[-2:]
        self._size = height, width
        slope = _slopes(nearness, inside)
        stacked = torch.cat((nearness, slope, motion, colour, inside.to(nearness.dtype)), dim=1)
        self._padded = pad(stacked, (_REACH,) * 4, mode="replicate")

    def _neighbours(self) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Give for each place around its nearness carried here, motion, colour, if it is pure."""
        height, width = self._size
        places = [
            (down, right)
            for down in range(-_REACH, _REACH + 1)
            for right in range(-_REACH, _REACH + 1)
            if (down, right) != (0, 0)
        ]
        places.sort(key=lambda place: place[0] ** 2 + place[1] ** 2)
        for down, right in places:
            there = self._padded[
                ..., _REACH + down : _REACH + down + height, _REACH + right : _REACH + right + width
            ]
            near = there[:, :1] - there[:, 1:2] * right - there[:, 2:3] * down
            yield near.clamp_min(0), there[:, 3:7], there[:, 7:-1], there[:, -1:] > 0.5

    def split(self) -> Surfaces:
        """Return the frame with the surfaces of each edge pixel apart."""
        nearness, inside = self._nearness, self._inside
        nearest = torch.full_like(nearness, -1.0)
        farthest = torch.full_like(nearness, float("inf"))
        for near, _motion, _colour, pure in self._neighbours():
            nearest = torch.where(pure, torch.maximum(nearest, near), nearest)
            farthest = torch.where(pure, torch.minimum(farthest, near), farthest)
        found = nearest >= 0
        nearest = torch.where(found, nearest, nearness)
        farthest = torch.where(found, farthest, nearness)
        # a surface that is too thin to have an inside
        is_thin = ~inside & (nearness > nearest) & ~is_same_surface(nearness, nearest)
        nearest = torch.where(is_thin, nearness, nearest)
        front = _mean_of(self._neighbours(), nearest, self._motion, self._colour)
        behind = _mean_of(self._neighbours(), farthest, self._motion, self._colour)
        apart = (front.motion - behind.motion).abs().amax(dim=1, keepdim=True) > _APART
        two = ~is_same_surface(nearest, farthest)
        is_torn = ~inside & two & apart & behind.found & (front.found | is_thin)
        cover = self._cover(front, behind, is_thin, nearest, farthest)
        is_front = is_torn & (cover > 1 - _NOTHING_OF)
        is_behind = is_torn & (cover < _NOTHING_OF)
        is_edge = is_torn & ~is_front & ~is_behind
        own_is_far = is_same_surface(nearness, farthest, 0.1)
        own = torch.where(own_is_far, behind.motion, front.motion)
        own_found = torch.where(own_is_far, behind.found, front.found) & ~inside & ~is_thin
        clean = torch.where(own_found & two, own, self._motion)
        clean = torch.where(is_front, front.motion, torch.where(is_behind, behind.motion, clean))
        own_near = torch.where(is_front, nearest, torch.where(is_behind, farthest, nearness))
        front_colour, behind_colour = self._unmixed(front, behind, cover)
        return Surfaces(
            nearness=torch.where(is_edge, nearest, own_near),
            motion=torch.where(is_edge, front.motion, clean),
            is_torn=is_torn,
            is_edge=is_edge,
            cover=torch.where(is_edge, cover, torch.ones_like(cover)),
            behind_nearness=torch.where(is_edge, farthest, own_near),
            behind_motion=torch.where(is_edge, behind.motion, clean),
            front=torch.where(is_edge, front_colour, self._colour),
            behind=torch.where(is_edge, behind_colour, self._colour),
        )

    def _cover(
        self, front: _Mean, behind: _Mean, is_thin: Tensor, nearest: Tensor, farthest: Tensor
    ) -> Tensor:
        """Estimate how much of each pixel the front covers, from all that was mixed alike."""
        prior = torch.where(
            (self._nearness - farthest).abs() > (self._nearness - nearest).abs(), 0.75, 0.25
        )
        estimates, weights = 0.02 * prior, torch.full_like(prior, 0.02)
        for mixed, one, other, noise in (
            (self._motion, front.motion, behind.motion, 0.1),
            (self._colour, front.colour, behind.colour, 0.25),
        ):
            difference = one - other
            energy = difference.square().sum(dim=1, keepdim=True)
            share = ((mixed - other) * difference).sum(dim=1, keepdim=True) / energy.clamp_min(1e-9)
            weight = energy / (energy + noise**2) * energy / noise**2
            weight = weight.clamp_max(_MOST_CERTAIN)
            estimates = estimates + weight * share.clamp(0, 1)
            weights = weights + weight
        cover = (estimates / weights).clamp(0, 1)
        return torch.where(is_thin, torch.ones_like(cover), cover)

    def _unmixed(self, front: _Mean, behind: _Mean, cover: Tensor) -> tuple[Tensor, Tensor]:
        """Solve colour = cover · front + (1 - cover) · behind for the one that there is more of."""
        is_more = cover > 0.5
        rest = (self._colour - (1 - cover) * behind.colour) / cover.clamp_min(0.5)
        front_colour = torch.where(is_more, rest, front.colour)
        rest = (self._colour - cover * front.colour) / (1 - cover).clamp_min(0.5)
        behind_colour = torch.where(is_more, behind.colour, rest)
        slack = (front.colour - behind.colour).abs() / 2
        least = torch.minimum(self._colour, torch.minimum(front.colour, behind.colour)) - slack
        most = torch.maximum(self._colour, torch.maximum(front.colour, behind.colour)) + slack
        return (
            torch.minimum(torch.maximum(front_colour, least), most),
            torch.minimum(torch.maximum(behind_colour, least), most),
        )


@dataclass(frozen=True, slots=True)
class _Mean:
    """What the pixels of one surface around a pixel say of it."""

    motion: Tensor
    colour: Tensor
    found: Tensor


def _mean_of(
    neighbours: Iterator[tuple[Tensor, Tensor, Tensor, Tensor]],
    nearness: Tensor,
    own_motion: Tensor,
    own_colour: Tensor,
) -> _Mean:
    """Average the nearest pure pixels that lie on the surface of `nearness`."""
    motion, colour = torch.zeros_like(own_motion), torch.zeros_like(own_colour)
    total = torch.zeros_like(nearness)
    for index, (near, their_motion, their_colour, pure) in enumerate(neighbours):
        fits = pure & is_same_surface(near, nearness)
        # the nearest ones count most
        weight = fits * (2.0 ** -(index // 4 * 2))
        motion = motion + weight * their_motion
        colour = colour + weight * their_colour
        total = total + weight
    found = total > 0
    total = total.clamp_min(1e-9)
    return _Mean(
        torch.where(found, motion / total, own_motion),
        torch.where(found, colour / total, own_colour),
        found,
    )


def _slopes(nearness: Tensor, inside: Tensor) -> Tensor:
    """Return (1, 2, H, W): how nearness changes to the right and downwards, inside surfaces."""
    around = pad(nearness, (1, 1, 1, 1), mode="replicate")
    right = (around[..., 1:-1, 2:] - around[..., 1:-1, :-2]) / 2
    down = (around[..., 2:, 1:-1] - around[..., :-2, 1:-1]) / 2
    return torch.cat((right, down), dim=1) * inside


def shift_at(motion: Tensor, moment: float) -> Tensor:
    """Return (1, 2, H, W): how far points have come at a moment.

    Args:
        motion: (1, 4, H, W), see `displacements`.
        moment: in scene frames after the source frame; before it, below zero.
    """
    after, before = motion[:, :2], motion[:, 2:]
    # the parabola through where a point was, is, and will be
    return (after - before) * (moment / 2) + (after + before) * (moment * moment / 2)
