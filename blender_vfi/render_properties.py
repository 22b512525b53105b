"""What a scene keeps about rendering a part of its frames: choices, and figures of the others."""

from __future__ import annotations

from typing import Any

import bpy

from .paths import PATH_OPTIONS


class SetupChoices:
    """What Set Up Render asks; mixed into its operator and the scene's settings."""

    step: bpy.props.EnumProperty(
        name="Render Every",
        description="Which frames are rendered; those between are made of them",
        items=[
            ("2", "2nd", "Half of the frames are rendered"),
            ("3", "3rd", "A third of the frames is rendered"),
            ("4", "4th", "A quarter of the frames is rendered: for slow motion"),
        ],
        default="2",
        options={"SKIP_SAVE"},
    )
    albedo: bpy.props.EnumProperty(
        name="Surface Color",
        description=(
            "Passes of the colors of surfaces without light, beside vectors and depth: light and "
            "shadows can then move apart from them"
        ),
        items=[
            ("NONE", "None", "Vectors and depth alone"),
            ("COLORS", "Color Passes", "Diffuse, glossy and transmission color, added up"),
            (
                "DENOISING",
                "Denoising Albedo",
                "What denoising knows of surfaces, through glass and in mirrors too; Cycles alone",
            ),
        ],
        default="COLORS",
        options={"SKIP_SAVE"},
    )


class DoubtfulFrame(bpy.types.PropertyGroup):
    """A new frame, and how far it can be trusted."""

    frame: bpy.props.IntProperty(name="Frame", description="Frame of the timeline that shows it")
    file_name: bpy.props.StringProperty(name="File", description="Its file in the folder")
    confidence: bpy.props.FloatProperty(
        name="Confidence",
        description="From 0 to 1, where it is just like a render",
        subtype="FACTOR",
    )
    expected_error: bpy.props.FloatProperty(
        name="Expected Error",
        description="Difference from a render of the same frame that is expected, from 0 to 1",
    )
    is_rendered: bpy.props.BoolProperty(
        name="Rendered", description="Whether it has been rendered after all"
    )


def _jump(half: HalfRender, context: bpy.types.Context) -> None:
    """Go to the frame that was clicked on in the list."""
    if 0 <= half.doubtful_index < len(half.doubtful):
        scene = half.id_data
        scene.frame_set(half.doubtful[half.doubtful_index].frame)


class HalfRender(SetupChoices, bpy.types.PropertyGroup):
    """What Half the Render keeps with a scene."""

    setup_record: bpy.props.StringProperty(
        name="Settings Before",
        description="What Restore puts back",
        options={"HIDDEN"},
    )
    folder: bpy.props.StringProperty(
        name="Folder",
        description="Folder of filled frames that the list below tells of",
        subtype="DIR_PATH",
        options=PATH_OPTIONS,
    )
    shift: bpy.props.IntProperty(
        name="Shift",
        description="From the number of a file in the folder to the frame that shows it",
        options={"HIDDEN"},
    )
    doubtful: bpy.props.CollectionProperty(type=DoubtfulFrame)
    doubtful_index: bpy.props.IntProperty(
        name="Doubtful Frame",
        description="New frame, the most doubtful ones first; a click goes to it",
        update=_jump,
    )
    most_frames: bpy.props.IntProperty(
        name="Frames",
        description="How many doubtful frames to render at most, the worst first; 0 for all",
        default=10,
        min=0,
        soft_max=100,
    )
    most_minutes: bpy.props.FloatProperty(
        name="Minutes",
        description="Begin no further frame after so many minutes; 0 for no limit",
        default=0.0,
        min=0.0,
        soft_max=600.0,
        precision=1,
    )
    adds_strip: bpy.props.BoolProperty(
        name="Show in Sequencer",
        description="Add a strip of the whole sequence to the scene, or let the one there show it",
    )


def half_render(scene: bpy.types.Scene) -> Any:
    """Return what Half the Render keeps with `scene`."""
    return scene.blender_vfi.half_render


def forget_doubtful(scene: bpy.types.Scene) -> None:
    """Empty the list of doubtful frames: a script would render those of another job."""
    half = half_render(scene)
    half.folder, half.shift = "", 0
    half.doubtful.clear()
    half.doubtful_index = -1
