"""The command lines: `python -m blender_vfi …` in a terminal and `blender -c vfi …`.

Neither torch nor bpy is imported here: the engine runs in a process of its own, as it does for
Blender, and what needs bpy lives in `blender_cli`.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import uuid
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from .cli_models import add_models_commands
from .cli_movies import (
    add_movie_options,
    check_folder_name,
    describe_movie,
    examine,
    is_movie_output,
    output_settings,
)
from .cli_options import add_job_options, job_settings
from .cli_rehearsal import rehearse_job
from .cli_run import add_run_command, run_job, save_job
from .cli_signals import UNREAD_EXIT_CODE, drop_unread, end_on_signals
from .cli_times import multiplier, output_times
from .cli_values import frame_rate
from .engine.client import EngineClient
from .engine.default_folder import ending_of, folder_name, own_folder
from .engine.folders import (
    is_pattern,
    job_for_frames,
    list_frames,
    numbered_frames,
    plain_path,
    sequence_name,
)
from .engine.gaps import describe_missing, fill_job
from .engine.limits import LOG_LEVEL_VARIABLE
from .engine.movie_frames import is_movie, movie_frame
from .engine.movie_jobs import job_for_movie
from .engine.protocol import JobSpec
from .engine.rates import ratio_between
from .engine.version import package_version
from .errors import EngineError, JobCancelledError, RequestError, VfiError
from .remedies import READER_VARIABLE, TERMINAL

_EXAMPLES = """\
examples:
  python -m blender_vfi interpolate shots/010 shots/010_x2
      twice the frames, with the default model; "interpolate" may be left out
  python -m blender_vfi interpolate shots/010 out --multiplier 4 --skip 23,40-44
      four times the frames, but none in pair 23 (files 24 and 25) and pairs 40 to 44
  python -m blender_vfi interpolate shots/010 out --rate 60 --source-rate 23.976
      from one frame rate to another, at exact moments
  python -m blender_vfi interpolate shots/010 out --speed 0:1,48:0.25,96:1
      a speed ramp: down to a quarter of the speed at output frame 48, and back
  python -m blender_vfi clip.mp4 -o out
      a movie at twice its frame rate, as PNG files
  python -m blender_vfi clip.mp4 -o clip_60.mov --rate 60 --codec prores-4444
      a movie from a movie, with its sound
  python -m blender_vfi fill shots/010 shots/010_whole
      the frames whose numbers are missing, such as those of a render with frame step 2
  python -m blender_vfi interpolate plates out --format .tif --device cuda:1
  python -m blender_vfi interpolate shots/010 --multiplier 4 --dry-run
      what would be made, where, and what is kept; nothing is written
  python -m blender_vfi interpolate shots/010 shots/010_x2 --save-job night.json
  python -m blender_vfi run night.json --keep-going
      jobs that were saved, here or in Blender, one after another

IN may be a pattern of names where a folder holds several sequences: shots/beauty_####.exr, as
Blender writes it, or shots/beauty_%04d.exr. Without OUT, the frames go to a folder beside
what IN names: beside a folder, or beside files in their own folder.

exit codes: 0 done, 2 a setting or argument is wrong, 3 a source frame, 4 the output,
5 the model or its checkpoint, 6 the engine or its device, 130 cancelled.
"""

_COMMANDS = frozenset({"interpolate", "fill", "run", "models", "download"})

_IN = "folder of one numbered image sequence, or a pattern such as shot_####.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    return run_command(_parser(), _with_command(sys.argv[1:] if arguments is None else arguments))


def _with_command(arguments: Sequence[str]) -> list[str]:
    """Return the arguments, with the command that a source in its place stands for."""
    is_short = bool(arguments) and _is_source(arguments[0])
    return ["interpolate", *arguments] if is_short else list(arguments)


def _is_source(word: str) -> bool:
    """Tell whether a word in a command's place names a source, be it one that is not there."""
    path = Path(word)
    if is_movie(path) or is_pattern(path):
        return True
    if word in _COMMANDS or word.startswith("-"):
        return False
    return path.name != word or path.suffix != "" or path.exists()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="blender_vfi",
        description="Frame interpolation: makes an image sequence smoother.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=package_version())
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_interpolate(commands)
    _add_fill(commands)
    add_run_command(commands, open_client=EngineClient)
    add_models_commands(commands, open_client=EngineClient)
    return parser


