"""The render script in examples/, run as its readers run it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .engine.sequences import write_sequence

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).resolve().parents[1] / "examples" / "render_interpolated.py"

MAKE_PROJECT = """
import sys, bpy
frames = sorted(sys.argv[2:])
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = 64, 64
strip = scene.sequence_editor_create().strips.new_image("shot", frames[0], 1, 1)
for frame in frames[1:]:
    strip.elements.append(bpy.path.basename(frame))
scene.frame_end = len(frames)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
"""


def make_project(folder: Path) -> Path:
    frames = write_sequence(folder / "source", 3, size=(64, 64))
    project = folder / "edit.blend"
    make = [sys.executable, "-c", MAKE_PROJECT, str(project), *map(str, frames)]
    subprocess.run(make, check=True, capture_output=True, timeout=120)
    return project


def test_the_script_interpolates_renders_and_saves_a_copy(checkpoint_folder, tmp_path):
    project = make_project(tmp_path)
    before = project.read_bytes()
    result = subprocess.run(
        [sys.executable, str(SCRIPT), str(project), "--", "--multiplier", "2"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Rendered Scene 48 fps at 48 fps" in result.stdout
    assert "5/5 frames" in result.stderr, "a log shows progress"
    assert len(list((tmp_path / "interpolated" / "shot").glob("*.png"))) == 5
    assert len(list((tmp_path / "rendered" / "Scene_48_fps").glob("*.png"))) == 6
    assert (tmp_path / "interpolated.blend").exists()
    assert project.read_bytes() == before


def test_ctrl_c_ends_the_script_and_not_only_its_job(checkpoint_folder, tmp_path):
    project = make_project(tmp_path)
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(project), "--", "--multiplier", "256"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        while not list((tmp_path / "interpolated" / "shot").glob("*.png")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1, output
    assert "RuntimeError: Error: The job was cancelled" in output
    assert "Rendered" not in output
    assert not (tmp_path / "interpolated.blend").exists()
