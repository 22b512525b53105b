"""How TLB-VFI finds the latent of the middle: diffusion along a Brownian bridge.

The bridge leads from the latent of the two frames with a blank between, at its far end, to that of
all three. Paper of the process: "BBDM: Image-to-Image Translation with Brownian Bridge Diffusion
Models", 2023, arXiv:2205.07680. Names of submodules are those of the published checkpoint.

Never import bpy here.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .tlbvfi_encoder import LATENT_CHANNELS

STEPS = (999, 874, 749, 624, 499, 374, 249, 124, 1, 0)
"""The moments of the bridge that are visited, out of 1000."""

_MOMENTS = 1000
_FIRST_SHARE, _LAST_SHARE = 0.001, 0.999
_WIDTH = 32
_TIME_WIDTH = 128
_LONGEST_PERIOD = 10000
_NORM_GROUPS = 32


def noise_for(latent: Tensor, seed: int) -> Tensor:
    """Draw what `walk` needs, the same on every device.

    Args:
        latent: (1, 3, 3, h, w); tells size, type and device.
        seed: what to start from.

    Returns:
        (steps - 1, 1, 3, 3, h, w) of a standard normal distribution.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn((len(STEPS) - 1, *latent.shape), generator=generator)
    return noise.to(latent)


def walk(denoiser: nn.Module, known: Tensor, noise: Tensor) -> Tensor:
    """Walk the bridge from its far end.

    Args:
        denoiser: `Denoiser`.
        known: (1, 3, 3, h, w) latent of the earlier frame, a blank and the later frame.
        noise: as `noise_for` makes it.

    Returns:
        (1, 3, 3, h, w) latent of all three.
    """
    latent = known
    for (step, after), drawn in zip(itertools.pairwise(STEPS), noise, strict=True):
        estimate = latent - denoiser(torch.cat((latent, known), dim=1), step)
        share, share_after = _share(step), _share(after)
        variance, variance_after = (2 * part * (1 - part) for part in (share, share_after))
        fresh = variance - variance_after * ((1 - share) / (1 - share_after)) ** 2
        fresh *= variance_after / variance
        rest = latent - (1 - share) * estimate - share * known
        latent = (
            (1 - share_after) * estimate
            + share_after * known
            + math.sqrt((variance_after - fresh) / variance) * rest
            + math.sqrt(fresh) * drawn
        )
    result: Tensor = latent - denoiser(torch.cat((latent, known), dim=1), STEPS[-1])
    return result


def _share(step: int) -> float:
    """Return how much of the far end a latent is at a moment of the bridge."""
    return _FIRST_SHARE + (_LAST_SHARE - _FIRST_SHARE) * step / (_MOMENTS - 1)


class Denoiser(nn.Module):
    """A U-Net over three frames, that tells how far a latent is from the bridge's near end.

    Its down- and upsampling blocks leave time as it is. Sides of the latent must be multiples of 4.
    """

    def __init__(self) -> None:
        super().__init__()
        self.time_embed = nn.Sequential(
            nn.Linear(_WIDTH, _TIME_WIDTH), nn.SiLU(), nn.Linear(_TIME_WIDTH, _TIME_WIDTH)
        )
        first = nn.Conv3d(2 * LATENT_CHANNELS, _WIDTH, 3, padding=1)
        self.input_blocks = nn.ModuleList(
            [
                nn.ModuleList([first]),
                nn.ModuleList([_Block()]),
                nn.ModuleList([_Block(scale=0.5)]),
                nn.ModuleList([_Block(), _Attention()]),
                nn.ModuleList([_Block(scale=0.5)]),
                nn.ModuleList([_Block(), _Attention()]),
            ]
        )
        self.middle_block = nn.ModuleList([_Block(), _Attention(), _Block()])
        self.output_blocks = nn.ModuleList(
            [
                nn.ModuleList([_joining(), _Attention()]),
                nn.ModuleList([_joining(), _Attention(), _Block(scale=2)]),
                nn.ModuleList([_joining(), _Attention()]),
                nn.ModuleList([_joining(), _Attention(), _Block(scale=2)]),
                nn.ModuleList([_joining()]),
                nn.ModuleList([_joining()]),
            ]
        )
        self.out = nn.Sequential(
            nn.GroupNorm(_NORM_GROUPS, _WIDTH),
            nn.SiLU(),
            nn.Conv3d(_WIDTH, LATENT_CHANNELS, 3, padding=1),
        )

    def forward(self, inputs: Tensor, step: int) -> Tensor:
        """Return (1, 3, 3, h, w).

        Args:
            inputs: (1, 6, 3, h, w), the latent and what is known.
            step: the moment of the bridge.
        """
        moment = self.time_embed(_waves(step, inputs))
        kept: list[Tensor] = []
        hidden = inputs
        for layers in self.input_blocks:
            hidden = _apply(layers, hidden, moment)
            kept.append(hidden)
        hidden = _apply(self.middle_block, hidden, moment)
        for layers in self.output_blocks:
            hidden = _apply(layers, torch.cat((hidden, kept.pop()), dim=1), moment)
        result: Tensor = self.out(hidden)
        return result


