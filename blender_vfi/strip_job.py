"""From a strip and settings to a job that can be queued."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from . import vse, vse_movies, vse_rate, vse_retiming, vse_speed, vse_timing
from .engine.default_folder import ending_of
from .engine.folders import find_gap, split_number
from .engine.gaps import describe_missing
from .engine.movie_codecs import find_codec
from .engine.protocol import DEFAULT_MULTIPLIER, JobSpec, Run
from .engine.rates import parse_rate
from .engine.schedule import parse_pairs
from .job_queue import QueuedJob
from .messages import message
from .output_names import output_folder, sequence_prefix, suffix_of
from .paths import absolute_path
from .properties import BY_MULTIPLIER, BY_RATE, SETTINGS, scene_settings
from .property_items import AS_MOVIE, USUAL_CRF
from .remedies import how_to_fill
from .strip_cuts import known_cuts
from .strip_values import ImageSource
from .vse_timing import Timing

_DECIMALS = 6  # what Blender's single precision holds: 0.2, and not 0.20000000298


def prepare(
    scene: bpy.types.Scene,
    strip: bpy.types.Strip,
    settings: Any,
    *,
    also_skips: bool,
    is_one_of_many: bool = False,
    others: Collection[JobSpec] = (),
) -> QueuedJob:
    """Describe the job that interpolates `strip`, and make sure that its result can be placed.

    Args:
        scene: of the strip.
        strip: an image or movie strip.
        settings: anything with the properties of `InterpolationProperties`.
        also_skips: whether the scene's list of skipped ranges counts too.
        is_one_of_many: see `output_names.output_folder`.
        others: likewise.

    Raises:
        VfiError: strip, files or settings do not fit; the message says what to do.
    """
    timing = Timing(settings.timing)
    source, times = read_strip(scene, strip, timing)
    first_frame = first_frame_of(strip, source)
    # a retimed strip's frames are not one for each of the timeline
    knows_pairs = timing is not Timing.BAKE_RETIMING
    also_skips = also_skips and knows_pairs
    job = build_job(
        settings,
        source,
        also_skipped=skipped_pairs(scene, source, first_frame) if also_skips else frozenset(),
        cut_pairs=known_cuts(scene, strip, settings, source, first_frame) if knows_pairs else (),
        is_one_of_many=is_one_of_many,
        others=others,
        times=times,
    )
    return to_queue(job, source, timing, first_frame)


def to_queue(job: JobSpec, source: ImageSource, timing: Timing, first_frame: int) -> QueuedJob:
    """Make sure that a job's result can be placed; return what is queued.

    Raises:
        VfiError: source and timing do not fit.
    """
    vse_timing.check_timing(timing, source, job)
    return QueuedJob(
        request=Run(job=job),
        title=source.strip_name,
        source=source,
        timing=timing,
        first_frame=first_frame,
        notices=describe_doubts(source),
    )


def read_strip(
    scene: bpy.types.Scene, strip: bpy.types.Strip, timing: Timing
) -> tuple[ImageSource, tuple[Fraction, ...] | None]:
    """Return what a strip shows, and the moments of new frames where these are not evenly spaced.

    Raises:
        VfiError: strip, files or speed do not fit the timing.
    """
    if timing is Timing.BAKE_RETIMING:
        return vse_retiming.read_retimed_strip(scene, strip)
    source = read_frames(scene, strip)
    if timing is Timing.SPEED_RAMP:
        return source, vse_speed.ramp_times(scene, source, first_frame_of(strip, source))
    return source, None


def read_frames(scene: bpy.types.Scene, strip: bpy.types.Strip) -> ImageSource:
    """List the frames that an image or movie strip shows, as its handles leave it.

    Raises:
        StripError: it is of another type, or its time does not fit.
        FrameError: a file is missing.
    """
    is_movie = strip.type == vse_movies.TYPE
    return (vse_movies.read_movie_strip if is_movie else vse.read_image_strip)(scene, strip)


def first_frame_of(strip: bpy.types.Strip, source: ImageSource) -> int:
    """Return the frame of the timeline that shows the first file of `source`."""
    return round(vse.strip_times(strip).content_start) + source.lead


def effective_settings(operator: Any, scene: bpy.types.Scene) -> SimpleNamespace:
    """Return an operator's settings: those it was given, and for the others the scene's.

    Args:
        operator: has the properties of `InterpolationProperties`.
        scene: of the strip.
    """
    saved = scene_settings(scene)
    given = {
        name: getattr(operator, name)
        for name in SETTINGS
        if operator.properties.is_property_set(name)
    }
    # who gives one of the two means that one
    if "frames_by" not in given and "target_rate" in given:
        given["frames_by"] = BY_RATE
    elif "frames_by" not in given and "multiplier" in given:
        given["frames_by"] = BY_MULTIPLIER
    for one, other in (("skip_pairs", "keep_pairs"), ("keep_pairs", "skip_pairs")):
        if one in given:
            given.setdefault(other, "")
    everything = {name: given.get(name, getattr(saved, name)) for name in SETTINGS}
    return SimpleNamespace(**everything)


def skipped_pairs(scene: bpy.types.Scene, source: ImageSource, first_frame: int) -> frozenset[int]:
    """Return the pairs of `source` that the scene's list of skipped ranges has.

    Args:
        scene: whose list.
        source: what the strip shows.
        first_frame: frame of the timeline that shows its first file.
    """
    last_pair = len(source.files) - 2  # a loop's last pair lies nowhere on the timeline
    return frozenset(
        pair
        for item in scene_settings(scene).skipped
        for pair in range(
            max(item.first - first_frame, 0), min(item.last - 1 - first_frame, last_pair) + 1
        )
    )


def build_job(
    settings: Any,
    source: ImageSource,
    *,
    also_skipped: Collection[int] = (),
    cut_pairs: Collection[int] = (),
    is_one_of_many: bool = False,
    others: Collection[JobSpec] = (),
    times: Sequence[Fraction] | None = None,
) -> JobSpec:
    """Describe the job that `settings` ask for.

    Args:
        settings: anything with the properties of `InterpolationProperties`.
        source: what the strip shows.
        also_skipped: pairs to leave alone beside those that the settings name.
        cut_pairs: pairs that the timeline has cuts in; without effect where cuts are interpolated.
        is_one_of_many: see `output_names.output_folder`.
        others: likewise.
        times: the moment of each new frame, in place of multiplier and rate.

    Raises:
        RequestError: a setting is out of range.
        StripError: a path is relative to a .blend that was never saved.
    """
    has_rate = settings.frames_by == BY_RATE and times is None
    rate = parse_rate(settings.target_rate) if has_rate else None
    ratio = None if rate is None else _ratio_to(source, rate)
    ending = ending_of(settings.multiplier, rate, has_times=times is not None, loops=settings.loop)
    folder = output_folder(settings, source, ending, is_one_of_many=is_one_of_many, others=others)
    name = f"{sequence_prefix(source).rstrip('_-. ')}_{ending}"
    job = JobSpec(
        job_id=uuid.uuid4().hex,
        sources=source.files,
        output_dir=folder,
        name_prefix=sequence_prefix(source),
        suffix=suffix_of(settings, source),
        multiplier=settings.multiplier if rate is None and times is None else DEFAULT_MULTIPLIER,
        rate_ratio=None if ratio is None else ratio.as_integer_ratio(),
        times=None if times is None else tuple(map(str, times)),
        **_pair_fields(settings, also_skipped, cut_pairs),
        loop=settings.loop,
        duplicates=settings.duplicates.lower(),
        hold_skipped=Timing(settings.timing).keeps_time,
        **engine_fields(settings),
        **movie_fields(settings, Path(folder, name), _movie_rate(settings, source, ratio)),
    )
    job.check()
    return job


def _pair_fields(
    settings: Any, also_skipped: Collection[int], cut_pairs: Collection[int]
) -> dict[str, Any]:
    """Return the fields of a `JobSpec` that treat pairs apart; see `build_job`."""
    skip, keep = _pairs(settings.skip_pairs), _pairs(settings.keep_pairs)
    if keep is not None:
        keep -= frozenset(also_skipped)
    elif also_skipped:
        skip = (skip or frozenset()) | frozenset(also_skipped)
    return {
        "skip_pairs": None if skip is None else tuple(sorted(skip)),
        "keep_pairs": None if keep is None else tuple(sorted(keep)),
        "cut_pairs": tuple(sorted(cut_pairs)) if cut_pairs and settings.cuts != "OFF" else None,
    }


def movie_fields(settings: Any, path: Path, rate: Fraction) -> dict[str, Any]:
    """Return the fields of a `JobSpec` that say which movie is made of the frames; none for none.

    Args:
        settings: see `build_job`.
        path: of the movie, without a suffix.
        rate: frames a second that it plays at.
    """
    if settings.output_as != AS_MOVIE:
        return {}
    codec = find_codec(settings.codec)
    return {
        "movie": f"{path}{codec.suffixes[0]}",
        "codec": codec.name,
        "movie_crf": None if settings.movie_crf == USUAL_CRF else settings.movie_crf,
        "movie_rate": rate.as_integer_ratio(),
        "movie_sound": settings.movie_sound,
    }


def engine_fields(settings: Any) -> dict[str, Any]:
    """Return the fields of a `JobSpec` that say how frames are made, whatever frames these are.

    Raises:
        StripError: a path is relative to a .blend that was never saved.
    """
    return {
        "cuts": settings.cuts.lower(),
        "cut_threshold": round(settings.cut_threshold, _DECIMALS),
        "model": settings.model,
        "checkpoint": absolute_path(settings.checkpoint, message("The checkpoint"))
        if settings.checkpoint
        else None,
        "device": settings.device,
        "busy_device": settings.busy_device.lower(),
        "precision": settings.precision,
        "flow_scale": float(settings.flow_scale),
        "ensemble": settings.ensemble,
        "compiles": settings.compiles,
        "clear_cache_every": settings.clear_cache_every,
        "tile_size": settings.tile_size,
        "free_memory_limit_gb": settings.free_memory_limit_gb,
        "seed": settings.seed,
        "depth": settings.depth.lower(),
        "compression": settings.compression.lower(),
        "quality": settings.quality,
        "bad_frames": settings.bad_frames.lower(),
        "guided_fill": settings.guided_fill.lower(),
        "vector_step": settings.vector_step,
        "doubt_masks": settings.doubt_masks,
        "half_when_full": settings.half_when_full,
        "cpu_when_full": settings.cpu_when_full,
        "check_free_space": settings.check_free_space,
        "overwrite": settings.overwrite,
        "link_sources": settings.link_sources,
    }


def describe_doubts(source: ImageSource) -> list[str]:
    """Say what looks unintended about a strip's files, although they can be interpolated."""
    numbers = [split_number(Path(file))[1] for file in source.files]
    gap = find_gap([number for number in numbers if number is not None])
    if None in numbers or gap is None:
        return []
    index, _ = gap
    before, after = (Path(file).name for file in source.files[index : index + 2])
    return [
        message(
            "Strip {strip!r} goes from {before} to {after}, and motion will jump there. Missing: "
            "{missing}. Restore these frames, or first {fill}.",
            strip=source.strip_name,
            before=before,
            after=after,
            fill=how_to_fill(),
            missing=describe_missing([Path(file) for file in source.files]),
        )
    ]


def _ratio_to(source: ImageSource, rate: Fraction) -> Fraction:
    return vse_rate.ratio_to(vse.find_scene(source.scene_name), rate)


def _movie_rate(settings: Any, source: ImageSource, ratio: Fraction | None) -> Fraction:
    """Return the rate of the scene that the result is placed in."""
    rate = vse_rate.rate_of(vse.find_scene(source.scene_name).render)
    timing = Timing(settings.timing)
    if timing is Timing.SLOW_MOTION or timing.has_own_times:
        return rate
    return rate * (settings.multiplier if ratio is None else ratio)


def _pairs(text: str) -> frozenset[int] | None:
    return parse_pairs(text) if text.strip() else None