def _add_interpolate(commands: Any) -> None:
    interpolate = commands.add_parser(
        "interpolate",
        help="interpolate a folder of frames, or a movie, into another folder",
        description="Interpolates the image sequence in IN, or the movie that IN is. Source "
        "frames are copied byte for byte where the format allows; a job that was stopped goes on "
        "where it was.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    interpolate.add_argument("source", type=Path, metavar="IN", help=f"{_IN}, or a movie")
    interpolate.add_argument(
        "output_dir",
        type=Path,
        nargs="?",
        metavar="OUT",
        help="folder, made when missing, never IN; or a movie, by its suffix: .mov, .mp4, .mkv, "
        ".webm (default: beside what IN names: shots/010_x2 for the folder shots/010, "
        "shots/beauty_x2 for the files shots/beauty_####.exr, clip_x2 for clip.mp4)",
    )
    interpolate.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="the same, behind the options"
    )
    add_job_options(interpolate)
    add_movie_options(interpolate)
    interpolate.add_argument(
        "--source-rate",
        type=frame_rate,
        metavar="FPS",
        help="frame rate of the frames in IN, for --rate (default: the movie's own)",
    )
    interpolate.add_argument(
        "--hold-skipped",
        action="store_true",
        help="hold a frame where a skipped pair would have got new ones, so that time stays",
    )
    interpolate.set_defaults(run=_interpolate)


