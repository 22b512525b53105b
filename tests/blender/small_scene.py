"""A small 3D scene that Cycles renders in a moment: a cube that slides over a floor."""

from pathlib import Path

import bpy

WIDTH, HEIGHT = 64, 36


def build(scene: bpy.types.Scene, folder: Path) -> None:
    """Put the cube, a camera and a sun into a scene; frames go to `folder`."""
    bpy.ops.mesh.primitive_plane_add(size=30)
    bpy.ops.mesh.primitive_cube_add(size=1.5, location=(-1, 0, 0.75))
    cube = bpy.context.object
    cube.name = "Cube"
    for frame, x in ((1, -1.0), (9, 0.5)):
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
    render = scene.render
    render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH, HEIGHT, 100
    scene.frame_start, scene.frame_end = 1, 5
    render.filepath = f"{folder}/cube_"
