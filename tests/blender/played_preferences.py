"""Preferences without a window, and an engine's own environment that nobody has made."""

import sys
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from blender_vfi import preferences
from blender_vfi.engine import environment
from blender_vfi.engine.environment import EnvironmentRecord
from blender_vfi.engine.protocol import Described, Device
from blender_vfi.engine_tasks import tasks
from blender_vfi.ui import inventory

DESCRIBED = Described(
    job_id="1",
    packages=("Python 3.11.7", "torch 2.13.0+cpu"),
    devices=(Device(name="cpu", title="A processor", memory_bytes=24_000_000_000),),
)
RECORD = EnvironmentRecord(
    folder="cpu-1",
    build="CPU",
    python_version="3.11.7",
    packages=DESCRIBED.packages,
    requirements_sha256="outdated",
)
BUILD = preferences.build_items()[0][0]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the engine's own environment, for this test alone."""
    folder = tmp_path / "engine"
    monkeypatch.setattr(preferences, "environment_folder", lambda: folder)
    return folder


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path) -> SimpleNamespace:
    """Preferences as they are after the first start, but for the folder of checkpoints."""
    values = SimpleNamespace(
        engine_source=preferences.BLENDER_PYTHON,
        engine_python="",
        setup_build=BUILD,
        setup_python=sys.executable,
        checkpoint_folder=str(tmp_path / "checkpoints"),
        idle_minutes=2.0,
        log_level="info",
        while_rendering="PAUSE",
    )
    monkeypatch.setattr(preferences, "page", lambda _context: values)
    yield values
    tasks.close()
    inventory.stop()


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", True)
    assert bpy.app.online_access


def lay_environment(root: Path) -> str:
    """Lay a finished environment into `root`; return its Python."""
    python = environment.python_in(root / RECORD.folder)
    python.parent.mkdir(parents=True)
    python.touch()
    environment.write_record(root, RECORD)
    return str(python)
