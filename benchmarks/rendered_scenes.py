"""Scenes that Cycles renders for `rendered`: each is hard for interpolation in a way of its own.

    python -m benchmarks.rendered_scenes SCENE FOLDER [--seed 1] [--last 13]

renders one of them, in a process of its own, as multilayer EXR with Depth and Vector.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy

from .scene_parts import (
    add_camera,
    add_floor,
    add_sun,
    add_thing,
    key_move,
    make_material,
    make_world,
    plain_material,
    shader_of,
)

WIDTH, HEIGHT = 384, 216
_SAMPLES = 32
_PASSES = ("z", "vector", "diffuse_color", "glossy_color", "normal", "object_index")


def render(name: str, folder: Path, *, seed: int, frames: range) -> list[Path]:
    """Render those frames of one of `SCENES` that are not there yet.

    Args:
        name: which.
        folder: where to.
        seed: of Cycles' noise; the scene is the same for every one.
        frames: which.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end, scene.frame_step = frames[0], frames[-1], frames.step
    scene.world = make_world()
    scene.render.film_transparent = False
    SCENES[name](scene)
    for pass_name in _PASSES:
        setattr(scene.view_layers[0], f"use_pass_{pass_name}", True)
    scene.view_layers[0].cycles.denoising_store_passes = True
    render_settings, cycles = scene.render, scene.cycles
    render_settings.engine = "CYCLES"
    cycles.samples, cycles.seed, cycles.max_bounces = _SAMPLES, seed, 4
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    render_settings.resolution_x, render_settings.resolution_y = WIDTH, HEIGHT
    render_settings.resolution_percentage = 100
    settings = render_settings.image_settings
    settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR_MULTILAYER", "16"
    render_settings.use_overwrite = False
    render_settings.filepath = str(folder / "shot_####")
    bpy.ops.render.render(animation=True)
    return sorted(folder.glob("*.exr"))


def _camera(scene: bpy.types.Scene) -> None:
    """The camera travels and turns between columns, before a sky at infinity."""
    add_floor()
    draw = random.Random(3)
    for index in range(14):
        place = (draw.uniform(-6, 6), draw.uniform(-1, 9), 1.5)
        colours = ((draw.random(), 0.3, 0.2), (0.9, draw.random(), 0.5))
        add_thing(
            bpy.ops.mesh.primitive_cylinder_add,
            place,
            make_material(f"Column{index}", "brick" if index % 2 else "noise", 5, *colours),
            radius=0.3,
            depth=3,
        )
    add_sun(scene)
    camera = add_camera(scene, (-1.6, -6, 1.7), (1.5, 0, -0.14))
    key_move(camera, 13, location=(1.6, -4.6, 1.9), rotation_euler=(1.46, 0, 0.16))


def _rotate(scene: bpy.types.Scene) -> None:
    """Wheels turn before and behind each other, and a cube tumbles through them."""
    add_floor()
    for index, (y, turn) in enumerate(((0.0, 2.2), (0.7, -1.7))):
        hub = bpy.data.objects.new(f"Hub{index}", None)
        scene.collection.objects.link(hub)
        hub.location = (0.5 * index - 0.3, y, 1.6)
        paint = make_material(
            f"Wheel{index}", "checker", 6, (0.9, 0.2, 0.1), (0.1, 0.3 + index / 2, 0.6)
        )
        for spoke in range(4):
            bar = add_thing(bpy.ops.mesh.primitive_cube_add, (0, 0, 0), paint, size=1)
            bar.scale = (3.0, 0.1, 0.22)
            bar.rotation_euler.y = spoke * math.pi / 4
            bar.location.y = 0.01 * spoke
            bar.parent = hub
        key_move(hub, 13, rotation_euler=(0, turn, 0))
    cube = add_thing(
        bpy.ops.mesh.primitive_cube_add,
        (-2.6, -0.9, 0.8),
        make_material("Cube", "brick", 3, (0.8, 0.7, 0.1), (0.1, 0.1, 0.3)),
        size=0.8,
    )
    key_move(cube, 13, location=(2.6, -0.9, 1.8), rotation_euler=(0.8, 1.4, 1.1))
    add_sun(scene)
    add_camera(scene, (0, -6.5, 1.8), (1.55, 0, 0))


