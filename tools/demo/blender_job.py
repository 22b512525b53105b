"""The Blender half of the demonstration: a strip, the operator, a render through the sequencer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import bpy

import blender_vfi
from tools.quality import psnr, read_picture


@dataclass(frozen=True, slots=True, kw_only=True)
class BlenderJob:
    """What came out of Blender."""

    blender_version: str
    frames: list[Path]
    scene_name: str
    result_fps: float
    duration_s: float
    blend_file: Path
    render: Path
    render_psnr: float


def interpolate_in_blender(
    source: list[Path], output: Path, *, fps: Fraction, multiplier: int
) -> BlenderJob:
    """Make a strip of `source` in a new project, interpolate it, save and render the result.

    Raises:
        RuntimeError: the operator failed; the message is its report.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_vfi.register()
    try:
        scene = bpy.context.scene
        scene.render.fps = fps.numerator
        scene.render.fps_base = fps.denominator
        scene.render.resolution_x, scene.render.resolution_y = 1280, 720
        scene.view_settings.view_transform = "Standard"
        editor = scene.sequence_editor_create()
        strips = editor.strips if hasattr(editor, "strips") else editor.sequences
        strip = strips.new_image("bunny", str(source[0]), channel=1, frame_start=1)
        for frame in source[1:]:
            strip.elements.append(frame.name)
        scene.frame_start, scene.frame_end = 1, len(source)
        blend_file = output / "demo.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(blend_file))
        began_s = time.perf_counter()
        bpy.ops.sequencer.vfi_interpolate(
            scene_name=scene.name, strip_name=strip.name, multiplier=multiplier
        )
        duration_s = time.perf_counter() - began_s
        result_scene = next(item for item in bpy.data.scenes if item != scene)
        editor = result_scene.sequence_editor
        [result] = editor.strips if hasattr(editor, "strips") else editor.sequences
        folder = Path(bpy.path.abspath(result.directory))
        frames = [folder / element.filename for element in result.elements]
        bpy.ops.wm.save_as_mainfile(filepath=str(blend_file))
        middle = len(frames) // 2 | 1  # an in-between frame
        render = _render(result_scene, result_scene.frame_start + middle, output / "render.png")
    finally:
        blender_vfi.unregister()
    return BlenderJob(
        blender_version=bpy.app.version_string,
        frames=frames,
        scene_name=result_scene.name,
        result_fps=result_scene.render.fps / result_scene.render.fps_base,
        duration_s=duration_s,
        blend_file=blend_file,
        render=render,
        render_psnr=psnr(read_picture(render), read_picture(frames[middle])),
    )


def _render(scene: bpy.types.Scene, frame: int, path: Path) -> Path:
    # the first render of a scene that no window shows can come out empty (bpy 5.0.1)
    bpy.context.window.scene = scene
    scene.frame_set(frame)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return path
