"""Curves between scene-linear light and the code values that networks were taught to see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

BRIGHTEST = 65504.0
"""Largest half-precision number; brighter light counts as that."""

_BLACK = 2.0**-10
_GREY = 0.18

_LEAST_DISPLAY_SHARE = 0.6
"""Code that light up to 1 gets at least. More would leave less for what is brighter, and there a
network's error grows with the light: a step of 8 bits is 13 % of it where `BRIGHTEST` is the peak,
5 % where 64 is, and at a share of 0.7 it would be 18 % and 8 %."""


def display_encoded(light: Tensor) -> Tensor:
    """Apply the sRGB transfer function (IEC 61966-2-1) to light clipped to [0, 1]."""
    clipped = light.clamp(0, 1)
    curve = 1.055 * clipped.clamp_min(1e-8) ** (1 / 2.4) - 0.055
    return torch.where(clipped <= 0.0031308, clipped * 12.92, curve)


@dataclass(frozen=True)
class LightCurve:
    """Maps light from 0 to a peak to code values from 0 to 1, and back.

    Up to 1 it looks like a display's picture, of lower contrast where the peak is higher; above,
    like a logarithm. Value and slope go on smoothly at 1. At a peak of 1 it is sRGB's curve.

    Attributes:
        peak: light of code 1, from 1 to `BRIGHTEST`.
    """

    peak: float

    def encoded(self, light: Tensor) -> Tensor:
        """Return the codes in [0, 1] of light of any shape; what has none gets the nearest."""
        light = light.clamp(0, self.peak)
        dim = self._share * display_encoded(light)
        if self.peak == 1:
            return dim
        bright = torch.log1p(self._steepness * (light - 1).clamp_min(0)) / self._log_range
        return torch.where(light <= 1, dim, self._share + (1 - self._share) * bright)

    def decoded(self, code: Tensor) -> Tensor:
        """Return the light in [0, peak] of codes of any shape, clipped to [0, 1]."""
        code = code.clamp(0, 1)
        display = code / self._share
        dim = torch.where(
            display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055).clamp_min(0) ** 2.4
        )
        if self.peak == 1:
            return dim
        above = (code - self._share).clamp_min(0) / (1 - self._share)
        bright = 1 + torch.expm1(above * self._log_range) / self._steepness
        return torch.where(code <= self._share, dim, bright)

    @cached_property
    def _share(self) -> float:
        """Code at light 1: what sRGB's power law, going on to the peak, would have there."""
        return max(_LEAST_DISPLAY_SHARE, 1 / (1.055 * float(self.peak ** (1 / 2.4)) - 0.055))

    @cached_property
    def _steepness(self) -> float:
        """The k for which log(1 + k (light - 1)) goes on at 1 with the slope of sRGB's curve."""
        slope = self._share * 1.055 / 2.4
        steepness = 2 * math.log1p(BRIGHTEST) * slope / (1 - self._share)  # above the solution
        for _ in range(200):  # each step comes nearer by a fifth or more
            steepness = slope / (1 - self._share) * math.log1p(steepness * (self.peak - 1))
        return steepness

    @cached_property
    def _log_range(self) -> float:
        return math.log1p(self._steepness * (self.peak - 1))


def curve_for(brightest: float) -> LightCurve:
    """Return the curve for frames with light up to `brightest`.

    Peaks are powers of two, so that frames of nearly the same light share a curve.
    """
    peak = math.ldexp(1.0, math.ceil(math.log2(max(brightest, 1.0))))
    return LightCurve(min(peak, BRIGHTEST))


@dataclass(frozen=True)
class ExposedCurve:
    """Shows light to a network that only looks for motion in it; nothing has to come back.

    Chosen by measuring: `benchmarks.encodings`.

    Attributes:
        gain: what light is multiplied by, to bring it to a middle grey.
        curve: what follows.
    """

    gain: float
    curve: LightCurve

    def encoded(self, light: Tensor) -> Tensor:
        """Return the codes in [0, 1] of light of any shape."""
        return self.curve.encoded(light * self.gain)


def mean_stops(light: Tensor) -> float:
    """Return log2 of light's geometric mean, of what is not black; that of grey for black frames.

    Args:
        light: of any shape; what is darker than 2^-10 is black.
    """
    stops = torch.log2(light.nan_to_num(nan=0.0).clamp(_BLACK, BRIGHTEST))
    is_lit = light > _BLACK
    count = int(is_lit.sum())
    return float((stops * is_lit).sum()) / count if count else math.log2(_GREY)


def exposed_curve_for(stops: float, brightest: float) -> ExposedCurve:
    """Return the curve for frames that are looked through for motion.

    Gains are powers of two, so that frames of nearly the same light share a curve.

    Args:
        stops: mean of the frames' `mean_stops`.
        brightest: of their light.
    """
    gain = 2.0 ** round(math.log2(_GREY) - stops)
    return ExposedCurve(gain, curve_for(min(brightest, BRIGHTEST) * gain))
