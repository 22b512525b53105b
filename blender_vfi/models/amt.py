"""AMT: any moment between two frames from all pairs of places and several flow fields.

Never import bpy here.

Paper: "AMT: All-Pairs Multi-Field Transforms for Efficient Frame Interpolation", CVPR 2023,
arXiv:2304.09790. The authors publish code and weights under CC BY-NC 4.0: the weights are not for
commercial use. This file was written from a description in words, the names and shapes of the
tensors, and reference results to compare with; it contains none of the authors' code.

Deviations from the released program, none of which changes a float32 result beyond rounding:
    - a batch holds several timesteps of one pair, whose features and similarities are computed once
      and whose mean is the pair's own;
    - the table of all pairs is made only for small frames, see `correlation`;
    - flows accumulate in float32, also when the networks run in half precision.

Beyond it, motion can be searched at a flow scale, as with IFRNet.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..errors import FrameError
from .amt_blocks import (
    CORRELATION_LEVELS,
    CORRELATION_RADIUS,
    CorrelationEncoder,
    EncoderWidths,
    MotionUpdate,
    UpdateWidths,
)
from .correlation import AllPairsCorrelation
from .ifrnet_blocks import (
    FLOW_CHANNELS,
    FramePyramid,
    as_float32,
    decoders,
    resize,
    resize_flow,
    warp_both,
    working_size,
)
from .interface import Interpolation, InterpolationModel, Quality, Shapes
from .matching import check_variant, matching_variant
from .moments import moments_like
from .warp import warp_each

PAD_MULTIPLE = 16
"""Sides of a frame must divide by this."""

SMALLEST_SIDE = 128
"""Below it, the similarities' coarsest level would be a single place."""

_WRAPPER_PREFIX = "module."
_CHANNELS_PER_CANDIDATE = FLOW_CHANNELS + 1 + 3
_SMALLEST_WEIGHT = 1e-6
_SEARCHED_LEVEL = 4
_HIGH = "_high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What tells one AMT from another.

    Attributes:
        channels: widths of the pyramid's four levels, the finest first.
        first_kernel: side of the pyramid's first convolution.
        encoder: widths of the encoder of what is correlated.
        update: widths of the updates.
        candidates: how many flow fields, masks and residuals the result is made of.
        merging_kernel: side of the convolutions that correct the mean of the candidates.
        updates_twice: whether the two finer levels are updated at their own size besides.
    """

    channels: tuple[int, int, int, int]
    first_kernel: int
    encoder: EncoderWidths
    update: UpdateWidths
    candidates: int
    merging_kernel: int
    updates_twice: bool = False


VARIANTS: Mapping[str, Variant] = {
    "s": Variant(
        channels=(20, 32, 44, 56),
        first_kernel=3,
        encoder=EncoderWidths(stem=32, stages=(32, 64, 96), outputs=84, has_bottlenecks=True),
        update=UpdateWidths(correlation=(64,), flow=(40, 20), motion=68, hidden=76),
        candidates=3,
        merging_kernel=3,
    ),
    "l": Variant(
        channels=(48, 64, 72, 128),
        first_kernel=7,
        encoder=EncoderWidths(stem=64, stages=(64, 72, 128), outputs=128),
        update=UpdateWidths(correlation=(256, 160), flow=(96, 48), motion=124, hidden=128),
        candidates=5,
        merging_kernel=7,
    ),
    "g": Variant(
        channels=(84, 96, 112, 128),
        first_kernel=7,
        encoder=EncoderWidths(stem=64, stages=(64, 112, 160), outputs=128, is_deep=True),
        update=UpdateWidths(correlation=(256, 192), flow=(128, 64), motion=188, hidden=192),
        candidates=5,
        merging_kernel=7,
        updates_twice=True,
    ),
}
"""The three sizes. Files of S trained on Vimeo90K and on GoPro share their shapes."""


def normalise_state_dict(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the prefix that data-parallel training puts before every name."""
    return {key.removeprefix(_WRAPPER_PREFIX): tensor for key, tensor in state_dict.items()}


def identify(shapes: Shapes) -> str | None:
    """Name the variant whose tensors are exactly those of the normalised `shapes`.

    Returns:
        A name in `VARIANTS`; None where the file is of another architecture.

    Raises:
        CheckpointError: most names are AMT's, but tensors are missing, left over or of another
            shape; the message names the closest variant and the differences.
    """
    if not any(key.startswith("feat_encoder.") for key in shapes):
        # without it, the rest is IFRNet
        return None
    return matching_variant(shapes, _expected_shapes(), family="AMT")


def build(variant: str) -> AMT:
    """Construct the module of `variant` in evaluation mode, with random weights.

    Raises:
        UnknownModelError: no such variant.
    """
    check_variant(variant, VARIANTS, family="AMT")
    return AMT(variant=VARIANTS[variant]).eval()


