"""Multilayer EXR that Blender rendered, interpolated from a strip, and read by Blender again."""

from pathlib import Path

import bpy
import pytest

from blender_vfi import vse

from .pass_renders import HEIGHT, WIDTH, PassReader, render_passes

pytestmark = pytest.mark.blender


@pytest.fixture
def strip_of_passes(scene, tmp_path):
    """A strip of three rendered frames; returns their paths."""
    paths = render_passes(scene, tmp_path / "in", 3)
    strip = vse.new_image_strip(
        vse.root_strips(scene),
        name="shot",
        folder=str(tmp_path / "in"),
        filenames=[path.name for path in paths],
        channel=1,
        start=1,
    )
    scene.sequence_editor.active_strip = strip
    return paths


@pytest.fixture
def made(scene, strip_of_passes, weights, tmp_path):
    """The files of the interpolated strip, made by the real engine and model."""
    bpy.ops.sequencer.vfi_interpolate(
        multiplier=2, timing="SLOW_MOTION", device="cpu", output_dir=str(tmp_path / "out")
    )
    return sorted((tmp_path / "out").glob("*.exr"))


def test_strip_of_passes_is_placed_and_blender_reads_every_pass_of_it(
    scene, strip_of_passes, made, tmp_path
):
    [placed] = [strip for strip in vse.all_strips(scene) if strip.name == "shot_x2"]
    assert [element.filename for element in placed.elements] == [path.name for path in made]
    assert len(made) == 5
    for source, copy in zip(strip_of_passes, made[::2], strict=True):
        assert copy.read_bytes() == source.read_bytes()

    source, result = PassReader(strip_of_passes[0]), PassReader(made[1])
    for layer, count in (("Main", 10), ("Back.Drop", 3)):
        assert result.passes(layer) == source.passes(layer)
        assert len(result.passes(layer)) >= count
    index = next(name for name in result.passes("Main") if name in ("Object Index", "IndexOB"))
    ids = result.pixels("Main", index, tmp_path / "ids.exr")
    assert result.image.type == "MULTILAYER"
    assert len(ids) == WIDTH * HEIGHT
    assert {pixel[0] for pixel in ids} == {0.0, 7.0, 12.0}

    before, after = (
        _middle_of(PassReader(path).pixels("Main", index, tmp_path / f"{path.stem}.exr"))
        for path in strip_of_passes[:2]
    )
    assert before < _middle_of(ids) < after
    assert abs(_middle_of(ids) - (before + after) / 2) < 0.3 * (after - before)

    depths = result.pixels("Back.Drop", "Depth", tmp_path / "depth.exr")
    assert {pixel[0] > 1e9 or 3 < pixel[0] < 40 for pixel in depths} == {True}
    lengths = {
        round(sum(x * x for x in pixel) ** 0.5, 2)
        for pixel in result.pixels("Main", "Normal", tmp_path / "normal.exr")
    }
    assert lengths <= {0.0, 1.0}


def test_vectors_of_a_new_frame_are_half_as_long(strip_of_passes, made, tmp_path):
    def fastest(path: Path) -> float:
        pixels = PassReader(path).pixels("Main", "Vector", tmp_path / f"v{path.stem}.exr")
        return max(abs(pixel[0]) for pixel in pixels)

    # the third frame's vectors tell of the way from the second
    assert fastest(made[3]) == pytest.approx(fastest(strip_of_passes[2]) / 2, rel=0.1)


def test_format_that_would_keep_one_pass_is_refused_with_the_reason(strip_of_passes, weights):
    with pytest.raises(RuntimeError, match=r"several passes, .* choose \.exr"):
        bpy.ops.sequencer.vfi_interpolate(output_format="PNG", device="cpu")


if bpy.app.version >= (4, 5, 0):  # 4.2 shows nothing of such files, not of its own either

    def test_the_sequencer_shows_the_combined_pass_of_a_new_frame(
        scene, strip_of_passes, made, tmp_path
    ):
        combined = PassReader(made[1]).pixels("Main", "Combined", tmp_path / "combined.exr")
        for strip in list(vse.all_strips(scene)):
            if strip.name != "shot_x2":
                vse.root_strips(scene).remove(strip)
        settings = scene.render.image_settings
        if bpy.app.version >= (5, 0, 0):
            settings.media_type = "IMAGE"
        settings.file_format, settings.color_depth = "OPEN_EXR", "32"
        scene.render.filepath = str(tmp_path / "edit.exr")
        [strip] = vse.all_strips(scene)
        scene.frame_current = vse.strip_times(strip).left + 1
        bpy.ops.render.render(write_still=True)
        values = list(bpy.data.images.load(scene.render.filepath).pixels)
        shown = [tuple(values[at : at + 3]) for at in range(0, len(values), 4)]
        errors = [
            abs(a - b)
            for one, two in zip(shown, combined, strict=True)
            for a, b in zip(one, two, strict=True)
        ]
        assert max(errors) < 0.01


def _middle_of(ids: list[tuple[float, ...]]) -> float:
    """Return the mean column of the cube's pixels."""
    columns = [at % WIDTH for at, pixel in enumerate(ids) if pixel[0] == 12]
    return sum(columns) / len(columns)
