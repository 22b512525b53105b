"""Fills the frames that a scene's render with a frame step has left out, without a strip.

Which frames there are, the scene's output path and range say. Where they have vectors and depth,
the model that these guide makes the others.
"""

from __future__ import annotations

import itertools
import uuid
from pathlib import Path
from typing import Any

import bpy

from . import vse
from .doubtful_frames import note_doubtful
from .engine.exr_header import has_guides
from .engine.folders import plain_path, split_number
from .engine.gaps import describe_missing, fill_job
from .engine.protocol import JobSpec, Run
from .errors import FrameError
from .job_queue import QueuedJob, Rendered
from .messages import message
from .models import catalog
from .models.catalog_guided import GUIDED
from .output_names import output_folder, suffix_of
from .paths import absolute_path, path_like
from .remedies import how_to_set_up_render
from .render_properties import half_render
from .render_setup import FILL_MARK, STEPS, half_path
from .render_warnings import camera_changes
from .strip_fill import replace_elements
from .strip_job import engine_fields
from .strip_values import ImageSource, StripTimes
from .vse_timing import Placed


def prepare_rendered(
    scene: bpy.types.Scene, settings: Any, *, chooses_model: bool, adds_strip: bool
) -> QueuedJob:
    """Describe the job that makes the frames between those that a scene has rendered.

    Args:
        scene: its output path and frame range say which files are looked for.
        settings: anything with the properties of `InterpolationProperties`; those of rate, timing
            and ranges do not matter.
        chooses_model: take the model that vectors and depth guide, where the frames have them, in
            place of the one in `settings`.
        adds_strip: whether a strip of this scene is to show the whole sequence.

    Raises:
        VfiError: nothing is rendered, or nothing is missing, or a setting is out of range.
    """
    files = rendered_files(scene)
    source = ImageSource(
        scene_name=scene.name,
        strip_name=scene.name,
        files=tuple(map(str, files)),
        lead=0,
        held_before=0,
        held_after=0,
    )
    notices = _choose_model(settings, files[0]) if chooses_model else []
    job = fill_job(
        files,
        Path(output_folder(settings, source, "filled", keeps_numbers=True)),
        job_id=uuid.uuid4().hex,
        suffix=suffix_of(settings, source),
        cut_pairs=_camera_cuts(scene, files) if settings.cuts != "OFF" else None,
        **engine_fields(settings),
    )
    notices.append(
        message(
            "Missing of scene {scene!r}: {missing}",
            scene=scene.name,
            missing=describe_missing(files),
        )
    )
    return QueuedJob(
        request=Run(job=job),
        title=scene.name,
        rendered=Rendered(scene_name=scene.name, adds_strip=adds_strip),
        first_frame=job.first_number,
        notices=[*notices, *_beyond(scene, job)],
    )


def _choose_model(settings: Any, file: Path) -> list[str]:
    """Take the model that vectors and depth guide, or say that `file` has none."""
    if has_guides(file):
        settings.model, settings.checkpoint = GUIDED.name, ""
        return []
    return [
        message(
            "{file} has no vectors and depth that could guide the frames between: {model} makes "
            "them. Before the next render, {set_up}.",
            file=file.name,
            set_up=how_to_set_up_render(),
            model=catalog.find(settings.model).title,
        )
    ]


def _camera_cuts(scene: bpy.types.Scene, files: list[Path]) -> tuple[int, ...] | None:
    """Return the pairs of files with another camera's change between them; None for none."""
    numbers = [split_number(file)[1] or 0 for file in files]
    changes = camera_changes(scene)
    pairs = tuple(
        pair
        for pair, (earlier, later) in enumerate(itertools.pairwise(numbers))
        if any(earlier < frame <= later for frame in changes)
    )
    return pairs or None


def _beyond(scene: bpy.types.Scene, job: JobSpec) -> list[str]:
    """Say which frames of the scene lie between no rendered ones."""
    last = job.first_number + len(job.plan().outputs) - 1
    if last >= scene.frame_end and job.first_number <= scene.frame_start:
        return []
    return [
        message(
            "Frames {first} to {last} lie between rendered ones; scene {scene!r} goes from "
            "{start} to {end}: render its first and its last frame to have all.",
            first=job.first_number,
            last=last,
            scene=scene.name,
            start=scene.frame_start,
            end=scene.frame_end,
        )
    ]


