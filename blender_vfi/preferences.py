"""What a user sets once per machine: the engine's Python, checkpoints, how long it stays."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from .vse import PATH_OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How to start the engine.

    Attributes:
        python: interpreter that has torch; None leaves the choice to the engine's client.
        checkpoint_folder: where checkpoints are kept; None for the user's cache.
        idle_exit_s: seconds without a job after which the engine leaves.
        is_online: whether the engine may download; Blender's own setting decides.
    """

    python: str | None = None
    checkpoint_folder: str | None = None
    idle_exit_s: float = 600.0
    is_online: bool = False


class VfiPreferences(bpy.types.AddonPreferences):
    """The add-on's page in Blender's preferences."""

    bl_idname = __package__

    engine_python: bpy.props.StringProperty(
        name="Engine Python",
        description=(
            "Python 3.10 or newer that has torch. Empty takes $BLENDER_VFI_PYTHON, or else "
            "Blender's own Python"
        ),
        subtype="FILE_PATH",
        options=PATH_OPTIONS,
    )
    checkpoint_folder: bpy.props.StringProperty(
        name="Checkpoint Folder",
        description="Where models are kept. Empty takes $BLENDER_VFI_CHECKPOINTS, or your cache",
        subtype="DIR_PATH",
        options=PATH_OPTIONS,
    )
    idle_minutes: bpy.props.FloatProperty(
        name="Keep Engine",
        description=(
            "Minutes that the engine stays ready after a job; then it gives all memory back"
        ),
        default=10.0,
        min=0.1,
        soft_max=120.0,
        precision=1,
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the page."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine_python")
        layout.prop(self, "checkpoint_folder")
        layout.prop(self, "idle_minutes", text="Keep Engine (Minutes)")


def engine_settings(context: bpy.types.Context, *, python: str | None = None) -> EngineSettings:
    """Return what the preferences say; the defaults where the add-on is not enabled as such.

    Args:
        context: whose preferences.
        python: interpreter to use in place of theirs.
    """
    addon = context.preferences.addons.get(__package__)
    preferences = addon.preferences if addon is not None else None
    if preferences is None:
        return EngineSettings(python=python, is_online=bpy.app.online_access)
    return EngineSettings(
        python=python or bpy.path.abspath(preferences.engine_python) or None,
        checkpoint_folder=bpy.path.abspath(preferences.checkpoint_folder) or None,
        idle_exit_s=preferences.idle_minutes * 60.0,
        is_online=bpy.app.online_access,
    )
