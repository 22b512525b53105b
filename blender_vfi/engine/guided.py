"""Makes frames by the renderer's own vectors and depth, and asks a model only for the rest.

The Vector pass tells where each surface will be, exactly; what it does not know (places that
neither frame has seen, shadows, reflections, light that changes) is the model's part: it is shown
both frames as they lie over each other at the moment, so that all it has left to find is light.
Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ..models.catalog_types import ModelSpec
from .composition import ChannelLayout
from .following import Motion
from .guided_alignment import Alignment, align
from .guided_projection import Projection
from .guided_vectors import Surfaces, displacements, find_surfaces, shift_at
from .layered import LayeredFrame, LayeredLayout, LayeredNetwork
from .light import display_encoded
from .network import Network
from .passes import Guides, find_guides, in_layers
from .schedule import PairWork

_COLOURS = 3
_SEEN_ONCE = 0.05
_UNSEEN = 0.15
"""Errors, in displayed values, of what one frame alone has seen, and of what neither has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What a guided model is told beside the frames.

    Attributes:
        steps: for each pair of source frames, how many scene frames they are apart.
        fills: whether the model is asked for what vectors do not know; otherwise frames are mixed.
        on_error: told the expected error of each frame that is made, by its place in the plan.
    """

    steps: Sequence[int]
    fills: bool = True
    on_error: Callable[[int, float], None] = lambda _output, _error: None


class GuidedNetwork(LayeredNetwork):
    """Frames of passes, made by their Vector and Depth.

    Args:
        network_for: asks the model for pictures of a layout.
        spec: the model's catalog entry.
        layout: what the frames' channels mean.
        device: where passes are moved.
        guidance: what is known of the frames.
    """

    def __init__(
        self,
        network_for: Callable[[ChannelLayout], Network],
        spec: ModelSpec,
        layout: LayeredLayout,
        *,
        device: torch.device,
        guidance: Guidance,
    ) -> None:
        super().__init__(network_for, spec, layout, device=device)
        self._guidance = guidance
        layers = {layer[0].layer: layer for layer in in_layers(layout.passes)}
        self._guides = [find_guides(layers[stream.leading.layer]) for stream in self._streams]
        self._work: PairWork | None = None
        self._errors: dict[Fraction, float] = {}

    def begin(self, work: PairWork) -> None:
        """Hear which pair is next: how far apart its frames are is known by its place."""
        self._work = work

    def make(self, window: Sequence[LayeredFrame], timesteps: Sequence[Fraction]) -> Tensor:
        """Return (T, H, W, C) float32 frames in main memory, and tell how far to trust them."""
        self._errors.clear()
        frames = super().make(window, timesteps)
        assert self._work is not None, "the loop names each pair before it asks for its frames"
        outputs = dict(zip(self._work.timesteps, self._work.outputs, strict=True))
        for timestep, error in self._errors.items():
            for output_index in outputs[timestep]:
                self._guidance.on_error(output_index, error)
        return frames

    def _answer(
        self, index: int, window: Sequence[LayeredFrame], timesteps: Sequence[Fraction]
    ) -> tuple[Tensor, list[Motion]]:
        found, motions = super()._answer(index, window, timesteps)
        guides = self._guides[index]
        if guides is None:
            return found, motions
        earlier, later = window[0], window[1]
        made = []
        for at, timestep in enumerate(timesteps):
            aligned = self._align(index, guides, (earlier, later), timestep)
            made.append(self._filled(index, aligned, found[at : at + 1], timestep))
            motions[at] = _merged(aligned, motions[at])
            error = max(expected_error(aligned), self._errors.get(timestep, 0.0))
            self._errors[timestep] = error
        return torch.cat(made), motions

    def _align(
        self,
        index: int,
        guides: Guides,
        frames: tuple[LayeredFrame, LayeredFrame],
        timestep: Fraction,
    ) -> Alignment:
        assert self._work is not None, "the loop names each pair before it asks for its frames"
        step = self._guidance.steps[self._work.pair]
        moments = float(timestep) * step, (float(timestep) - 1) * step
        projections = []
        for frame, moment in zip(frames, moments, strict=True):
            surfaces = self._surfaces(index, guides, frame)
            projections.append(
                Projection(
                    surfaces,
                    shift_at(surfaces.motion, moment),
                    shift_at(surfaces.behind_motion, moment),
                )
            )
        return align(projections[0], projections[1], float(timestep))

    def _surfaces(self, index: int, guides: Guides, frame: LayeredFrame) -> Surfaces:
        """Take a frame's edges apart, once."""
        found: Surfaces | None = frame.surfaces.get(index)
        if found is None:
            colour = self._on_device(frame.passes, self._streams[index].leading)
            depth = self._on_device(frame.passes, guides.depth)
            vectors = self._on_device(frame.passes, guides.vectors)
            order = [guides.vectors.letters.index(letter) for letter in "XYZW"]
            found = find_surfaces(colour, depth[:, :1], displacements(vectors[:, order]))
            frame.surfaces[index] = found
        return found

    def _filled(self, index: int, aligned: Alignment, found: Tensor, timestep: Fraction) -> Tensor:
        """Put the model's own frame where neither frame has seen anything."""
        sides = [
            torch.where(aligned.is_known, side, found) for side in (aligned.frame0, aligned.frame1)
        ]
        if not self._guidance.fills:
            return sides[0] * float(1 - timestep) + sides[1] * float(timestep)
        network = self._streams[index].network
        return network.make([network.prepare(side) for side in sides], [timestep])


def expected_error(aligned: Alignment) -> float:
    """Return how far from a render the frame will be, root mean square of displayed values."""
    shown = [
        display_encoded(side[:, :_COLOURS].clamp(0, 1)) for side in (aligned.frame0, aligned.frame1)
    ]
    apart = (shown[0] - shown[1]).square().mean(dim=1, keepdim=True) / 4
    doubt = torch.where(aligned.is_shared, apart, torch.full_like(apart, _SEEN_ONCE**2))
    doubt = torch.where(aligned.is_known, doubt, torch.full_like(apart, _UNSEEN**2))
    return float(doubt.mean().sqrt())


def _merged(aligned: Alignment, found: Motion) -> Motion:
    """Return the motion that was aligned by, and the model's where nothing was seen."""
    one, known = aligned.motion, aligned.is_known
    return Motion(
        torch.where(known, one.flow_t0, found.flow_t0),
        torch.where(known, one.flow_t1, found.flow_t1),
        torch.where(known, one.mask, found.mask),
    )
