"""Layers that TLB-VFI's encoder and decoder share, over one frame or over three.

Residual blocks, attention between frames, and attention within windows of one. Names of submodules
are those of the published checkpoint. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import tlbvfi_strips
from .tlbvfi_strips import Rows, by_rows, normaliser

FRAME_COUNT = 3
"""The network sees the earlier frame, the unknown one between, and the later frame."""

WINDOW = 8
"""Attention stays within windows of this many places in a row, and as many rows."""

_NORM_GROUPS = 4
_NORM_EPSILON = 1e-6


def group_norm(channels: int) -> nn.GroupNorm:
    """Make the norm of the encoder and the decoder."""
    return nn.GroupNorm(_NORM_GROUPS, channels, eps=_NORM_EPSILON)


class ResidualBlock(nn.Module):
    """Two convolutions over one frame's features, beside a skip."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = group_norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = group_norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for (N, inputs, H, W)."""
        widest = max(self.conv1.in_channels, self.conv1.out_channels)
        hidden = norm_and_convolve(self.norm1, self.conv1, inputs)
        normalise = normaliser(self.norm2, hidden)

        def second(rows: Rows) -> Tensor:
            skipped = inputs[:, :, rows]
            if self.nin_shortcut is not None:
                skipped = self.nin_shortcut(skipped)
            result: Tensor = self.conv2(functional.silu(normalise(rows), inplace=True))
            return result.add_(skipped)

        return by_rows(second, hidden, widest=widest, halo=2)


def norm_and_convolve(
    norm: nn.GroupNorm,
    convolution: nn.Conv2d,
    inputs: Tensor,
    *,
    activate: Callable[..., Tensor] = functional.silu,
) -> Tensor:
    """Normalise (N, C, H, W), activate, and convolve with a kernel of 3×3."""
    normalise = normaliser(norm, inputs)

    def convolve(rows: Rows) -> Tensor:
        result: Tensor = convolution(activate(normalise(rows), inplace=True))
        return result

    widest = max(convolution.in_channels, convolution.out_channels)
    return by_rows(convolve, inputs, widest=widest, halo=2)


