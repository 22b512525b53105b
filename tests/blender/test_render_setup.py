"""Set Up Render and Restore Settings: what they change, what they put back, what they warn of."""

import json
import re

import bpy
import pytest

from blender_vfi import render_setup, render_warnings
from blender_vfi.engine.exr_header import read_exr_header
from blender_vfi.errors import RequestError
from blender_vfi.render_properties import half_render

from .small_scene import HEIGHT, WIDTH, build

pytestmark = pytest.mark.blender


@pytest.fixture
def folder(scene, tmp_path):
    """The folder of the small scene's frames."""
    build(scene, tmp_path)
    return tmp_path


def settings_of(scene) -> dict[str, object]:
    """Everything of a scene that decides what a render is, and where it goes."""
    owners = {
        "scene": scene,
        "render": scene.render,
        "image": scene.render.image_settings,
        "cycles": scene.cycles,
        **{f"layer {layer.name}": layer for layer in scene.view_layers},
        **{f"cycles of {layer.name}": layer.cycles for layer in scene.view_layers},
    }
    return {
        f"{name}.{prop.identifier}": getattr(owner, prop.identifier)
        for name, owner in owners.items()
        for prop in owner.bl_rna.properties
        if prop.type in {"BOOLEAN", "INT", "FLOAT", "STRING", "ENUM"}
        and not getattr(prop, "is_array", False)
        and prop.identifier not in {"use_nodes", "is_evaluated"}
    }


def differing(before: dict, after: dict) -> set[str]:
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("file_format", "depth", "codec"),
    [("PNG", "8", None), ("OPEN_EXR", "32", "DWAA"), ("FFMPEG", None, None), ("JPEG", "8", None)],
)
def test_restore_puts_back_exactly_what_was_there(scene, folder, file_format, depth, codec):
    image = scene.render.image_settings
    if hasattr(image, "media_type"):
        image.media_type = "VIDEO" if file_format == "FFMPEG" else "IMAGE"
    image.file_format = file_format
    if depth:
        image.color_depth = depth
    if codec:
        image.exr_codec = codec
    if file_format == "JPEG":
        image.color_mode = "BW"
    scene.frame_step = 5
    scene.view_layers.new('a "second" one')
    before = settings_of(scene)
    assert bpy.ops.render.vfi_setup(albedo="DENOISING") == {"FINISHED"}
    assert len(differing(before, settings_of(scene))) > 8
    assert bpy.ops.render.vfi_restore() == {"FINISHED"}
    assert differing(before, settings_of(scene)) == set()
    assert not bpy.ops.render.vfi_restore.poll()


def test_what_is_rendered_then_has_vectors_and_depth_in_full_precision(scene, folder):
    scene.view_layers.new("Unused").use = False
    bpy.ops.render.vfi_setup(step="2", albedo="COLORS")
    bpy.ops.render.render(animation=True)
    files = sorted((folder / "cube_step2").iterdir())
    assert [file.name for file in files] == ["cube_0001.exr", "cube_0003.exr", "cube_0005.exr"]
    header = read_exr_header(files[0])
    assert header.has_guides
    assert (header.width, header.height) == (WIDTH, HEIGHT)
    channels = {name.lower() for part in header.parts for name in part.channels}
    for color in (r"diff(use )?col", r"gloss(y )?col", r"trans(mission )?col"):
        assert any(re.search(color, name) for name in channels)
    assert not any("unused" in name for name in channels)


def test_another_step_begins_from_what_was_there_first(scene, folder):
    before = settings_of(scene)
    bpy.ops.render.vfi_setup(step="2")
    bpy.ops.render.vfi_setup(step="4")
    assert scene.render.filepath == f"{folder}/cube_step4/cube_####"
    assert (scene.frame_step, scene.frame_end) == (4, 5)
    bpy.ops.render.vfi_restore()
    assert differing(before, settings_of(scene)) == set()


def test_choices_that_are_not_given_are_the_scene_s(scene, folder):
    half_render(scene).step = "3"
    bpy.ops.render.vfi_setup()
    assert scene.frame_step == 3


@pytest.mark.parametrize(("step", "end"), [("2", 5), ("3", 7), ("4", 5)])
def test_the_last_frame_is_always_a_rendered_one(scene, folder, step, end):
    bpy.ops.render.vfi_setup(step=step)
    assert scene.frame_end == end
    notices = render_setup.set_up(scene, step=int(step))
    assert any("ends at frame 7 now" in each for each in notices) == (end == 7)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/shots/010/beauty_####", "/shots/010/beauty_step2/beauty_####"),
        ("//render/beauty.####.png", "//render/beauty_step2/beauty_####"),
        ("//", "//Scene_step2/Scene_####"),
        ("beauty", "beauty_step2/beauty_####"),
        ("/tmp/", "/tmp/Scene_step2/Scene_####"),
        (r"C:\shots\beauty_####", "C:/shots/beauty_step2/beauty_####"),
        # two slashes would be the folder of the .blend
        (r"\\server\share\shot_", r"\\server/share/shot_step2/shot_####"),
    ],
)
def test_frames_get_a_folder_of_their_own(scene, path, expected):
    scene.render.filepath = path
    assert render_setup.half_path(scene, 2) == expected


def test_what_nobody_chose_goes_beside_the_saved_file(scene, folder):
    scene.render.filepath = "/tmp/"
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    assert render_setup.half_path(scene, 2) == "//Scene_step2/Scene_####"


