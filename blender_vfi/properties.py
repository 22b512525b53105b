"""What an artist sets for a job: properties of operators, and of scenes, which save them."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from .engine.limits import ALL_GPUS
from .engine.protocol import DEFAULT_CUT_THRESHOLD
from .engine_tasks import tasks
from .models import catalog
from .output_properties import OPTIONS, PATH_OPTIONS, OutputProperties
from .property_items import (
    BAD_FRAME_ITEMS,
    BUSY_DEVICE_ITEMS,
    CUT_ITEMS,
    DUPLICATE_ITEMS,
    FLOW_SCALE_ITEMS,
    GUIDED_FILL_ITEMS,
    MODEL_ITEMS,
    PRECISION_ITEMS,
    TIMING_ITEMS,
    has_several_gpus,
)
from .render_properties import HalfRender
from .vse_timing import Timing

BY_MULTIPLIER, BY_RATE = "MULTIPLIER", "RATE"


def _device_names(
    _owner: Any, _context: bpy.types.Context, _typed: str
) -> list[str | tuple[str, str]]:
    """Suggest devices, those that there are where that is known; any other name can be typed."""
    described = tasks.described
    if described is None:
        return ["auto", "cpu", "cuda", "cuda:1", "mps", "xpu"]
    several = has_several_gpus(described.devices)
    return [
        "auto",
        *([(ALL_GPUS, iface_("All GPUs"))] if several else []),
        *((device.name, device.title) for device in described.devices),
    ]


class InterpolationProperties(OutputProperties):
    """Settings of a job; mixed into operators and property groups.

    Numbers have no hard limits: a value out of range has to reach the check that explains it, and
    may not be bent to the nearest limit in silence.
    """

    model: bpy.props.EnumProperty(
        name="Model",
        description="Network that makes the frames between",
        items=MODEL_ITEMS,
        default=catalog.DEFAULT_MODEL,
        options=OPTIONS,
    )
    checkpoint: bpy.props.StringProperty(
        name="Checkpoint",
        description="File of weights to use in place of the model's own",
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    multiplier: bpy.props.IntProperty(
        name="Multiplier",
        description="How many frames each source frame becomes: 2 doubles the frame rate",
        default=2,
        soft_min=2,
        soft_max=16,
        options=OPTIONS,
    )
    frames_by: bpy.props.EnumProperty(
        name="Frames By",
        description="How to say how many frames there shall be",
        items=[
            (BY_MULTIPLIER, "Multiplier", "So many for each source frame"),
            (BY_RATE, "Frame Rate", "As many as a frame rate needs, whole multiple or not"),
        ],
        default=BY_MULTIPLIER,
        options=OPTIONS,
    )
    target_rate: bpy.props.StringProperty(
        name="Frame Rate",
        description="Frames a second of the result: 60, 59.94, 23.976, or a fraction 60000/1001",
        default="60",
        options=OPTIONS,
    )
    skip_pairs: bpy.props.StringProperty(
        name="Skip",
        description=(
            "Pairs of frames to leave as they are, such as cuts: 3, 7, 10-14. Pair 3 is that of "
            "frames 3 and 4, counted from 0"
        ),
        options=OPTIONS,
    )
    keep_pairs: bpy.props.StringProperty(
        name="Keep",
        description="The only pairs to interpolate, written like those to skip",
        options=OPTIONS,
    )
    cuts: bpy.props.EnumProperty(
        name="Cuts",
        description="What stands between two shots. Cuts are found in the frames",
        items=CUT_ITEMS,
        default="HOLD",
        options=OPTIONS,
    )
    cut_threshold: bpy.props.FloatProperty(
        name="Threshold",
        description=(
            "How much two frames differ that belong to two shots. Lower finds more cuts, 1 finds "
            "none"
        ),
        default=DEFAULT_CUT_THRESHOLD,
        soft_min=0.05,
        soft_max=1.0,
        precision=2,
        options=OPTIONS,
    )
    cuts_at_markers: bpy.props.BoolProperty(
        name="Markers",
        description="Take every marker of the timeline for a cut, before the frame that it marks",
        options=OPTIONS,
    )
    cuts_at_strip_edges: bpy.props.BoolProperty(
        name="Strip Edges",
        description=(
            "Take the beginning and the end of every other strip with a picture for a cut, as far "
            "as they lie within this strip"
        ),
        options=OPTIONS,
    )
    duplicates: bpy.props.EnumProperty(
        name="Duplicates",
        description="Frames like the one before, as in animation on twos and threes",
        items=DUPLICATE_ITEMS,
        default="KEEP",
        options=OPTIONS,
    )
    loop: bpy.props.BoolProperty(
        name="Loop",
        description=(
            "For cyclic animation: also make the frames between the last frame and the first"
        ),
        options=OPTIONS,
    )
    timing: bpy.props.EnumProperty(
        name="Timing",
        description="What becomes of time and frame rate",
        items=TIMING_ITEMS,
        default=Timing.NEW_SCENE.value,
        options=OPTIONS,
    )
    device: bpy.props.StringProperty(
        name="Device",
        description=(
            'Where the model runs: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu". Several GPUs '
            'share a job: "cuda:0,cuda:1", or "all-gpus"'
        ),
        default="auto",
        search=_device_names,
        options=OPTIONS,
    )
    busy_device: bpy.props.EnumProperty(
        name="If Busy",
        description="What to do where a job of another Blender or terminal has the GPU",
        items=BUSY_DEVICE_ITEMS,
        default="WAIT",
        options=OPTIONS,
    )
    precision: bpy.props.EnumProperty(
        name="Precision",
        description="Numbers that the model computes with",
        items=PRECISION_ITEMS,
        default="auto",
        options=OPTIONS,
    )
    compiles: bpy.props.BoolProperty(
        name="Compile",
        description=(
            "Compile the model for the size of the frames, meant for NVIDIA GPUs: minutes before "
            "the first new frame, which long jobs may win back. Needs a C++ compiler"
        ),
        options=OPTIONS,
    )
    flow_scale: bpy.props.EnumProperty(
        name="Flow Scale",
        description="Resolution at which motion is searched: 0.5 suits 4K, 2 suits small frames",
        items=FLOW_SCALE_ITEMS,
        default="1",
        options=OPTIONS,
    )
    ensemble: bpy.props.BoolProperty(
        name="Ensemble",
        description="Average the motion found forwards and backwards: better, and half as fast",
        options=OPTIONS,
    )
    guided_fill: bpy.props.EnumProperty(
        name="Unseen Parts",
        description="What is made of places that rendered vectors know nothing of",
        items=GUIDED_FILL_ITEMS,
        default="MODEL",
        options=OPTIONS,
    )
    doubt_masks: bpy.props.BoolProperty(
        name="Doubt Masks",
        description=(
            "Write a picture of the error to expect for each new frame, into the folder vfi_doubt "
            "beside the frames: white where a render would look different"
        ),
        options=OPTIONS,
    )
    vector_step: bpy.props.IntProperty(
        name="Rendered Step",
        description=(
            "Frame step that the frames were rendered with, since their vectors reach from one "
            "frame of the scene to the next. 0 takes it from the numbers in their names"
        ),
        default=0,
        soft_min=0,
        soft_max=256,
        options=OPTIONS,
    )
    clear_cache_every: bpy.props.IntProperty(
        name="Clear Cache Every",
        description="Pairs of frames between two clearings of the device's memory",
        default=10,
        soft_min=1,
        soft_max=1000,
        options=OPTIONS,
    )
    tile_size: bpy.props.IntProperty(
        name="Tile Size",
        description=(
            "Make frames in overlapping tiles of so many pixels, at least 128, to save memory. 0 "
            "makes whole frames, and tiles only where memory runs out"
        ),
        default=0,
        soft_min=0,
        soft_max=4096,
        subtype="PIXEL",
        options=OPTIONS,
    )
    free_memory_limit_gb: bpy.props.FloatProperty(
        name="Keep Free (GB)",
        description=(
            "Memory of the device to keep free when models stay loaded: the one not used for the "
            "longest time leaves first"
        ),
        default=4.0,
        soft_min=0.0,
        soft_max=64.0,
        precision=1,
        options=OPTIONS,
    )
    half_when_full: bpy.props.BoolProperty(
        name="Half Precision When Full",
        description=(
            "Where the device's memory runs out although frames are made in small tiles, go on in "
            "half precision. Frames differ by less than one step of 255 on average"
        ),
        options=OPTIONS,
    )
    cpu_when_full: bpy.props.BoolProperty(
        name="CPU When Full",
        description=(
            "Where the device's memory runs out and nothing else helps, go on on the CPU, which is "
            "slower"
        ),
        options=OPTIONS,
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="What models that draw noise start from: the same seed, the same frames",
        default=0,
        soft_min=0,
        options=OPTIONS,
    )
    bad_frames: bpy.props.EnumProperty(
        name="Bad Frames",
        description=(
            "What becomes of a frame for which the model's answer is infinite or no number, in "
            "full precision too"
        ),
        items=BAD_FRAME_ITEMS,
        default="FAIL",
        options=OPTIONS,
    )


SETTINGS = (*InterpolationProperties.__annotations__, *OutputProperties.__annotations__)
"""The names of a job's settings."""


