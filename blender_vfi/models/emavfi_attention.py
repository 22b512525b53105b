"""EMA-VFI's attention between frames, in windows: what resembles a place, and how far away it is.

Names of submodules are those of the published checkpoints. Tokens are (2, h, w, C), frame0's before
frame1's. Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .ifrnet_blocks import as_float32

_HEAD_WIDTH = 32
_WINDOW = 7
_WINDOW_SHIFT = 3
_OTHER_REGION = -100.0
_MLP_GROWTH = 4


class AttentionStage(nn.ModuleList):
    """The blocks of one level; together they yield as much motion as there are channels."""

    def __init__(self, *, width: int, depth: int) -> None:
        super().__init__(_Block(width=width, motion_width=width // depth) for _ in range(depth))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return (2, h, w, C) tokens and (2, C, h, w) motion for tokens of that shape."""
        plans = [Windows.of(tokens, shift=shift) for shift in (0, _WINDOW_SHIFT)]
        motions: list[Tensor] = []
        for index, block in enumerate(self):
            tokens, motion = block(tokens, plans[index % 2])
            motions.append(motion)
        return tokens, as_image(torch.cat(motions, dim=-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How a map of tokens is cut into windows of 7 × 7, and what may look at what in each.

    Attributes:
        size: height and width of the map.
        margins: what is added around it, left, right, top and bottom.
        shift: how far the windows are moved to the right and down.
        mask: (n, 1, 49, 49) added to attention's scores; None where everything may be seen.
        positions: (n, 49, 2) where the tokens of each window are, x before y, relative to the
            window; the map is 2 wide and 2 high.
    """

    size: tuple[int, int]
    margins: tuple[int, int, int, int]
    shift: int
    mask: Tensor | None
    positions: Tensor

    @classmethod
    def of(cls, tokens: Tensor, *, shift: int) -> Windows:
        """Plan the windows of (N, h, w, C) tokens."""
        height, width = tokens.shape[1:3]
        margins = (*_margins(width), *_margins(height))
        x, y = (
            torch.linspace(-1, 1, n, dtype=as_float32(tokens[:0]).dtype, device=tokens.device)
            for n in (width, height)
        )
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[None]
        positions = _cut(_moved(_padded(grid, margins), -shift))
        # measured from the window, so that half precision tells neighbours apart
        positions = positions - positions.mean(dim=1, keepdim=True)
        return cls(
            size=(height, width),
            margins=margins,
            shift=shift,
            mask=_region_mask(tokens, margins, shift),
            positions=positions.to(tokens.dtype),
        )

    def split(self, tokens: Tensor) -> Tensor:
        """Cut (2, h, w, C) tokens into (2n, 49, C), those of frame0 first."""
        return _cut(_moved(_padded(tokens, self.margins), -self.shift))

    def join(self, windows: Tensor) -> Tensor:
        """Put (2n, 49, C) windows back together, to (2, h, w, C)."""
        left, right, top, bottom = self.margins
        height, width = self.size
        rows, columns = (top + height + bottom) // _WINDOW, (left + width + right) // _WINDOW
        cells = windows.view(2, rows, columns, _WINDOW, _WINDOW, -1).transpose(2, 3)
        whole = _moved(cells.reshape(2, rows * _WINDOW, columns * _WINDOW, -1), self.shift)
        return whole[:, top : top + height, left : left + width]


class InterFrameAttention(nn.Module):
    """Gathers from the other frame what resembles each token, and how far away it is."""

    def __init__(self, *, width: int, motion_width: int) -> None:
        super().__init__()
        self._heads = width // _HEAD_WIDTH
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.cor_embed = nn.Linear(2, motion_width)
        self.proj = nn.Linear(width, width)
        self.motion_proj = nn.Linear(motion_width, motion_width)

    def forward(self, windows: Tensor, plan: Windows) -> tuple[Tensor, Tensor]:
        """Return appearance (2n, 49, C) and motion (2n, 49, M) for windows of that shape."""
        count = len(windows) // 2
        queries = self.q(windows).unflatten(-1, (self._heads, -1)).transpose(1, 2)
        other = self.kv(windows.roll(count, dims=0)).unflatten(-1, (2, self._heads, -1))
        keys, values = other.permute(2, 0, 3, 1, 4)
        scores = (queries @ keys.transpose(-2, -1)) * _HEAD_WIDTH**-0.5
        if plan.mask is not None:
            scores = scores + plan.mask.repeat(2, 1, 1, 1)
        shares = scores.softmax(dim=-1)
        appearance = self.proj((shares @ values).transpose(1, 2).flatten(2))
        return appearance, self.motion_proj(self._embedded_motion(shares, plan.positions))

    def _embedded_motion(self, shares: Tensor, positions: Tensor) -> Tensor:
        """Embed how far from each token its mean match is, (2n, 49, M).

        The released network averages embedded positions and subtracts the token's own. The
        embedding is linear and the shares sum to 1, so its bias cancels, and averaging the
        positions themselves gives the same with two channels for each head.
        """
        positions = positions.repeat(2, 1, 1)[:, None]
        distances = shares @ positions - positions
        weight = self.cor_embed.weight.view(self._heads, -1, 2)
        return (distances @ weight.transpose(1, 2)).transpose(1, 2).flatten(2)


class _Block(nn.Module):
    """Attention across frames inside windows, then a perceptron that sees the neighbours."""

    def __init__(self, *, width: int, motion_width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = InterFrameAttention(width=width, motion_width=motion_width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = _Perceptron(width)

    def forward(self, tokens: Tensor, plan: Windows) -> tuple[Tensor, Tensor]:
        """Return (2, h, w, C) tokens and (2, h, w, M) motion."""
        normed = self.norm1(plan.split(tokens))
        appearance, motion = self.attn(normed, plan)
        # the shortcut starts behind the norm, as the released weights were trained
        tokens = plan.join(normed + appearance)
        return tokens + self.mlp(self.norm2(tokens)), plan.join(motion)


class _Perceptron(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = _MLP_GROWTH * width
        self.fc1 = nn.Linear(width, inner)
        self.dwconv = nn.ModuleDict({"dwconv": nn.Conv2d(inner, inner, 3, 1, 1, groups=inner)})
        self.fc2 = nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.dwconv["dwconv"](as_image(self.fc1(tokens)))
        result: Tensor = self.fc2(functional.gelu(as_tokens(hidden)))
        return result


def as_image(tokens: Tensor) -> Tensor:
    """Turn (N, h, w, C) into (N, C, h, w)."""
    return tokens.permute(0, 3, 1, 2)


def as_tokens(image: Tensor) -> Tensor:
    """Turn (N, C, h, w) into (N, h, w, C)."""
    return image.permute(0, 2, 3, 1)


def _region_mask(tokens: Tensor, margins: tuple[int, int, int, int], shift: int) -> Tensor | None:
    """Keep apart what is in one window but not together in the picture."""
    left, right, top, bottom = margins
    height, width = tokens.shape[1:3]
    masks: list[Tensor] = []
    if any(margins):
        # not shifted along with the windows: the released weights were trained so
        masks.append(_apart((top, height, bottom), (left, width, right), tokens.device))
    if shift:
        tall, wide = top + height + bottom, left + width + right
        ends = (_WINDOW - shift, shift)
        masks.append(_apart((tall - _WINDOW, *ends), (wide - _WINDOW, *ends), tokens.device))
    if not masks:
        return None
    apart = torch.stack(masks).any(dim=0)[:, None]
    return apart.to(tokens.dtype) * _OTHER_REGION


def _apart(rows: Sequence[int], columns: Sequence[int], device: torch.device) -> Tensor:
    """Tell which tokens of a window are in different ones of 3 × 3 regions, (n, 49, 49)."""
    # not by repeat_interleave, whose result's size a compiler does not know
    row, column = (
        torch.cat([torch.full((size,), index, device=device) for index, size in enumerate(sizes)])
        for sizes in (rows, columns)
    )
    regions = _cut((3 * row[:, None] + column)[None, :, :, None])
    return regions != regions.transpose(1, 2)


def _margins(side: int) -> tuple[int, int]:
    """Return how much to add before and after a side to fill the last window."""
    missing = -side % _WINDOW
    return missing // 2, missing - missing // 2


def _padded(tokens: Tensor, margins: tuple[int, int, int, int]) -> Tensor:
    return functional.pad(tokens, (0, 0, *margins)) if any(margins) else tokens


def _moved(tokens: Tensor, by: int) -> Tensor:
    return tokens.roll((by, by), dims=(1, 2)) if by else tokens


def _cut(tokens: Tensor) -> Tensor:
    """Cut (N, h, w, C) into (N · n, 49, C)."""
    count, height, width, channels = tokens.shape
    rows, columns = height // _WINDOW, width // _WINDOW
    cells = tokens.reshape(count, rows, _WINDOW, columns, _WINDOW, channels).transpose(2, 3)
    return cells.reshape(-1, _WINDOW * _WINDOW, channels)
