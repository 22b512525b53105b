"""Makes a picture's sides ones that a model can take: how long, and what with.

Padding goes to the right and the bottom, so that a pixel keeps its place.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..models.catalog_types import ModelSpec, PadMode


def side_multiple(spec: ModelSpec, flow_scale: float) -> int:
    """Return what every side must be a multiple of.

    A flow scale under 1 searches motion on a smaller picture, whose sides must divide as well.
    """
    return math.ceil(spec.pad_multiple / (min(1.0, flow_scale) if spec.flow_scale else 1.0))


def padded_side(side: int, spec: ModelSpec, flow_scale: float) -> int:
    """Return the length that the model takes for a side of `side` pixels."""
    if side == spec.kept_side:
        return side
    multiple = side_multiple(spec, flow_scale)
    return -(-max(side, spec.smallest_side) // multiple) * multiple


def padded(picture: Tensor, height: int, width: int, mode: PadMode) -> Tensor:
    """Lengthen a picture to `height` by `width` pixels at the bottom and the right.

    Reflection has no limit here, unlike torch's, which needs less padding than picture: where the
    reflection reaches the first pixel it turns around and comes back, as numpy's does. A single
    row or column is repeated.

    Args:
        picture: (N, C, H, W).
        height: at least H.
        width: at least W.
        mode: what with.

    Returns:
        (N, C, height, width).
    """
    if mode != "reflect":
        return pad(picture, (0, width - picture.shape[3], 0, height - picture.shape[2]), mode=mode)
    for dim, side in ((2, height), (3, width)):
        if side > picture.shape[dim]:
            picture = picture.index_select(dim, _reflected(picture.shape[dim], side, picture))
    return picture


def _reflected(side: int, padded: int, like: Tensor) -> Tensor:
    """Return the (padded,) indices of the pixels that a reflected axis shows."""
    last = side - 1
    if last == 0:
        return torch.zeros(padded, dtype=torch.long, device=like.device)
    place = torch.arange(padded, device=like.device) % (2 * last)
    return last - (last - place).abs()
