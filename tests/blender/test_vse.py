import bpy
import pytest

from blender_vfi import vse, vse_curves
from blender_vfi.errors import FrameError, StripError

from .frame_files import write_png

pytestmark = pytest.mark.blender


def names(source: vse.ImageSource) -> list[str]:
    return [path.rpartition("/")[2] for path in source.files]


def set_handles(strip, left: int, right: int) -> None:
    times = vse.strip_times(strip)
    vse.set_strip_times(strip, vse.StripTimes(times.content_start, left, right))


def test_all_files_are_listed_with_absolute_paths(scene, add_strip, tmp_path):
    source = vse.read_image_strip(scene, add_strip(3))
    assert source.files == tuple(str(tmp_path / "shot" / f"shot_000{n}.png") for n in (1, 2, 3))
    assert (source.lead, source.held_before, source.held_after) == (0, 0, 0)


def test_handles_trim_the_list(scene, add_strip):
    strip = add_strip(8, start=11)
    set_handles(strip, 13, 17)
    source = vse.read_image_strip(scene, strip)
    assert names(source) == [f"shot_{n:04d}.png" for n in (3, 4, 5, 6)]
    assert source.lead == 2


def test_frames_held_by_pulled_out_handles_are_counted_not_listed(scene, add_strip):
    strip = add_strip(3, start=11)
    set_handles(strip, 9, 20)
    source = vse.read_image_strip(scene, strip)
    assert names(source) == ["shot_0001.png", "shot_0002.png", "shot_0003.png"]
    assert (source.lead, source.held_before, source.held_after) == (0, 2, 6)


def test_gaps_in_the_numbers_are_no_missing_frames(scene, add_strip, tmp_path):
    strip = add_strip(2)
    write_png(tmp_path / "shot" / "shot_0009.png", 90)
    strip.elements.append("shot_0009.png")
    source = vse.read_image_strip(scene, strip)
    assert names(source) == ["shot_0001.png", "shot_0002.png", "shot_0009.png"]


def test_a_reversed_strip_is_listed_as_shown(scene, add_strip):
    strip = add_strip(3)
    strip.use_reverse_frames = True
    source = vse.read_image_strip(scene, strip)
    assert names(source) == ["shot_0003.png", "shot_0002.png", "shot_0001.png"]


def test_strobe_hides_no_frame_and_stays_as_it_was(scene, add_strip):
    strip = add_strip(4)
    strip.strobe = 2.0
    assert len(set(vse.read_image_strip(scene, strip).files)) == 4
    assert strip.strobe == 2.0


@pytest.mark.parametrize("folder", ["Größe 作品", "with space", 'it\'s "quoted"'])
def test_unusual_names_are_kept(scene, add_strip, tmp_path, folder):
    strip = add_strip(2, folder=tmp_path / folder, prefix="Bild ä '")
    source = vse.read_image_strip(scene, strip)
    assert source.files[0] == str(tmp_path / folder / "Bild ä '0001.png")


def test_relative_paths_follow_the_blend_file(scene, add_strip, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "edit.blend"))
    strip = add_strip(2)
    strip.directory = "//shot/"
    source = vse.read_image_strip(scene, strip)
    assert source.files[0] == str(tmp_path / "shot" / "shot_0001.png")


def test_a_relative_path_of_an_unsaved_file_is_refused(scene, add_strip):
    strip = add_strip(2)
    strip.directory = "//shot/"
    with pytest.raises(StripError, match="never saved: save it first"):
        vse.read_image_strip(scene, strip)


def test_a_missing_file_is_named_with_its_frame(scene, add_strip, tmp_path):
    strip = add_strip(5, start=101)
    missing = tmp_path / "shot" / "shot_0003.png"
    missing.unlink()
    with pytest.raises(FrameError) as caught:
        vse.read_image_strip(scene, strip)
    assert "Frame 3 of strip 'shot' (frame 103 of the timeline)" in str(caught.value)
    assert str(missing) in str(caught.value)


def test_a_missing_file_outside_the_handles_is_no_matter(scene, add_strip, tmp_path):
    strip = add_strip(5)
    (tmp_path / "shot" / "shot_0001.png").unlink()
    set_handles(strip, 2, 6)
    assert len(vse.read_image_strip(scene, strip).files) == 4


