"""What of a frame the network sees, and how its answer becomes a whole frame again.

A frame has one to four channels, display-encoded or scene-linear, with straight or premultiplied
alpha; a network knows RGB in [0, 1]. Channels that the network never saw follow the motion that it
found, and scene-linear light is warped as light, so that values above 1 stay what they are. Where a
network does not tell the motion, it is shown each of them as a picture of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..errors import RequestError
from ..models.interface import Interpolation
from ..models.warp import warp_each
from .light import ExposedCurve, LightCurve

View = Literal["colour", "alpha", "negative"]
"""A picture of a frame: its colour; its alpha as grey; its light below zero, turned positive."""

_SMALLEST_ALPHA = 1 / 65535

_ALPHA_SLACK = 1 / 255
"""Networks miss 0 and 1 by a little: what comes this near is taken for them."""


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


def views_beside(frame: Tensor, layout: ChannelLayout) -> frozenset[View]:
    """Tell what a network that yields no motion must be shown of a frame beside its colour.

    Nothing for opaque frames, which so cost nothing more, whether they have an alpha channel or
    not; nor for light that is nowhere below zero.

    Args:
        frame: (1, C, H, W) float, premultiplied.
        layout: what the channels mean.
    """
    views: set[View] = set()
    if layout.has_alpha and not bool((frame[:, -1] == 1).all()):
        views.add("alpha")
    if layout.is_linear and bool((colour_of(frame, layout) < 0).any()):
        views.add("negative")
    return frozenset(views)


def brightest(frame: Tensor, layout: ChannelLayout) -> float:
    """Return how far light goes in either direction, 1 or more; 1 for display-encoded frames."""
    if not layout.is_linear:
        return 1.0
    return max(1.0, float(colour_of(frame, layout).nan_to_num(nan=0.0).abs().amax()))


def picture_of(
    frame: Tensor, layout: ChannelLayout, view: View, curve: LightCurve | ExposedCurve | None
) -> Tensor:
    """Show a frame as the network was taught to see frames.

    Args:
        frame: (1, C, H, W) float, premultiplied.
        layout: what the channels mean.
        view: what of it.
        curve: how scene-linear colour is encoded; None for display-encoded frames.

    Returns:
        (1, 3, H, W) in [0, 1], display-encoded; pixels that are not a number are black, since a
        network would spread one over the whole picture.
    """
    shown = frame[:, -1:] if view == "alpha" else colour_of(frame, layout)
    shown = shown.nan_to_num(nan=0.0)  # a picture of its own: it may be changed
    if curve is not None and view != "alpha":
        shown = curve.encoded(-shown if view == "negative" else shown)
    return shown.clamp_(0, 1).expand(-1, 3, -1, -1)


def compose(
    answers: Mapping[View, Interpolation],
    frame0: Tensor,
    frame1: Tensor,
    layout: ChannelLayout,
    curve: LightCurve | None,
) -> Tensor:
    """Make whole in-between frames from the network's answers.

    Display-encoded colour is the network's own. Alpha, and every channel of scene-linear frames,
    is warped from the two frames with the network's flow and mask; where it tells none, they are
    the network's pictures of them.

    Args:
        answers: the network's answer for T timesteps, cropped to the frames' size, for each view
            that it was shown.
        frame0: (1, C, H, W) float, the earlier frame, premultiplied.
        frame1: likewise, the later one.
        layout: what the channels mean.
        curve: how the network was shown scene-linear colour, where that has to come back.

    Returns:
        (T, C, H, W) float32, alpha as the layout has it.
    """
    result = answers["colour"]
    moves = result.flow_t0 is not None and result.mask is not None
    if layout.is_linear and moves:
        frames = _moved(result, frame0, frame1)
    else:
        frames = _seen_light(answers, layout, curve) if curve else _seen(result, layout)
        if layout.has_alpha:
            alpha = (
                _moved(result, frame0[:, -1:], frame1[:, -1:]).clamp(0, 1)
                if moves
                else _seen_alpha(answers)
            )
            frames = torch.cat((frames, alpha), dim=1)
    return straightened(frames, layout) if layout.has_straight_alpha else frames


def colour_of(frame: Tensor, layout: ChannelLayout) -> Tensor:
    """Return a frame (1, C, H, W) without its alpha."""
    return frame[:, : layout.count - layout.has_alpha]


def _seen(answer: Interpolation, layout: ChannelLayout) -> Tensor:
    """Return the network's own picture (T, C, H, W), grey where the layout is."""
    frames = answer.frames.float()
    return frames.mean(dim=1, keepdim=True) if layout.count <= 2 else frames


def _seen_light(
    answers: Mapping[View, Interpolation], layout: ChannelLayout, curve: LightCurve
) -> Tensor:
    light = curve.decoded(_seen(answers["colour"], layout))
    if "negative" in answers:
        light = light - curve.decoded(_seen(answers["negative"], layout))
    return light


def _seen_alpha(answers: Mapping[View, Interpolation]) -> Tensor:
    """Return (T, 1, H, W) alpha in [0, 1]; what was not shown to the network is opaque."""
    if "alpha" not in answers:
        return torch.ones_like(answers["colour"].frames[:, :1], dtype=torch.float32)
    alpha = answers["alpha"].frames.float().mean(dim=1, keepdim=True)
    return ((alpha - _ALPHA_SLACK) / (1 - 2 * _ALPHA_SLACK)).clamp(0, 1)


def straightened(frames: Tensor, layout: ChannelLayout) -> Tensor:
    """Divide colours (T, C, H, W) by alpha; where alpha is 0 they stay as they are."""
    colour, alpha = frames[:, :-1], frames[:, -1:]
    colour = torch.where(alpha > 0, colour / alpha.clamp_min(_SMALLEST_ALPHA), colour)
    return torch.cat((colour if layout.is_linear else colour.clamp(0, 1), alpha), dim=1)


def _moved(result: Interpolation, frame0: Tensor, frame1: Tensor) -> Tensor:
    """Move (1, C, H, W) channels of both frames to the T in-between moments, and merge them."""
    if result.flow_t0 is None or result.flow_t1 is None or result.mask is None:
        raise AssertionError("a model that yields flows yields both, and a mask")
    mask = result.mask.float()
    from_frame0 = warp_each(frame0, result.flow_t0[None].float())[0]
    from_frame1 = warp_each(frame1, result.flow_t1[None].float())[0]
    return from_frame0 * mask + from_frame1 * (1 - mask)