def _apply(layers: nn.Module, hidden: Tensor, moment: Tensor) -> Tensor:
    for layer in layers.children():
        hidden = layer(hidden, moment) if isinstance(layer, _Block) else layer(hidden)
    return hidden


class _Block(nn.Module):
    """Two convolutions that are told the moment, beside a skip.

    Args:
        inputs: channels in.
        scale: of height and width, from in to out.
    """

    def __init__(self, inputs: int = _WIDTH, *, scale: float = 1) -> None:
        super().__init__()
        self._scale = scale
        self.in_layers = nn.Sequential(
            nn.GroupNorm(_NORM_GROUPS, inputs),
            nn.SiLU(),
            nn.Conv3d(inputs, _WIDTH, 3, padding=1),
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(_TIME_WIDTH, 2 * _WIDTH))
        # the place of dropout, which does nothing here, keeps the published numbers
        self.out_layers = nn.Sequential(
            nn.GroupNorm(_NORM_GROUPS, _WIDTH),
            nn.SiLU(),
            nn.Identity(),
            nn.Conv3d(_WIDTH, _WIDTH, 3, padding=1),
        )
        self.skip_connection = nn.Conv3d(inputs, _WIDTH, 1) if inputs != _WIDTH else nn.Identity()

    def forward(self, inputs: Tensor, moment: Tensor) -> Tensor:
        norm, activation, convolution = self.in_layers
        hidden = convolution(self._resized(activation(norm(inputs))))
        scale, shift = self.emb_layers(moment)[..., None, None, None].chunk(2, dim=1)
        norm, *others = self.out_layers
        hidden = norm(hidden) * (1 + scale) + shift
        for layer in others:
            hidden = layer(hidden)
        result: Tensor = self.skip_connection(self._resized(inputs)) + hidden
        return result

    def _resized(self, hidden: Tensor) -> Tensor:
        if self._scale == 1:
            return hidden
        if self._scale < 1:
            return functional.avg_pool3d(hidden, (1, 2, 2))
        return functional.interpolate(hidden, scale_factor=(1, 2, 2))


class _Attention(nn.Module):
    """Every place of every frame looks at all others."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_NORM_GROUPS, _WIDTH)
        self.qkv = nn.Conv1d(_WIDTH, 3 * _WIDTH, 1)
        self.proj_out = nn.Conv1d(_WIDTH, _WIDTH, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        places = inputs.flatten(2)
        query, key, value = (
            part.transpose(1, 2).contiguous() for part in self.qkv(self.norm(places)).chunk(3, 1)
        )
        found = functional.scaled_dot_product_attention(query, key, value)
        changed: Tensor = places + self.proj_out(found.transpose(1, 2))
        return changed.reshape(inputs.shape)


def _joining() -> _Block:
    return _Block(2 * _WIDTH)


def _waves(step: int, like: Tensor) -> Tensor:
    """Tell a moment as (1, 32) cosines and sines of many periods."""
    count = _WIDTH // 2
    powers = torch.arange(count, device=like.device, dtype=torch.float32) / count
    angles = step * torch.exp(-math.log(_LONGEST_PERIOD) * powers)
    return torch.cat((angles.cos(), angles.sin()))[None].to(like)
