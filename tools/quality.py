"""How close a picture is to the truth: PSNR and SSIM, as the field computes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional

Picture = npt.NDArray[np.float32]


def read_picture(path: Path) -> Picture:
    """Read a file as (H, W, 3) float32 in [0, 1], with a reader that is not the engine's."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float32) / 255


def psnr(picture: Picture, truth: Picture) -> float:
    """Peak signal to noise ratio in dB over all pixels and channels; infinite when equal."""
    error = float(np.mean((picture.astype(np.float64) - truth) ** 2))
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def ssim(picture: Picture, truth: Picture) -> float:
    """Structural similarity (Wang et al., 2004) of the luma, 11-pixel Gaussian window, σ 1.5."""
    window = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    kernel = torch.outer(window, window)[None, None] / window.sum() ** 2
    luma = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    x, y = (
        (torch.from_numpy(image.astype(np.float64)) @ luma)[None, None]
        for image in (picture, truth)
    )

    def mean(values: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(values, kernel)

    mean_x, mean_y = mean(x), mean(y)
    variance_x = mean(x * x) - mean_x**2
    variance_y = mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    return float(similarity.mean())
