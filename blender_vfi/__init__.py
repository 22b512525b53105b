"""Frame interpolation for Blender's Video Sequence Editor.

Importing this package touches neither Blender nor torch, so that the engine, the command line and
scripts can use their part of it. Blender calls `register` and `unregister`; only these reach bpy.
"""

from __future__ import annotations


def register() -> None:
    """Make the add-on's operators, menus and preferences known to Blender."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Take everything back that `register` did, and stop the engine."""
    from . import registration

    registration.unregister()
