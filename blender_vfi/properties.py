"""What an artist sets for a job: properties of operators, and of scenes, which save them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import bpy

from .engine.protocol import (
    BAD_FRAMES,
    CUTS,
    DEFAULT_CUT_THRESHOLD,
    DUPLICATES,
    FLOW_SCALES,
    GUIDED_FILLS,
    OUTPUT_SUFFIXES,
    PRECISIONS,
)
from .models import catalog
from .paths import PATH_OPTIONS
from .render_properties import HalfRender
from .vse_timing import Timing

SAME_AS_SOURCE = "SOURCE"
BY_MULTIPLIER, BY_RATE = "MULTIPLIER", "RATE"
# Blender would give the last call's values to the next one from a menu: another strip's folder
_OPTIONS = {"SKIP_SAVE"}
_PATH_OPTIONS = _OPTIONS | PATH_OPTIONS
_PRECISION_NAMES = {
    "auto": ("Automatic", "Half precision where device and model allow it"),
    "fp32": ("Full (fp32)", "32-bit: the most exact, and the most memory"),
    "fp16": ("Half (fp16)", "16-bit: twice as fast on most GPUs"),
    "bf16": ("Brain (bf16)", "16-bit with the range of 32-bit"),
}

_CUT_NAMES = {
    "hold": ("Hold", "Hold the frame before the cut, so that the cut stays at its moment"),
    "blend": ("Blend", "Dissolve from the frame before the cut to the one after it"),
    "off": ("Interpolate", "Do not look for cuts: make frames everywhere"),
}
_DUPLICATE_NAMES = {
    "keep": ("Keep", "Held drawings stay held"),
    "retime": ("Retime", "Spread the drawings evenly over the same time, for even motion"),
}
_GUIDED_FILL_NAMES = {
    "model": ("Ask Network", "RIFE finds what is there, and how light changes"),
    "mix": ("Mix Frames", "The two frames are mixed, which needs no weights"),
}

_BAD_FRAME_NAMES = {
    "fail": ("Fail", "The job fails; finished frames stay"),
    "hold": ("Hold", "The frame before is held, and the frame's name told"),
    "blend": ("Blend", "Both frames are blended, and the frame's name told"),
}


def _numbered(items: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str, int]]:
    """Give each item a number of its own: files keep that, and by default it is the place."""
    return [(*item, zlib.crc32(item[0].encode()) & 0x7FFFFFFF) for item in items]


# Out here, since Blender evaluates annotations where comprehensions see no names of this module
_MODELS = _numbered((spec.name, spec.title, spec.summary) for spec in catalog.CATALOG)
_FORMATS = _numbered(
    [
        (SAME_AS_SOURCE, "Same as Source", "The format of the strip's first file"),
        *(
            (suffix[1:].upper(), suffix[1:].upper(), f"Files ending in {suffix}")
            for suffix in OUTPUT_SUFFIXES
        ),
    ]
)
_PRECISIONS = _numbered((name, *_PRECISION_NAMES[name]) for name in PRECISIONS)
_CUTS = _numbered((name.upper(), *_CUT_NAMES[name]) for name in CUTS)
_DUPLICATES = _numbered((name.upper(), *_DUPLICATE_NAMES[name]) for name in DUPLICATES)
_BAD_FRAMES = _numbered((name.upper(), *_BAD_FRAME_NAMES[name]) for name in BAD_FRAMES)
_GUIDED_FILLS = _numbered((name.upper(), *_GUIDED_FILL_NAMES[name]) for name in GUIDED_FILLS)
_FLOW_SCALES = _numbered(
    (f"{scale:g}", f"{scale:g}×", f"{scale:g} times the frame") for scale in FLOW_SCALES
)
_TIMINGS = [
    (
        Timing.NEW_SCENE.value,
        "New Scene",
        "Same speed, in a new scene with a higher frame rate, with the sound in sync",
    ),
    (
        Timing.SLOW_MOTION.value,
        "Slow Motion",
        "Longer, in this scene on a free channel, at the frame rate there is",
    ),
    (
        Timing.RAISE_RATE.value,
        "Raise Frame Rate",
        "Same speed, in this scene at a higher frame rate; only where no other strip would "
        "change its speed",
    ),
    (
        Timing.SPEED_RAMP.value,
        "Speed Ramp",
        "In this scene on a free channel, at the speed that the setting Speed has at each frame "
        "of the timeline; animate it",
    ),
    (
        Timing.BAKE_RETIMING.value,
        "Bake Retiming",
        "In this scene on a free channel, as the strip's retiming keys have it, with frames made "
        "wherever it is slower",
    ),
]


def _device_names(_owner: Any, _context: bpy.types.Context, _typed: str) -> list[str]:
    """Suggest devices; any other name that torch knows can be typed."""
    return ["auto", "cpu", "cuda", "cuda:1", "mps", "xpu"]


class InterpolationProperties:
    """Settings of a job; mixed into operators and property groups.

    Numbers have no hard limits: a value out of range has to reach the check that explains it, and
    may not be bent to the nearest limit in silence.
    """

    model: bpy.props.EnumProperty(
        name="Model",
        description="Network that makes the frames between",
        items=_MODELS,
        default=catalog.DEFAULT_MODEL,
        options=_OPTIONS,
    )
    checkpoint: bpy.props.StringProperty(
        name="Checkpoint",
        description="File of weights to use in place of the model's own",
        subtype="FILE_PATH",
        options=_PATH_OPTIONS,
    )
    multiplier: bpy.props.IntProperty(
        name="Multiplier",
        description="How many frames each source frame becomes: 2 doubles the frame rate",
        default=2,
        soft_min=2,
        soft_max=16,
        options=_OPTIONS,
    )
    frames_by: bpy.props.EnumProperty(
        name="Frames By",
        description="How to say how many frames there shall be",
        items=[
            (BY_MULTIPLIER, "Multiplier", "So many for each source frame"),
            (BY_RATE, "Frame Rate", "As many as a frame rate needs, whole multiple or not"),
        ],
        default=BY_MULTIPLIER,
        options=_OPTIONS,
    )
    target_rate: bpy.props.StringProperty(
        name="Frame Rate",
        description="Frames a second of the result: 60, 59.94, 23.976, or a fraction 60000/1001",
        default="60",
        options=_OPTIONS,
    )
    skip_pairs: bpy.props.StringProperty(
        name="Skip",
        description=(
            "Pairs of frames to leave as they are, such as cuts: 3, 7, 10-14. Pair 3 is that of "
            "frames 3 and 4, counted from 0"
        ),
        options=_OPTIONS,
    )
    keep_pairs: bpy.props.StringProperty(
        name="Keep",
        description="The only pairs to interpolate, written like those to skip",
        options=_OPTIONS,
    )
    cuts: bpy.props.EnumProperty(
        name="Cuts",
        description="What stands between two shots. Cuts are found in the frames",
        items=_CUTS,
        default="HOLD",
        options=_OPTIONS,
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
        options=_OPTIONS,
    )
    cuts_at_markers: bpy.props.BoolProperty(
        name="Markers",
        description="Take every marker of the timeline for a cut, before the frame that it marks",
        options=_OPTIONS,
    )
    cuts_at_strip_edges: bpy.props.BoolProperty(
        name="Strip Edges",
        description=(
            "Take the beginning and the end of every other strip with a picture for a cut, as far "
            "as they lie within this strip"
        ),
        options=_OPTIONS,
    )
    duplicates: bpy.props.EnumProperty(
        name="Duplicates",
        description="Frames like the one before, as in animation on twos and threes",
        items=_DUPLICATES,
        default="KEEP",
        options=_OPTIONS,
    )
    loop: bpy.props.BoolProperty(
        name="Loop",
        description=(
            "For cyclic animation: also make the frames between the last frame and the first"
        ),
        options=_OPTIONS,
    )
    timing: bpy.props.EnumProperty(
        name="Timing",
        description="What becomes of time and frame rate",
        items=_TIMINGS,
        default=Timing.NEW_SCENE.value,
        options=_OPTIONS,
    )
    output_dir: bpy.props.StringProperty(
        name="Output Folder",
        description="Where frames are written. Empty makes a folder beside the source's files",
        subtype="DIR_PATH",
        options=_PATH_OPTIONS,
    )
    output_format: bpy.props.EnumProperty(
        name="Format",
        description="File format of the frames",
        items=_FORMATS,
        default=SAME_AS_SOURCE,
        options=_OPTIONS,
    )
    device: bpy.props.StringProperty(
        name="Device",
        description='Where the model runs: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu"',
        default="auto",
        search=_device_names,
        options=_OPTIONS,
    )
    precision: bpy.props.EnumProperty(
        name="Precision",
        description="Numbers that the model computes with",
        items=_PRECISIONS,
        default="auto",
        options=_OPTIONS,
    )
    flow_scale: bpy.props.EnumProperty(
        name="Flow Scale",
        description="Resolution at which motion is searched: 0.5 suits 4K, 2 suits small frames",
        items=_FLOW_SCALES,
        default="1",
        options=_OPTIONS,
    )
    ensemble: bpy.props.BoolProperty(
        name="Ensemble",
        description="Average the motion found forwards and backwards: better, and half as fast",
        options=_OPTIONS,
    )
    guided_fill: bpy.props.EnumProperty(
        name="Unseen Parts",
        description="What is made of places that rendered vectors know nothing of",
        items=_GUIDED_FILLS,
        default="MODEL",
        options=_OPTIONS,
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
        options=_OPTIONS,
    )
    clear_cache_every: bpy.props.IntProperty(
        name="Clear Cache Every",
        description="Pairs of frames between two clearings of the device's memory",
        default=10,
        soft_min=1,
        soft_max=1000,
        options=_OPTIONS,
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
        options=_OPTIONS,
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
        options=_OPTIONS,
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="What models that draw noise start from: the same seed, the same frames",
        default=0,
        soft_min=0,
        options=_OPTIONS,
    )
    bad_frames: bpy.props.EnumProperty(
        name="Bad Frames",
        description=(
            "What becomes of a frame for which the model's answer is infinite or no number, in "
            "full precision too"
        ),
        items=_BAD_FRAMES,
        default="FAIL",
        options=_OPTIONS,
    )
    overwrite: bpy.props.BoolProperty(
        name="Overwrite",
        description="Replace files that have the names of output frames",
        options=_OPTIONS,
    )


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
