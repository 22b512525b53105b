"""The one engine that a Blender process has.

No torch here: the engine is another process. Nothing but bookkeeping: the client does the work.
"""

from __future__ import annotations

import atexit
import os

import bpy

from .engine.client import EngineClient
from .engine.limits import LOG_LEVEL_VARIABLE
from .models.locations import FOLDER_VARIABLE, OFFLINE_VARIABLE
from .preferences import EngineSettings

_client: EngineClient | None = None
_settings: EngineSettings | None = None


def get(wanted: EngineSettings) -> EngineClient:
    """Return the engine's client; a new one where the settings are others now."""
    global _client, _settings
    if _client is not None and wanted != _settings:
        close()
    if _client is None:
        environment: dict[str, str] = {}
        if wanted.checkpoint_folder:
            environment[FOLDER_VARIABLE] = wanted.checkpoint_folder
        if not wanted.is_online:
            environment[OFFLINE_VARIABLE] = "1"
        if LOG_LEVEL_VARIABLE not in os.environ:  # a command line's option comes first
            environment[LOG_LEVEL_VARIABLE] = wanted.log_level
        _client = EngineClient(
            wanted.python,
            idle_exit_s=wanted.idle_exit_s,
            environment=environment,
            yields=not bpy.app.background,
        )
        _settings = wanted
        atexit.register(close)
    return _client


def running_client() -> EngineClient | None:
    """Return the engine's client if there is one; its engine may have left since."""
    return _client


def settings() -> EngineSettings | None:
    """Return what the engine was started with; None where there is none."""
    return _settings


def close() -> None:
    """End the engine, whatever it does."""
    global _client, _settings
    client, _client, _settings = _client, None, None
    if client is not None:
        atexit.unregister(close)
        client.close()
