"""Fills the missing frames of a strip: a job that makes them, and the strip that shows them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Any

import bpy

from . import vse, vse_placement
from .doubtful_frames import note_doubtful
from .engine.exr_header import has_guides
from .engine.gaps import describe_missing, fill_job
from .engine.protocol import JobSpec, Run
from .errors import RequestError
from .job_queue import QueuedJob
from .messages import message
from .models.catalog_guided import GUIDED
from .output_names import output_folder, suffix_of
from .paths import path_like
from .strip_job import engine_fields, first_frame_of
from .strip_values import ImageSource, StripTimes
from .vse_timing import Placed


def prepare_fill(
    scene: bpy.types.Scene,
    strip: bpy.types.Strip,
    settings: Any,
    *,
    is_one_of_many: bool = False,
    others: Collection[JobSpec] = (),
) -> QueuedJob:
    """Describe the job that makes the frames whose numbers are missing in `strip`.

    Args:
        scene: of the strip.
        strip: an image strip; elements whose files are missing count as missing frames.
        settings: anything with the properties of `InterpolationProperties`; those of rate, timing
            and ranges do not matter.
        is_one_of_many: see `output_names.output_folder`.
        others: likewise.

    Raises:
        VfiError: strip, files or settings do not fit; the message says what to do.
    """
    source = vse.read_image_strip(scene, strip, leaves_out_missing=True)
    files = [Path(file) for file in source.files]
    folder = output_folder(
        settings,
        source,
        "filled",
        is_one_of_many=is_one_of_many,
        others=others,
        keeps_numbers=True,
    )
    job = fill_job(
        files,
        Path(folder),
        job_id=uuid.uuid4().hex,
        suffix=suffix_of(settings, source),
        **engine_fields(settings),
    )
    last = vse.strip_times(strip).left + len(job.plan().outputs)
    if last > vse.LARGEST_FRAME:
        raise RequestError(
            "The filled strip would end at frame {last}: Blender's last frame is {largest}; move "
            "the strip to the front, or split it.",
            last=last,
            largest=vse.LARGEST_FRAME,
        )
    return QueuedJob(
        request=Run(job=job),
        title=source.strip_name,
        source=source,
        fills_strip=True,
        first_frame=first_frame_of(strip, source),
        notices=[
            message(
                "Missing in strip {strip!r}: {missing}",
                strip=source.strip_name,
                missing=describe_missing(files),
            ),
            *_advice(source, settings.model),
        ],
    )


def _advice(source: ImageSource, model: str) -> list[str]:
    """Name the model that follows rendered vectors, where there are some and another is chosen."""
    if model == GUIDED.name or not has_guides(Path(source.files[0])):
        return []
    return [
        message(
            "The frames of strip {strip!r} have vectors and depth: the model {model} would follow "
            "them.",
            strip=source.strip_name,
            model=GUIDED.title,
        )
    ]


def place_filled(source: ImageSource, job: JobSpec) -> Placed:
    """Let the strip show the whole sequence from where it begins, as long as that takes.

    Raises:
        StripError: scene or strip are gone, or all channels are taken.
    """
    scene = vse.find_scene(source.scene_name)
    strip = vse.find_strip(scene, source.strip_name)
    names = [job.frame_name(index) for index in range(len(job.plan().outputs))]
    old = vse.strip_times(strip)
    begin = old.left + source.held_before
    times = StripTimes(begin, old.left, begin + len(names) + source.held_after)
    with vse.editing(scene):
        siblings = vse.sibling_strips(scene, strip)
        others = [other for other in siblings if other != strip]
        channel = vse.free_channel(
            scene, others, left=times.left, right=times.right, preferred=strip.channel
        )
        strip.channel = channel
        strip.directory = path_like(strip.directory, job.output_dir)
        replace_elements(strip, names)
        vse.set_strip_times(strip, times)
        vse.restore_channels(scene, {strip.name: channel})
    notices = vse_placement.beyond_end(scene, strip.name, times)
    notices += note_doubtful(scene, Path(job.output_dir), begin - job.first_number)
    return Placed(scene_name=scene.name, strip_name=strip.name, notices=tuple(notices))


def replace_elements(strip: bpy.types.Strip, filenames: list[str]) -> None:
    """Let an image strip show other files of its folder."""
    for filename in filenames[len(strip.elements) :]:
        strip.elements.append(filename)
    while len(strip.elements) > len(filenames):
        strip.elements.pop(len(strip.elements) - 1)
    for element, filename in zip(strip.elements, filenames, strict=True):
        element.filename = filename
