"""Which display-like code of scene-linear light lets a network find motion best.

    python -m benchmarks.encodings [--triplets 6] [--model rife-4.25]

A network that tells its motion is shown a code of the light, and the light itself is moved by what
it finds. Two kinds of frames with a known truth:

- Big Buck Bunny at 640×320, every second frame hidden, as light: brought back from sRGB, and times
  1/8, 1 and 8, since renders are as dark or bright as their scene.
- Drawn scenes: a textured background with 14 stops of light pans under lights of up to 100. And the
  same with 6 stops, a third of it 64 times as bright, as through a window.

Errors are told twice: as PSNR of the picture after a logarithmic view (μ-law, 5000, of the frame's
own 99.9th percentile), and as the mean error in stops.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from blender_vfi.engine import light
from blender_vfi.engine.composition import ChannelLayout, compose
from blender_vfi.errors import CheckpointError
from blender_vfi.models import catalog
from blender_vfi.models.interface import InterpolationModel, Quality
from tools.quality import read_picture

from . import quality, weights
from .footage import film_frames

Triplet = tuple[Tensor, Tensor, Tensor]
Encoding = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From both frames' light, (1, 3, H, W), to their codes in [0, 1]."""

EXPOSURES = (0.125, 1.0, 8.0)
_WIDTH, _HEIGHT = 640, 320
_LINEAR = ChannelLayout(count=3, is_linear=True, alpha_mode="none")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of every encoding on every kind of frames; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triplets", type=int, default=6, help="of each kind (default: 6)")
    parser.add_argument("--model", default=catalog.DEFAULT_MODEL)
    parser.add_argument("--encodings", default=",".join(ENCODINGS), help="names, with commas")
    options = parser.parse_args(arguments)
    spec = catalog.find(options.model)
    built = weights.build_published(spec)
    if built is None:
        raise CheckpointError(
            f"The published weights of {options.model} are not on this machine: run `make weights`."
        )
    kinds = {
        **footage(options.triplets),
        "drawn": list(drawn(options.triplets)),
        "window": list(drawn(options.triplets, window=True)),
    }
    print(f"{'encoding':<12}" + "".join(f"{name:>18}" for name in kinds))
    for name in options.encodings.split(","):
        encoding, cells = ENCODINGS[name], []
        for triplets in kinds.values():
            errors = [_errors(built.model, encoding, triplet) for triplet in triplets]
            decibels, stops = np.mean(errors, axis=0)
            cells.append(f"{decibels:>10.2f} {stops:.4f}")
        print(f"{name:<12}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    return 0


def clipped(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Clip light to [0, 1] in sRGB's code."""
    return light.display_encoded(first), light.display_encoded(second)


def exposed(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Bring the 95th percentile of both frames to 0.8 first, then clip."""
    both = torch.cat((first, second)).amax(dim=1).flatten()
    gain = 0.8 / max(float(both.kthvalue(int(0.95 * len(both))).values), 1e-6)
    return light.display_encoded(first * gain), light.display_encoded(second * gain)


def reinhard(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Compress by x / (1 + x), then sRGB's code."""
    return clipped(*(frame.clamp_min(0) / (1 + frame.clamp_min(0)) for frame in (first, second)))


def exposed_reinhard(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Bring the geometric mean of both frames to 0.18, then as `reinhard`."""
    gain = _gain(first, second)
    return reinhard(first * gain, second * gain)


def filmic(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Narkowicz's fit of the ACES tone curve, then sRGB's code."""

    def toned(frame: Tensor) -> Tensor:
        x = frame.clamp_min(0) * 0.6
        return (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)

    return clipped(toned(first), toned(second))


def logarithmic(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Spread log2 of light, from 2^-10 to the brightest of both, over the codes."""
    top = max(float(first.max()), float(second.max()), 1.0)

    def code(frame: Tensor) -> Tensor:
        stops = torch.log2(frame.clamp_min(0) * 2**10 + 1)
        return stops / np.log2(top * 2**10 + 1)

    return code(first), code(second)


def perceptual(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The PQ curve of SMPTE ST 2084, with light 1 at 100 cd/m²."""

    def code(frame: Tensor) -> Tensor:
        power = (frame.clamp(0, 100) / 100) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375

    return code(first), code(second)


def curved(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The curve that models of pictures alone are shown: sRGB up to 1, a logarithm above."""
    curve = light.curve_for(max(float(first.max()), float(second.max())))
    return curve.encoded(first), curve.encoded(second)


def exposed_curve(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Bring the geometric mean of both frames to 0.18, then as `curved`: what the engine does."""
    stops = (light.mean_stops(first) + light.mean_stops(second)) / 2
    curve = light.exposed_curve_for(stops, max(float(first.max()), float(second.max())))
    return curve.encoded(first), curve.encoded(second)


def exposed_perceptual(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Bring the geometric mean of both frames to 0.18, then as `perceptual`."""
    gain = _gain(first, second)
    return perceptual(first * gain, second * gain)


def _gain(first: Tensor, second: Tensor) -> float:
    return 0.18 / float(2 ** ((light.mean_stops(first) + light.mean_stops(second)) / 2))


ENCODINGS: dict[str, Encoding] = {
    "clip": clipped,
    "exposure": exposed,
    "reinhard": reinhard,
    "exp+reinhard": exposed_reinhard,
    "filmic": filmic,
    "log": logarithmic,
    "pq": perceptual,
    "curve": curved,
    "exp+curve": exposed_curve,
    "exp+pq": exposed_perceptual,
}


def footage(count: int) -> dict[str, list[Triplet]]:
    """Return triplets of the film as light, at each exposure."""
    chosen = quality.hidden_frames(count)
    with tempfile.TemporaryDirectory() as scratch:
        first = min(chosen) - 1
        paths = film_frames(Path(scratch), first=first, count=max(chosen) + 2 - first)
        frames = {
            number: _light_of(paths[number - first])
            for hidden in chosen
            for number in (hidden - 1, hidden, hidden + 1)
        }
    return {
        f"film ×{exposure:g}": [
            (
                frames[hidden - 1] * exposure,
                frames[hidden] * exposure,
                frames[hidden + 1] * exposure,
            )
            for hidden in chosen
        ]
        for exposure in EXPOSURES
    }


def drawn(count: int, *, window: bool = False) -> Iterator[Triplet]:
    """Draw pans of a background of 14 stops, or 6 and a window, and lights of 1 to 100 over it."""
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        texture = _texture(generator, 6 if window else 14)
        if window:
            texture[..., : texture.shape[-1] // 3] *= 64
        lights = torch.rand(6, 6, generator=generator)
        yield tuple(_drawn_at(moment, texture, lights) for moment in (0.0, 0.5, 1.0))


def _texture(generator: torch.Generator, range_stops: int) -> Tensor:
    """Draw (1, 3, H, W) of smooth noise of three sizes, around 2^-3 in light."""
    stops = torch.zeros(1, 3, _HEIGHT + 64, _WIDTH + 64)
    for cells, weight in ((6, 0.5), (24, 0.3), (96, 0.2)):
        noise = torch.rand(1, 3, cells, 2 * cells, generator=generator)
        stops += weight * torch.nn.functional.interpolate(
            noise, stops.shape[-2:], mode="bicubic", align_corners=False
        )
    low, high = stops.amin(), stops.amax()
    return torch.exp2((stops - low) / (high - low) * range_stops - range_stops / 2 - 3)


def _drawn_at(moment: float, texture: Tensor, lights: Tensor) -> Tensor:
    shift = int(32 + 24 * moment)  # 12 pixels a half, so that the truth needs no resampling
    frame = texture[..., 16 : 16 + _HEIGHT, shift : shift + _WIDTH].clone()
    rows, columns = torch.meshgrid(
        torch.arange(_HEIGHT).float(), torch.arange(_WIDTH).float(), indexing="ij"
    )
    for x, y, across, down, size, power in lights:
        centre_x = _WIDTH * x + (across - 0.5) * 60 * moment
        centre_y = _HEIGHT * y + (down - 0.5) * 60 * moment
        distance = torch.hypot(columns - centre_x, rows - centre_y)
        cover = (4 + 12 * size - distance).clamp(0, 1)
        frame = frame * (1 - cover) + cover * 10 ** float(2 * power)
    return frame


def _light_of(path: Path) -> Tensor:
    code = torch.from_numpy(read_picture(path)).permute(2, 0, 1)[None]
    halved = torch.nn.functional.avg_pool2d(light.LightCurve(1.0).decoded(code), 2)
    return halved[..., :_HEIGHT, :_WIDTH]


def _errors(model: InterpolationModel, encoding: Encoding, triplet: Triplet) -> tuple[float, float]:
    """Return the PSNR of a logarithmic view in dB, and the mean error in stops."""
    before, truth, after = triplet
    codes = [code.clamp(0, 1) for code in encoding(before, after)]
    with torch.inference_mode():
        features = [model.encode(code) for code in codes]
        answer = model(codes, features, [0.5], Quality())
        made = compose({"colour": answer}, before, after, _LINEAR, None)
    brightest = float(truth.flatten().kthvalue(int(0.999 * truth.numel())).values)

    def view(frame: Tensor) -> Tensor:
        return torch.log1p(5000 * (frame / brightest).clamp(0, 1)) / np.log1p(5000)

    error = float((view(made) - view(truth)).square().mean())
    floor = 2**-10
    stops = torch.log2((made.clamp_min(0) + floor) / (truth + floor)).abs().mean()
    return -10 * float(np.log10(error)), float(stops)


if __name__ == "__main__":
    sys.exit(main())