def _deform(scene: bpy.types.Scene) -> None:
    """An arm bends by an armature; a cloth waves by shape keys."""
    add_floor()
    arm = add_thing(
        bpy.ops.mesh.primitive_grid_add,
        (1.4, 0, 0),
        make_material("Arm", "checker", 14, (0.9, 0.5, 0.3), (0.3, 0.1, 0.1), by="UV"),
        x_subdivisions=8,
        y_subdivisions=48,
        size=1,
    )
    for vertex in arm.data.vertices:
        angle, height = vertex.co.x * 2 * math.pi, (vertex.co.y + 0.5) * 3
        vertex.co = (0.28 * math.cos(angle), 0.28 * math.sin(angle), height)
    _armature(scene, arm)
    cloth = add_thing(
        bpy.ops.mesh.primitive_grid_add,
        (-1.3, 0.4, 1.5),
        make_material("Cloth", "brick", 11, (0.1, 0.3, 0.8), (0.9, 0.9, 0.7), by="UV"),
        x_subdivisions=60,
        y_subdivisions=40,
        size=2.2,
    )
    cloth.rotation_euler = (1.35, 0, 0.2)
    cloth.shape_key_add(name="Basis")
    for index, (phase, first, last) in enumerate(((0.0, 1, 13), (1.6, 13, 1))):
        key = cloth.shape_key_add(name=f"Wave{index}")
        for point in key.data:
            wave = math.sin(3.2 * point.co.x + phase + point.co.y)
            point.co.z += 0.38 * wave
            point.co.y += 0.2 * wave
        for frame, value in ((first, 0.0), (last, 1.0)):
            key.value = value
            key.keyframe_insert("value", frame=frame)
    add_sun(scene)
    add_camera(scene, (0, -6.5, 2.0), (1.48, 0, 0))


def _armature(scene: bpy.types.Scene, arm: bpy.types.Object) -> None:
    bones = bpy.data.objects.new("Bones", bpy.data.armatures.new("Bones"))
    scene.collection.objects.link(bones)
    bones.location = arm.location
    bpy.context.view_layer.objects.active = bones
    bpy.ops.object.mode_set(mode="EDIT")
    parent = None
    for index in range(3):
        bone = bones.data.edit_bones.new(f"Bone{index}")
        bone.head, bone.tail = (0, 0, index), (0, 0, index + 1)
        bone.parent = parent
        parent = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    for index in range(3):
        group = arm.vertex_groups.new(name=f"Bone{index}")
        for vertex in arm.data.vertices:
            weight = max(0.0, 1 - abs(vertex.co.z - index - 0.5))
            group.add([vertex.index], weight, "REPLACE")
    arm.parent = bones
    arm.matrix_parent_inverse.identity()
    arm.location = (0, 0, 0)
    arm.modifiers.new("Bones", "ARMATURE").object = bones
    for frame, turns in ((1, (0.2, 0.3, 0.4)), (7, (-0.2, -0.5, -0.4)), (13, (0.1, 0.3, -0.9))):
        for index, turn in enumerate(turns):
            bone = bones.pose.bones[f"Bone{index}"]
            bone.rotation_mode = "XYZ"
            bone.rotation_euler = (0.3 * turn, 0, turn)
            bone.keyframe_insert("rotation_euler", frame=frame)


