"""Reads the renderer's own motion: where each pixel of a frame was, and where it will be.

Renderers filter the Vector pass as they filter colour: a pixel at an edge carries a mixture of two
motions that nothing in the scene has. Depth is not filtered, which tells the surfaces apart; so
such pixels are given back the motions of the surfaces that meet in them, and how much of the pixel
each covers. Never import bpy here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

SAME_SURFACE = 0.05
"""Nearness (one by depth) of one surface differs by less from pixel to pixel, in parts of it."""

_LEAST_DEPTH = 1e-6
_FARTHEST = 1e-9
"""Nearness below this is the background's, which lies at infinity."""


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


def shift_at(motion: Tensor, moment: float) -> Tensor:
    """Return (1, 2, H, W): how far points have come at a moment.

    Args:
        motion: (1, 4, H, W), see `displacements`.
        moment: in scene frames after the source frame; before it, below zero.
    """
    after, before = motion[:, :2], motion[:, 2:]
    # the parabola through where a point was, is, and will be
    return (after - before) * (moment / 2) + (after + before) * (moment * moment / 2)


def slopes(values: Tensor) -> Tensor:
    """Return (1, 2C, H, W): how values change to the right, then how they change downwards."""
    around = pad(values, (1, 1, 1, 1), mode="replicate")
    right = (around[..., 1:-1, 2:] - around[..., 1:-1, :-2]) / 2
    down = (around[..., 2:, 1:-1] - around[..., :-2, 1:-1]) / 2
    return torch.cat((right, down), dim=1)
