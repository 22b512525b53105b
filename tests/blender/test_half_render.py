"""The whole way: set up, render half, fill it with the real engine, render the worst after all."""

import hashlib
from pathlib import Path

import bpy
import pytest

from blender_vfi.engine.confidence import read_confidence
from blender_vfi.engine.exr_header import read_exr_header
from blender_vfi.engine.rendered_frames import rendered_names
from blender_vfi.render_properties import half_render

from .pass_renders import PassReader
from .small_scene import build

pytestmark = pytest.mark.blender

# what vectors do not know is mixed: no network, and so no weights, are needed
ENGINE = {"device": "cpu", "guided_fill": "MIX"}


@pytest.fixture
def filled(scene, tmp_path):
    """The folder of the small scene's frames, every second one rendered."""
    build(scene, tmp_path)
    scene.cycles.samples = 16
    bpy.ops.render.vfi_setup(step="2")
    bpy.ops.render.render(animation=True)
    assert bpy.ops.render.vfi_fill_rendered(**ENGINE) == {"FINISHED"}
    return Path(half_render(scene).folder)


def prints(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.exr")
    }


def combined(path: Path, look: Path) -> list[tuple[float, ...]]:
    return PassReader(path).pixels("ViewLayer", "Combined", look)


def difference(one, other) -> float:
    pairs = [(a, b) for p, q in zip(one, other, strict=True) for a, b in zip(p, q, strict=True)]
    return sum((a - b) ** 2 for a, b in pairs) / len(pairs)


def test_filled_frames_are_near_their_renders_and_the_worst_becomes_one(scene, filled, tmp_path):
    names = [f"cube_{number:04d}.exr" for number in range(1, 6)]
    assert sorted(prints(filled)) == names
    for name in names[::2]:
        assert (filled / name).read_bytes() == (filled.parent / name).read_bytes()
    headers = [read_exr_header(filled / name) for name in names]
    assert all(header.full_names == headers[0].full_names for header in headers)

    known = half_render(scene).doubtful
    assert {item.file_name for item in known} == {names[1], names[3]}
    assert [item.confidence for item in known] == sorted(item.confidence for item in known)
    worst = known[0]
    name, frame, figure = worst.file_name, worst.frame, worst.confidence
    assert 0 < figure < 1
    made, before = (
        combined(filled / each, tmp_path / f"{each}.look.exr")
        for each in (name, f"cube_{frame - 1:04d}.exr")
    )

    hashes = prints(filled)
    assert bpy.ops.render.vfi_render_doubtful(frames=1) == {"FINISHED"}
    after = prints(filled)
    assert {each for each in hashes if hashes[each] != after[each]} == {name}
    assert rendered_names(filled) == {name}
    truth = combined(filled / name, tmp_path / "truth.exr")
    assert 0 < difference(made, truth) < difference(before, truth) / 4

    # the same job again, and one that makes all anew, leave the render where it is
    bpy.ops.render.vfi_fill_rendered(**ENGINE)
    assert prints(filled) == after
    bpy.ops.render.vfi_fill_rendered(**ENGINE, overwrite=True)
    assert prints(filled)[name] == after[name]
    sure = {each.name: each.confidence for each in read_confidence(filled)}
    assert sure[name] == 1.0
    assert [item.is_rendered for item in half_render(scene).doubtful] == [False, True]
