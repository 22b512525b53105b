"""GMFlow: optical flow in both directions by matching every place with every other.

A part of GMFSS (see `gmfss`), not a model of the catalog by itself. Never import bpy here.

Paper: "GMFlow: Learning Optical Flow via Global Matching", CVPR 2022, arXiv:2111.13680. The authors
publish their code under the Apache licence 2.0; the weights are those of GMFSS, under the MIT
licence. This is the form with one refinement: global at 1/8, then local at 1/4 of the images.

Deviations from the released code, none of which changes a float32 result beyond rounding:
    - both directions come from one run, which share the features and the coarse transformer;
    - local matching reads shifted features instead of sampling 81 copies of them;
    - global attention answers its queries in portions;
    - matching and flows stay in float32, also when the network runs in half precision. Flows still
      differ by 0.1 px on average then, on footage where they are 6 px long.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from .moments import numbers_like
from .warp import warp

REDUCTION = 32
"""Sides must be multiples of this: 8 windows along each side of what is 1/4 as large."""

_CHANNELS = 128
_COARSE_WINDOWS = 2
_FINE_WINDOWS = 8
_MATCHING_RADIUS = 4
_PROPAGATION_RADIUS = 1
_UPSAMPLING = 4
_POSITION_BASE = 10_000.0
_OTHER_REGION = -100.0
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
# fused attention on GPUs takes values of whole groups of eight channels only
_VALUE_CHANNELS = 8
_LARGEST_SCORES = 1 << 26
"""How many scores of global attention are held at once where it is not fused: 256 MiB."""


class GmFlow(nn.Module):
    """Finds where every pixel of one image went in the other, and the other way round."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Backbone()
        self.transformer = _Transformer()
        self.feature_flow_attn = _FlowPropagation()
        self.upsampler = nn.Sequential(
            nn.Conv2d(2 + _CHANNELS, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 9 * _UPSAMPLING**2, 1),
        )

    def forward(self, image0: Tensor, image1: Tensor) -> Tensor:
        """Estimate the flow from each image to the other.

        Args:
            image0: (1, 3, H, W) floating point in [0, 1]; sides are multiples of `REDUCTION`.
            image1: likewise.

        Returns:
            (2, 2, H, W) in pixels, float32 at least: from image0 to image1, then back. Channel 0
            is x (rightwards).
        """
        images = torch.cat((image0, image1))
        mean, deviation = (numbers_like(v, images).view(1, 3, 1, 1) for v in (_MEAN, _DEVIATION))
        fine, coarse = self.backbone((images - mean) / deviation)

        coarse = self.transformer(coarse, _COARSE_WINDOWS)
        flow = _match_everywhere(coarse, coarse.flip(0))
        flow = self.feature_flow_attn.propagate_everywhere(coarse, flow)

        flow = 2 * functional.interpolate(flow, scale_factor=2, mode="bilinear", align_corners=True)
        # the flow of either direction warps the other image's features, so the two now part
        targets = warp(fine.flip(0), flow, outside="zeros")
        pairs = self.transformer(torch.cat((fine, targets)), _FINE_WINDOWS)
        sources, targets = pairs.chunk(2)
        flow = flow + _match_nearby(sources, targets)
        flow = self.feature_flow_attn.propagate_nearby(sources, flow)
        return self._upsample(flow, sources)

    def _upsample(self, flow: Tensor, features: Tensor) -> Tensor:
        """Enlarge (N, 2, h, w) flow; each new pixel is a learned mean of the nine around it."""
        count, _, height, width = flow.shape
        logits = self.upsampler(torch.cat((flow.to(features.dtype), features), dim=1))
        shape = (count, 1, 9, _UPSAMPLING, _UPSAMPLING, height, width)
        shares = logits.to(flow.dtype).view(shape).softmax(dim=2)
        around = torch.stack(list(_shifted(_UPSAMPLING * flow, 1)), dim=2)
        mixed = (shares * around[:, :, :, None, None]).sum(dim=2)
        ordered: Tensor = mixed.permute(0, 1, 4, 2, 5, 3)
        return ordered.reshape(count, 2, _UPSAMPLING * height, _UPSAMPLING * width)


