"""What an artist sets for a job, and the job that this describes."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import bpy

from .engine.folders import find_gap, output_suffix, split_number
from .engine.protocol import FLOW_SCALES, OUTPUT_SUFFIXES, PRECISIONS, JobSpec
from .engine.schedule import parse_pairs
from .models import catalog
from .vse import PATH_OPTIONS, ImageSource, absolute_path
from .vse_timing import Timing

SAME_AS_SOURCE = "SOURCE"
# Blender would give the last call's values to the next one from a menu: another strip's folder
_OPTIONS = {"SKIP_SAVE"}
_PATH_OPTIONS = _OPTIONS | PATH_OPTIONS
_PRECISION_NAMES = {
    "auto": ("Automatic", "Half precision where device and model allow it"),
    "fp32": ("Full (fp32)", "32-bit: the most exact, and the most memory"),
    "fp16": ("Half (fp16)", "16-bit: twice as fast on most GPUs"),
    "bf16": ("Brain (bf16)", "16-bit with the range of 32-bit"),
}

# Out here, since Blender evaluates annotations where comprehensions see no names of this module
_MODELS = [(spec.name, spec.title, spec.summary) for spec in catalog.CATALOG]
_FORMATS = [
    (SAME_AS_SOURCE, "Same as Source", "The format of the strip's first file"),
    *(
        (suffix[1:].upper(), suffix[1:].upper(), f"Files ending in {suffix}")
        for suffix in OUTPUT_SUFFIXES
    ),
]
_PRECISIONS = [(name, *_PRECISION_NAMES[name]) for name in PRECISIONS]
_FLOW_SCALES = [
    (f"{scale:g}", f"{scale:g}×", f"{scale:g} times the frame") for scale in FLOW_SCALES
]
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
]


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
    clear_cache_every: bpy.props.IntProperty(
        name="Clear Cache Every",
        description="Pairs of frames between two clearings of the device's memory",
        default=10,
        soft_min=1,
        soft_max=1000,
        options=_OPTIONS,
    )
    overwrite: bpy.props.BoolProperty(
        name="Overwrite",
        description="Replace files that have the names of output frames",
        options=_OPTIONS,
    )


def build_job(settings: Any, source: ImageSource) -> JobSpec:
    """Describe the job that `settings` ask for.

    Args:
        settings: anything with the properties of `InterpolationProperties`.
        source: what the strip shows.

    Raises:
        RequestError: a setting is out of range.
        StripError: a path is relative to a .blend that was never saved.
    """
    suffix = f".{settings.output_format.lower()}"
    if settings.output_format == SAME_AS_SOURCE and source.files:
        suffix = output_suffix(Path(source.files[0]))
    prefix = sequence_prefix(source)
    job = JobSpec(
        job_id=uuid.uuid4().hex,
        sources=source.files,
        output_dir=_output_dir(settings, source, prefix),
        name_prefix=prefix,
        suffix=suffix,
        multiplier=settings.multiplier,
        skip_pairs=_pairs(settings.skip_pairs),
        keep_pairs=_pairs(settings.keep_pairs),
        hold_skipped=Timing(settings.timing).keeps_time,
        model=settings.model,
        checkpoint=absolute_path(settings.checkpoint, "The checkpoint")
        if settings.checkpoint
        else None,
        device=settings.device,
        precision=settings.precision,
        flow_scale=float(settings.flow_scale),
        ensemble=settings.ensemble,
        clear_cache_every=settings.clear_cache_every,
        overwrite=settings.overwrite,
    )
    job.check()
    return job


def describe_doubts(source: ImageSource) -> list[str]:
    """Say what looks unintended about a strip's files, although they can be interpolated."""
    numbers = [split_number(Path(file))[1] for file in source.files]
    gap = find_gap([number for number in numbers if number is not None])
    if None in numbers or gap is None:
        return []
    index, missing = gap
    before, after = (Path(file).name for file in source.files[index : index + 2])
    return [
        f"Strip {source.strip_name!r} goes from {before} to {after}: frame {missing} is missing, "
        "and motion will jump there; restore it, or skip that pair."
    ]


def sequence_prefix(source: ImageSource) -> str:
    """Return what names of output frames begin with: the source's own beginning, or its strip's.

    Files that are named by numbers alone take the name of their folder.
    """
    first = Path(source.files[0]) if source.files else Path(source.strip_name)
    prefix, number = split_number(first)
    if number is None or not prefix:
        name = first.parent.name if number is not None else source.strip_name
        prefix = Path(re.sub(r'[/\\:*?"<>|\0]', "_", name)).stem
    return prefix if prefix.endswith(("_", "-", ".", " ")) else f"{prefix}_"


def _output_dir(settings: Any, source: ImageSource, prefix: str) -> str:
    if settings.output_dir:
        return absolute_path(settings.output_dir, "The output folder")
    beside = Path(source.files[0]).parent if source.files else Path.cwd()
    name = prefix.rstrip("_-. ") or "frames"
    if source.is_part:  # the other part of a cut strip may want a folder as well
        first, last = (split_number(Path(file))[1] for file in (source.files[0], source.files[-1]))
        name = f"{name}_{first}-{last}" if first is not None else f"{name}_{source.strip_name}"
    return str(beside / f"{name}_x{settings.multiplier}")


def _pairs(text: str) -> tuple[int, ...] | None:
    return tuple(sorted(parse_pairs(text))) if text.strip() else None
