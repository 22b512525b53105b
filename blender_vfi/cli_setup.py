"""The command `setup` of Blender: Set Up Engine and Test without a window, by the same code."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from . import preferences
from .cli_progress import ProgressPrinter
from .cli_signals import end_on_signals
from .engine import environment, installation, torch_builds
from .engine.background import Control, Task
from .engine.check import describe_engine, python_of
from .engine.folders import plain_path
from .engine.installation import Installed
from .engine.protocol import Stage
from .engine_tasks import describe_briefly
from .errors import EngineSetupError, JobCancelledError, VfiError
from .paths import machine_path

_POLL_S = 0.2
_EXAMPLES = """\
examples:
  blender --online-mode -c vfi setup
      the engine in an environment of its own, used by this user's Blender from then on
  blender -c vfi setup --check
      which Python, torch and devices jobs run on
"""


def _sizes() -> str:
    """Say what each build downloads, and takes on disk."""
    return ", ".join(
        f"{build.download_bytes / 1e9:g} GB for {build.title} ({build.disk_bytes / 1e9:g} GB on "
        "disk)"
        for build in torch_builds.builds_for()
    )


def add_setup_command(commands: Any) -> None:
    """Add the command `setup`.

    Args:
        commands: what `add_subparsers` returned.
    """
    setup = commands.add_parser(
        "setup",
        help="install the engine, as Set Up Engine in the preferences does, or check it",
        description="Makes an environment with PyTorch and all else that the engine needs in this "
        "user's folder, tests it, and chooses it in the add-on's preferences. It downloads at "
        f"most {_sizes()}; pip's own settings say from where.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    builds = [build.name.lower() for build in torch_builds.builds_for()]
    setup.add_argument(
        "--run-on",
        choices=builds,
        help="what it is set up for (default: what the preferences say, at first what this "
        "machine's GPU needs)",
    )
    setup.add_argument(
        "--python",
        metavar="PATH",
        help="Python to make the environment with (default: the preferences', or Blender's own)",
    )
    setup.add_argument(
        "--check", action="store_true", help="install nothing: start the engine and say what it is"
    )
    setup.add_argument("--quiet", action="store_true", help="no progress, only the result")
    setup.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    return _check() if options.check else _set_up(options)


def _check() -> int:
    """Start the engine that jobs would have, and say what it runs on."""
    python = preferences.engine_settings(bpy.context).python
    described = describe_engine(python, Control())
    print(f"The engine runs: {describe_briefly(described)}, in {python_of(python)}")
    for package in described.packages:
        print(f"  {package}")
    for device in described.devices:
        memory = f", {device.memory_bytes / 2**30:.1f} GB" if device.memory_bytes else ""
        print(f"  {device.name}: {device.title}{memory}")
    return 0


def _set_up(options: argparse.Namespace) -> int:
    if not bpy.app.online_access:
        raise EngineSetupError(
            "Setting up the engine downloads packages, and Blender may not go online: run "
            "blender --online-mode -c vfi setup, or turn on Preferences > System > Network > Allow "
            "Online Access."
        )
    page = preferences.page(bpy.context)
    installed = _install(
        preferences.environment_folder(),
        torch_builds.find_build(_build_name(options, page)),
        _python(options, page),
        quiet=options.quiet,
    )
    if installed.notice:
        print(installed.notice, file=sys.stderr)
    python = environment.environment_python(preferences.environment_folder())
    print(f"The engine is set up: {describe_briefly(installed.described)}, in {python}")
    _choose(page, python)
    return 0


def _build_name(options: argparse.Namespace, page: Any) -> str:
    if options.run_on is not None:
        return str(options.run_on).upper()
    if page is not None:
        return str(page.setup_build)
    likely = torch_builds.likely_build()
    return "" if likely is None else likely.name


def _python(options: argparse.Namespace, page: Any) -> str:
    if options.python is not None:
        return str(plain_path(Path(options.python).expanduser()))
    chosen = machine_path(page.setup_python) if page is not None else ""
    return chosen or environment.blender_python()


def _install(root: Path, build: torch_builds.TorchBuild, python: str, *, quiet: bool) -> Installed:
    """Make the environment, and show how far that is; an interrupt cancels it.

    Raises:
        JobCancelledError: it was interrupted; nothing half-made is left.
        EngineSetupError: it cannot be made; likewise.
    """
    end_on_signals()
    task = Task(partial(installation.install, root, build, python), name="vfi-set-up")
    with ProgressPrinter(sys.stderr, quiet=quiet) as printer:
        try:
            while not task.wait(_POLL_S):
                now = task.progress
                printer.show(
                    Stage(job_id="", message=now.stage, done=now.done_bytes, total=now.total_bytes)
                )
        except KeyboardInterrupt:
            task.cancel()
            while not task.wait(_POLL_S):
                pass
    try:
        return task.result()  # of one that was done before it heard of the interrupt, too
    except (VfiError, OSError) as error:
        if task.is_cancelling:
            raise JobCancelledError(
                "Setting up the engine was interrupted; nothing was left behind."
            ) from None
        if isinstance(error, OSError):
            raise EngineSetupError(f"The engine cannot be set up: {error}") from error
        raise


def _choose(page: Any, python: str) -> None:
    """Let this user's Blender run its jobs there from now on."""
    if page is None or _is_factory_startup():
        print(f"Name it with --engine-python {python}, or in $BLENDER_VFI_PYTHON", file=sys.stderr)
        return
    page.engine_source = preferences.OWN_ENVIRONMENT
    _save_preferences()


def _is_factory_startup() -> bool:
    """Whether the preferences are not the user's, and must not take their place."""
    return bool(bpy.app.factory_startup)


def _save_preferences() -> None:
    bpy.ops.wm.save_userpref()