class _Backbone(nn.Module):
    """Features of images at 1/4 and 1/8 of their size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.layer1 = nn.Sequential(_Residual(64, 64, 1), _Residual(64, 64, 1))
        self.layer2 = nn.Sequential(_Residual(64, 96, 2), _Residual(96, 96, 1))
        self.layer3 = nn.Sequential(_Residual(96, 128, 1), _Residual(128, 128, 1))
        self.conv2 = nn.Conv2d(128, _CHANNELS, 1)
        self.trident_conv = nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        hidden = functional.relu(functional.instance_norm(self.conv1(images)))
        hidden = self.conv2(self.layer3(self.layer2(self.layer1(hidden))))
        # one set of weights serves both sizes
        weight = self.trident_conv.weight
        return self.trident_conv(hidden), functional.conv2d(hidden, weight, stride=2, padding=1)


class _Residual(nn.Module):
    """Two normalised convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.downsample: nn.Module | None = None
        if inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride), nn.InstanceNorm2d(outputs)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = functional.relu(functional.instance_norm(self.conv1(inputs)))
        hidden = functional.relu(functional.instance_norm(self.conv2(hidden)))
        shortcut = inputs if self.downsample is None else self.downsample(inputs)
        return functional.relu(shortcut + hidden)


class _Transformer(nn.Module):
    """Lets the features of two images know of each other, window by window."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_TransformerBlock() for _ in range(6))

    def forward(self, features: Tensor, windows: int) -> Tensor:
        """Refine features.

        Args:
            features: (2N, C, h, w): N of one image, then N of the other; sides are multiples of
                `windows`.
            windows: how many windows stand along each side.
        """
        half = len(features) // 2
        height, width = (side // windows for side in features.shape[-2:])
        position = _positions(height, width, features).repeat(1, 1, windows, windows)
        hidden = (features + position).permute(0, 2, 3, 1)
        mask = _shift_mask(hidden, windows)
        for index, layer in enumerate(self.layers):
            hidden = layer(hidden, hidden.roll(half, dims=0), windows, mask if index % 2 else None)
        return hidden.permute(0, 3, 1, 2).contiguous()


class _TransformerBlock(nn.Module):
    """Attention within an image, then to the other one."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = _Attention(has_mlp=False)
        self.cross_attn_ffn = _Attention(has_mlp=True)

    def forward(self, inputs: Tensor, other: Tensor, windows: int, mask: Tensor | None) -> Tensor:
        hidden = self.self_attn(inputs, inputs, windows, mask)
        result: Tensor = self.cross_attn_ffn(hidden, other, windows, mask)
        return result


class _Attention(nn.Module):
    """Attention of one head within windows, which a mask says to be shifted by half a window."""

    def __init__(self, *, has_mlp: bool) -> None:
        super().__init__()
        self.q_proj = nn.Linear(_CHANNELS, _CHANNELS, bias=False)
        self.k_proj = nn.Linear(_CHANNELS, _CHANNELS, bias=False)
        self.v_proj = nn.Linear(_CHANNELS, _CHANNELS, bias=False)
        self.merge = nn.Linear(_CHANNELS, _CHANNELS, bias=False)
        self.norm1 = nn.LayerNorm(_CHANNELS)
        self.mlp: nn.Module | None = None
        if has_mlp:
            self.mlp = nn.Sequential(
                nn.Linear(2 * _CHANNELS, 8 * _CHANNELS, bias=False),
                nn.GELU(),
                nn.Linear(8 * _CHANNELS, _CHANNELS, bias=False),
            )
            self.norm2 = nn.LayerNorm(_CHANNELS)

    def forward(self, inputs: Tensor, other: Tensor, windows: int, mask: Tensor | None) -> Tensor:
        """Add to (N, h, w, C) `inputs` what they find in `other`.

        Args:
            inputs: where the questions come from.
            other: where the answers come from, of the same shape.
            windows: how many along each side.
            mask: (windows², L, L) to be added to scores in shifted windows; None for unshifted.
        """
        down, right = _half_window(inputs, windows) if mask is not None else (0, 0)
        query, key, value = (
            _split(projected.roll((-down, -right), dims=(1, 2)), windows)
            for projected in (self.q_proj(inputs), self.k_proj(other), self.v_proj(other))
        )
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        message = _join(found, inputs.shape, windows).roll((down, right), dims=(1, 2))
        message = self.norm1(self.merge(message))
        if self.mlp is not None:
            message = self.norm2(self.mlp(torch.cat((inputs, message), dim=-1)))
        result: Tensor = inputs + message
        return result