def _hair(scene: bpy.types.Scene) -> None:
    """A furry ball rolls through falling pebbles."""
    add_floor()
    ball = add_thing(
        bpy.ops.mesh.primitive_uv_sphere_add,
        (-1.5, 0, 1.1),
        make_material("Fur", "noise", 3, (0.7, 0.35, 0.1), (0.95, 0.8, 0.5)),
        radius=0.7,
        segments=24,
        ring_count=12,
    )
    bpy.ops.object.particle_system_add()
    hair = ball.particle_systems[0].settings
    hair.type, hair.count, hair.hair_length, hair.hair_step = "HAIR", 900, 0.45, 3
    hair.brownian_factor = 0.08
    hair.child_type, hair.rendered_child_count = "INTERPOLATED", 6
    key_move(ball, 13, location=(1.2, 0, 1.1), rotation_euler=(0, 1.9, 0.5))
    draw = random.Random(5)
    paint = make_material("Pebble", "noise", 4, (0.2, 0.5, 0.9), (0.9, 0.9, 0.95))
    for _ in range(60):
        place = [draw.uniform(-3.4, 3.4), draw.uniform(-1.5, 2), draw.uniform(1, 4)]
        pebble = add_thing(
            bpy.ops.mesh.primitive_ico_sphere_add,
            tuple(place),
            paint,
            radius=draw.uniform(0.03, 0.12),
            subdivisions=2,
        )
        speed = draw.uniform(-1, 1), draw.uniform(0, 1)
        for frame in range(1, 14):
            time = (frame - 1) / 12
            pebble.location = (
                place[0] + speed[0] * time,
                place[1],
                max(0.1, place[2] + speed[1] * time - 2.4 * time * time),
            )
            pebble.keyframe_insert("location", frame=frame)
    add_sun(scene)
    add_camera(scene, (0, -6.5, 1.9), (1.5, 0, 0))


def _shadow(scene: bpy.types.Scene) -> None:
    """A lamp wanders, shadows sweep over a glossy floor that mirrors what moves."""
    add_floor(roughness=0.12)
    for index, (x, y) in enumerate(((-1.8, 0.8), (0.2, 1.6), (1.9, 0.4))):
        add_thing(
            bpy.ops.mesh.primitive_cylinder_add,
            (x, y, 0.9),
            make_material(f"Post{index}", "brick", 4, (0.7, 0.7, 0.6), (0.3, 0.2, 0.2)),
            radius=0.18,
            depth=1.8,
        )
    ball = add_thing(
        bpy.ops.mesh.primitive_uv_sphere_add,
        (-2.2, -0.6, 0.55),
        make_material("Ball", "checker", 8, (0.9, 0.1, 0.1), (0.95, 0.9, 0.8)),
        radius=0.55,
    )
    key_move(ball, 13, location=(2.0, -0.9, 0.55), rotation_euler=(0.2, 2.6, 0))
    data = bpy.data.lights.new("Lamp", "AREA")
    data.energy, data.size = 420, 0.3
    lamp = bpy.data.objects.new("Lamp", data)
    scene.collection.objects.link(lamp)
    lamp.location, lamp.rotation_euler = (-3.0, -1.5, 3.4), (0.45, -0.7, 0)
    key_move(lamp, 13, location=(3.0, -1.8, 3.2), rotation_euler=(0.5, 0.7, 0))
    add_camera(scene, (0, -6, 2.4), (1.36, 0, 0))


