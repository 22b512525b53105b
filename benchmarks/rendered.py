"""Measures how close render-guided frames come to renders that were hidden.

    python -m benchmarks.rendered [--scenes camera,rotate] [--steps 2,3] [--pictures FOLDER]

Renders eight scenes with Cycles (see `rendered_scenes`; kept in build/rendered, about 40 minutes
on two cores), leaves every second frame out, or two of three, and makes them by blending, with
RIFE 4.25, and guided by Vector and Depth, with RIFE and without. All figures are of the combined
pass as sRGB displays it, light clipped to [0, 1]: PSNR; SSIM; and the root mean square error
within two pixels of where one object ends and another begins. "noise" compares the hidden renders
with renders of the same frames by another seed: nothing can come closer. Of each guided frame, the
error it was expected to have is compared with the error it has. Kept in results/rendered.json.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from blender_vfi.engine import images
from blender_vfi.engine.confidence import read_confidence
from blender_vfi.engine.gaps import fill_job_for_folder
from blender_vfi.engine.pipeline import Engine
from tools.quality import Picture, psnr, ssim

from . import results_file

RESULTS = results_file.FOLDER / "rendered.json"
SCENES = ("camera", "rotate", "deform", "hair", "shadow", "glass", "cut", "plain")
METHODS: dict[str, dict[str, Any]] = {
    "blending": {},
    "RIFE 4.25": {"model": "rife-4.25"},
    "guided alone": {"model": "guided", "guided_fill": "mix"},
    "guided": {"model": "guided"},
}
LAST = 13
CUT_AFTER = 7  # in the scene called "cut": frames that lie across it are not made
_RENDERED = Path("build/rendered")
_SECOND_SEED = range(2, LAST, 4)
_BESIDE_EDGE = 2

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Truth:
    """A hidden frame as it was rendered: its picture, and where objects meet."""

    picture: Picture
    edges: Mask


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all methods, print tables, write the file; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", default=",".join(SCENES), help="names, with commas")
    parser.add_argument("--steps", default="2,3", help="every how manieth frame is kept")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--pictures", type=Path, help="folder for frames side by side")
    options = parser.parse_args(arguments)
    scenes = options.scenes.split(",")
    for scene in scenes:
        _render(scene)
    results: dict[str, Any] = {}
    for step in map(int, options.steps.split(",")):
        print(f"\nevery {step}. frame kept: PSNR dB / SSIM / error at edges")
        found = {scene: _measured(scene, step, options.pictures) for scene in scenes}
        doubts = [each for scene in found.values() for each in scene.pop("doubts")]
        results[f"step {step}"] = {"scenes": found, "doubts": judged(doubts)}
        print(f"mean gain over RIFE 4.25: {_mean_gain(found):.2f} dB; {judged(doubts)}")
    results_file.write(options.output, {**results_file.machine(), **results})
    return 0


def judged(doubts: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Say how well expected errors tell the true ones.

    Args:
        doubts: of each frame, the error it was expected to have, and the one it has.

    Returns:
        Spearman's correlation of the two, and which share of all squared error would be gone if
        the fifth of the frames that is most in doubt were rendered.
    """
    expected, true = np.array(doubts).T
    order = np.argsort(-expected)[: max(1, round(len(doubts) / 5))]
    return {
        "spearman": round(float(np.corrcoef(_ranks(expected), _ranks(true))[0, 1]), 3),
        "worst_fifth": round(float((true[order] ** 2).sum() / (true**2).sum()), 3),
    }


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each value's place in order; equal ones share theirs."""
    _unique, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - (counts - 1) / 2)[inverse]).astype(np.float64)


def _render(scene: str) -> None:
    """Render what is not there yet, in a process of its own: Blender keeps what it has built."""
    seeds = {1: range(1, LAST + 1), 2: _SECOND_SEED}
    for seed, frames in seeds.items():
        folder = _folder(scene, seed)
        if all(_frame(scene, seed, number).is_file() for number in frames):
            continue
        command = [sys.executable, "-m", "benchmarks.rendered_scenes", scene, str(folder)]
        command += ["--seed", str(seed), "--first", str(frames[0]), "--last", str(frames[-1])]
        subprocess.run([*command, "--step", str(frames.step)], check=True)


