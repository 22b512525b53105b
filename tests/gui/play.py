"""Plays one scenario in a windowed Blender, step by step, and ends Blender with a verdict.

blender … --python tests/gui/play.py -- SCENARIO.py FOLDER

A scenario is a file with a generator `steps(stage)`: it acts, yields the seconds that Blender is to
go on by itself, and looks. FOLDER is the scenario's own; verdict.json in it says how it went.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import addon
from harness.stage import Stage, Steps

_DRAWN_S = 2.0  # by then the window has been drawn
_NAP_S = 0.005  # as Blender naps between two looks for events


def _load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _steps(scenario: Path, stage: Stage) -> Steps:
    # as File > New does; an --app-template leaves out the preferences, and the add-on with them
    bpy.ops.wm.read_homefile(app_template="Video_Editing")
    yield _DRAWN_S
    stage.check(
        addon.PACKAGE in bpy.context.preferences.addons, "the add-on that was installed is not on"
    )
    yield from _load(scenario).steps(stage)


def _nap() -> float:
    """Sleep as Blender does by itself, unless events are simulated: it spins then, on a whole core.

    Whatever else runs would be slowed down by that, and Blender would get less of the processor.
    """
    time.sleep(_NAP_S)
    return 0.0


def main() -> None:
    scenario, folder = (Path(word) for word in sys.argv[sys.argv.index("--") + 1 :])
    bpy.context.preferences.view.show_splash = False  # it takes every event
    stage = Stage(folder)
    step = stage.stepper(lambda: _steps(scenario, stage))
    # loading a file ends timers that are not persistent
    bpy.app.timers.register(step, first_interval=_DRAWN_S, persistent=True)
    bpy.app.timers.register(_nap, persistent=True)


main()
