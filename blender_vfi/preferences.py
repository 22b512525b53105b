"""What a user sets once per machine: the engine's Python, checkpoints, how long it stays."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import bpy
from bpy.app.translations import pgettext_n as n_

from .engine import environment, torch_builds
from .engine.limits import LOG_LEVELS
from .models import locations
from .paths import machine_path

BLENDER_PYTHON, MY_PYTHON, OWN_ENVIRONMENT = "BLENDER", "CUSTOM", "OWN"
PAUSE, USE_CPU, GO_ON = "PAUSE", "CPU", "GO_ON"
_NO_BUILD = (
    "NONE",
    n_("Not Available"),
    n_("The engine's torch does not exist for this computer"),
)

_LOG_TITLES = {
    "off": (n_("No Log"), n_("Nothing is written")),
    "error": (n_("Errors"), n_("Only how a job failed")),
    "warning": (n_("Warnings"), n_("Errors, and what was odd although the job went on")),
    "info": (n_("Progress"), n_("Warnings, and memory and speed every tenth pair of frames")),
    "debug": (n_("Everything"), n_("Memory and speed with every pair of frames")),
}
_LOG_ITEMS = [(level, *_LOG_TITLES[level]) for level in LOG_LEVELS]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How to start the engine.

    Attributes:
        python: interpreter that has torch; None leaves the choice to the engine's client.
        checkpoint_folder: where checkpoints are kept; None for the user's cache.
        idle_exit_s: seconds without a job after which the engine leaves.
        is_online: whether the engine may download; Blender's own setting decides.
        log_level: what is written into the log beside a job's frames.
        while_rendering: what a job on a GPU does while Blender renders: one of `PAUSE`, `USE_CPU`,
            `GO_ON`.
    """

    python: str | None = None
    checkpoint_folder: str | None = None
    idle_exit_s: float = 600.0
    is_online: bool = False
    log_level: str = "info"
    while_rendering: str = PAUSE


def build_items() -> list[tuple[str, str, str]]:
    """Return the builds of torch that exist for this platform, as an enum's items."""
    builds = torch_builds.builds_for()
    return [(build.name, build.title, build.summary) for build in builds] or [_NO_BUILD]


def _default_build() -> str:
    build = torch_builds.likely_build()
    return build.name if build is not None else _NO_BUILD[0]


def _make_absolute(preferences: VfiPreferences, _context: bpy.types.Context) -> None:
    """Keep paths as they are for every .blend; Blender up to 4.4 writes them relative to one."""
    for name in ("engine_python", "setup_python", "checkpoint_folder"):
        path = getattr(preferences, name)
        if path != machine_path(path):
            setattr(preferences, name, machine_path(path))


def _choose_my_python(preferences: VfiPreferences, context: bpy.types.Context) -> None:
    """Take the Python that was just named, also where a script names it."""
    _make_absolute(preferences, context)
    if preferences.engine_python:
        preferences.engine_source = MY_PYTHON