def _measured(scene: str, step: int, pictures: Path | None) -> dict[str, Any]:
    """Make a scene's hidden frames by every method, and print and return how close they come."""
    kept = range(1, LAST + 1, step)
    hidden = [
        number
        for number in range(1, LAST + 1)
        if number not in kept and not (scene == "cut" and _crosses(number, step))
    ]
    truths = {number: _truth(scene, number) for number in hidden}
    made: dict[str, dict[int, Picture]] = {}
    doubts: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch) / "kept"
        sources.mkdir()
        for number in kept:
            shutil.copy(_frame(scene, 1, number), sources)
        for method, settings in METHODS.items():
            folder = Path(scratch) / method.replace(" ", "_")
            made[method] = (
                _filled(sources, folder, hidden, settings)
                if settings
                else {number: _blended(scene, number, step) for number in hidden}
            )
        expected = {each.number: each.expected_error for each in read_confidence(folder)}
    for number in hidden:
        error = float(np.sqrt(np.square(made["guided"][number] - truths[number].picture).mean()))
        doubts.append((expected[number], error))
    found: dict[str, Any] = {method: _scores(frames, truths) for method, frames in made.items()}
    found["noise"] = _scores(
        {number: _picture(_frame(scene, 2, number)) for number in _SECOND_SEED}, truths
    )
    for method, scores in found.items():
        row = " / ".join(f"{scores[name]:.{places}f}" for name, places in _PLACES.items())
        print(f"{scene:<10}{method:<14}{row}", flush=True)
    if pictures is not None:
        _write_pictures(pictures, f"{scene}_{step}", hidden[len(hidden) // 2], made, truths)
    return {**found, "doubts": doubts}


_PLACES = {"psnr_db": 2, "ssim": 4, "edge_error": 4}


def _scores(frames: dict[int, Picture], truths: dict[int, Truth]) -> dict[str, float]:
    pairs = [(frames[number], truths[number]) for number in frames if number in truths]
    edges = [np.sqrt(np.square(made - truth.picture)[truth.edges].mean()) for made, truth in pairs]
    return {
        "psnr_db": round(float(np.mean([psnr(made, truth.picture) for made, truth in pairs])), 2),
        "ssim": round(float(np.mean([ssim(made, truth.picture) for made, truth in pairs])), 4),
        "edge_error": round(float(np.mean(edges)), 4),
    }


def _mean_gain(found: dict[str, Any]) -> float:
    gains = [each["guided"]["psnr_db"] - each["RIFE 4.25"]["psnr_db"] for each in found.values()]
    return float(np.mean(gains))


def _filled(
    sources: Path, folder: Path, hidden: Sequence[int], settings: dict[str, Any]
) -> dict[int, Picture]:
    Engine().run(fill_job_for_folder(sources, folder, job_id="a", device="cpu", **settings))
    return {number: _picture(folder / f"shot_{number:04d}.exr") for number in hidden}


def _blended(scene: str, number: int, step: int) -> Picture:
    before = (number - 1) // step * step + 1
    share = (number - before) / step
    light = [_light(_frame(scene, 1, at)) for at in (before, before + step)]
    return _displayed(light[0] * (1 - share) + light[1] * share)


def _crosses(number: int, step: int) -> bool:
    before = (number - 1) // step * step + 1
    return before <= CUT_AFTER < before + step


def _truth(scene: str, number: int) -> Truth:
    path = _frame(scene, 1, number)
    frame = images.read_frame(path)
    [index] = [one for one in frame.header.format.passes if one.name == "Object Index"]
    return Truth(_picture(path), _edges(frame.pixels[..., index.channels[0]]))


def _edges(index: NDArray[np.float32]) -> Mask:
    """Tell which pixels lie within two of one where another object begins."""
    edges = np.zeros(index.shape, bool)
    edges[:, 1:] |= index[:, 1:] != index[:, :-1]
    edges[1:] |= index[1:] != index[:-1]
    wide = edges.copy()
    for down in range(-_BESIDE_EDGE, _BESIDE_EDGE + 1):
        for right in range(-_BESIDE_EDGE, _BESIDE_EDGE + 1):
            wide |= np.roll(edges, (down, right), (0, 1))
    return wide


def _picture(path: Path) -> Picture:
    return _displayed(_light(path))


def _light(path: Path) -> Picture:
    frame = images.read_frame(path)
    [combined] = [one for one in frame.header.format.passes if one.is_leading]
    return frame.pixels[..., list(combined.channels[:3])].astype(np.float32)


def _displayed(light: Picture) -> Picture:
    light = np.clip(np.nan_to_num(light), 0, 1)
    curve = 1.055 * np.power(np.maximum(light, 0.0031308), 1 / 2.4) - 0.055
    shown: Picture = np.where(light <= 0.0031308, light * 12.92, curve).astype(np.float32)
    return shown


def _write_pictures(
    folder: Path,
    name: str,
    number: int,
    made: dict[str, dict[int, Picture]],
    truths: dict[int, Truth],
) -> None:
    """Write one frame by blending, RIFE, guided, and as rendered, from left to right."""
    rows = [made[method][number] for method in ("blending", "RIFE 4.25", "guided")]
    side_by_side = np.concatenate([*rows, truths[number].picture], axis=1)
    folder.mkdir(parents=True, exist_ok=True)
    codes = np.rint(side_by_side * 255).astype(np.uint8)
    Image.fromarray(codes).save(folder / f"{name}.png")


def _folder(scene: str, seed: int) -> Path:
    return _RENDERED / scene / f"seed{seed}"


def _frame(scene: str, seed: int, number: int) -> Path:
    return _folder(scene, seed) / f"shot_{number:04d}.exr"


if __name__ == "__main__":
    sys.exit(main())
