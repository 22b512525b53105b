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
from .guided_blend import blend
from .guided_moment import Moment, Source, surface_colour
from .guided_paths import measured_step
from .guided_vectors import displacements, is_same_surface
from .layered import LayeredFrame, LayeredLayout, LayeredNetwork
from .network import Network
from .passes import Guides, find_guides, in_layers
from .schedule import PairWork

_CHANGED = 0.05
_SHARE_CHANGED = 0.001
"""Of a frame's pixels: fewer may change by noise while nothing moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What a guided model is told beside the frames.

    Attributes:
        steps: for each pair of source frames, how many scene frames they are apart.
        is_set: whether the user has set the steps; otherwise the frames may tell better.
        on_error: told the expected error of each frame that is made, by its place in the plan, and
            that of its pixels, (1, 1, H, W) and squared; None where there is none.
        on_blur: told the frames, by their places in the plan, that vectors know nothing of because
            all of them are zero, although what is shown changes: renderers that blur write such.
    """

    steps: Sequence[int]
    is_set: bool = False
    on_error: Callable[[int, float, Tensor | None], None] = lambda _output, _error, _pixels: None
    on_blur: Callable[[Sequence[int]], None] = lambda _outputs: None


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
        self._light = network_for(ChannelLayout(count=3, is_linear=True, alpha_mode="none"))
        self._work: PairWork | None = None
        self._doubts: dict[Fraction, Tensor] = {}

    def begin(self, work: PairWork) -> None:
        """Hear which pair is next: how far apart its frames are is known by its place."""
        self._work = work

    def move(
        self, device: torch.device, dtype: torch.dtype, frames: Sequence[LayeredFrame]
    ) -> list[LayeredFrame]:
        """Go on elsewhere; what was taken apart of the frames is let go."""
        self._light.move(device, dtype, ())
        return super().move(device, dtype, frames)

    def shrink_tiles(self, frames: Sequence[LayeredFrame]) -> int | None:
        """Go on in tiles of half the side; see `Network.shrink_tiles`."""
        pictures = [frame.leading[0] for frame in frames if frame.leading[0] is not None]
        if pictures:
            self._light.shrink_tiles(pictures)
        return super().shrink_tiles(frames)

    def still(self, window: Sequence[LayeredFrame]) -> Tensor | None:
        """Return (1, H, W, C) where both frames of a pair are the same: to be trusted wholly."""
        found = super().still(window)
        if found is not None and self._work is not None:
            for outputs in self._work.outputs:
                for output_index in outputs:
                    self._guidance.on_error(output_index, 0.0, None)
        return found

    def make(self, window: Sequence[LayeredFrame], timesteps: Sequence[Fraction]) -> Tensor:
        """Return (T, H, W, C) float32 frames in main memory, and tell how far to trust them."""
        self._doubts.clear()
        frames = super().make(window, timesteps)
        assert self._work is not None, "the loop names each pair before it asks for its frames"
        outputs = dict(zip(self._work.timesteps, self._work.outputs, strict=True))
        for timestep, doubt in self._doubts.items():
            for output_index in outputs[timestep]:
                self._guidance.on_error(output_index, float(doubt.mean().sqrt()), doubt)
        return frames

    def _answer(
        self, index: int, window: Sequence[LayeredFrame], timesteps: Sequence[Fraction]
    ) -> tuple[Tensor, list[Motion]]:
        found, motions = super()._answer(index, window, timesteps)
        guides = self._guides[index]
        if guides is None:
            return found, motions
        sources = (
            self._source(index, guides, window[0]),
            self._source(index, guides, window[1]),
        )
        if _are_blurred(*sources):
            self._tell_blur(timesteps)
            return found, motions
        step = self._step_between(sources)
        made = []
        for at, timestep in enumerate(timesteps):
            moment = Moment(sources, step, timestep, found[at : at + 1], motions[at])
            picture, doubt = self._made(index, moment)
            made.append(picture)
            motions[at] = moment.motion
            # of several view layers, the worst counts
            others = self._doubts.get(timestep)
            self._doubts[timestep] = doubt if others is None else torch.maximum(doubt, others)
        return torch.cat(made), motions

    def _tell_blur(self, timesteps: Sequence[Fraction]) -> None:
        assert self._work is not None, "the loop names each pair before it asks for its frames"
        outputs = dict(zip(self._work.timesteps, self._work.outputs, strict=True))
        self._guidance.on_blur([at for timestep in timesteps for at in outputs[timestep]])

    def _step_between(self, sources: tuple[Source, Source]) -> int:
        """Tell how many scene frames the frames of the present pair are apart."""
        assert self._work is not None, "the loop names each pair before it asks for its frames"
        step = self._guidance.steps[self._work.pair]
        if self._guidance.is_set or step > 1:
            # numbers with gaps are the scene's own; and far ahead vectors tell less
            return step
        earlier, later = sources
        return measured_step(earlier.shown, earlier.surfaces.motion, later.shown, expected=step)

    def _source(self, index: int, guides: Guides, frame: LayeredFrame) -> Source:
        """Take a frame's edges apart, once."""
        found: Source | None = frame.surfaces.get(index)
        if found is None:
            colour = self._on_device(frame.passes, self._streams[index].leading)
            depth = self._on_device(frame.passes, guides.depth)[:, :1]
            vectors = self._on_device(frame.passes, guides.vectors)
            order = [guides.vectors.letters.index(letter) for letter in "XYZW"]
            parts = [self._on_device(frame.passes, one)[:, :3] for one in guides.albedo]
            # without three colours there is nothing to divide by those of surfaces
            albedo = surface_colour(parts, depth) if parts and colour.shape[1] >= 3 else None
            found = Source.of(colour, albedo, depth, displacements(vectors[:, order]))
            frame.surfaces[index] = found
        return found

    def _made(self, index: int, moment: Moment) -> tuple[Tensor, Tensor]:
        """Return the picture of one moment, and the squared error to expect of each pixel."""
        guesses = [moment.moved, moment.as_found]
        if moment.has_albedo:
            guesses += [moment.relit(self._light), moment.shaded(self._light)]
        else:
            guesses.append(moment.relit(self._streams[index].network))
        aligned = moment.aligned
        return blend(guesses, moment.misplaced, aligned.is_known, aligned.is_shared)


def _are_blurred(earlier: Source, later: Source) -> bool:
    """Tell whether vectors say that nothing moves while surfaces lie elsewhere."""
    if bool(earlier.surfaces.motion.any()) or bool(later.surfaces.motion.any()):
        return False
    is_same = is_same_surface(earlier.surfaces.nearness, later.surfaces.nearness)
    changes = (earlier.shown - later.shown).abs().amax(dim=1, keepdim=True) > _CHANGED
    return float((changes | ~is_same).float().mean()) > _SHARE_CHANGED