class AMT(InterpolationModel):
    """Interpolates by flows that similarities of all pairs of places correct, level by level.

    Its features depend on the mean of both frames, so that there is nothing to encode once per
    frame. It accepts any timestep; which of them a file was trained for, its catalog entry says.
    Runs in float32, float16 and bfloat16. Its flows are float32 whatever it runs in.
    """

    def __init__(self, *, variant: Variant) -> None:
        super().__init__()
        self.candidates = variant.candidates
        self.updates_twice = variant.updates_twice
        self.feat_encoder = CorrelationEncoder(widths=variant.encoder)
        self.encoder = FramePyramid(channels=variant.channels, first_kernel=variant.first_kernel)
        made = decoders(
            variant.channels,
            side_width=variant.channels[0],
            final_outputs=_CHANNELS_PER_CANDIDATE * variant.candidates,
        )
        for name, decoder in made.items():
            self.add_module(name, decoder)
        for level in (4, 3, 2):
            for name in self._update_names(level):
                self.add_module(
                    name,
                    MotionUpdate(features=variant.channels[level - 2], widths=variant.update),
                )
        self.comb_block = _merging_layers(variant.candidates, variant.merging_kernel)

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the frames at `timesteps` between two frames.

        Args:
            frames: two, each (1, 3, H, W) float in [0, 1], sides multiples of 16 and at least 128.
            features: of no use here.
            timesteps: T moments strictly inside (0, 1), in any order.
            quality: flow scale.

        Returns:
            T frames, flows and masks of H × W. A result does not depend on the other timesteps.
            Flows and mask stand for all candidates together, see `_merged_motion`.

        Raises:
            FrameError: H or W does not divide by 16 or is under 128.
        """
        images = torch.cat(tuple(frames))
        size = images.shape[-2:]
        _check_sides(size)
        mean = as_float32(images).mean().to(images.dtype)
        images = images - mean
        searched = working_size(
            size, quality.flow_scale, multiple=PAD_MULTIPLE, smallest=SMALLEST_SIDE
        )
        flow, others = self._decode(resize(images, searched), moments_like(timesteps, images))
        flow = resize_flow(flow, size)
        masks = resize(torch.sigmoid(others[:, : self.candidates]), size)
        residuals = resize(others[:, self.candidates :], size)
        merged = self._blended(images, flow, masks, residuals + mean)
        flow_t0, flow_t1, mask = _merged_motion(flow, masks)
        return Interpolation(frames=merged.clamp(0, 1), flow_t0=flow_t0, flow_t1=flow_t1, mask=mask)

    def _decode(self, images: Tensor, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """Run decoders and updates from coarse to fine.

        Args:
            images: (2, 3, H, W) both frames, their mean removed.
            timesteps: (T, 1, 1, 1).

        Returns:
            (T, 4n, H, W) flow in float32, n fields into frame0, then n into frame1;
            (T, 4n, H, W) n masks before their sigmoid, then n residuals.
        """
        pyramid = self.encoder(images)
        search = _search(self.feat_encoder(images), timesteps)
        coarsest = pyramid[-1]
        both = coarsest.flatten(0, 1).expand(len(timesteps), -1, -1, -1)
        moment = timesteps.expand(-1, 1, *coarsest.shape[-2:])
        output = self.get_submodule("decoder4")((both, moment))
        flow, hidden = as_float32(output[:, :FLOW_CHANNELS]), output[:, FLOW_CHANNELS:]
        flow, hidden = self._updated(4, flow, hidden, search)
        for level in (3, 2):
            views = warp_both(pyramid[level - 1], flow)
            decoder = self.get_submodule(f"decoder{level}")
            output = decoder((hidden, *views, flow.to(hidden.dtype)))
            flow = resize_flow(flow, output.shape[-2:]) + output[:, :FLOW_CHANNELS]
            flow, hidden = self._updated(level, flow, output[:, FLOW_CHANNELS:], search)
        views = warp_both(pyramid[0], flow)
        output = self.get_submodule("decoder1")((hidden, *views, flow.to(hidden.dtype)))
        fields = FLOW_CHANNELS * self.candidates
        coarse = resize_flow(flow, images.shape[-2:])
        repeated = torch.cat(
            [part.repeat(1, self.candidates, 1, 1) for part in coarse.chunk(2, dim=1)], dim=1
        )
        return repeated + output[:, :fields], output[:, fields:]

    def _updated(
        self, level: int, flow: Tensor, hidden: Tensor, search: _Search
    ) -> tuple[Tensor, Tensor]:
        """Correct flow and features of a level by all its updates, one after the other."""
        size = hidden.shape[-2:]
        similarities = search.look_up(resize_flow(flow, search.size)).to(hidden.dtype)
        for name in self._update_names(level):
            at = size if name.endswith(_HIGH) else search.size
            change, flow_change = self.get_submodule(name)(
                resize(hidden, at), resize_flow(flow, at).to(hidden.dtype), resize(similarities, at)
            )
            flow = flow + resize_flow(as_float32(flow_change), size)
            hidden = hidden + resize(change, size)
        return flow, hidden

    def _update_names(self, level: int) -> tuple[str, ...]:
        """Name a level's updates; at an eighth of the frame, only one size makes sense."""
        if self.updates_twice and level != _SEARCHED_LEVEL:
            return f"update{level}_low", f"update{level}{_HIGH}"
        return (f"update{level}",)

    def _blended(self, images: Tensor, flow: Tensor, masks: Tensor, residuals: Tensor) -> Tensor:
        """Blend every candidate, and correct their mean by a look at all of them.

        Args:
            images: (2, 3, H, W) both frames.
            flow: (T, 4n, H, W), n fields into frame0, then n into frame1.
            masks: (T, n, H, W) in [0, 1].
            residuals: (T, 3n, H, W), with the mean that `images` lack.

        Returns:
            (T, 3, H, W).
        """
        count, _, height, width = flow.shape
        fields = flow.view(count, 2, self.candidates, 2, height, width).transpose(0, 1)
        warped = warp_each(images, fields.flatten(1, 2))
        warped0, warped1 = warped.view(2, count, self.candidates, 3, height, width)
        weights = masks[:, :, None]
        candidates = warped0 * weights + warped1 * (1 - weights)
        candidates = candidates + residuals.view(candidates.shape)
        blended: Tensor = candidates.mean(dim=1) + self.comb_block(candidates.flatten(1, 2))
        return blended


