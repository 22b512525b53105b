"""One moment between two rendered frames, and the ways to make its picture.

Surfaces can be moved by their vectors; but light moves on them: shadows, reflections. So the light
alone, a frame divided by the colours of its surfaces, is shown to a network too, both as it lies on
the surfaces at the moment and as it lies in the frames. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import torch
from torch import Tensor

from ..models.warp import warp
from .following import Motion
from .guided_alignment import Alignment, align
from .guided_blend import FOUND, MOVED, RELIT, SHADED, Guess, Trust, misplacement
from .guided_edges import find_surfaces
from .guided_paths import shift_between
from .guided_projection import Projection
from .guided_vectors import Surfaces, nearness_of
from .light import display_encoded
from .network import Network

_COLOURS = 3
_DARKEST = 0.03  # surfaces that are darker are taken for this dark, so that light stays finite
_BRIGHT = 0.98  # of all light is below what the network is shown as white
_MOST_SAMPLED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source frame.

    Attributes:
        colour: (1, C, H, W) light, premultiplied where there is alpha.
        albedo: (1, 3, H, W) the colours of surfaces; None where there is no pass of them.
        surfaces: what it shows; in its pictures, the albedo comes after the colour.
    """

    colour: Tensor
    albedo: Tensor | None
    surfaces: Surfaces

    @property
    def shown(self) -> Tensor:
        """What is the same in all frames, if anything is: surfaces' colours, else the picture."""
        if self.albedo is not None:
            return self.albedo
        return display_encoded(self.colour[:, :_COLOURS].nan_to_num(nan=0.0).clamp(0, 1))

    @classmethod
    def of(cls, colour: Tensor, albedo: Tensor | None, depth: Tensor, motion: Tensor) -> Source:
        """Take a frame's edges apart; see `find_surfaces`."""
        all_of_it = colour if albedo is None else torch.cat((colour, albedo), dim=1)
        surfaces = find_surfaces(all_of_it, depth, motion)
        return cls(colour=colour, albedo=albedo, surfaces=surfaces)


def surface_colour(parts: Sequence[Tensor], depth: Tensor) -> Tensor:
    """Add up passes of surfaces' colours, (1, 3, H, W); the background is white."""
    total = torch.stack(list(parts)).sum(dim=0).nan_to_num(nan=0.0).clamp_min(_DARKEST)
    return torch.where(nearness_of(depth) > 0, total, torch.ones_like(total))


