r"""Interpolates the image strips of a project and renders the result, in one go, without a window.

    blender -b edit.blend --python-exit-code 1 --python examples/render_interpolated.py \
        -- --multiplier 2

The add-on has to be installed. With the bpy module, or without installing anything, run it from a
clone: python examples/render_interpolated.py edit.blend -- --multiplier 2
"""

import argparse
import sys
from pathlib import Path

import bpy


def main() -> int:
    """Interpolate every image strip of the active scene, render the new scenes, and save a copy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--multiplier", type=int, default=2)
    parser.add_argument("--model", default="rife-4.25")
    # Blender leaves everything after "--" to scripts
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    options = parser.parse_args(arguments)

    if not hasattr(bpy.types, "SEQUENCER_OT_vfi_interpolate"):  # the add-on is not enabled
        use_clone()
    scene = bpy.context.scene
    editor = scene.sequence_editor
    if not bpy.data.filepath or editor is None:
        parser.error("no project with a Sequencer is open: name a .blend before this script")
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences  # before Blender 4.4
    names = [strip.name for strip in strips if strip.type == "IMAGE"]
    for name in names:
        known = set(bpy.data.scenes)
        # Without a window this returns when all frames are on disk and the strip is placed. When
        # something is wrong it raises a RuntimeError that says what, and how to mend it.
        bpy.ops.sequencer.vfi_interpolate(
            scene_name=scene.name,
            strip_name=name,
            multiplier=options.multiplier,
            model=options.model,
            # A new scene at the higher rate keeps the speed, and brings the sound along.
            timing="NEW_SCENE",
            # "//" is the project's folder; empty would put the frames beside the source's.
            output_dir=f"//interpolated/{bpy.path.clean_name(name)}",
        )
        for new_scene in set(bpy.data.scenes) - known:
            render(new_scene)
    bpy.ops.wm.save_as_mainfile(filepath=bpy.path.abspath("//interpolated.blend"), copy=True)
    return 0


def use_clone() -> None:
    """Register the add-on from the folder that this script lies in, and open the project given."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import blender_vfi

    if len(sys.argv) > 1 and sys.argv[1].endswith(".blend"):
        bpy.ops.wm.open_mainfile(filepath=str(Path(sys.argv[1]).absolute()))
    blender_vfi.register()


def render(scene: bpy.types.Scene) -> None:
    """Render a scene through its sequencer into a folder that is named after it."""
    # the first render of a scene that no window shows can come out empty (bpy 5.0.1)
    bpy.context.window.scene = scene
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # Blender 5.0 asks for this first
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    scene.render.filepath = f"//rendered/{bpy.path.clean_name(scene.name)}/"
    bpy.ops.render.render(animation=True)
    print(f"Rendered {scene.name} at {scene.render.fps / scene.render.fps_base:g} fps")


if __name__ == "__main__":
    sys.exit(main())
