"""What of a frame the network sees, and how its answer becomes a whole frame again.

A frame has one to four channels, display-encoded or scene-linear, with straight or premultiplied
alpha; a network knows RGB in [0, 1]. Channels that the network never saw follow the motion that it
found, and scene-linear light is warped as light, so that values above 1 stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..errors import RequestError
from ..models.catalog import DEFAULT_MODEL
from ..models.catalog_types import ModelSpec
from ..models.interface import Interpolation
from ..models.warp import warp_each

_SMALLEST_ALPHA = 1 / 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLayout:
    """What the channels of a frame mean.

    Attributes:
        count: 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
        is_linear: scene-linear light; otherwise display-encoded values in [0, 1].
        alpha_mode: whether colours are stored multiplied by alpha, where there is alpha.
    """

    count: int
    is_linear: bool = False
    alpha_mode: Literal["none", "straight", "premultiplied"] = "straight"

    def __post_init__(self) -> None:
        if self.count not in (1, 2, 3, 4):
            raise RequestError(
                f"{self.count} channels: a frame must have 1 (grey), 2 (grey and alpha), 3 (RGB) "
                "or 4 (RGB and alpha)."
            )

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.count in (2, 4)

    @property
    def has_straight_alpha(self) -> bool:
        """Whether colours have to be multiplied by alpha before they are moved or mixed."""
        return self.has_alpha and self.alpha_mode == "straight"


def check_carried(layout: ChannelLayout, spec: ModelSpec) -> None:
    """Make sure that a model can bring every channel across.

    Raises:
        RequestError: alpha or scene-linear light has to follow the motion, and the model yields
            pictures only.
    """
    if (layout.has_alpha or layout.is_linear) and not spec.yields_flow:
        what = "scene-linear light" if layout.is_linear else "alpha"
        raise RequestError(
            f"{spec.title} yields pictures only, without their motion, and cannot carry {what}: "
            f"choose a model that yields motion, such as {DEFAULT_MODEL}, or convert the frames to "
            "opaque 8 or 16 bits."
        )


def premultiplied(frame: Tensor, layout: ChannelLayout) -> Tensor:
    """Multiply colours by alpha where the layout stores them without.

    So colours hidden under zero alpha do not bleed into edges.

    Args:
        frame: (1, C, H, W) float, channels as `layout` says.
        layout: what the channels mean.

    Returns:
        The same shape, premultiplied.
    """
    if not layout.has_straight_alpha:
        return frame
    alpha = frame[:, -1:]
    return torch.cat((frame[:, :-1] * alpha, alpha), dim=1)


def network_picture(frame: Tensor, layout: ChannelLayout) -> Tensor:
    """Show a frame as the network was taught to see frames.

    Args:
        frame: (1, C, H, W) float, premultiplied.
        layout: what the channels mean.

    Returns:
        (1, 3, H, W) in [0, 1], display-encoded; pixels that are not a number are black, since a
        network would spread one over the whole picture.
    """
    colour = frame[:, : layout.count - layout.has_alpha].nan_to_num(nan=0.0)
    if layout.is_linear:
        colour = _display_encoded(colour)
    return colour.clamp(0, 1).expand(-1, 3, -1, -1)


def compose(result: Interpolation, frame0: Tensor, frame1: Tensor, layout: ChannelLayout) -> Tensor:
    """Make whole in-between frames from the network's answer.

    Display-encoded colour is the network's own. Alpha, and every channel of scene-linear frames,
    is warped from the two frames with the network's flow and mask.

    Args:
        result: the network's answer for T timesteps, cropped to the frames' size.
        frame0: (1, C, H, W) float, the earlier frame, premultiplied.
        frame1: likewise, the later one.
        layout: what the channels mean.

    Returns:
        (T, C, H, W) float32, alpha as the layout has it.

    Raises:
        RequestError: channels have to follow the motion, and the model does not tell it.
    """
    if layout.is_linear:
        frames = _moved(result, frame0, frame1)
    else:
        frames = result.frames.float()
        if layout.count <= 2:
            frames = frames.mean(dim=1, keepdim=True)
        if layout.has_alpha:
            alpha = _moved(result, frame0[:, -1:], frame1[:, -1:]).clamp(0, 1)
            frames = torch.cat((frames, alpha), dim=1)
    return _straightened(frames, layout) if layout.has_straight_alpha else frames


def _straightened(frames: Tensor, layout: ChannelLayout) -> Tensor:
    """Divide colours by alpha; where alpha is 0 they stay as they are."""
    colour, alpha = frames[:, :-1], frames[:, -1:]
    colour = torch.where(alpha > 0, colour / alpha.clamp_min(_SMALLEST_ALPHA), colour)
    return torch.cat((colour if layout.is_linear else colour.clamp(0, 1), alpha), dim=1)


def _moved(result: Interpolation, frame0: Tensor, frame1: Tensor) -> Tensor:
    """Move (1, C, H, W) channels of both frames to the T in-between moments, and merge them."""
    if result.flow_t0 is None or result.flow_t1 is None or result.mask is None:
        raise RequestError(
            "This model yields pictures only, without motion: it cannot carry alpha or "
            "scene-linear light. Choose a model that yields flow (see the models list), or opaque "
            "8- or 16-bit frames."
        )
    mask = result.mask.float()
    from_frame0 = warp_each(frame0, result.flow_t0[None].float())[0]
    from_frame1 = warp_each(frame1, result.flow_t1[None].float())[0]
    return from_frame0 * mask + from_frame1 * (1 - mask)


def _display_encoded(linear: Tensor) -> Tensor:
    """Apply the sRGB transfer function (IEC 61966-2-1) to light clipped to [0, 1]."""
    clipped = linear.clamp(0, 1)
    curve = 1.055 * clipped.clamp_min(1e-8) ** (1 / 2.4) - 0.055
    return torch.where(clipped <= 0.0031308, clipped * 12.92, curve)