def _add_fill(commands: Any) -> None:
    fill = commands.add_parser(
        "fill",
        help="make the frames whose numbers are missing in a folder",
        description="Makes exactly the frames whose numbers are missing in IN, such as those "
        "between the frames of a render with a frame step, or single lost ones. OUT gets the "
        "whole sequence under the numbers of the source's; IN stays as it is.",
    )
    fill.add_argument("source_dir", type=Path, metavar="IN", help=_IN)
    fill.add_argument(
        "output_dir",
        type=Path,
        nargs="?",
        metavar="OUT",
        help="made when missing; never IN (default: beside what IN names: shots/010_filled for the "
        "folder shots/010, shots/beauty_filled for the files shots/beauty_####.exr)",
    )
    add_job_options(fill, fills_gaps=True)
    fill.set_defaults(run=_fill)


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Parse, run the chosen command and turn its error into a line and an exit code.

    Where nobody reads what is printed any more, as behind `| head`, it ends quietly.
    """
    try:
        code = _run_and_tell(parser, arguments)
    except BrokenPipeError:
        code = UNREAD_EXIT_CODE
    except SystemExit:  # of --help, or a wrong argument
        drop_unread()
        raise
    return UNREAD_EXIT_CODE if drop_unread() else code


def _run_and_tell(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a path that the terminal's encoding lacks a letter of must not end a finished job
            stream.reconfigure(errors="backslashreplace")
    os.environ[READER_VARIABLE] = TERMINAL  # the engine's process has it, too
    try:
        options = parser.parse_args(arguments)
        if getattr(options, "log_level", None):
            os.environ[LOG_LEVEL_VARIABLE] = options.log_level  # the engine's process has it then
        return int(options.run(options))
    except VfiError as error:
        if type(error) is EngineError and error.__cause__ is not None:  # a bug: say where
            print(error.__cause__, file=sys.stderr)
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: The job was interrupted; finished frames stay on disk.", file=sys.stderr)
        return JobCancelledError.exit_code


def _interpolate(options: argparse.Namespace) -> int:
    settings: dict[str, Any] = {
        "job_id": uuid.uuid4().hex,
        "hold_skipped": options.hold_skipped,
        **job_settings(options),
    }
    given = _output_of(options)
    if not is_movie(options.source) or options.source.is_dir():
        frames = list_frames(options.source)
        sources = list(map(str, frames))
        output = given or _default_output(options, sources)
        settings["rate_ratio"] = _rate_ratio(options, needs_both=not is_movie_output(output))
        settings["times"] = output_times(options, len(frames))
        folder, of_movie = output_settings(options, output, options.source_rate, sources)
        return _run(job_for_frames(frames, folder, **settings, **of_movie), options)
    sources = [str(movie_frame(plain_path(options.source), 0))]
    output = given or _default_output(options, sources)
    end_on_signals()
    client = EngineClient(options.engine_python)
    try:
        movie = examine(client, options.source)
        if not options.quiet:
            print(describe_movie(movie), file=sys.stderr)
        source_rate = options.source_rate or Fraction(*movie.rate)
        if options.rate is not None:
            settings["rate_ratio"] = ratio_between(source_rate, options.rate)
        settings["times"] = output_times(options, movie.frame_count)
        folder, of_movie = output_settings(options, output, source_rate, sources)
        job = job_for_movie(options.source, movie.frame_count, folder, **settings, **of_movie)
        return _run(job, options, client)
    finally:
        client.close()


def _output_of(options: argparse.Namespace) -> Path | None:
    """Return the folder or movie that was given, in one of the two ways."""
    if options.output is not None and options.output_dir is not None:
        raise RequestError(
            f"Output {options.output_dir} and -o {options.output}: give one of them, a folder or a "
            "movie; it is made when missing."
        )
    chosen: Path | None = options.output or options.output_dir
    if chosen is not None and not is_movie_output(chosen):
        check_folder_name(chosen)
    return chosen


def _default_output(options: argparse.Namespace, sources: Sequence[str]) -> Path:
    ending = ending_of(
        multiplier(options),
        options.rate,
        has_times=options.times is not None or options.speed is not None,
        loops=options.loop,
    )
    return own_folder(_beside(options.source, ending, options.model), sources)


def _beside(source: Path, ending: str, model: str) -> Path:
    """Return what a folder beside a source is called: beside its folder, its files or its movie."""
    source = plain_path(source)
    if source.is_dir():
        name = source.name
    else:
        name = source.stem if is_movie(source) else sequence_name(source)
    return source.with_name(folder_name(name or "frames", ending, model))


def _fill(options: argparse.Namespace) -> int:
    output = options.output_dir
    if output is not None:
        check_folder_name(output)
    frames = numbered_frames(options.source_dir)
    if output is None:
        wanted = _beside(options.source_dir, "filled", options.model)
        output = own_folder(wanted, list(map(str, frames)), keeps_numbers=True)
    job = fill_job(frames, output, job_id=uuid.uuid4().hex, **job_settings(options))
    if not options.quiet:
        print(f"Missing: {describe_missing(frames)}", file=sys.stderr)
    return _run(job, options)


def _run(job: JobSpec, options: argparse.Namespace, client: EngineClient | None = None) -> int:
    if options.save_job is not None:
        return save_job(options.save_job, job, program="python -m blender_vfi")
    run = rehearse_job if options.dry_run else run_job
    return run(client or EngineClient(options.engine_python), job, quiet=options.quiet)


def _rate_ratio(options: argparse.Namespace, *, needs_both: bool) -> Fraction | None:
    if options.rate is not None and options.source_rate is not None:
        return ratio_between(options.source_rate, options.rate)
    if options.rate is None and (options.source_rate is None or not needs_both):
        return None
    raise RequestError(
        "A folder of frames does not say its frame rate: give both --rate, that of the result, and "
        "--source-rate, that of the frames, or a --multiplier alone."
    )
