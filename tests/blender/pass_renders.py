"""Renders with passes, and what Blender itself reads out of files with passes."""

from pathlib import Path

import bpy

WIDTH, HEIGHT = 96, 64
PASSES = (
    *("z", "mist", "normal", "vector", "object_index", "material_index"),
    *("diffuse_color", "cryptomatte_object"),
)


def render_passes(scene: bpy.types.Scene, folder: Path, count: int) -> list[Path]:
    """Render a cube that slides over a floor, as this Blender writes multilayer EXR."""
    _build(scene)
    render = scene.render
    render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    scene.view_layers[0].name = "Main"
    for name in PASSES:
        setattr(scene.view_layers[0], f"use_pass_{name}", True)
    back = scene.view_layers.new("Back.Drop")
    back.use_pass_z = True
    settings = render.image_settings
    if bpy.app.version >= (5, 0, 0):
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR_MULTILAYER", "16"
    render.filepath = str(folder / "shot_####")
    scene.frame_start, scene.frame_end = 1, count
    bpy.ops.render.render(animation=True)
    return sorted(folder.glob("*.exr"))


def _build(scene: bpy.types.Scene) -> None:
    bpy.ops.mesh.primitive_plane_add(size=30)
    bpy.context.object.name, bpy.context.object.pass_index = "Floor", 7
    bpy.ops.mesh.primitive_cube_add(size=1.5, location=(-1, 0, 0.75))
    cube = bpy.context.object
    cube.name, cube.pass_index = "Cube", 12
    for frame, x in ((1, -1.0), (5, 0.5)):
        cube.location.x = x
        cube.keyframe_insert("location", frame=frame)
    for name, data, location, rotation in (
        ("Camera", bpy.data.cameras.new("Camera"), (0, -6, 3), (1.2, 0, 0)),
        ("Sun", bpy.data.lights.new("Sun", "SUN"), (0, 0, 5), (0.6, 0.3, 0)),
    ):
        thing = bpy.data.objects.new(name, data)
        thing.location, thing.rotation_euler = location, rotation
        scene.collection.objects.link(thing)
    scene.camera = bpy.data.objects["Camera"]


class PassReader:
    """Reads one file through the compositor's Image node."""

    def __init__(self, path: Path) -> None:
        self.image = bpy.data.images.load(str(path))
        self._scene = bpy.data.scenes.new("Reader")
        if bpy.app.version >= (5, 0, 0):
            tree = bpy.data.node_groups.new("Reader", "CompositorNodeTree")
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            self._scene.compositing_node_group = tree
            self._end = tree.nodes.new("NodeGroupOutput")
        else:
            self._scene.use_nodes = True
            tree = self._scene.node_tree
            tree.nodes.clear()
            self._end = tree.nodes.new("CompositorNodeComposite")
        self._tree = tree
        self._node = tree.nodes.new("CompositorNodeImage")
        self._node.image = self.image

    def passes(self, layer: str) -> set[str]:
        """Name what Blender finds in a layer; an unknown layer is a TypeError."""
        self._node.layer = layer
        return {output.name for output in self._node.outputs}

    def pixels(self, layer: str, name: str, target: Path) -> list[tuple[float, ...]]:
        """Return a pass's pixels, three numbers each, row by row from the bottom."""
        self._node.layer = layer
        self._tree.links.new(self._node.outputs[name], self._end.inputs[0])
        render = self._scene.render
        render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
        render.image_settings.file_format = "OPEN_EXR"
        render.image_settings.color_depth = "32"
        render.filepath = str(target)
        bpy.ops.render.render(scene=self._scene.name, write_still=True)
        values = list(bpy.data.images.load(str(target)).pixels)
        return [tuple(values[at : at + 3]) for at in range(0, len(values), 4)]
