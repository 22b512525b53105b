"""A small 3D scene that Cycles renders in a moment: a checkered cube that slides over a floor.

Everything glows and nothing is lit, so that a single sample has no noise but at edges.
"""

from pathlib import Path

import bpy

WIDTH, HEIGHT = 64, 36


def build(scene: bpy.types.Scene, folder: Path) -> None:
    """Put the cube, a camera and a sun into a scene; frames go to `folder`."""
    bpy.ops.mesh.primitive_plane_add(size=30)
    _paint((0.1, 0.15, 0.3), (0.3, 0.35, 0.5), scale=15)
    bpy.ops.mesh.primitive_cube_add(size=1.5, location=(-1, 0, 0.75))
    cube = bpy.context.object
    cube.name = "Cube"
    _paint((0.9, 0.3, 0.1), (0.4, 0.05, 0.02), scale=2)
    for frame, x in ((1, -1.0), (9, 0.5)):
        cube.location.x = x
        cube.keyframe_insert("location", frame=frame)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -6, 3), (1.2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    render = scene.render
    render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    scene.frame_start, scene.frame_end = 1, 5
    render.filepath = f"{folder}/cube_"


def _paint(one: tuple[float, ...], other: tuple[float, ...], *, scale: float) -> None:
    """Let the active object glow in a checker of two colours."""
    material = bpy.data.materials.new("Checker")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    coordinates, checker, glow, output = (
        tree.nodes.new(f"ShaderNode{kind}")
        for kind in ("TexCoord", "TexChecker", "Emission", "OutputMaterial")
    )
    checker.inputs["Scale"].default_value = scale
    for number, color in ((1, one), (2, other)):
        checker.inputs[f"Color{number}"].default_value = (*color, 1)
    for output_of, input_of in (
        (coordinates.outputs["Generated"], checker.inputs["Vector"]),
        (checker.outputs["Color"], glow.inputs["Color"]),
        (glow.outputs["Emission"], output.inputs["Surface"]),
    ):
        tree.links.new(output_of, input_of)
    bpy.context.object.data.materials.append(material)