class Moment:
    """What two source frames and a network make of one moment.

    Args:
        sources: the earlier frame and the later one.
        step: how many scene frames they are apart.
        timestep: where the moment lies between them.
        found: (1, C, H, W) the network's own frame.
        motion: the motion that it found.
    """

    def __init__(
        self,
        sources: tuple[Source, Source],
        step: int,
        timestep: Fraction,
        found: Tensor,
        motion: Motion,
    ) -> None:
        self._sources = sources
        self._timestep = timestep
        self._share = float(timestep)
        self._found = found
        self._motion = motion
        self._count = found.shape[1]
        self.aligned: Alignment = align(
            _projected(sources[0].surfaces, sources[1].surfaces, self._share * step, step),
            _projected(sources[1].surfaces, sources[0].surfaces, (self._share - 1) * step, -step),
            self._share,
        )

    @property
    def has_albedo(self) -> bool:
        """Whether light can be told from the surfaces that it falls on."""
        return all(source.albedo is not None for source in self._sources)

    @cached_property
    def motion(self) -> Motion:
        """What other passes follow: the vectors, and what was found where they know nothing."""
        one, found, known = self.aligned.motion, self._motion, self.aligned.is_known
        return Motion(
            torch.where(known, one.flow_t0, found.flow_t0),
            torch.where(known, one.flow_t1, found.flow_t1),
            torch.where(known, one.mask, found.mask),
        )

    @cached_property
    def moved(self) -> Guess:
        """Surfaces, moved by their vectors with the light on them."""
        known = self.aligned.is_known
        sides = tuple(
            torch.where(known, side[:, : self._count], self._found)
            for side in (self.aligned.frame0, self.aligned.frame1)
        )
        return Guess(
            picture=self._mixed(*sides), sides=(sides[0], sides[1]), trust=MOVED, by_vectors=True
        )

    @property
    def as_found(self) -> Guess:
        """The network's own frame."""
        earlier, later = self._sources
        sides = (
            warp(earlier.colour, self._motion.flow_t0),
            warp(later.colour, self._motion.flow_t1),
        )
        return Guess(picture=self._found, sides=sides, trust=FOUND)

    @property
    def misplaced(self) -> Tensor:
        """How far the network's motion misses the vectors, as an error; see `misplacement`."""
        known = self.aligned.is_known
        shown = self._albedo if self.has_albedo else self.moved.picture[:, :_COLOURS]
        return misplacement(self._motion, self.aligned.motion, display_encoded(shown), known)

    def relit(self, network: Network) -> Guess:
        """Surfaces moved by their vectors, with light that the network moves on them.

        Args:
            network: of three colours where there is albedo, else of the frames' channels.
        """
        if not self.has_albedo:
            picture, sides = self._ask(network, self.moved.sides)
            return Guess(picture=picture, sides=sides, trust=RELIT, by_vectors=True)
        lights = [
            side[:, :_COLOURS] / colour
            for side, colour in zip(self.moved.sides, self._albedos, strict=True)
        ]
        return self._lit(network, (lights[0], lights[1]), self._albedo, RELIT)

    def shaded(self, network: Network) -> Guess:
        """Surfaces moved by their vectors, in light that the network moves as it lies in frames.

        Args:
            network: of three colours.
        """
        lights = []
        for source in self._sources:
            assert source.albedo is not None, "only light of its own is shown by itself"
            lights.append(source.colour[:, :_COLOURS] / source.albedo)
        return self._lit(network, (lights[0], lights[1]), self._albedo, SHADED)

    def _lit(
        self, network: Network, lights: tuple[Tensor, Tensor], albedo: Tensor, trust: Trust
    ) -> Guess:
        white = _white(lights)
        picture, sides = self._ask(network, (lights[0] / white, lights[1] / white))
        surface = albedo * white
        light = torch.cat((picture * surface, self.moved.picture[:, _COLOURS:]), dim=1)
        return Guess(
            picture=light,
            sides=(sides[0] * surface, sides[1] * surface),
            trust=trust,
            by_vectors=trust is RELIT,
        )

    @cached_property
    def _albedos(self) -> tuple[Tensor, Tensor]:
        """What either frame says of the surfaces' colours at the moment, (1, 3, H, W) each."""
        earlier, later = self._sources
        assert earlier.albedo is not None
        assert later.albedo is not None
        found = self._mixed(
            warp(earlier.albedo, self._motion.flow_t0), warp(later.albedo, self._motion.flow_t1)
        )
        one, other = (
            torch.where(self.aligned.is_known, side[:, self._count :], found).clamp_min(_DARKEST)
            for side in (self.aligned.frame0, self.aligned.frame1)
        )
        return one, other

    @property
    def _albedo(self) -> Tensor:
        return self._mixed(*self._albedos)

    def _mixed(self, one: Tensor, other: Tensor) -> Tensor:
        return one * (1 - self._share) + other * self._share

    def _ask(
        self, network: Network, pictures: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the network's frame between two, and what it makes of either alone."""
        frames = [network.prepare(picture) for picture in pictures]
        made, answer = network.make_with_motion(frames, [self._timestep])
        motion = Motion.at(answer, 0)
        assert motion is not None, "the catalog says that the model yields flow"
        return made, (warp(pictures[0], motion.flow_t0), warp(pictures[1], motion.flow_t1))


def _projected(
    surfaces: Surfaces, other: Surfaces, moment: float, other_moment: float
) -> Projection:
    """Carry what a frame shows to a moment, on the way to where the other frame has it."""
    shifts = [
        shift_between(
            motion,
            nearness,
            other.motion,
            other.nearness,
            moment=moment,
            other_moment=other_moment,
        )
        for motion, nearness in (
            (surfaces.motion, surfaces.nearness),
            (surfaces.behind_motion, surfaces.behind_nearness),
        )
    ]
    return Projection(surfaces, *shifts)


def _white(lights: Sequence[Tensor]) -> float:
    """Return what light most of a frame is darker than."""
    values = torch.cat([light.flatten() for light in lights])
    values = values[:: max(1, len(values) // _MOST_SAMPLED)]
    return max(float(torch.quantile(values.nan_to_num(nan=0.0), _BRIGHT)), 1e-3)