def test_another_type_of_strip_is_refused_with_a_remedy(scene, add_effect):
    with pytest.raises(StripError, match=r"type COLOR, not an image strip: render it"):
        vse.read_image_strip(scene, add_effect("red", "COLOR", 1, 1, 10))


def test_other_selected_strips_than_of_images_are_left_aside(scene, add_strip, add_effect):
    strip = add_strip(2)
    add_effect("red", "COLOR", 2, 1, 10).select = True
    assert vse.selected_image_strips(scene) == [strip]


def test_selected_strips_come_in_the_order_of_the_timeline(scene, add_strip, tmp_path):
    late = add_strip(2, start=20, folder=tmp_path / "late")
    early = add_strip(2, start=3, channel=2, folder=tmp_path / "early")
    left_alone = add_strip(2, start=40, folder=tmp_path / "left")
    scene.sequence_editor.active_strip = None
    late.select = early.select = True
    left_alone.select = False
    assert vse.selected_image_strips(scene) == [early, late]


def test_nothing_selected_is_an_error(scene, add_strip):
    add_strip(2).select = False
    with pytest.raises(StripError, match="No strip is selected in scene 'Scene'"):
        vse.selected_image_strips(scene)


def test_a_scene_without_a_sequencer_has_nothing_selected():
    with pytest.raises(StripError, match="No strip is selected in scene 'Bare'"):
        vse.selected_image_strips(bpy.data.scenes.new("Bare"))


def test_a_selection_without_image_strips_is_an_error(scene, add_strip, add_effect):
    add_strip(2).select = False
    add_effect("red", "COLOR", 2, 1, 10).select = True
    with pytest.raises(StripError, match="'red' is of type COLOR, not an image strip"):
        vse.selected_image_strips(scene)


def test_unknown_names_list_the_known_ones(scene, add_strip):
    add_strip(2)
    with pytest.raises(StripError, match="no scene 'Nope': choose among 'Scene'"):
        vse.find_scene("Nope")
    with pytest.raises(StripError, match="no strip 'nope': it has 'shot'"):
        vse.find_strip(scene, "nope")


def test_a_free_channel_overlaps_nothing_and_is_open(scene, add_strip, add_effect):
    add_strip(5, channel=1)
    add_effect("red", "COLOR", 2, 4, 10)
    add_effect("green", "COLOR", 3, 5, 10)
    scene.sequence_editor.channels[4].mute = True
    strips = vse.root_strips(scene)
    assert vse.free_channel(scene, strips, left=1, right=10, preferred=1) == 5
    assert vse.free_channel(scene, strips, left=1, right=5, preferred=2) == 3
    assert vse.free_channel(scene, strips, left=10, right=20, preferred=2) == 2


def test_no_free_channel_is_an_error(scene, add_strip):
    add_strip(2)
    for channel in scene.sequence_editor.channels:
        channel.lock = True
    with pytest.raises(StripError, match="no free channel from frame 1 to 9"):
        vse.free_channel(scene, vse.root_strips(scene), left=1, right=10, preferred=1)


def test_prefetch_is_off_while_editing_and_back_afterwards(scene):
    scene.sequence_editor.use_prefetch = True
    with vse.editing(scene):
        assert not scene.sequence_editor.use_prefetch
    assert scene.sequence_editor.use_prefetch


@pytest.mark.parametrize("name", ["plain", 'a "quote"', "back\\slash", "作品"])
def test_a_data_path_tells_its_strip(scene, add_strip, name):
    strip = add_strip(2)
    strip.name = name
    path = strip.path_from_id("blend_alpha")
    assert vse_curves.animated_strip_name(path) == name
    assert vse_curves.path_within_strip(path) == ".blend_alpha"
    assert vse_curves.animated_strip_name("render.resolution_x") is None


def test_what_a_closed_meta_strip_holds_is_not_selected(scene, add_strip):
    """Blender keeps it so where nobody sees it."""
    inside = add_strip(3)
    meta = vse.root_strips(scene).new_meta("meta", 3, 1)
    inside.move_to_meta(meta)
    inside.select, meta.select = True, False
    with pytest.raises(StripError, match="No strip is selected"):
        vse.selected_image_strips(scene)
    scene.sequence_editor.display_stack(meta)
    assert vse.selected_image_strips(scene) == [inside]
    scene.sequence_editor.display_stack(None)
