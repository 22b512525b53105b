"""Makes way for Blender's own renders, so that none fails for want of the GPU's memory.

Blender calls the handlers, some of them in the render's own thread: they reach the engine through
those calls of its client alone that any thread may make, and nothing of `bpy`.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

import bpy
from bpy.app.handlers import persistent

from . import engine_session
from .engine.client import EngineClient
from .job_queue import jobs
from .preferences import GO_ON, USE_CPU, while_rendering

_PATIENCE_S = 15.0  # with a pair of frames in progress, before the render begins all the same
_DOUBT_S = 2.0  # after which a render that Blender knows nothing of is over

_began_s: float | None = None
_aside: EngineClient | None = None  # asked to step aside, until the render ends
_is_waited_for = False  # a script waits for a job, and the render perhaps for the script


def register() -> None:
    """Hear of renders from now on, whatever file is loaded."""
    handlers = bpy.app.handlers
    handlers.render_init.append(_on_begin)
    handlers.render_complete.append(_on_end)
    handlers.render_cancel.append(_on_end)


def unregister() -> None:
    """Hear of them no more."""
    handlers = bpy.app.handlers
    handlers.render_init.remove(_on_begin)
    handlers.render_complete.remove(_on_end)
    handlers.render_cancel.remove(_on_end)
    _end()


def holds_jobs(context: bpy.types.Context) -> bool:
    """Tell whether no job may begin now, since Blender renders; for the main thread."""
    if _began_s is None or _is_waited_for:
        return False
    is_known = bpy.app.background or bpy.app.is_job_running("RENDER")
    if not is_known and time.monotonic() - _began_s > _DOUBT_S:
        _end()  # whatever kept Blender from telling so
        return False
    return while_rendering(context) != GO_ON


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Let jobs run in spite of a render, for a script that waits for them.

    One that does so in the midst of a render, from a handler, would wait for the render's end, and
    the render for the script. The engine makes way again for what is left of the render.
    """
    global _aside, _is_waited_for
    client, _aside = _aside, None
    if client is not None:
        client.resume()
    _is_waited_for = True
    try:
        yield
    finally:
        _is_waited_for = False
        if _began_s is not None:
            _make_way()


@persistent
def _on_begin(*_arguments: object) -> None:
    """Have the engine leave the GPU before a render, or an animation's, begins."""
    global _began_s
    _began_s = time.monotonic()
    _make_way()


def _make_way() -> None:
    global _aside
    client, settings = engine_session.running_client(), engine_session.settings()
    if client is None or settings is None:
        return
    goes_on = settings.while_rendering == GO_ON
    if goes_on and jobs.running is not None:
        return
    is_off = client.step_aside(on_cpu=settings.while_rendering == USE_CPU, wait_s=_PATIENCE_S)
    if goes_on:  # only the idle engine's models were to go
        client.resume()
    else:
        _aside = client
    if not is_off:
        sys.stderr.write(
            f"Frame Interpolation still holds memory of the GPU after {_PATIENCE_S:.0f} s; the "
            "render begins all the same.\n"
        )


@persistent
def _on_end(*_arguments: object) -> None:
    """Let the engine have the GPU again."""
    _end()


def _end() -> None:
    global _began_s, _aside
    client, _aside, _began_s = _aside, None, None
    if client is not None:
        client.resume()