class VfiPreferences(bpy.types.AddonPreferences):
    """The add-on's page in Blender's preferences."""

    bl_idname = __package__

    engine_source: bpy.props.EnumProperty(
        name="Engine",
        description="Which Python runs the engine, beside Blender",
        items=[
            (
                BLENDER_PYTHON,
                "Blender's Python",
                "Blender's own Python, where torch has been installed into it; "
                "$BLENDER_VFI_PYTHON comes first where it is set",
            ),
            (MY_PYTHON, "My Python", "A Python of yours that has what the engine needs"),
            (
                OWN_ENVIRONMENT,
                "Own Environment",
                "The environment that Set Up Engine makes, apart from every other Python",
            ),
        ],
        default=BLENDER_PYTHON,
    )
    engine_python: bpy.props.StringProperty(
        name="Python",
        description=(
            "Python 3.10 or newer that has torch. Empty takes $BLENDER_VFI_PYTHON, or else "
            "Blender's own Python"
        ),
        subtype="FILE_PATH",
        update=_choose_my_python,
    )
    setup_build: bpy.props.EnumProperty(
        name="Run On",
        description="What the engine is set up for",
        items=build_items(),
        default=_default_build(),
    )
    setup_python: bpy.props.StringProperty(
        name="Made With",
        description=(
            "Python 3.10 to 3.14 to make the environment with. Empty takes Blender's own Python"
        ),
        subtype="FILE_PATH",
        update=_make_absolute,
    )
    checkpoint_folder: bpy.props.StringProperty(
        name="Folder",
        description="Where models are kept. Empty takes $BLENDER_VFI_CHECKPOINTS, or your cache",
        subtype="DIR_PATH",
        update=_make_absolute,
    )
    idle_minutes: bpy.props.FloatProperty(
        name="Keep Engine (Minutes)",
        description=(
            "Minutes that the engine stays ready after a job; then it gives all memory back"
        ),
        default=10.0,
        min=0.1,
        soft_max=120.0,
        precision=1,
    )

    while_rendering: bpy.props.EnumProperty(
        name="During Renders",
        description=(
            "What a job on a GPU does while this Blender renders. Models of an idle engine are "
            "dropped in any case, and a job on the CPU goes on behind the render"
        ),
        items=[
            (PAUSE, "Pause", "Leave the GPU to the render, and go on when it has ended"),
            (USE_CPU, "Use CPU", "Leave the GPU to the render, and go on slowly on the CPU"),
            (GO_ON, "Go On", "Stay on the GPU: the render may run out of memory"),
        ],
        default=PAUSE,
    )
    log_level: bpy.props.EnumProperty(
        name="Log",
        description="What is written into the file .vfi.log beside a job's frames",
        items=_LOG_ITEMS,
        default="info",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the page."""
        from .ui import preferences_page  # not at the top: it needs operators, which need this

        preferences_page.draw(self, context)


def page(context: bpy.types.Context) -> VfiPreferences | None:
    """Return the add-on's preferences; None where it is not enabled as an add-on."""
    addon = context.preferences.addons.get(__package__)
    return addon.preferences if addon is not None else None


def environment_folder() -> Path:
    """Return the folder of the engine's own environment; it need not exist yet."""
    if sys.platform == "win32":
        # Paths in torch take 170 characters, and Windows allows 260 in all: the extension's own
        # folder is too deep for that
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local, "blender_vfi", "{}.{}".format(*bpy.app.version))
    try:
        return Path(bpy.utils.extension_path_user(__package__, path="engine"))
    except ValueError:  # not installed as an extension
        return Path(bpy.utils.user_resource("DATAFILES"), "blender_vfi", "engine")


def checkpoint_folder(context: bpy.types.Context) -> Path:
    """Return the folder that checkpoints are kept in; it need not exist yet."""
    preferences = page(context)
    chosen = machine_path(preferences.checkpoint_folder) if preferences is not None else ""
    return Path(chosen) if chosen else locations.cache_folder()


def engine_settings(context: bpy.types.Context, *, python: str | None = None) -> EngineSettings:
    """Return what the preferences say; the defaults where the add-on is not enabled as such.

    Args:
        context: whose preferences.
        python: interpreter to use in place of theirs.

    Raises:
        EngineStartError: they choose an environment that is not there.
    """
    preferences = page(context)
    if preferences is None:
        return EngineSettings(python=python, is_online=bpy.app.online_access)
    return EngineSettings(
        python=python or _chosen_python(preferences),
        checkpoint_folder=machine_path(preferences.checkpoint_folder) or None,
        idle_exit_s=preferences.idle_minutes * 60.0,
        is_online=bpy.app.online_access,
        log_level=preferences.log_level,
        while_rendering=preferences.while_rendering,
    )


def while_rendering(context: bpy.types.Context) -> str:
    """Return what a job on a GPU does while Blender renders: see `EngineSettings`."""
    preferences = page(context)
    if preferences is None:
        return PAUSE
    return preferences.while_rendering


def _chosen_python(preferences: VfiPreferences) -> str | None:
    if preferences.engine_source == OWN_ENVIRONMENT:
        return environment.environment_python(environment_folder())
    if preferences.engine_source == MY_PYTHON:
        return machine_path(preferences.engine_python) or None
    return None
