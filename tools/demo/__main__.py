"""Interpolates real footage with real weights through real Blender, and measures the result.

python -m tools.demo --output build/demo
"""

from __future__ import annotations

import argparse
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

from blender_vfi.errors import VfiError
from blender_vfi.models import catalog
from blender_vfi.models.loading import ensure_stored
from tools.quality import psnr, read_picture, ssim

from .blender_job import interpolate_in_blender
from .footage import CREDIT, extract_frames, fetch_film
from .pictures import save_comparison, save_film

# A pan over grass with two animals: the part of the clip with motion everywhere and no cut.
_FIRST, _COUNT = 8, 48
_FPS = 25


def main() -> int:
    """Run the demonstration; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/demo"))
    output = parser.parse_args().output.absolute()
    shutil.rmtree(output, ignore_errors=True)
    print(f"Footage: {CREDIT}")
    film = fetch_film(output.parent / "footage")
    frames = extract_frames(film, output / "truth", first=_FIRST, count=_COUNT)
    source = _keep_every_second(frames, output / "source")
    print(f"{_COUNT} frames of 1280×720; every second one hidden, {len(source)} left")
    print("Model: RIFE 4.25, MIT, Zhewei Huang", flush=True)
    # here, since Blender's own setting forbids downloads in a fresh Blender
    ensure_stored(catalog.find(catalog.DEFAULT_MODEL))
    job = interpolate_in_blender(source, output, fps=Fraction(_FPS, 2), multiplier=2)
    result = job.frames
    hidden = [(2 * i + 1, frames[2 * i + 1]) for i in range(len(source) - 1)]
    rows = [_measure(frames[i - 1], frames[i + 1], result[i], truth) for i, truth in hidden]
    ours_psnr, blend_psnr, ours_ssim, blend_ssim = np.mean(rows, axis=0)
    # the picture shows the frame whose gain is the median one: neither the best nor the worst
    gains = [row[0] - row[1] for row in rows]
    shown = hidden[int(np.argsort(gains)[len(gains) // 2])][0]
    before, after, truth = (read_picture(frames[i]) for i in (shown - 1, shown + 1, shown))
    save_comparison(
        output / "comparison.png",
        before=before,
        after=after,
        ours=read_picture(result[shown]),
        truth=truth,
    )
    save_film(output / "side_by_side.mp4", source, result, fps=Fraction(_FPS))
    made = len(result) - len(source)
    print(
        f"\nBlender {job.blender_version}: strip of {len(source)} frames at {_FPS / 2:g} fps → "
        f"strip of {len(result)} frames at {job.result_fps:g} fps in scene {job.scene_name!r}\n"
        f"{made} new frames, {job.duration_s / made:.2f} s each (start-up and files included)\n\n"
        f"against the hidden truth   PSNR      SSIM\n"
        f"  blender_vfi             {ours_psnr:6.2f} dB  {ours_ssim:.4f}\n"
        f"  frame blending          {blend_psnr:6.2f} dB  {blend_ssim:.4f}\n"
        f"  gain                    {ours_psnr - blend_psnr:+6.2f} dB  "
        f"{ours_ssim - blend_ssim:+.4f}\n\n"
        f"sequencer render against the strip's own file: {job.render_psnr:.1f} dB\n\n"
        f"comparison picture  {output / 'comparison.png'}\n"
        f"film                {output / 'side_by_side.mp4'}\n"
        f"sequencer render    {job.render}\n"
        f"project             {job.blend_file}"
    )
    return 0


def _keep_every_second(frames: list[Path], folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    kept = [folder / frame.name for frame in frames[::2]]
    for frame, target in zip(frames[::2], kept, strict=True):
        shutil.copyfile(frame, target)
    return kept


def _measure(before: Path, after: Path, ours: Path, truth: Path) -> tuple[float, ...]:
    """Return PSNR of ours and of blending, then SSIM of both."""
    picture, reference = read_picture(ours), read_picture(truth)
    blend = (read_picture(before) + read_picture(after)) / 2
    return (
        psnr(picture, reference),
        psnr(blend, reference),
        ssim(picture, reference),
        ssim(blend, reference),
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (VfiError, RuntimeError) as problem:
        sys.exit(f"The demo failed: {problem}")
