"""A scene with every kind of pass: a cube that turns and slides behind a post, beside a lamp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy

Triple = tuple[float, float, float]

_PASSES = (
    *("z", "mist", "normal", "position", "vector", "uv", "object_index", "material_index"),
    *("ambient_occlusion", "cryptomatte_object", "cryptomatte_material", "diffuse_color"),
)
_SAMPLES = 8


def render(folder: Path, *, frames: int, height: int, crossing: int) -> list[Path]:
    """Render the scene as multilayer EXR, 4:3.

    Args:
        folder: where to.
        frames: how many; an odd number, so that every second can be left out.
        height: of the frames in pixels.
        crossing: in how many frames the cube goes from left to right.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    _build(scene, crossing)
    layer = scene.view_layers[0]
    for name in _PASSES:
        setattr(layer, f"use_pass_{name}", True)
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.seed = _SAMPLES, False, 1
    scene.render.resolution_x, scene.render.resolution_y = height * 4 // 3, height
    scene.render.resolution_percentage = 100
    settings = scene.render.image_settings
    settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR_MULTILAYER", "16"
    scene.render.filepath = str(folder / "shot_####")
    scene.frame_start, scene.frame_end = 1, frames
    bpy.ops.render.render(animation=True)
    return sorted(folder.glob("*.exr"))


def _build(scene: bpy.types.Scene, crossing: int) -> None:
    floor = _add(bpy.ops.mesh.primitive_plane_add, (0, 0, 0), "Floor", (0.5, 0.5, 0.5), size=20)
    nodes = floor.data.materials[0].node_tree
    checker = nodes.nodes.new("ShaderNodeTexChecker")
    checker.inputs["Scale"].default_value = 30
    nodes.links.new(checker.outputs[0], _shader(nodes).inputs["Base Color"])
    cube = _add(bpy.ops.mesh.primitive_cube_add, (-1.5, 0, 0.6), "Cube", (0.8, 0.1, 0.05), size=1.2)
    for frame, x, turn in ((1, -1.5, 0.0), (1 + crossing, 1.5, 0.6)):
        cube.location.x, cube.rotation_euler.z = x, turn
        cube.keyframe_insert("location", frame=frame)
        cube.keyframe_insert("rotation_euler", frame=frame)
    glow = _add(
        bpy.ops.mesh.primitive_uv_sphere_add, (1.6, 1.2, 0.7), "Glow", (1, 0.8, 0.5), radius=0.5
    )
    shader = _shader(glow.data.materials[0].node_tree)
    shader.inputs["Emission Color"].default_value = (1, 0.8, 0.5, 1)
    shader.inputs["Emission Strength"].default_value = 50
    _add(
        bpy.ops.mesh.primitive_cylinder_add,
        (0, -1.6, 1),
        "Post",
        (0.05, 0.15, 0.8),
        radius=0.2,
        depth=2,
    )
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy = 3
    camera = bpy.data.cameras.new("Camera")
    for data, location, rotation in (
        (sun, (0, 0, 5), (0.6, 0.3, 0)),
        (camera, (0, -7, 3.5), (1.2, 0, 0)),
    ):
        thing = bpy.data.objects.new(data.name, data)
        thing.location, thing.rotation_euler = location, rotation
        scene.collection.objects.link(thing)
    scene.camera = bpy.data.objects["Camera"]
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = (0.1, 0.1, 0.15)


def _add(
    make: Callable[..., object], location: Triple, name: str, colour: Triple, **size: float
) -> bpy.types.Object:
    make(location=location, **size)
    thing = bpy.context.object
    thing.name, thing.pass_index = name, len(bpy.data.objects)
    material = bpy.data.materials.new(name)
    material.use_nodes, material.pass_index = True, len(bpy.data.objects)
    _shader(material.node_tree).inputs["Base Color"].default_value = (*colour, 1)
    thing.data.materials.append(material)
    return thing


def _shader(nodes: bpy.types.NodeTree) -> bpy.types.Node:
    return next(node for node in nodes.nodes if node.type == "BSDF_PRINCIPLED")
