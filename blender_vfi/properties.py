"""What an artist sets for a job: properties of operators, and of scenes, which save them."""

from __future__ import annotations

from typing import Any

import bpy

from .engine.protocol import DEFAULT_CUT_THRESHOLD
from .models import catalog
from .paths import PATH_OPTIONS
from .property_items import AS_MOVIE as AS_MOVIE
from .property_items import (
    AS_SEQUENCE,
    BAD_FRAME_ITEMS,
    BUSY_DEVICE_ITEMS,
    CODEC_ITEMS,
    COMPRESSION_ITEMS,
    CUT_ITEMS,
    DEPTH_ITEMS,
    DUPLICATE_ITEMS,
    FLOW_SCALE_ITEMS,
    FORMAT_ITEMS,
    GUIDED_FILL_ITEMS,
    MODEL_ITEMS,
    OUTPUT_ITEMS,
    PRECISION_ITEMS,
    TIMING_ITEMS,
    USUAL_CRF,
)
from .property_items import SAME_AS_SOURCE as SAME_AS_SOURCE
from .render_properties import HalfRender
from .vse_timing import Timing

BY_MULTIPLIER, BY_RATE = "MULTIPLIER", "RATE"
# Blender would give the last call's values to the next one from a menu: another strip's folder
_OPTIONS = {"SKIP_SAVE"}
_PATH_OPTIONS = _OPTIONS | PATH_OPTIONS


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
        items=MODEL_ITEMS,
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
        items=CUT_ITEMS,
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
        items=DUPLICATE_ITEMS,
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
        items=TIMING_ITEMS,
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
        items=FORMAT_ITEMS,
        default=SAME_AS_SOURCE,
        options=_OPTIONS,
    )
    depth: bpy.props.EnumProperty(
        name="Depth",
        description="Bits of each value of the files, as far as their format has them",
        items=DEPTH_ITEMS,
        default="SOURCE",
        options=_OPTIONS,
    )
    compression: bpy.props.EnumProperty(
        name="Compression",
        description="Compression of the files, as far as their format has it",
        items=COMPRESSION_ITEMS,
        default="AUTO",
        options=_OPTIONS,
    )
    quality: bpy.props.IntProperty(
        name="Quality",
        description="Quality of JPEG files, and of lossy WebP files. 0 is the usual one, 95",
        default=0,
        soft_min=0,
        soft_max=100,
        options=_OPTIONS,
    )
    output_as: bpy.props.EnumProperty(
        name="Output As",
        description="What the new strip shows: a sequence of images, or a movie made of them",
        items=OUTPUT_ITEMS,
        default=AS_SEQUENCE,
        options=_OPTIONS,
    )
    codec: bpy.props.EnumProperty(
        name="Codec",
        description="How the movie's pictures are stored",
        items=CODEC_ITEMS,
        default="prores-hq",
        options=_OPTIONS,
    )
    movie_crf: bpy.props.IntProperty(
        name="CRF",
        description=(
            "Quality of H.264, H.265 and AV1: lower is better and larger. -1 takes the codec's "
            "usual"
        ),
        default=USUAL_CRF,
        soft_min=USUAL_CRF,
        soft_max=63,
        options=_OPTIONS,
    )
    movie_sound: bpy.props.BoolProperty(
        name="Include Sound",
        description=(
            "Copy the sound of a movie strip into the new movie, where both play at the same speed"
        ),
        default=True,
        options=_OPTIONS,
    )
    device: bpy.props.StringProperty(
        name="Device",
        description='Where the model runs: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu"',
        default="auto",
        search=_device_names,
        options=_OPTIONS,
    )
    busy_device: bpy.props.EnumProperty(
        name="If Busy",
        description="What to do where a job of another Blender or terminal has the GPU",
        items=BUSY_DEVICE_ITEMS,
        default="WAIT",
        options=_OPTIONS,
    )
    precision: bpy.props.EnumProperty(
        name="Precision",
        description="Numbers that the model computes with",
        items=PRECISION_ITEMS,
        default="auto",
        options=_OPTIONS,
    )
    flow_scale: bpy.props.EnumProperty(
        name="Flow Scale",
        description="Resolution at which motion is searched: 0.5 suits 4K, 2 suits small frames",
        items=FLOW_SCALE_ITEMS,
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
        items=GUIDED_FILL_ITEMS,
        default="MODEL",
        options=_OPTIONS,
    )
    doubt_masks: bpy.props.BoolProperty(
        name="Doubt Masks",
        description=(
            "Write a picture of the error to expect for each new frame, into the folder vfi_doubt "
            "beside the frames: white where a render would look different"
        ),
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
    half_when_full: bpy.props.BoolProperty(
        name="Half Precision When Full",
        description=(
            "Where the device's memory runs out although frames are made in small tiles, go on in "
            "half precision. Frames differ by less than one step of 255 on average"
        ),
        options=_OPTIONS,
    )
    cpu_when_full: bpy.props.BoolProperty(
        name="CPU When Full",
        description=(
            "Where the device's memory runs out and nothing else helps, go on on the CPU, which is "
            "slower"
        ),
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
        items=BAD_FRAME_ITEMS,
        default="FAIL",
        options=_OPTIONS,
    )
    check_free_space: bpy.props.BoolProperty(
        name="Check Free Space",
        description=(
            "Do not begin a job whose frames will not fit on the disk, and stop one before the "
            "disk is full"
        ),
        default=True,
        options=_OPTIONS,
    )
    overwrite: bpy.props.BoolProperty(
        name="Overwrite",
        description="Replace files that have the names of output frames",
        options=_OPTIONS,
    )
    link_sources: bpy.props.BoolProperty(
        name="Link Source Frames",
        description=(
            "Give source frames a second name in the output folder rather than copy them, which "
            "takes no time and no space. Careful: editing one of the two edits the other"
        ),
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
