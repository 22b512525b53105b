"""Lays two frames over each other at a moment between them, surface by surface.

Where one frame cannot see a surface, the other's view of it stands in; so the two pictures that
come out differ only where light does, and where neither knows. Never import bpy here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .following import Motion
from .guided_projection import Projection, View
from .guided_vectors import SAME_SURFACE

_SOLID = 0.98
_LEAST_COVER = 0.02
_CLEARER = 0.08
_KNOWN = 0.6  # of a pixel must have been seen, for the rest to be like it


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two frames at one moment.

    Attributes:
        frame0: (1, C, H, W) what the earlier frame makes of the moment.
        frame1: likewise the later one; where only one of them sees, both are the same.
        is_known: (1, 1, H, W) bool, whether either has seen what is there.
        is_shared: (1, 1, H, W) bool, whether both have.
        motion: for other passes to follow.
    """

    frame0: Tensor
    frame1: Tensor
    is_known: Tensor
    is_shared: Tensor
    motion: Motion


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one frame sees at each pixel, of one depth: (C, P) colour times cover; (P,) cover."""

    view: View
    colour: Tensor
    cover: Tensor
    purity: Tensor

    @property
    def seen(self) -> Tensor:
        return self.view.found & (self.cover > _LEAST_COVER)

    @property
    def pure(self) -> Tensor:
        """Colour as if the surface covered all of the pixel."""
        return self.colour / self.cover.clamp_min(_LEAST_COVER)


def align(earlier: Projection, later: Projection, timestep: float) -> Alignment:
    """Lay two projections to one moment over each other.

    Args:
        earlier: of the earlier source frame.
        later: of the later one.
        timestep: where the moment lies between them, in (0, 1).
    """
    sides = earlier, later
    weights = 1 - timestep, timestep
    fronts = [_layer(side, side.front()) for side in sides]
    nearest = torch.maximum(*(torch.where(each.seen, each.view.nearness, -1.0) for each in fronts))
    leads = [each.seen & _is_at(each.view.nearness, nearest) for each in fronts]
    seen = [each.seen for each in fronts]
    cover = _cover(fronts, leads, seen, weights)
    open_ = (cover < _SOLID) & (nearest >= 0)
    behinds = []
    for side, front, is_lead in zip(sides, fronts, leads, strict=True):
        view = side.behind(front.view.nearness, front.seen & (front.cover < _SOLID))
        own = _layer(side, view)
        behinds.append(_other(own, _over(front, own), is_lead))
    farthest = torch.maximum(
        *(torch.where(each.seen & open_, each.view.nearness, -1.0) for each in behinds)
    )
    backs = [each.seen & _is_at(each.view.nearness, farthest) for each in behinds]
    pictures = []
    for index in (0, 1):
        near = _own_or_other(fronts, _clearer(fronts, leads), index)
        far = _own_or_other(behinds, _clearer(behinds, backs), index)
        share = torch.where(backs[0] | backs[1], cover, torch.ones_like(cover))
        pictures.append(near * share + far * (1 - share))
    is_known = (leads[0] | leads[1]) & ((cover > _KNOWN) | backs[0] | backs[1])
    in_front = cover >= 0.5
    is_shared = torch.where(in_front, leads[0] & leads[1], backs[0] & backs[1])
    height, width = earlier.size

    def picture(values: Tensor) -> Tensor:
        return values.reshape(1, -1, height, width)

    return Alignment(
        picture(pictures[0]),
        picture(pictures[1]),
        picture(is_known),
        picture(is_shared & is_known),
        _motion(fronts, behinds, leads, backs, in_front, timestep, (height, width)),
    )


def _layer(side: Projection, view: View) -> _Layer:
    return _Layer(view, *side.sample(view, view.found))


def _is_at(nearness: Tensor, other: Tensor) -> Tensor:
    return (nearness - other).abs() <= SAME_SURFACE * other


def _cover(
    fronts: list[_Layer], leads: list[Tensor], seen: list[Tensor], weights: tuple[float, float]
) -> Tensor:
    """Return how much of each pixel the nearest surface covers.

    Where one frame sees it at its edge and the other sees past it, that counts as no cover: else
    edges would grow.
    """
    total = torch.zeros_like(fronts[0].cover)
    covered = torch.zeros_like(total)
    for index in (0, 1):
        other = 1 - index
        past = seen[index] & ~leads[index] & leads[other] & (fronts[other].cover < _SOLID)
        weight = weights[index] * (leads[index] | past)
        total = total + weight
        covered = covered + weight * leads[index] * fronts[index].cover
    return (covered / total.clamp_min(1e-6)).clamp(0, 1)


def _over(front: _Layer, behind: _Layer) -> _Layer:
    """Lay one frame's front over what is behind it."""
    rest = (1 - front.cover) * behind.seen
    purity = torch.minimum(front.purity, torch.where(behind.seen, behind.purity, 1.0))
    return _Layer(front.view, front.colour + rest * behind.pure, front.cover + rest, purity)


def _other(own: _Layer, whole: _Layer, is_lead: Tensor) -> _Layer:
    """Take a frame's second layer where its first is in front, else all that it sees."""

    def choose(one: Tensor, other: Tensor) -> Tensor:
        return torch.where(is_lead, one, other)

    view = View(
        choose(own.view.found, whole.view.found),
        choose(own.view.x, whole.view.x),
        choose(own.view.y, whole.view.y),
        choose(own.view.nearness, whole.view.nearness),
    )
    return _Layer(
        view,
        choose(own.colour, whole.colour),
        choose(own.cover, whole.cover),
        choose(own.purity, whole.purity),
    )


def _clearer(layers: list[_Layer], used: list[Tensor]) -> list[Tensor]:
    """Leave out what a frame knows from an edge alone, where the other sees it whole."""
    one, other = layers
    return [
        used[0] & ~(used[1] & (other.purity > one.purity + _CLEARER)),
        used[1] & ~(used[0] & (one.purity > other.purity + _CLEARER)),
    ]


def _own_or_other(layers: list[_Layer], used: list[Tensor], index: int) -> Tensor:
    """Return (C, P): what a frame sees itself, and what the other does where it does not."""
    own, other = layers[index].pure, layers[1 - index].pure
    nothing = torch.zeros_like(own)
    return torch.where(used[index], own, torch.where(used[1 - index], other, nothing))


def _motion(
    fronts: list[_Layer],
    behinds: list[_Layer],
    leads: list[Tensor],
    backs: list[Tensor],
    in_front: Tensor,
    timestep: float,
    size: tuple[int, int],
) -> Motion:
    """Tell where each pixel looks in both frames, by the surface that covers most of it."""
    height, width = size
    pixels = torch.arange(height * width, device=in_front.device)
    flows = []
    for index in (0, 1):
        x = torch.where(in_front, fronts[index].view.x, behinds[index].view.x) - pixels % width
        y = torch.where(in_front, fronts[index].view.y, behinds[index].view.y) - pixels // width
        flows.append(torch.stack((x, y)).reshape(1, 2, height, width))
    used = [torch.where(in_front, leads[index], backs[index]) for index in (0, 1)]
    weight = (
        (1 - timestep) * used[0] / ((1 - timestep) * used[0] + timestep * used[1]).clamp_min(1e-6)
    )
    return Motion(flows[0], flows[1], weight.reshape(1, 1, height, width))
