"""The zip that artists install."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import tomllib

import build_addon

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
