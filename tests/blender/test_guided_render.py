"""Frames that Blender rendered with a frame step, and those between them by its own vectors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .pass_renders import PassReader, render_passes

pytestmark = pytest.mark.blender

REPOSITORY = Path(__file__).resolve().parents[2]


def depths(path, scratch):
    target = scratch / f"{path.parent.name}_{path.stem}.exr"
    return [pixel[0] for pixel in PassReader(path).pixels("Main", "Depth", target)]


def share_off(depths, truth):
    off = sum(abs(a - b) > 0.02 * b for a, b in zip(depths, truth, strict=True))
    return off / len(truth)


def test_cube_is_where_it_was_rendered_in_the_frame_that_was_hidden(scene, tmp_path):
    rendered = render_passes(scene, tmp_path / "whole", 3)
    (tmp_path / "kept").mkdir()
    for path in (rendered[0], rendered[2]):
        (tmp_path / "kept" / path.name).write_bytes(path.read_bytes())
    subprocess.run(
        [
            *(os.environ.get("BLENDER_VFI_PYTHON", sys.executable), "-m", "blender_vfi", "fill"),
            *(str(tmp_path / "kept"), str(tmp_path / "made")),
            *("--model", "guided", "--guided-fill", "mix", "--cuts", "off", "--device", "cpu"),
        ],
        cwd=REPOSITORY,
        check=True,
        timeout=120,
    )
    (tmp_path / "read").mkdir()
    before, truth = (depths(path, tmp_path / "read") for path in rendered[:2])
    made = depths(tmp_path / "made" / rendered[1].name, tmp_path / "read")
    assert share_off(before, truth) > 0.02
    assert share_off(made, truth) < 0.3 * share_off(before, truth)
    assert (tmp_path / "made" / "vfi_confidence.json").is_file()
