"""What the scenes of `rendered_scenes` are made of: sky, floor, light, things, their surfaces."""

from __future__ import annotations

from collections.abc import Callable

import bpy

Triple = tuple[float, float, float]


def make_world() -> bpy.types.World:
    """Make a cloudy sky at infinity."""
    world = bpy.data.worlds.new("World")
    world.use_nodes = True
    tree = world.node_tree
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 7
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.35, 0.65
    ramp.color_ramp.elements[0].color = (0.12, 0.2, 0.45, 1)
    ramp.color_ramp.elements[1].color = (0.75, 0.75, 0.8, 1)
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    tree.links.new(coordinates.outputs["Generated"], noise.inputs["Vector"])
    tree.links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    background = next(node for node in tree.nodes if node.type == "BACKGROUND")
    background.inputs["Strength"].default_value = 0.6
    tree.links.new(ramp.outputs["Color"], background.inputs["Color"])
    return world


def add_floor(*, size: float = 40, roughness: float = 0.6) -> None:
    """Add a textured plane to the scene that is open."""
    paint = make_material("Floor", "noise", 0.9, (0.25, 0.22, 0.2), (0.6, 0.58, 0.5))
    shader_of(paint.node_tree).inputs["Roughness"].default_value = roughness
    add_thing(bpy.ops.mesh.primitive_plane_add, (0, 0, 0), paint, size=size)


def add_sun(scene: bpy.types.Scene, *, energy: float = 3) -> None:
    """Add a sun with soft shadows."""
    data = bpy.data.lights.new("Sun", "SUN")
    data.energy, data.angle = energy, 0.05
    sun = bpy.data.objects.new("Sun", data)
    sun.rotation_euler = (0.7, 0.35, 0)
    scene.collection.objects.link(sun)


def add_camera(scene: bpy.types.Scene, location: Triple, rotation: Triple) -> bpy.types.Object:
    """Add the camera that the scene is rendered with, and return it."""
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = location, rotation
    camera.data.lens = 35
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def key_move(thing: bpy.types.Object, frame: int, **targets: Triple) -> None:
    """Key where something is at frame 1, and where it will be."""
    for name, target in targets.items():
        thing.keyframe_insert(name, frame=1)
        before = tuple(getattr(thing, name))
        setattr(thing, name, target)
        thing.keyframe_insert(name, frame=frame)
        setattr(thing, name, before)


def add_thing(
    make: Callable[..., object], location: Triple, material: bpy.types.Material, **size: float
) -> bpy.types.Object:
    """Make an object with a material and a number of its own, and return it."""
    make(location=location, **size)
    thing = bpy.context.object
    thing.pass_index = len(bpy.data.objects)
    thing.data.materials.append(material)
    return thing


_TEXTURES = {
    "checker": ("ShaderNodeTexChecker", "Color1", "Color2"),
    "brick": ("ShaderNodeTexBrick", "Color1", "Mortar"),
}


def make_material(
    name: str, kind: str, scale: float, first: Triple, second: Triple, *, by: str = "Object"
) -> bpy.types.Material:
    """Make a material of two colours in a pattern; by "UV" it sticks to what deforms."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    base = shader_of(tree).inputs["Base Color"]
    if kind == "noise":
        texture = tree.nodes.new("ShaderNodeTexNoise")
        texture.inputs["Detail"].default_value = 4
        ramp = tree.nodes.new("ShaderNodeValToRGB")
        for element, place, colour in zip(
            ramp.color_ramp.elements, (0.42, 0.58), (first, second), strict=True
        ):
            element.position, element.color = place, (*colour, 1)
        tree.links.new(texture.outputs["Fac"], ramp.inputs["Fac"])
        tree.links.new(ramp.outputs["Color"], base)
    else:
        node, *inputs = _TEXTURES[kind]
        texture = tree.nodes.new(node)
        for socket, colour in zip(inputs, (first, second), strict=True):
            texture.inputs[socket].default_value = (*colour, 1)
        tree.links.new(texture.outputs["Color"], base)
    texture.inputs["Scale"].default_value = scale
    tree.links.new(coordinates.outputs[by], texture.inputs["Vector"])
    return material


def plain_material(name: str, colour: Triple) -> bpy.types.Material:
    """Make a material of one colour."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader_of(material.node_tree).inputs["Base Color"].default_value = (*colour, 1)
    return material


def shader_of(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """Return the principled shader of a material's nodes."""
    return next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