def rendered_files(scene: bpy.types.Scene) -> list[Path]:
    """List the frames of a scene's range that lie at its output path, in order.

    Raises:
        StripError: the path is relative to a .blend that was never saved.
        FrameError: there are none.
    """
    absolute_path(scene.render.filepath, message("The output path of the scene"))
    frames = range(scene.frame_start, scene.frame_end + 1)
    paths = [
        plain_path(Path(bpy.path.abspath(scene.render.frame_path(frame=frame)))) for frame in frames
    ]
    files = [path for path in paths if path.is_file() and path.stat().st_size > 0]
    if not files:
        _look_where_set_up(scene, paths[0])
        raise FrameError(
            "Scene {scene!r} has rendered nothing yet: the first frame would be {path}. Render the "
            "animation first, or set the output path to where its frames are.",
            scene=scene.name,
            path=paths[0],
        )
    return files


def _look_where_set_up(scene: bpy.types.Scene, expected: Path) -> None:
    """Find what was rendered before the scene's settings were restored.

    Raises:
        FrameError: frames lie where Set Up Render had let the scene render them.
    """
    for step in STEPS:
        # restored, the scene has the output path that this was made of
        folder = plain_path(Path(bpy.path.abspath(half_path(scene, step)))).parent
        if not any(split_number(path)[1] is not None for path in folder.glob("*.exr")):
            continue
        raise FrameError(
            "Scene {scene!r} has rendered nothing to {path}, but frames lie in {folder}, as Set Up "
            "Render had it: {set_up} with a step of {step} again, then fill.",
            scene=scene.name,
            path=expected,
            folder=folder,
            set_up=how_to_set_up_render(),
            step=step,
        )


def place_rendered(rendered: Rendered, job: JobSpec) -> Placed:
    """Show the finished sequence, where that is asked for, and what is doubtful in it.

    Raises:
        StripError: the scene is gone, or all channels are taken.
    """
    scene = vse.find_scene(rendered.scene_name)
    # without figures, too, so that rendering frames in doubt can say why there are none
    half_render(scene).folder = job.output_dir
    notices = note_doubtful(scene, Path(job.output_dir))
    reload_strips(scene, Path(job.output_dir))
    strip_name = ""
    if rendered.adds_strip:
        with vse.editing(scene):
            strip_name = _show(scene, job)
        if scene.render.use_sequencer:
            notices.append(
                message(
                    "Scene {scene!r} renders its Sequencer now, and not its objects: switch off "
                    "Output > Post Processing > Sequencer to render these.",
                    scene=scene.name,
                )
            )
    return Placed(scene_name=scene.name, strip_name=strip_name, notices=tuple(notices))


def _show(scene: bpy.types.Scene, job: JobSpec) -> str:
    """Let the strip of these frames show all of them, or add one; return its name."""
    names = [job.frame_name(index) for index in range(len(job.plan().outputs))]
    start = job.first_number
    for strip in _strips_of(scene, Path(job.output_dir)):
        replace_elements(strip, names)
        strip[FILL_MARK] = True
        return str(strip.name)
    strip = vse.new_image_strip(
        vse.root_strips(scene),
        name=scene.name,
        folder=path_like(scene.render.filepath, job.output_dir),
        filenames=names,
        channel=vse.free_channel(
            scene, vse.root_strips(scene), left=start, right=start + len(names), preferred=1
        ),
        start=start,
    )
    vse.set_strip_times(strip, StripTimes(start, start, start + len(names)))
    strip[FILL_MARK] = True
    return str(strip.name)


def reload_strips(scene: bpy.types.Scene, folder: Path) -> None:
    """Let the strips that show a folder's files read them anew, since they have changed."""
    for strip in _strips_of(scene, folder):
        strip.directory = strip.directory


def _strips_of(scene: bpy.types.Scene, folder: Path) -> list[bpy.types.Strip]:
    strips = vse.all_strips(scene) if scene.sequence_editor else ()
    return [
        strip
        for strip in strips
        if strip.type == "IMAGE" and plain_path(Path(bpy.path.abspath(strip.directory))) == folder
    ]
