"""A Blender that is killed in the middle of a job leaves no engine and no broken frame behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import bpy
import pytest

pytestmark = pytest.mark.blender

REPOSITORY = Path(__file__).resolve().parents[2]
INTERPOLATE = """\
import sys, bpy, blender_vfi
blender_vfi.register()
from blender_vfi import blender_cli
sys.exit(blender_cli.main(sys.argv[1:]))
"""
WEIGHTS = (
    Path(os.environ.get("BLENDER_VFI_TEST_WEIGHTS", REPOSITORY / "build" / "weights"))
    / "rife-4.25.pkl"
)
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def children(process_id: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process_id)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in listed.stdout.split()]


def gone(process_id: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=False
    )
    return state.stdout.strip()[:1] in ("", "Z")


def wait_for(claim, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGKILL")
def test_killed_blender_leaves_no_engine_and_no_broken_frame(add_strip, tmp_path):
    add_strip(3)
    project = tmp_path / "edit.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(project))
    output = tmp_path / "out"
    command = ["interpolate", str(project), "--strip", "shot", "--output-dir", str(output)]
    command += ["--multiplier", "256", "--device", "cpu", "--checkpoint", str(WEIGHTS)]
    blender = subprocess.Popen(
        [sys.executable, "-c", INTERPOLATE, *command],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: len(list(output.glob("*.png"))) > 3 or blender.poll() is not None, 120)
        engines = children(blender.pid)
        assert engines
        os.kill(blender.pid, signal.SIGKILL)
        wait_for(lambda: all(map(gone, engines)), 5)
    finally:
        blender.kill()
        blender.wait()
    frames = list(output.glob("shot_*.png"))
    assert 3 < len(frames) < 500
    assert all(frame.read_bytes().endswith(PNG_END) for frame in frames)
