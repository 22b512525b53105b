"""The comparison picture and the side-by-side film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tools.quality import Picture, psnr

from .footage import CREDIT

_PANEL = (640, 400)
_BAR = 34
_GAP = 6
_GROUND = (24, 24, 24)


def save_comparison(
    path: Path, *, before: Picture, after: Picture, ours: Picture, truth: Picture
) -> None:
    """Save six panels: source frames and truth above; ours, blending and both errors below.

    All show the same part of the picture, the one where blending is most wrong.
    """
    blend = (before + after) / 2
    top, left = _busiest_part(np.abs(blend - truth).mean(axis=2))
    rows = (
        (
            ("Source frame before", before),
            ("blender_vfi: the new frame", ours),
            ("Truth (hidden from it)", truth),
        ),
        (
            ("Frame blending", blend),
            (f"Error of blender_vfi x4: {psnr(ours, truth):.1f} dB", _error(ours, truth)),
            (f"Error of blending x4: {psnr(blend, truth):.1f} dB", _error(blend, truth)),
        ),
    )
    width, height = _PANEL
    sheet = Image.new(
        "RGB",
        (3 * width + 4 * _GAP, 2 * (height + _BAR) + 3 * _GAP + _BAR),
        _GROUND,
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(20)
    for row, panels in enumerate(rows):
        for column, (title, picture) in enumerate(panels):
            x = _GAP + column * (width + _GAP)
            y = _GAP + row * (height + _BAR + _GAP)
            draw.text((x + 4, y + 4), title, fill=(235, 235, 235), font=font)
            part = picture[top : top + height, left : left + width]
            sheet.paste(_image(part), (x, y + _BAR))
    draw.text(
        (_GAP + 4, sheet.height - _BAR + 4),
        f"1280x720 at 12.5 fps interpolated to 25 fps. {CREDIT}.",
        fill=(150, 150, 150),
        font=ImageFont.load_default(16),
    )
    sheet.save(path, optimize=True)


def save_film(path: Path, source: list[Path], result: list[Path], *, fps: Fraction) -> None:
    """Save a film that shows the source (each frame held) beside the result, at `fps`."""
    multiplier = -(-len(result) // len(source))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 1280, 400, "yuv420p"
        stream.options = {"crf": "18", "preset": "medium"}
        font = ImageFont.load_default(18)
        for index, ours in enumerate(result):
            sheet = Image.new("RGB", (1280, 400), _GROUND)
            draw = ImageDraw.Draw(sheet)
            for x, title, file in (
                (0, f"Source, {float(fps / multiplier):g} fps", source[index // multiplier]),
                (640, f"blender_vfi, {float(fps):g} fps", ours),
            ):
                with Image.open(file) as image:
                    sheet.paste(image.convert("RGB").resize((640, 360), Image.LANCZOS), (x, 40))
                draw.text((x + 8, 8), title, fill=(235, 235, 235), font=font)
            for packet in stream.encode(av.VideoFrame.from_image(sheet)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _busiest_part(error: Picture) -> tuple[int, int]:
    """Return top and left of the panel-sized part with the largest sum of `error`."""
    width, height = _PANEL
    sums = np.pad(error.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    totals = (sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]) + sums[
        :-height, :-width
    ]
    top, left = np.unravel_index(int(totals.argmax()), totals.shape)
    return int(top), int(left)


def _error(picture: Picture, truth: Picture) -> Picture:
    """Absolute difference, four times as bright."""
    return np.clip(np.abs(picture - truth) * 4, 0, 1).astype(np.float32)


def _image(picture: Picture) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8))
