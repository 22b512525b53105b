"""What Blender is told about when the add-on is enabled, and in which order."""

from __future__ import annotations

from typing import Any

import bpy

from . import engine_session
from .operators.interpolate import SEQUENCER_OT_vfi_interpolate
from .operators.interpolate_settings import SEQUENCER_OT_vfi_interpolate_settings
from .preferences import VfiPreferences
from .ui import menus

_CLASSES = (
    VfiPreferences,
    SEQUENCER_OT_vfi_interpolate,
    SEQUENCER_OT_vfi_interpolate_settings,
)

_command: Any = None


def register() -> None:
    """Register every class, the menu entries and the command `blender -c vfi`."""
    global _command
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    menus.append()
    _command = bpy.utils.register_cli_command("vfi", _run_command)


def unregister() -> None:
    """Undo `register` in reverse, and stop the engine: Blender drops a running modal silently."""
    global _command
    if _command is not None:
        bpy.utils.unregister_cli_command(_command)
        _command = None
    menus.remove()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    engine_session.close()


def _run_command(arguments: list[str]) -> int:
    from . import blender_cli

    return blender_cli.main(arguments)
