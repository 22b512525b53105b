"""The commands of Half the Render: `blender shot.blend -c vfi render-setup`, and the next steps."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

from . import render_setup, render_warnings, vse
from .cli_models import OpenClient
from .cli_options import add_job_options
from .cli_rehearsal import rehearse_job
from .cli_run import run_job, save_job
from .cli_signals import end_on_signals
from .doubtful_frames import Budget, DoubtfulRender
from .engine.confidence import most_doubtful, read_confidence
from .engine.folders import plain_path
from .engine.protocol import Run
from .engine.schedule import parse_pairs
from .errors import RequestError
from .models import catalog
from .render_fill import prepare_rendered

_EXAMPLES = """\
examples:
  blender shot.blend -c vfi render-setup --step 2
  blender -b shot.blend -a
      every second frame, with vectors and depth
  blender shot.blend -c vfi fill-rendered
      the others, made of these
  blender shot.blend -c vfi render-doubtful --folder shot_step2/shot_filled_guided --frames 10
      the ten that need it most, rendered after all
"""
_ALBEDOS = (
    render_setup.NO_ALBEDO,
    render_setup.COLORS,
    render_setup.DENOISING_ALBEDO,
)
_MOST_LISTED = 10
PROJECT_HELP = "(default: the one that is open: blender FILE.blend -c vfi …)"

OpenProject = Callable[[Path], None]
SaveProject = Callable[[Path], None]
SettingsOf = Callable[[argparse.Namespace], dict[str, object]]


def add_render_commands(
    commands: Any,
    *,
    open_project: OpenProject,
    save_project: SaveProject,
    settings_of: SettingsOf,
    open_client: OpenClient,
) -> None:
    """Add the commands `render-setup`, `fill-rendered` and `render-doubtful`.

    Args:
        commands: what `add_subparsers` returned.
        open_project: opens a .blend.
        save_project: saves it.
        settings_of: gives a job's options as `InterpolationProperties` has them.
        open_client: gives the engine's client.
    """
    _add_setup(commands, open_project, save_project)
    _add_fill(commands, open_project, settings_of, open_client)
    _add_doubtful(commands, open_project)


def _add_setup(commands: Any, open_project: OpenProject, save_project: SaveProject) -> None:
    setup = _add(
        commands,
        "render-setup",
        "let a project render every second, third or fourth frame with vectors and depth",
        "Sets a scene up to render every N-th frame to multilayer EXR with what guides the frames "
        "between, warns of what vectors cannot tell, and saves the project. --restore puts "
        "everything back.",
    )
    setup.add_argument(
        "--step", type=int, default=2, choices=render_setup.STEPS, help="(default: 2)"
    )
    setup.add_argument(
        "--albedo",
        choices=[_option(name) for name in _ALBEDOS],
        default=_option(render_setup.COLORS),
        help="passes of surfaces' own colours, so that light can move apart from them "
        "(default: colors)",
    )
    setup.add_argument("--restore", action="store_true", help="put everything back in place of it")
    setup.add_argument(
        "--save-as", type=Path, metavar="FILE.blend", help="(default: the project itself)"
    )
    setup.set_defaults(run=lambda options: _set_up(options, open_project, save_project))


def _add_fill(
    commands: Any, open_project: OpenProject, settings_of: SettingsOf, open_client: OpenClient
) -> None:
    fill = _add(
        commands,
        "fill-rendered",
        "make the frames between those that a project has rendered",
        "Finds the frames of a scene's range at its output path and makes those that are missing "
        "between them, into a folder beside them. Without --model, the model guided makes them "
        "where they have vectors and depth.",
    )
    fill.add_argument(
        "--output-dir", default="", metavar="DIR", help="(default: beside the rendered frames)"
    )
    add_job_options(fill, fills_gaps=True)
    fill.set_defaults(
        model=None, run=lambda options: _fill(options, open_project, settings_of, open_client)
    )


def _add_doubtful(commands: Any, open_project: OpenProject) -> None:
    doubtful = _add(
        commands,
        "render-doubtful",
        "render the most doubtful of the frames that were made",
        "Renders the frames in DIR that need it most, as the scene's settings say, and puts them "
        "in the place of the made ones. No later job makes them again.",
    )
    doubtful.add_argument(
        "--folder", type=Path, required=True, metavar="DIR", help="what fill-rendered has filled"
    )
    doubtful.add_argument(
        "--frames",
        type=_count,
        default=10,
        metavar="N",
        help="at most so many, 0 for all (default: 10)",
    )
    doubtful.add_argument(
        "--seconds", type=float, default=0.0, metavar="S", help="begin no further frame after S"
    )
    doubtful.set_defaults(run=lambda options: _render_doubtful(options, open_project))


def _add(commands: Any, name: str, what: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=what,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    parser.add_argument("project", type=Path, nargs="?", metavar="FILE.blend", help=PROJECT_HELP)
    parser.add_argument("--scene", metavar="NAME", help="(default: the project's active one)")
    return parser


def _set_up(
    options: argparse.Namespace, open_project: OpenProject, save_project: SaveProject
) -> int:
    scene = open_scene(options, open_project)
    if options.restore:
        notices = render_setup.restore(scene)
    else:
        albedo = next(name for name in _ALBEDOS if _option(name) == options.albedo)
        notices = render_setup.set_up(scene, step=options.step, albedo=albedo)
        notices += render_warnings.describe_doubts(scene)
    for notice in notices:
        print(notice, file=sys.stderr)
    target = plain_path(options.save_as or Path(bpy.data.filepath))
    save_project(target)
    print(f"Scene {scene.name!r} is {'as it was' if options.restore else 'set up'} in {target}")
    return 0


def _fill(
    options: argparse.Namespace,
    open_project: OpenProject,
    settings_of: SettingsOf,
    open_client: OpenClient,
) -> int:
    scene = open_scene(options, open_project)
    chooses_model = options.model is None
    options.model = options.model or catalog.DEFAULT_MODEL
    settings = SimpleNamespace(**settings_of(options))
    queued = prepare_rendered(scene, settings, chooses_model=chooses_model, adds_strip=False)
    for notice in queued.notices:
        print(notice, file=sys.stderr)
    assert isinstance(queued.request, Run)
    job = queued.request.job
    if options.cut_pairs:
        cuts = parse_pairs(options.cut_pairs).union(job.cut_pairs or ())
        job = replace(job, cut_pairs=tuple(sorted(cuts)))
        job.check()
    if options.save_job is not None:
        return save_job(options.save_job, job, program="blender -c vfi")
    if options.dry_run:
        return rehearse_job(open_client(options.engine_python), job, quiet=options.quiet)
    code = run_job(open_client(options.engine_python), job, quiet=options.quiet)
    worst = most_doubtful(read_confidence(Path(job.output_dir)), _MOST_LISTED)
    if worst:
        listed = ", ".join(f"{each.number} ({each.confidence:.2f})" for each in worst)
        print(f"Most doubtful, with their confidence from 0 to 1: {listed}")
    return code


def _render_doubtful(options: argparse.Namespace, open_project: OpenProject) -> int:
    scene = open_scene(options, open_project)
    folder = plain_path(options.folder)
    work = DoubtfulRender(scene, folder, Budget(frames=options.frames, seconds=options.seconds))
    end_on_signals()
    try:
        while (each := work.current) is not None:
            began_s = time.monotonic()
            work.begin()
            bpy.ops.render.render(write_still=True, scene=scene.name)
            work.finish()
            took_s = time.monotonic() - began_s
            print(f"Frame {each.number}, confidence {each.confidence:.2f}: {took_s:.1f} s")
    except RuntimeError as error:  # the render's own report
        raise RequestError(
            f"Frame {work.frames[work.done].number} was not rendered: {str(error).strip()}"
        ) from error
    finally:
        work.leave()
    print(f"{work.done} of {len(work.frames)} doubtful frames rendered in {folder}")
    return 0


def open_scene(options: argparse.Namespace, open_project: OpenProject) -> bpy.types.Scene:
    """Return the scene that `project` and `scene` of the options name.

    Raises:
        VfiError: no project is given and none is open, or there is no such project or scene.
    """
    if options.project is not None:
        open_project(options.project)
    elif not bpy.data.filepath:
        raise RequestError(
            "No project is open: give FILE.blend, before -c or after the command's name."
        )
    return vse.find_scene(options.scene) if options.scene else bpy.context.scene


def _option(name: str) -> str:
    return name.lower().replace("_", "-")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 on")
    return int(text)