class SkippedRange(bpy.types.PropertyGroup):
    """Frames of the timeline between which nothing is made."""

    first: bpy.props.IntProperty(
        name="First",
        description="Frame of the timeline after which no frames are made",
        default=1,
    )
    last: bpy.props.IntProperty(
        name="Last",
        description="Frame of the timeline from which on frames are made again",
        default=2,
    )


class SceneSettings(InterpolationProperties, bpy.types.PropertyGroup):
    """Settings of a scene's jobs, saved with it."""

    half_render: bpy.props.PointerProperty(type=HalfRender)
    speed: bpy.props.FloatProperty(
        name="Speed",
        description=(
            "Speed of a speed ramp at this frame of the timeline: 0.25 is a quarter, 0 stands "
            "still, below 0 runs backwards. Animate it with keyframes"
        ),
        default=1.0,
        soft_min=-4.0,
        soft_max=4.0,
        precision=3,
        options={"ANIMATABLE"},
    )
    skipped: bpy.props.CollectionProperty(type=SkippedRange)
    skipped_index: bpy.props.IntProperty(
        name="Skipped Range", description="Range that the buttons beside the list work on"
    )


def scene_settings(scene: bpy.types.Scene) -> SceneSettings:
    """Return the settings that are saved with `scene`."""
    return scene.blender_vfi
