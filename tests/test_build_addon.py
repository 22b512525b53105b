"""The zip that artists install."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomllib

import build_addon
from blender_vfi.models import loading

pytestmark = pytest.mark.blender


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "stored"
    (folder / "rife").mkdir(parents=True)
    (folder / "rife" / "rife-4.25.safetensors").write_bytes(bytes(5000))
    (folder / "rife" / "rife-4.25.json").write_text("{}")
    (folder / "rife" / ".rife-4.25.lock").touch()
    return folder


def names(addon: Path) -> list[str]:
    with zipfile.ZipFile(addon) as archive:
        return archive.namelist()


def test_the_same_tree_gives_the_same_bytes(weights, tmp_path):
    first = build_addon.build(tmp_path / "first", weights)
    for path in weights.rglob("*.json"):
        path.touch()
    second = build_addon.build(tmp_path / "second", weights)
    assert first.read_bytes() == second.read_bytes()


def test_weights_licence_and_manifest_are_inside_and_nothing_else_is(weights, tmp_path):
    addon = build_addon.build(tmp_path, weights)
    inside = names(addon)
    assert {
        "LICENSE",
        "blender_manifest.toml",
        "__init__.py",
        "engine/worker.py",
        "engine/requirements.txt",
        "presets/blender_vfi/Slow_Motion_4x.py",
    } <= set(inside)
    assert [name for name in inside if name.startswith("weights/")] == [
        "weights/rife/rife-4.25.json",
        "weights/rife/rife-4.25.safetensors",
    ]
    assert not [name for name in inside if "__pycache__" in name or "/." in name]


def test_the_name_carries_the_manifests_version(tmp_path):
    addon = build_addon.build(tmp_path, None)
    with zipfile.ZipFile(addon) as archive:
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
    assert addon.name == f"blender_vfi-{manifest['version']}.zip"


def test_blenders_validator_accepts_the_zip(tmp_path):
    build_addon.validate(build_addon.build(tmp_path, None))


def test_blenders_validator_has_the_last_word(tmp_path):
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("blender_manifest.toml", 'schema_version = "1.0.0"\n')
    with pytest.raises(SystemExit, match=r"Blender refuses .*broken\.zip"):
        build_addon.validate(broken)


INSTALL = """
import sys
import bpy

bpy.ops.wm.read_factory_settings()
bpy.ops.extensions.package_install_files(
    filepath=sys.argv[1], repo="user_default", enable_on_install=True
)
print([each.module for each in bpy.context.preferences.addons if "vfi" in each.module])
print(bpy.ops.sequencer.vfi_interpolate.get_rna_type().name)
"""


def run(*arguments: object, **environment: str) -> list[str]:
    """Run Python outside of the working tree's paths; return the lines that it prints."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return result.stdout.splitlines()


def test_a_python_with_nothing_installed_builds_what_a_fresh_blender_installs(tmp_path):
    script = Path(build_addon.__file__)
    told = run("-S", script, "--without-weights", "--output", tmp_path / "dist")
    assert told[0].startswith("Not checked by Blender's own tool")
    folder = tmp_path / "user"
    folder.mkdir()
    shown = run("-c", INSTALL, told[1], BLENDER_USER_RESOURCES=str(folder))
    assert shown[-2:] == ["['bl_ext.user_default.blender_vfi']", "Interpolate Strip"]


def test_shipped_weights_are_those_that_jobs_use(tmp_path, weights, monkeypatch):
    stored = weights / "rife" / "rife-4.25.safetensors"
    monkeypatch.setattr(loading, "ensure_stored", lambda _spec: stored)
    folder = build_addon.default_weights(tmp_path / "shipped")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"rife/rife-4.25.safetensors", "rife/rife-4.25.json"}
    assert (folder / "rife" / stored.name).read_bytes() == stored.read_bytes()