def _glass(scene: bpy.types.Scene) -> None:
    """Glass, a half-transparent sheet and glowing rings, before nothing at all."""
    scene.render.film_transparent = True
    add_floor(size=9)
    glass = bpy.data.materials.new("Glass")
    glass.use_nodes = True
    shader = shader_of(glass.node_tree)
    shader.inputs["Transmission Weight"].default_value = 1
    shader.inputs["Roughness"].default_value = 0.02
    orb = add_thing(bpy.ops.mesh.primitive_uv_sphere_add, (-1.4, -0.8, 1.0), glass, radius=0.65)
    bpy.ops.object.shade_smooth()
    key_move(orb, 13, location=(1.0, -1.0, 1.1))
    sheet = make_material("Sheet", "checker", 6, (0.1, 0.7, 0.3), (0.9, 0.9, 0.2))
    shader_of(sheet.node_tree).inputs["Alpha"].default_value = 0.5
    pane = add_thing(bpy.ops.mesh.primitive_plane_add, (1.6, -0.2, 1.2), sheet, size=1.6)
    pane.rotation_euler = (1.4, 0, 0.2)
    key_move(pane, 13, location=(-0.6, -0.2, 1.3), rotation_euler=(1.5, 0.2, -0.3))
    for index in range(3):
        glow = make_material(f"Glow{index}", "noise", 3, (1, 0.5, 0.1), (1, 0.9, 0.4))
        shader = shader_of(glow.node_tree)
        shader.inputs["Emission Color"].default_value = (1, 0.25 + 0.3 * index, 0.15, 1)
        shader.inputs["Emission Strength"].default_value = 1.5
        ring = add_thing(
            bpy.ops.mesh.primitive_torus_add,
            (1.7 * index - 1.7, 1.2, 1.4),
            glow,
            major_radius=0.55,
            minor_radius=0.08,
        )
        ring.rotation_euler = (1.2, 0.2 * index, 0)
        key_move(ring, 13, rotation_euler=(1.9, 1.2, 0.9), location=(1.7 * index - 1.3, 1.0, 1.8))
    add_sun(scene, energy=2)
    add_camera(scene, (0, -6.2, 1.9), (1.47, 0, 0))


def _cut(scene: bpy.types.Scene) -> None:
    """The rotating scene, seen by two cameras, with a cut after frame 7."""
    _rotate(scene)
    camera = scene.camera
    here = tuple(camera.rotation_euler)
    key_move(camera, 7, location=(0.5, -6.3, 1.9), rotation_euler=here)
    for frame, place, turn in (
        (8, (4.5, -3.2, 3.2), (1.2, 0, 0.9)),
        (13, (4.1, -3.6, 3.1), (1.2, 0, 0.8)),
    ):
        camera.location, camera.rotation_euler = place, turn
        camera.keyframe_insert("location", frame=frame)
        camera.keyframe_insert("rotation_euler", frame=frame)


def _plain(scene: bpy.types.Scene) -> None:
    """A head turns and slides evenly over a floor of one colour, under a sky of one colour."""
    sky = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    scene.world.node_tree.links.remove(sky.inputs["Color"].links[0])
    sky.inputs["Color"].default_value = (0.3, 0.4, 0.6, 1)
    add_thing(
        bpy.ops.mesh.primitive_plane_add,
        (0, 0, 0),
        plain_material("Floor", (0.8, 0.8, 0.8)),
        size=20,
    )
    red = plain_material("Red", (0.8, 0.1, 0.1))
    head = add_thing(bpy.ops.mesh.primitive_monkey_add, (-0.3, 0, 1), red)
    head.modifiers.new("Smooth", "SUBSURF").render_levels = 2
    bpy.ops.object.shade_smooth()
    for frame in range(1, 14):  # keys at the ends alone would start and stop it gently
        share = (frame - 1) / 12
        head.location.x, head.rotation_euler.z = 0.9 * share - 0.3, 0.5 * share
        head.keyframe_insert("location", frame=frame)
        head.keyframe_insert("rotation_euler", frame=frame)
    add_sun(scene)
    add_camera(scene, (0, -7, 3), (1.25, 0, 0))


SCENES: dict[str, Callable[[bpy.types.Scene], None]] = {
    "camera": _camera,
    "rotate": _rotate,
    "deform": _deform,
    "hair": _hair,
    "shadow": _shadow,
    "glass": _glass,
    "cut": _cut,
    "plain": _plain,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Render one scene; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scene", choices=list(SCENES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--last", type=int, default=13)
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args(arguments)
    frames = range(options.first, options.last + 1, options.step)
    render(options.scene, options.folder, seed=options.seed, frames=frames)
    return 0


if __name__ == "__main__":
    sys.exit(main())