def test_settings_of_a_view_layer_that_is_gone_are_named(scene, folder):
    scene.view_layers.new("Gone")
    render_setup.set_up(scene, step=2)
    scene.view_layers.remove(scene.view_layers["Gone"])
    [notice] = render_setup.restore(scene)
    assert 'view_layers["Gone"].use_pass_vector' in notice
    assert scene.frame_step == 1


def test_record_is_kept_in_the_file(scene, folder):
    bpy.ops.render.vfi_setup()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
    record = json.loads(half_render(bpy.context.scene).setup_record)
    assert ["frame_step", 1] in record
    bpy.ops.render.vfi_restore()
    assert bpy.context.scene.render.filepath == f"{folder}/cube_"


def workbench(scene):
    scene.render.engine = "BLENDER_WORKBENCH"


def stereo(scene):
    scene.render.use_multiview = True


def no_layer(scene):
    for layer in scene.view_layers:
        layer.use = False


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (workbench, "BLENDER_WORKBENCH gives no vectors"),
        (stereo, "renders several views"),
        (no_layer, "renders none of its view layers"),
    ],
)
def test_what_cannot_be_rendered_so_is_refused_and_nothing_is_changed(
    scene, folder, spoil, message
):
    spoil(scene)
    before = settings_of(scene)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.render.vfi_setup()
    assert differing(before, settings_of(scene)) == set()


def test_step_of_a_script_that_is_out_of_range_is_refused(scene, folder):
    with pytest.raises(RequestError, match="Frame step 5: must be one of 2, 3, 4"):
        render_setup.set_up(scene, step=5)


def motion_blur(scene):
    scene.render.use_motion_blur = True


def depth_of_field(scene):
    scene.camera.data.dof.use_dof = True


def volume(scene):
    material = bpy.data.materials.new("Fog")
    if material.node_tree is None:
        material.use_nodes = True
    nodes = material.node_tree.nodes
    scatter = nodes.new("ShaderNodeVolumeScatter")
    output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    material.node_tree.links.new(scatter.outputs[0], output.inputs["Volume"])
    bpy.data.objects["Cube"].data.materials.append(material)


def film(scene):
    scene.render.film_transparent = True


def holdout(scene):
    bpy.data.objects["Cube"].is_holdout = True


def another_camera(scene):
    camera = bpy.data.objects.new("Other", bpy.data.cameras.new("Other"))
    scene.collection.objects.link(camera)
    return camera


def bind_cameras(scene, *bound):
    for frame, camera in bound:
        scene.timeline_markers.new(f"At {frame}", frame=frame).camera = camera


def camera_change(scene):
    bind_cameras(scene, (1, scene.camera), (4, another_camera(scene)))


def compositor(scene):
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("Look", "CompositorNodeTree")
        scene.compositing_node_group = tree
    else:
        scene.use_nodes = True
        tree = scene.node_tree
    tree.nodes.new("CompositorNodeBlur").name = "Soft"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (motion_blur, "Motion Blur is on"),
        (depth_of_field, r"Depth of Field is on \(Camera\)"),
        (volume, r"Volumes have no vectors \(Cube\)"),
        (film, "The film is transparent"),
        (holdout, r"Holdouts \(Cube\)"),
        (camera_change, "The camera changes at frame 4"),
        (compositor, r"The compositor changes the picture \(Soft\)"),
    ],
)
def test_what_vectors_cannot_tell_is_warned_of(scene, folder, spoil, message):
    assert render_warnings.describe_doubts(scene) == []
    spoil(scene)
    [doubt] = render_warnings.describe_doubts(scene)
    assert re.match(message, doubt)


@pytest.mark.parametrize("spoil", [volume, holdout])
def test_what_is_not_rendered_is_not_warned_of(scene, folder, spoil):
    spoil(scene)
    bpy.data.objects["Cube"].hide_render = True
    assert render_warnings.describe_doubts(scene) == []


def test_vectors_are_zero_where_motion_blur_is_on(scene, folder):
    """What the warning says of Cycles, in this very version."""
    lengths = []
    for is_on in (False, True):
        scene.render.use_motion_blur = is_on
        render_setup.set_up(scene, step=2)
        scene.frame_set(3)
        scene.render.filepath = str(folder / f"{is_on}.exr")
        bpy.ops.render.render(write_still=True)
        lengths.append(longest_vector(scene.render.filepath))
    assert lengths[0] > 1
    assert lengths[1] == 0


def longest_vector(path: str) -> float:
    from .pass_renders import PassReader

    reader = PassReader(path)
    pixels = reader.pixels(bpy.context.view_layer.name, "Vector", f"{path}.vectors.exr")
    return max(abs(value) for pixel in pixels for value in pixel)


def test_camera_changes_are_those_that_blender_makes(scene, folder):
    one, other, hidden = scene.camera, another_camera(scene), another_camera(scene)
    hidden.hide_render = True
    scene.timeline_markers.new("No Camera", frame=3)
    bind_cameras(scene, (9, one), (5, other), (6, other), (2, one), (4, hidden), (12, other))
    seen = []
    for frame in range(16):
        scene.frame_set(frame)
        seen.append(scene.camera.name)
    changes = [at for at in range(1, 16) if seen[at] != seen[at - 1]]
    assert render_warnings.camera_changes(scene) == changes == [5, 9, 12]


def test_one_camera_that_is_bound_changes_nothing(scene, folder):
    bind_cameras(scene, (4, another_camera(scene)))
    assert render_warnings.camera_changes(scene) == []
    assert render_warnings.describe_doubts(scene) == []