class _FlowPropagation(nn.Module):
    """Carries flow to where matching failed, from places that look alike."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(_CHANNELS, _CHANNELS)
        self.k_proj = nn.Linear(_CHANNELS, _CHANNELS)

    def propagate_everywhere(self, features: Tensor, flow: Tensor) -> Tensor:
        """Average (N, 2, h, w) flow over all places whose (N, C, h, w) features are alike."""
        query = self.q_proj(features.flatten(2).transpose(1, 2))
        # the released weights were trained with keys made from the queries, by oversight
        return _attend(query, self.k_proj(query), flow.flatten(2)).view(flow.shape)

    def propagate_nearby(self, features: Tensor, flow: Tensor) -> Tensor:
        """Average flow over the nine places around; outside, features and flow are 0."""
        hidden = features.permute(0, 2, 3, 1)
        query = self.q_proj(hidden).permute(0, 3, 1, 2).to(flow.dtype)
        key = self.k_proj(hidden).permute(0, 3, 1, 2).to(flow.dtype)
        scores = _scores(query, key, _PROPAGATION_RADIUS).softmax(dim=1)
        around = torch.stack(list(_shifted(flow, _PROPAGATION_RADIUS)), dim=1)
        return (scores[:, :, None] * around).sum(dim=1)


def _match_everywhere(sources: Tensor, targets: Tensor) -> Tensor:
    """Return the flow to the mean place in (N, C, h, w) `targets` that looks like each source."""
    height, width = sources.shape[-2:]
    dtype = torch.promote_types(sources.dtype, torch.float32)
    places = _places(height, width, sources.device, dtype).expand(len(sources), -1, -1, -1)
    query, key = (features.flatten(2).transpose(1, 2) for features in (sources, targets))
    return _attend(query, key, places.flatten(2)).view(places.shape) - places


def _match_nearby(sources: Tensor, targets: Tensor) -> Tensor:
    """Return the flow to the mean place near by that looks like each source, inside the image."""
    height, width = sources.shape[-2:]
    dtype = torch.promote_types(sources.dtype, torch.float32)
    scores = _scores(sources.to(dtype), targets.to(dtype), _MATCHING_RADIUS)
    inside = torch.ones(1, 1, height, width, dtype=dtype, device=sources.device)
    is_inside = torch.cat(list(_shifted(inside, _MATCHING_RADIUS)), dim=1) > 0
    shares = scores.masked_fill(~is_inside, -math.inf).softmax(dim=1)
    side = 2 * _MATCHING_RADIUS + 1
    steps = _places(side, side, sources.device, dtype).flatten(2)[0] - _MATCHING_RADIUS
    return torch.einsum("nkhw,ck->nchw", shares, steps)


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Average (N, c, L) values by how alike (N, L, C) queries and keys are, in `value`'s dtype.

    Queries are answered in portions, since the scores of all of them take L² numbers: 4 GB for one
    direction of a frame of 3840 × 2160.
    """
    count, channels, length = value.shape
    padded = functional.pad(value.transpose(1, 2), (0, _VALUE_CHANNELS - channels))
    # fused attention on GPUs needs the heads' dimension
    query, key, padded = (part.to(value.dtype)[:, None] for part in (query, key, padded))
    rows = max(_LARGEST_SCORES // (count * length), 1)
    found = [
        functional.scaled_dot_product_attention(query[:, :, first : first + rows], key, padded)
        for first in range(0, length, rows)
    ]
    return torch.cat(found, dim=2)[:, 0, :, :channels].transpose(1, 2)


def _scores(query: Tensor, key: Tensor, radius: int) -> Tensor:
    """Compare (N, C, h, w) queries with the keys around each: (N, places around, h, w)."""
    scores = [(query * near).sum(dim=1) for near in _shifted(key, radius)]
    return torch.stack(scores, dim=1) / math.sqrt(query.shape[1])


def _shifted(values: Tensor, radius: int) -> Iterator[Tensor]:
    """Give (N, C, h, w) views of what lies around each place, row by row; 0 lies outside."""
    height, width = values.shape[-2:]
    padded = functional.pad(values, (radius,) * 4)
    for y in range(2 * radius + 1):
        for x in range(2 * radius + 1):
            yield padded[..., y : y + height, x : x + width]


def _places(height: int, width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return (1, 2, h, w): the x and y of every pixel."""
    y = torch.arange(height, device=device, dtype=dtype)
    x = torch.arange(width, device=device, dtype=dtype)
    return torch.stack((x.expand(height, -1), y[:, None].expand(-1, width)))[None]


def _positions(height: int, width: int, like: Tensor) -> Tensor:
    """Return the (1, C, h, w) sines and cosines that tell the places of one window apart."""
    waves = _CHANNELS // 4
    exponents = torch.arange(waves, device=like.device, dtype=torch.float32) / waves
    lengths = _POSITION_BASE**exponents
    axes = []
    for size in (height, width):
        steps = torch.arange(1, size + 1, device=like.device, dtype=torch.float32)
        angles = (steps * (2 * math.pi / (size + 1e-6)))[:, None] / lengths
        axes.append(torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).T)
    rows = axes[0][:, :, None].expand(-1, -1, width)
    columns = axes[1][:, None].expand(-1, height, -1)
    return torch.cat((rows, columns))[None].to(like.dtype)


def _shift_mask(features: Tensor, windows: int) -> Tensor:
    """Return (windows², L, L): what keeps places apart that only the shift brings together.

    It is to be added to the scores of shifted windows of (N, h, w, C) features.
    """
    device = features.device
    regions = torch.zeros(1, *features.shape[1:3], 1, device=device)
    for axis in (1, 2):
        size = features.shape[axis]
        window = size // windows
        places = torch.arange(size, device=device)
        region = (places >= size - window).long() + (places >= size - window // 2)
        shape = [1, 1, 1, 1]
        shape[axis] = size
        regions = 3 * regions + region.view(shape)
    flat = _split(regions, windows)[0, :, :, 0]
    is_apart = flat[:, :, None] != flat[:, None]
    return torch.zeros_like(is_apart, dtype=features.dtype).masked_fill_(is_apart, _OTHER_REGION)


def _half_window(features: Tensor, windows: int) -> tuple[int, int]:
    """Return how far shifted windows of (N, h, w, C) features are shifted, down and rightwards."""
    return features.shape[1] // windows // 2, features.shape[2] // windows // 2


def _split(features: Tensor, windows: int) -> Tensor:
    """Cut (N, h, w, C) into (N, windows², L, C)."""
    count, height, width, channels = features.shape
    grid = features.view(
        count, windows, height // windows, windows, width // windows, channels
    ).transpose(2, 3)
    return grid.reshape(count, windows**2, -1, channels)


def _join(parts: Tensor, shape: torch.Size, windows: int) -> Tensor:
    """Put (N, windows², L, C) together again as (N, h, w, C)."""
    count, height, width, channels = shape
    grid = parts.reshape(count, windows, windows, height // windows, width // windows, channels)
    return grid.transpose(2, 3).reshape(shape)
