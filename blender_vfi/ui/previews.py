"""Small pictures of files on disk, for panels; Blender reads them in a job of its own."""

from __future__ import annotations

import bpy.utils.previews

_previews: bpy.utils.previews.ImagePreviewCollection | None = None


def icon_of(path: str) -> int:
    """Return the icon of the picture at `path`; only the newest picture is kept."""
    global _previews
    if _previews is None:
        _previews = bpy.utils.previews.new()
    if path not in _previews:
        _previews.clear()
        _previews.load(path, path, "IMAGE")
    return int(_previews[path].icon_id)


def forget() -> None:
    """Give the pictures back."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
