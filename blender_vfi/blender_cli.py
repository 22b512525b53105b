"""The command line inside Blender: `blender -c vfi interpolate FILE.blend --strip NAME …`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from . import engine_session, placing, vse
from .cli import run_command
from .cli_models import add_models_commands
from .cli_movies import add_movie_options
from .cli_options import add_job_options
from .cli_progress import ProgressPrinter
from .cli_rehearsal import rehearse_job
from .cli_render import PROJECT_HELP, add_render_commands, open_scene
from .cli_run import add_run_command, save_job
from .cli_setup import add_setup_command
from .cli_signals import end_on_signals
from .cli_times import multiplier, output_times
from .engine.client import EngineClient
from .engine.folders import plain_path
from .engine.protocol import Run
from .engine.schedule import parse_pairs
from .engine.times import parse_time
from .engine.version import package_version
from .errors import OutputError, RequestError, StripError
from .job_queue import QueuedJob
from .preferences import checkpoint_folder, engine_settings
from .properties import BY_MULTIPLIER, BY_RATE
from .property_items import AS_MOVIE, AS_SEQUENCE, SAME_AS_SOURCE, USUAL_CRF
from .strip_cuts import known_cuts
from .strip_fill import prepare_fill
from .strip_job import (
    build_job,
    first_frame_of,
    read_frames,
    read_strip,
    skipped_pairs,
    to_queue,
)
from .strip_values import ImageSource
from .vse_timing import Timing

_EXAMPLES = """\
examples:
  blender -c vfi interpolate edit.blend --strip Shot_010
      the strip at twice the rate in a new scene, saved in edit.blend; run again, in one more scene
  blender -c vfi interpolate edit.blend --strip Shot_010 --timing slow-motion --multiplier 4 \\
      --save-as edit_slow.blend
  blender -c vfi interpolate edit.blend --strip Shot_010 --rate 59.94
      the strip at another frame rate than the scene's, in a new scene
  blender -c vfi interpolate edit.blend --strip Shot_010 --timing bake-retiming
      a strip with retiming keys, with real frames wherever it is slower
  blender -c vfi interpolate edit.blend --strip Shot_010 --save-job night.json
  blender -c vfi run night.json
      the frames later, or on another machine; the first command again then places the strip
