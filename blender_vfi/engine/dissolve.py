"""Mixes two frames, where a cut shall be a dissolve. No torch and no bpy here."""

from __future__ import annotations

import numpy as np

from .image_formats import FrameFormat
from .quantisation import Pixels, convert_alpha


def dissolve(earlier: Pixels, later: Pixels, share: float, frame_format: FrameFormat) -> Pixels:
    """Mix two frames as stored: display-encoded values, or light.

    Colours count as much as their alpha, so that those hidden under zero alpha do not show.

    Args:
        earlier: (height, width, channels) float32.
        later: likewise.
        share: of the later frame, 0 to 1.
        frame_format: of both.
    """
    if frame_format.alpha_mode == "straight":
        earlier = convert_alpha(earlier, "straight", "premultiplied")
        later = convert_alpha(later, "straight", "premultiplied")
    mixed = earlier * np.float32(1 - share) + later * np.float32(share)
    if frame_format.alpha_mode == "straight":
        mixed = convert_alpha(mixed, "premultiplied", "straight")
    return mixed
