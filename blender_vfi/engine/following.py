"""Lets the passes of a layer follow the motion that was found in its picture, each by its role.

Light is mixed as pictures are. What belongs to a surface (depth, position, direction) is mixed only
where both frames show the same one; elsewhere one frame is chosen. What names something is copied
from the nearest pixel of one frame, so that a new frame has no number that its sources lack.
Never import bpy here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..models.interface import Interpolation
from .passes import Pass
from .sampling import Sampler

_SAME_OVER_TIME = 0.1
"""Depths of one surface in two frames differ by less, in parts of the depth."""

_LEAST_LENGTH = 1e-6


@dataclass(frozen=True, slots=True)
class Motion:
    """The motion to one in-between moment, as `Interpolation` has it for several.

    Attributes:
        flow_t0: (1, 2, H, W) float32, pixels.
        flow_t1: likewise.
        mask: (1, 1, H, W) float32, weight of frame0.
    """

    flow_t0: Tensor
    flow_t1: Tensor
    mask: Tensor

    @classmethod
    def at(cls, answer: Interpolation, index: int) -> Motion | None:
        """Take one moment of an answer; None where the network tells no motion."""
        if answer.flow_t0 is None or answer.flow_t1 is None or answer.mask is None:
            return None
        chosen = slice(index, index + 1)
        return cls(
            answer.flow_t0[chosen].float(),
            answer.flow_t1[chosen].float(),
            answer.mask[chosen].float(),
        )


class Follower:
    """Moves the passes of one layer to one moment.

    Args:
        motion: what was found in the layer's picture.
        depth0: (1, 1, H, W) float32, depth in frame0, which tells surfaces apart; None where the
            layer has none: then all but ids is mixed.
        depth1: likewise in frame1.
    """

    def __init__(
        self, motion: Motion, depth0: Tensor | None = None, depth1: Tensor | None = None
    ) -> None:
        self._mask = motion.mask
        self._sampler0 = Sampler(motion.flow_t0, depth0)
        self._sampler1 = Sampler(motion.flow_t1, depth1)

    def follow(self, one: Pass, pass0: Tensor, pass1: Tensor) -> Tensor:
        """Return one pass at the moment.

        Args:
            one: which it is.
            pass0: (1, C, H, W) float32, its channels in frame0.
            pass1: likewise in frame1.

        Returns:
            The same shape. Vectors are those from source frame to source frame, both ways.
        """
        if one.role == "id":
            return self._chosen(pass0, pass1)
        if one.role in ("colour", "data"):
            moved0, moved1 = self._sampler0.smooth(pass0), self._sampler1.smooth(pass1)
            return moved0 * self._mask + moved1 * (1 - self._mask)
        if one.role == "normal":
            return self._directions(pass0, pass1)
        if one.role == "vector":
            pass0, pass1 = vectors_between(one, pass0, pass1)
        return self._of_one_surface(pass0, pass1)

    def _chosen(self, pass0: Tensor, pass1: Tensor) -> Tensor:
        return torch.where(
            self._is_frame0, self._sampler0.nearest(pass0), self._sampler1.nearest(pass1)
        )

    def _of_one_surface(self, pass0: Tensor, pass1: Tensor) -> Tensor:
        moved0, moved1 = self._sampler0.of_surface(pass0), self._sampler1.of_surface(pass1)
        weight = self._surface_weight
        # equal values stay as they are, to the bit; and infinity can be chosen, but not weighted
        mixed = torch.where(moved0 == moved1, moved1, moved1 + weight * (moved0 - moved1))
        return torch.where(weight >= 1, moved0, torch.where(weight <= 0, moved1, mixed))

    def _directions(self, pass0: Tensor, pass1: Tensor) -> Tensor:
        """Mix lengths apart from directions, so that normals of one stay so, and none stay none.

        Renderers average a normal over its pixel: at edges it is shorter than one.
        """
        length = self._of_one_surface(_length(pass0), _length(pass1))
        mixed = self._of_one_surface(pass0, pass1)
        now = _length(mixed)
        directed = mixed * (length / now.clamp_min(_LEAST_LENGTH))
        # opposite ones cancel each other out, and leave no direction
        is_lost = (now <= _LEAST_LENGTH) & (length > _LEAST_LENGTH)
        if not bool(is_lost.any()):
            return directed
        return torch.where(is_lost, self._chosen(pass0, pass1), directed)

    @cached_property
    def _is_frame0(self) -> Tensor:
        return self._mask >= 0.5

    @cached_property
    def _surface_weight(self) -> Tensor:
        """Weight of frame0, (1, 1, H, W): 0 or 1 where the frames show different surfaces."""
        depth0, depth1 = self._sampler0.depth, self._sampler1.depth
        if depth0 is None or depth1 is None:
            return self._mask
        nearer = torch.minimum(depth0.abs(), depth1.abs())
        is_same = (depth0 - depth1).abs() <= _SAME_OVER_TIME * nearer
        return torch.where(is_same, self._mask, self._is_frame0.float())


def vectors_between(one: Pass, pass0: Tensor, pass1: Tensor) -> tuple[Tensor, Tensor]:
    """Reduce Blender's vectors to the motion between the two frames.

    X and Y are where a point was in the previous frame minus where it is; Z and W are where it is
    minus where it will be in the next. So frame0's Z, W and frame1's X, Y tell the same motion, and
    the other two tell of what came before and what comes after.

    Args:
        one: the pass; other letters than X, Y, Z, W are left as they are.
        pass0: (1, C, H, W).
        pass1: likewise.
    """
    if set(one.letters) != set("XYZW"):
        return pass0, pass1
    to_next = [one.letters.index({"X": "Z", "Y": "W"}.get(each, each)) for each in one.letters]
    to_previous = [one.letters.index({"Z": "X", "W": "Y"}.get(each, each)) for each in one.letters]
    return pass0[:, to_next], pass1[:, to_previous]


def scale_vectors(frame: Tensor, passes: tuple[Pass, ...], before: float, after: float) -> None:
    """Make vectors as long as the output's frames are apart, in place.

    Args:
        frame: (H, W, C), vectors from source frame to source frame.
        passes: what the channels mean.
        before: time since the previous output frame, in source frames; below zero where time runs
            backwards, which turns vectors round.
        after: time to the next.
    """
    for one in passes:
        if one.role != "vector":
            continue
        has_both = set(one.letters) == set("XYZW")
        for letter, channel in zip(one.letters, one.channels, strict=True):
            if letter != "A":
                frame[..., channel] *= before if has_both and letter in "XY" else after


def _length(vectors: Tensor) -> Tensor:
    return vectors.square().sum(dim=1, keepdim=True).sqrt()
