"""A 3D scene that renders in a moment, and the panel Half the Render over it."""

from __future__ import annotations

import importlib
import math
from collections.abc import Generator
from pathlib import Path

import bpy

from .addon import PACKAGE
from .window import sequencer, window

LAST_FRAME = 5


def build_scene(folder: Path, *, last_frame: int = LAST_FRAME) -> bpy.types.Scene:
    """Let the window's scene show spheres that roll over a floor past a post; Cycles renders it."""
    scene = window().scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 4, False
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = 160, 90, 100
    scene.frame_start, scene.frame_end = 1, last_frame
    render.filepath = f"{folder}/roll_"
    with bpy.context.temp_override(window=window()):
        bpy.ops.mesh.primitive_plane_add(size=40)
        bpy.ops.mesh.primitive_cube_add(size=0.6, location=(0.4, -1.2, 1), scale=(1, 1, 4))
        _color((0.9, 0.5, 0.1))
        for index, color in enumerate(((0.1, 0.3, 0.9), (0.8, 0.1, 0.1))):
            bpy.ops.mesh.primitive_uv_sphere_add(radius=0.7, location=(0, index, 0.7))
            _color(color)
            ball = bpy.context.object
            for frame, x in ((1, -2.2 + index), (last_frame, 2.0 - 2.5 * index)):
                ball.location.x = x
                ball.keyframe_insert("location", frame=frame)
    for name, data, location, rotation in (
        ("Camera", bpy.data.cameras.new("Camera"), (0, -7, 3), (math.radians(70), 0, 0)),
        ("Sun", bpy.data.lights.new("Sun", "SUN"), (0, 0, 5), (0.6, 0.3, 0)),
    ):
        thing = bpy.data.objects.new(name, data)
        thing.location, thing.rotation_euler = location, rotation
        scene.collection.objects.link(thing)
    scene.camera = bpy.data.objects["Camera"]
    bpy.data.lights["Sun"].energy = 3
    return scene


def show_panel() -> Generator[float, None, bpy.types.Area]:
    """Turn the preview into Output properties, with the panel open and alone on top."""
    panel = importlib.import_module(f"{PACKAGE}.ui.half_render").RENDER_PT_vfi
    panel.bl_options = set()  # as a click on its header leaves it
    # what is registered last comes last
    others = [
        kind
        for kind in bpy.types.Panel.__subclasses__()
        if getattr(kind, "bl_context", "") == "output" and kind is not panel and kind.is_registered
    ]
    for kind in (*reversed(others), panel):
        bpy.utils.unregister_class(kind)
    bpy.utils.register_class(panel)
    area = max(
        (each for each in window().screen.areas if each != sequencer()),
        key=lambda each: each.width * each.height,
    )
    area.type = "PROPERTIES"
    yield 0.5  # Blender 4.3 knows no contexts before the area is drawn
    area.spaces.active.context = "OUTPUT"
    return area


def settings(scene: bpy.types.Scene):
    """Return what Half the Render keeps with a scene."""
    return scene.blender_vfi.half_render


def _color(color: tuple[float, float, float]) -> None:
    material = bpy.data.materials.new("Paint")
    material.diffuse_color = (*color, 1)
    if material.node_tree is None:
        material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*color, 1)
    bpy.context.object.data.materials.append(material)
