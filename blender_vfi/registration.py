"""What Blender is told about when the add-on is enabled, and in which order."""

from __future__ import annotations

import os
from typing import Any

import bpy

from . import engine_session, render_courtesy, translations
from .job_queue import jobs
from .operators import (
    doubtful_frames,
    download_model,
    engine_setup,
    engine_storage,
    fill_gaps,
    fill_rendered,
    interpolate,
    interpolate_settings,
    job_files,
    presets,
    queue,
    render_setup,
    skipped_ranges,
)
from .preferences import VfiPreferences
from .properties import SceneSettings, SkippedRange
from .remedies import PANEL, READER_VARIABLE
from .render_properties import DoubtfulFrame, HalfRender
from .ui import half_render, menus, panel, previews

_CLASSES = (
    VfiPreferences,
    SkippedRange,
    DoubtfulFrame,
    HalfRender,
    SceneSettings,
    *interpolate.CLASSES,
    *fill_gaps.CLASSES,
    *interpolate_settings.CLASSES,
    *queue.CLASSES,
    *job_files.CLASSES,
    *skipped_ranges.CLASSES,
    *download_model.CLASSES,
    *presets.CLASSES,
    *engine_setup.CLASSES,
    *engine_storage.CLASSES,
    *render_setup.CLASSES,
    *fill_rendered.CLASSES,
    *doubtful_frames.CLASSES,
    *panel.CLASSES,
    *half_render.CLASSES,
)

_command: Any = None


def register() -> None:
    """Register every class, the menu entries and the command `blender -c vfi`."""
    global _command
    os.environ[READER_VARIABLE] = PANEL
    translations.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.blender_vfi = bpy.props.PointerProperty(
        type=SceneSettings, name="Frame Interpolation", description="Settings of its jobs"
    )
    menus.append()
    render_courtesy.register()
    presets.add_shipped()
    _command = bpy.utils.register_cli_command("vfi", _run_command)


def unregister() -> None:
    """Undo `register` in reverse, and stop the engine: Blender drops a running modal silently."""
    global _command
    engine_setup.stop()
    render_courtesy.unregister()
    engine_session.close()
    jobs.clear()
    queue.leave(bpy.context)
    if _command is not None:
        bpy.utils.unregister_cli_command(_command)
        _command = None
    presets.remove_shipped()
    menus.remove()
    previews.forget()
    del bpy.types.Scene.blender_vfi
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    translations.unregister()
    os.environ.pop(READER_VARIABLE, None)


def _run_command(arguments: list[str]) -> int:
    from . import blender_cli

    return blender_cli.main(arguments)
