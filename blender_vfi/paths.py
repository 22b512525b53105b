"""Paths as Blender writes them: `//` stands for the folder of the .blend."""

from __future__ import annotations

from pathlib import Path

import bpy

from .engine.folders import plain_path
from .errors import StripError

PATH_OPTIONS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Options of a property that takes a path: 5.x warns of `//` in one that does not announce it."""


def absolute_path(path: str, what: str) -> str:
    """Return `path` without Blender's `//`, which stands for the folder of the .blend.

    Raises:
        StripError: it needs that folder, and the .blend was never saved.
    """
    if path.startswith("//") and not bpy.data.filepath:
        raise StripError(
            "{what} is {path!r}, relative to a .blend that was never saved: save it first, or "
            "give an absolute path.",
            what=what,
            path=path,
        )
    return str(plain_path(Path(bpy.path.abspath(path)).expanduser()))


def machine_path(path: str) -> str:
    """Return a path that the preferences hold: absolute, whatever .blend is open; or empty."""
    return str(plain_path(Path(bpy.path.abspath(path)).expanduser())) if path else ""


def path_like(model: str, path: str) -> str:
    """Return `path` relative to the .blend where `model` is, and as it stands elsewhere."""
    if not model.startswith("//"):
        return path
    try:
        return bpy.path.relpath(path)
    except ValueError:  # another drive of Windows
        return path