"""


def main(arguments: Sequence[str]) -> int:
    """Run what follows `blender -c vfi`; return the exit code."""
    return run_command(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="blender -c vfi",
        description="Frame interpolation for the Video Sequence Editor.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=package_version())
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_interpolate(commands)
    _add_fill(commands)
    add_render_commands(
        commands,
        open_project=_open,
        save_project=_save,
        settings_of=_output_settings,
        open_client=_open_client,
    )
    add_run_command(commands, open_client=_open_client)
    add_setup_command(commands)
    add_models_commands(commands, open_client=_open_client, checkpoint_folder=_checkpoint_folder)
    return parser


def _add_interpolate(commands: Any) -> None:
    interpolate = commands.add_parser(
        "interpolate",
        help="interpolate an image or movie strip of a project",
        description="Opens FILE.blend, interpolates one of its image or movie strips, places the "
        "new strip and saves. The source strip and its files stay as they are.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    where = _add_strip_options(interpolate)
    where.add_argument(
        "--timing",
        choices=[_option(timing) for timing in Timing],
        help="new-scene: same speed in a scene with a higher rate; slow-motion: same scene, "
        "longer; raise-rate: this scene at a higher rate; speed-ramp: same scene, at the speed of "
        "--speed or --times, or that the project's setting Speed is animated to; bake-retiming: "
        "as the strip's retiming keys or Speed Control effect have it (default: new-scene)",
    )
    where.add_argument(
        "--cuts-at-markers", action="store_true", help="take the timeline's markers for cuts"
    )
    where.add_argument(
        "--cuts-at-strip-edges",
        action="store_true",
        help="take the edges of other strips with a picture for cuts",
    )
    where.add_argument(
        "--skip-listed",
        action="store_true",
        help="make no frames in the ranges of the scene's list Interpolation States either",
    )
    add_job_options(interpolate)
    add_movie_options(interpolate, is_in_project=True)
    interpolate.set_defaults(run=_interpolate)


def _add_fill(commands: Any) -> None:
    fill = commands.add_parser(
        "fill",
        help="make the frames whose numbers are missing in an image strip of a project",
        description="Opens FILE.blend, makes exactly the frames whose numbers are missing in one "
        "of its image strips, lets the strip show the whole sequence and saves. The source's files "
        "stay as they are.",
    )
    _add_strip_options(fill)
    add_job_options(fill, fills_gaps=True)
    fill.set_defaults(run=_fill)


def _add_strip_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    parser.add_argument("project", type=Path, nargs="?", metavar="FILE.blend", help=PROJECT_HELP)
    where = parser.add_argument_group("strip and result")
    where.add_argument("--strip", required=True, metavar="NAME", help="name of the strip")
    where.add_argument(
        "--scene", metavar="NAME", help="scene of the strip (default: the project's active one)"
    )
    where.add_argument(
        "--output-dir",
        default="",
        metavar="DIR",
        help="where frames go, // for beside the project (default: beside the source's files)",
    )
    where.add_argument(
        "--save-as", type=Path, metavar="FILE.blend", help="(default: the project itself)"
    )
    return where


def _interpolate(options: argparse.Namespace) -> int:
    scene, strip = _open_strip(options)
    timing = _timing(options)
    if options.times is None and options.speed is None:
        source, times = read_strip(scene, strip, timing)
    else:
        source = read_frames(scene, strip)
        times = tuple(map(parse_time, output_times(options, len(source.files))))
    settings = SimpleNamespace(
        **_output_settings(options),
        **_time_settings(options),
        **_movie_settings(options),
        timing=timing.value,
    )
    first_frame = first_frame_of(strip, source)
    knows_pairs = timing is not Timing.BAKE_RETIMING
    listed = skipped_pairs(scene, source, first_frame) if options.skip_listed else frozenset()
    job = build_job(
        settings,
        source,
        also_skipped=listed if knows_pairs else (),
        cut_pairs=_cut_pairs(options, scene, strip, source, timing),
        times=times,
    )
    return _run(to_queue(job, source, timing, first_frame), options)


def _timing(options: argparse.Namespace) -> Timing:
    """Return the timing that the options ask for; times of one's own have but one.

    Raises:
        RequestError: another timing was chosen for them, or one that has no place for a rate.
    """
    has_times = options.times is not None or options.speed is not None
    usual = Timing.SPEED_RAMP if has_times else Timing.NEW_SCENE
    timing = next((each for each in Timing if _option(each) == options.timing), usual)
    if has_times and timing is not usual:
        raise RequestError(
            f"Timing {options.timing} with --times or --speed: these are a speed ramp of their "
            "own; leave --timing out."
        )
    if timing.has_own_times and (options.rate is not None or options.multiplier is not None):
        raise RequestError(
            f"Timing {options.timing} with --multiplier or --rate: the speed alone says which "
            "frames are made; leave them out."
        )
    return timing


def _fill(options: argparse.Namespace) -> int:
    scene, strip = _open_strip(options)
    settings = SimpleNamespace(**_output_settings(options))
    queued = prepare_fill(scene, strip, settings)
    if options.cut_pairs:
        job = replace(queued.request.job, cut_pairs=tuple(sorted(parse_pairs(options.cut_pairs))))
        job.check()
        queued.request = Run(job=job)
    return _run(queued, options)


def _run(queued: QueuedJob, options: argparse.Namespace) -> int:
    """Run a strip's job, or save it for later; place what it made and save the project."""
    for notice in queued.notices:
        print(notice, file=sys.stderr)
    job = queued.request.job
    if options.save_job is not None:
        return save_job(options.save_job, job, program="blender -c vfi")
    if options.dry_run:
        return rehearse_job(_open_client(options.engine_python), job, quiet=options.quiet)
    settings = engine_settings(bpy.context, python=options.engine_python)
    end_on_signals()
    try:
        with ProgressPrinter(sys.stderr, quiet=options.quiet) as printer:
            finished = engine_session.get(settings).run(job, printer.show)
    finally:
        engine_session.close()
    placed = placing.place(queued)
    for notice in placed.notices:
        print(notice, file=sys.stderr)
    target = plain_path(options.save_as or Path(bpy.data.filepath))
    _save(target)
    print(
        f"{finished.frames_total} frames ({finished.frames_made} new) in {job.output_dir}; strip "
        f"{placed.strip_name!r} in scene {placed.scene_name!r} of {target}"
    )
    return 0