class _Search(NamedTuple):
    """What flows are checked against.

    Attributes:
        size: height and width of the maps, an eighth of the frame's.
        look_up: returns (T, CORRELATION_CHANNELS, h, w) similarities for a (T, 4, h, w) flow.
    """

    size: tuple[int, int]
    look_up: Callable[[Tensor], Tensor]


def _search(maps: Tensor, timesteps: Tensor) -> _Search:
    """Prepare the search for each place of both (2, C, h, w) maps in the other one."""
    map0, map1 = maps.chunk(2)
    forward, backward = (
        AllPairsCorrelation(*pair, levels=CORRELATION_LEVELS, radius=CORRELATION_RADIUS)
        for pair in ((map0, map1), (map1, map0))
    )
    height, width = maps.shape[-2:]
    moment = as_float32(timesteps)
    rows = torch.arange(height, dtype=moment.dtype, device=maps.device)
    columns = torch.arange(width, dtype=moment.dtype, device=maps.device)
    places = torch.stack(torch.meshgrid(columns, rows, indexing="xy"))

    def look_up(flow: Tensor) -> Tensor:
        # Flow from the moment to one frame, lengthened to the whole way between the frames.
        into0, into1 = flow.chunk(2, dim=1)
        found = (
            forward.look_up(places + into1 / moment),
            backward.look_up(places + into0 / (1 - moment)),
        )
        return torch.cat(found, dim=1)

    return _Search((height, width), look_up)


def _merged_motion(flow: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Reduce the candidates to the one flow pair and mask that stand for their mean.

    The mean of the blends is a sum of samples of both frames, each weighted by its candidate's
    mask. A sum of samples around a place is, to first order, one sample at their weighted mean
    position: so each flow is the mean of its candidates weighted by what they contribute, and the
    mask is the mean of the masks. Residuals and the final correction have no counterpart in it.

    Args:
        flow: (T, 4n, H, W), n fields into frame0, then n into frame1.
        masks: (T, n, H, W) weights of frame0 in [0, 1].

    Returns:
        (T, 2, H, W) flow into frame0, (T, 2, H, W) flow into frame1, (T, 1, H, W) mask.
    """
    count, candidates, height, width = masks.shape
    fields = flow.view(count, 2, candidates, 2, height, width)
    weights = torch.stack((masks, 1 - masks), dim=1)[:, :, :, None].to(flow.dtype)
    # Where no candidate shows a frame, its flow is their plain mean.
    weights = weights + _SMALLEST_WEIGHT
    means = (fields * weights).sum(dim=2) / weights.sum(dim=2)
    return means[:, 0], means[:, 1], masks.mean(dim=1, keepdim=True)


def _merging_layers(candidates: int, kernel: int) -> nn.Sequential:
    width = 6 * candidates
    return nn.Sequential(
        nn.Conv2d(3 * candidates, width, kernel, 1, kernel // 2),
        nn.PReLU(width),
        nn.Conv2d(width, 3, kernel, 1, kernel // 2),
    )


def _check_sides(size: Sequence[int]) -> None:
    height, width = size
    if height % PAD_MULTIPLE or width % PAD_MULTIPLE or min(size) < SMALLEST_SIDE:
        raise FrameError(
            f"The padded frame is {width}×{height}: AMT needs sides that are multiples of "
            f"{PAD_MULTIPLE} and at least {SMALLEST_SIDE}; pad it at the right and at the bottom."
        )


@functools.cache
def _expected_shapes() -> Mapping[str, Shapes]:
    """Shapes of every variant's tensors, from modules that take no memory."""
    with torch.device("meta"):
        return {
            name: {key: tuple(t.shape) for key, t in AMT(variant=variant).state_dict().items()}
            for name, variant in VARIANTS.items()
        }