class TemporalBlock(nn.Module):
    """Two convolutions over the features of all three frames, beside a projected skip.

    The first norm is over all frames, the second over each by itself.

    Args:
        channels: in and out.
        collapses: make one frame out of the three.
    """

    def __init__(self, channels: int, *, collapses: bool = False) -> None:
        super().__init__()
        self.norm1 = group_norm(channels)
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm2 = group_norm(channels)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=(0, 1, 1) if collapses else 1)
        self.nin_shortcut = nn.Conv3d(channels, channels, (FRAME_COUNT if collapses else 1, 1, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (1, C, frames, H, W) for (1, C, 3, H, W)."""
        hidden = self.conv1(functional.silu(self.norm1(inputs)))
        hidden = self.conv2(functional.silu(norm_each_frame(self.norm2, hidden)))
        result: Tensor = self.nin_shortcut(inputs) + hidden
        return result


class TemporalAttention(nn.Module):
    """Every place of every frame looks at all others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.q = nn.Conv3d(channels, channels, 1)
        self.k = nn.Conv3d(channels, channels, 1)
        self.v = nn.Conv3d(channels, channels, 1)
        self.proj_out = nn.Conv3d(channels, channels, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (1, C, 3, H, W) for inputs of that shape."""
        hidden = self.norm(inputs)
        query, key, value = (
            layer(hidden).flatten(2).transpose(1, 2).contiguous()
            for layer in (self.q, self.k, self.v)
        )
        found = functional.scaled_dot_product_attention(query, key, value)
        result: Tensor = inputs + self.proj_out(found.transpose(1, 2).reshape(inputs.shape))
        return result


class TemporalLayers(nn.Module):
    """What relates the three frames to each other at the smallest size."""

    def __init__(self, channels: int, *, collapses: bool = False) -> None:
        super().__init__()
        self.block_1 = TemporalBlock(channels)
        self.attn_1 = TemporalAttention(channels)
        self.block_2 = TemporalBlock(channels, collapses=collapses)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (1, C, frames, H, W) for (1, C, 3, H, W)."""
        result: Tensor = self.block_2(self.attn_1(self.block_1(inputs)))
        return result


def norm_each_frame(norm: nn.GroupNorm, hidden: Tensor) -> Tensor:
    """Normalise each frame of (1, C, T, H, W) by its own mean and variance."""
    frames: Tensor = norm(hidden[0].transpose(0, 1))
    return frames.transpose(0, 1)[None]


class WindowLayers(nn.Module):
    """Attention within windows of 8×8 places, first of neighbours, then of a coarse grid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attn_block = _Normed(channels, _Attention(channels))
        self.ff_block = _Normed(channels, _FeedForward(channels))
        self.attn_grid = _Normed(channels, _Attention(channels))
        self.ff_grid = _Normed(channels, _FeedForward(channels))

    def attend(self, hidden: Tensor, context: Tensor | None = None) -> Tensor:
        """Let the places of one map look at those of another, and write over the first.

        Args:
            hidden: (1, C, H, W), sides multiples of 8.
            context: likewise; if None, places look at what the first map is by then.

        Returns:
            The first map, changed.
        """
        hidden = hidden.contiguous()
        context = hidden if context is None else context.contiguous()
        for is_grid, attention, feed_forward in (
            (False, self.attn_block, self.ff_block),
            (True, self.attn_grid, self.ff_grid),
        ):
            windows, looked_at = _windows(hidden, is_grid), _windows(context, is_grid)
            # the widest map is the feed-forward's, of four times the channels
            row_bytes = 4 * windows[0].numel() * windows.element_size()
            step = max(1, tlbvfi_strips.LARGEST_STRIP_BYTES // row_bytes)
            for first in range(0, len(windows), step):
                some = windows[first : first + step]
                tokens = some.reshape(-1, WINDOW**2, some.shape[-1])
                others = looked_at[first : first + step].reshape(tokens.shape)
                tokens = tokens + attention.fn(attention.norm(tokens), attention.norm(others))
                tokens += feed_forward.fn(feed_forward.norm(tokens))
                some.copy_(tokens.view(some.shape))
        return hidden


class WindowAttention(WindowLayers):
    """Attention of a map to itself."""

    def forward(self, hidden: Tensor) -> Tensor:
        """Write over (1, C, H, W), sides multiples of 8, and return it."""
        return self.attend(hidden)


class _Normed(nn.Module):
    """A layer and the norm of what it is given."""

    def __init__(self, channels: int, layer: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.fn = layer


class _Attention(nn.Module):
    """One head, with a learned preference for places at a distance."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(channels, channels, bias=False)
        self.to_v = nn.Linear(channels, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels, bias=False))
        self.rel_pos_bias = nn.Embedding((2 * WINDOW - 1) ** 2, 1)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Return (windows, 64, C) for tokens and a context of that shape."""
        bias = self.rel_pos_bias(_distances(tokens.device))[..., 0]
        found = functional.scaled_dot_product_attention(
            self.to_q(tokens)[:, None],
            self.to_k(context)[:, None],
            self.to_v(context)[:, None],
            attn_mask=bias,
        )
        result: Tensor = self.to_out(found[:, 0])
        return result


class _FeedForward(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        # the places of dropout, which does nothing here, keep the published numbers
        self.net = nn.Sequential(
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Identity(),
            nn.Linear(4 * channels, channels),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        result: Tensor = self.net(tokens)
        return result


def _windows(hidden: Tensor, is_grid: bool) -> Tensor:
    """View (1, C, H, W) as (rows, columns, 8, 8, C): windows, and the places in each."""
    _, channels, height, width = hidden.shape
    rows, columns = height // WINDOW, width // WINDOW
    if is_grid:
        return hidden.view(channels, WINDOW, rows, WINDOW, columns).permute(2, 4, 1, 3, 0)
    return hidden.view(channels, rows, WINDOW, columns, WINDOW).permute(1, 3, 2, 4, 0)


def _distances(device: torch.device) -> Tensor:
    """Number the distance from each of a window's 64 places to each: (64, 64)."""
    axis = torch.arange(WINDOW, device=device)
    places = torch.cartesian_prod(axis, axis)
    steps = places[:, None] - places + WINDOW - 1
    return steps[..., 0] * (2 * WINDOW - 1) + steps[..., 1]


def nearest_code(latent: Tensor, codebook: Tensor) -> Tensor:
    """Replace each of the (1, C, T, H, W) latent's vectors by the nearest of (codes, C)."""
    vectors = latent.movedim(1, -1).reshape(-1, latent.shape[1])
    lengths = codebook.pow(2).sum(dim=1)
    step = max(1, tlbvfi_strips.LARGEST_STRIP_BYTES // (len(codebook) * latent.element_size()))
    nearest = [
        (lengths - 2 * vectors[first : first + step] @ codebook.T).argmin(dim=1)
        for first in range(0, len(vectors), step)
    ]
    quantised = codebook[torch.cat(nearest)]
    return quantised.view(len(latent), *latent.shape[2:], -1).movedim(-1, 1)
