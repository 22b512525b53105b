"""Mixes two frames, where a cut shall be a dissolve. No torch and no bpy here."""

from __future__ import annotations

import numpy as np

from .image_formats import FrameFormat
from .quantisation import Pixels, convert_alpha

_HALF = 0.5
_MIXED = ("colour", "data")
"""Roles of passes; see `passes.Role`."""


def dissolve(earlier: Pixels, later: Pixels, share: float, frame_format: FrameFormat) -> Pixels:
    """Mix two frames as stored: display-encoded values, or light.

    Colours count as much as their alpha, so that those hidden under zero alpha do not show.

    Args:
        earlier: (height, width, channels) float32.
        later: likewise.
        share: of the later frame, 0 to 1.
        frame_format: of both. In a multilayer one, passes that cannot be mixed, such as ids, are
            those of the nearer frame.
    """
    if frame_format.alpha_mode == "straight":
        earlier = convert_alpha(earlier, "straight", "premultiplied")
        later = convert_alpha(later, "straight", "premultiplied")
    mixed = earlier * np.float32(1 - share) + later * np.float32(share)
    if frame_format.alpha_mode == "straight":
        mixed = convert_alpha(mixed, "premultiplied", "straight")
    nearer = earlier if share < _HALF else later
    for item in frame_format.passes:
        if item.role not in _MIXED:
            mixed[..., list(item.channels)] = nearer[..., list(item.channels)]
    return mixed
