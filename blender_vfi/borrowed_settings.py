"""Settings of a scene's render that are others for one render, and in no project that is saved.

Blender goes by a copy of its own as soon as a render has begun. Until then, which takes a moment in
a window, a save has to find the artist's settings: they are put back before it, and away after it.
"""

from __future__ import annotations

import time
from typing import Any

import bpy

from . import vse

_LONGEST_BEGIN_S = 5.0
_LOOK_S = 0.005


class BorrowedSettings:
    """Other settings of a scene's render, until they are given back.

    Attributes:
        has_begun: whether the render that they are for has begun, and needs them no more.

    Args:
        scene_name: of the scene; undo makes a reference to it invalid.
    """

    def __init__(self, scene_name: str) -> None:
        self._scene_name = scene_name
        self._before: dict[str, Any] = {}
        self._hidden: dict[str, Any] = {}
        self.has_begun = False

    def borrow(self, **values: Any) -> None:
        """Set properties of the scene's render, for the render that is begun next.

        Raises:
            StripError: the scene is gone.
        """
        render = vse.find_scene(self._scene_name).render
        if not self._before:
            self._before = {name: getattr(render, name) for name in values}
            for handlers, own in self._handlers():
                handlers.append(own)
        self.has_begun = False
        _set(render, values)

    def give_back(self) -> None:
        """Put back what was there, where that has not been done."""
        before, self._before, self._hidden = self._before, {}, {}
        if not before:
            return
        for handlers, own in self._handlers():
            if own in handlers:  # loading a file has taken it out
                handlers.remove(own)
        scene = bpy.data.scenes.get(self._scene_name)
        if scene is not None:
            _set(scene.render, before)

    def _handlers(self) -> list[tuple[Any, Any]]:
        lists = bpy.app.handlers
        return [
            (lists.render_pre, self._note_begin),
            (lists.save_pre, self._hide),
            (lists.save_post, self._show),
            (lists.save_post_fail, self._show),
        ]

    def _note_begin(self, *_arguments: Any) -> None:
        self.has_begun = True  # told from the render's own thread, which has its copy by now

    def _hide(self, *_arguments: Any) -> None:
        """Put the artist's settings back for a save.

        A render that is just beginning is let begin first: it would copy these. One that cannot,
        since it waits for another job to end, does so after the save.
        """
        end = time.monotonic() + _LONGEST_BEGIN_S
        while not self.has_begun and self._may_begin() and time.monotonic() < end:
            time.sleep(_LOOK_S)
        scene = bpy.data.scenes.get(self._scene_name)
        if scene is not None and not self._hidden:
            self._hidden = {name: getattr(scene.render, name) for name in self._before}
            _set(scene.render, self._before)

    def _show(self, *_arguments: Any) -> None:
        hidden, self._hidden = self._hidden, {}
        scene = bpy.data.scenes.get(self._scene_name)
        if scene is not None:
            _set(scene.render, hidden)

    def _may_begin(self) -> bool:
        """Whether a render goes on in another thread; without a window it is in this one."""
        return not bpy.app.background and bpy.app.is_job_running("RENDER")


def _set(render: bpy.types.RenderSettings, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(render, name, value)
