"""Finds how the background at infinity moves, of which renderers give no vectors.

Only the camera's turning moves what is infinitely far away, and the same turning moves all that
stands still in the scene. So it is solved for from the vectors of the surfaces: most of them stand
still, or nothing is claimed. Never import bpy here.

Model: instantaneous motion of a pinhole camera (Longuet-Higgins and Prazdny, 1980).
"""

from __future__ import annotations

import torch
from torch import Tensor

_FOCAL_LENGTHS = (0.6, 0.8, 1.0, 1.25, 1.6, 2.2, 3.5, 6.0)  # in widths of the frame
_MOST_PIXELS = 6000
_ROUNDS = 12
_FITS = 0.3  # pixels, and this share of the motion
_FITS_SHARE = 0.03
_LEAST_SHARE = 0.5  # of the surfaces must stand still
_STILL = 1e-4  # pixels: renderers write no motion at all for the background
_TOO_LITTLE = 0.05


def with_background(motion: Tensor, nearness: Tensor) -> Tensor:
    """Give the background the motion that the camera's turning gives it.

    Args:
        motion: (1, 4, H, W), see `guided_vectors.displacements`.
        nearness: (1, 1, H, W), 0 for the background.

    Returns:
        The same motion, but for background without any.
    """
    empty = (nearness <= 0) & (motion.abs().amax(dim=1, keepdim=True) < _STILL)
    seen = (nearness > 0).flatten().nonzero()[:, 0]
    if not bool(empty.any()) or len(seen) < _MOST_PIXELS // 10:
        return motion
    seen = seen[:: max(1, len(seen) // _MOST_PIXELS)]
    height, width = motion.shape[-2:]
    places = torch.arange(height * width, device=motion.device)
    across = (places % width - (width - 1) / 2).to(motion.dtype)
    along = (places // width - (height - 1) / 2).to(motion.dtype)
    near, rows = nearness.flatten(), motion.flatten(2)[0]
    result = motion.clone()
    # few pixels are enough, and not every device has numbers that are exact enough
    x, y, n, seen_rows = (each[..., seen].cpu().double() for each in (across, along, near, rows))
    for first in (0, 2):
        fits = [
            _solved(x, y, n, seen_rows[first : first + 2], focal * width)
            for focal in _FOCAL_LENGTHS
        ]
        _error, share, turning, focal = min(fits, key=lambda fit: fit[0])
        if share < _LEAST_SHARE:
            continue
        columns = torch.stack(_columns(across, along, torch.zeros_like(near), focal))
        found = (columns @ turning.to(motion)).view(1, 2, height, width)
        if float(found.abs().amax()) > _TOO_LITTLE:
            result[:, first : first + 2] = torch.where(empty, found, result[:, first : first + 2])
    return result


def _columns(across: Tensor, along: Tensor, near: Tensor, focal: float) -> tuple[Tensor, Tensor]:
    """Return what each of the camera's six ways to move does to pixels: (P, 6) along x, and y."""
    nothing = torch.zeros_like(across)
    right = torch.stack(
        (
            across * along / focal,
            -(focal + across**2 / focal),
            along,
            -near * focal,
            nothing,
            near * across,
        ),
        dim=1,
    )
    down = torch.stack(
        (
            focal + along**2 / focal,
            -across * along / focal,
            -across,
            nothing,
            -near * focal,
            near * along,
        ),
        dim=1,
    )
    return right, down


def _solved(
    across: Tensor, along: Tensor, near: Tensor, motion: Tensor, focal: float
) -> tuple[float, float, Tensor, float]:
    """Fit the camera's motion to most vectors.

    Args:
        across: (P,) columns from the frame's middle.
        along: (P,) rows from there.
        near: (P,) nearness.
        motion: (2, P) pixels.
        focal: focal length in pixels.

    Returns:
        The median error in pixels, the share of vectors that fit, the motion (6,), and `focal`.
    """
    columns = torch.cat(_columns(across, along, near, focal))
    scale = columns.square().mean(dim=0).sqrt().clamp_min(1e-12)
    columns = columns / scale
    values = motion.flatten()
    weights = torch.ones_like(across)
    solution = columns.new_zeros(6)
    error = torch.zeros_like(across)
    for _ in range(_ROUNDS):
        both = weights.repeat(2)[:, None]
        weighted = columns * both
        ridge = 1e-9 * torch.eye(6, dtype=columns.dtype, device=columns.device) * len(across)
        solution = torch.linalg.solve(weighted.T @ columns + ridge, weighted.T @ values)
        error = (columns @ solution - values).view(2, -1).square().sum(dim=0).sqrt()
        spread = error.median().clamp_min(0.02)
        weights = 1 / (1 + (error / (1.5 * spread)) ** 2) ** 2
    length = motion.square().sum(dim=0).sqrt()
    share = float((error <= _FITS + _FITS_SHARE * length).to(torch.float64).mean())
    return float(error.median()), share, solution / scale, focal