def _open_strip(options: argparse.Namespace) -> tuple[bpy.types.Scene, bpy.types.Strip]:
    scene = open_scene(options, _open)
    return scene, vse.find_strip(scene, options.strip)


def _open_client(python: str | None) -> EngineClient:
    return engine_session.get(engine_settings(bpy.context, python=python))


def _checkpoint_folder() -> Path:
    return checkpoint_folder(bpy.context)


def _open(project: Path) -> None:
    try:
        bpy.ops.wm.open_mainfile(filepath=str(project.absolute()), load_ui=False)
    except RuntimeError as error:
        raise StripError(
            f"{project} cannot be opened ({_first_line(error)}): give a .blend file."
        ) from error


def _save(target: Path) -> None:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(target))
    except RuntimeError as error:
        raise OutputError(
            f"{target} cannot be saved ({_first_line(error)}); the frames are kept: choose another "
            "file with --save-as and run the same command again."
        ) from error


def _cut_pairs(
    options: argparse.Namespace,
    scene: bpy.types.Scene,
    strip: bpy.types.Strip,
    source: ImageSource,
    timing: Timing,
) -> frozenset[int]:
    given = parse_pairs(options.cut_pairs) if options.cut_pairs else frozenset()
    if timing is Timing.BAKE_RETIMING:  # its frames are not one for each of the timeline
        return given
    return given | known_cuts(scene, strip, options, source, first_frame_of(strip, source))


def _time_settings(options: argparse.Namespace) -> dict[str, object]:
    """Return the options of rate and time as `InterpolationProperties` has them."""
    return {
        "frames_by": BY_MULTIPLIER if options.rate is None else BY_RATE,
        "multiplier": multiplier(options),
        "target_rate": str(options.rate),
        "skip_pairs": options.skip or "",
        "keep_pairs": options.keep or "",
        "duplicates": options.duplicates.upper(),
        "loop": options.loop,
    }


def _movie_settings(options: argparse.Namespace) -> dict[str, object]:
    """Return the options of a movie likewise."""
    return {
        "output_as": AS_SEQUENCE if options.codec is None else AS_MOVIE,
        "codec": options.codec,
        "movie_crf": USUAL_CRF if options.movie_crf is None else options.movie_crf,
        "movie_sound": not options.no_sound,
    }


def _output_settings(options: argparse.Namespace) -> dict[str, object]:
    """Return all other options likewise."""
    return {
        "model": options.model,
        "checkpoint": _from_here(options.checkpoint or ""),
        "cuts": options.cuts.upper(),
        "cut_threshold": options.cut_threshold,
        "output_dir": _from_here(options.output_dir),
        "output_format": options.suffix[1:].upper() if options.suffix else SAME_AS_SOURCE,
        "depth": options.depth.upper(),
        "compression": options.compression.upper(),
        "quality": options.quality,
        "device": options.device,
        "busy_device": options.busy_device.upper(),
        "precision": options.precision,
        "flow_scale": options.flow_scale,
        "ensemble": options.ensemble,
        "seed": options.seed,
        "guided_fill": options.guided_fill.upper(),
        "vector_step": options.vector_step,
        "doubt_masks": options.doubt_masks,
        "compiles": options.compiles,
        "clear_cache_every": options.clear_cache_every,
        "tile_size": options.tile_size,
        "free_memory_limit_gb": options.free_memory_limit_gb,
        "bad_frames": options.bad_frames.upper(),
        "half_when_full": options.half_when_full,
        "cpu_when_full": options.cpu_when_full,
        "check_free_space": options.check_free_space,
        "overwrite": options.overwrite,
        "link_sources": options.link,
    }


def _from_here(path: str) -> str:
    """Return a path of the command line as an absolute one; // is the project's folder."""
    return path if not path or path.startswith("//") else str(plain_path(Path(path)))


def _option(timing: Timing) -> str:
    return timing.value.lower().replace("_", "-")


def _first_line(error: RuntimeError) -> str:
    return str(error).strip().partition("\n")[0]
