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


def get(settings: EngineSettings) -> EngineClient:
    """Return the engine's client; a new one where `settings` have changed since."""
    global _client, _settings
    if _client is not None and settings != _settings:
        close()
    if _client is None:
        environment: dict[str, str] = {}
        if settings.checkpoint_folder:
            environment[FOLDER_VARIABLE] = settings.checkpoint_folder
        if not settings.is_online:
            environment[OFFLINE_VARIABLE] = "1"
        if LOG_LEVEL_VARIABLE not in os.environ:  # a command line's option comes first
            environment[LOG_LEVEL_VARIABLE] = settings.log_level
        _client = EngineClient(
            settings.python,
            idle_exit_s=settings.idle_exit_s,
            environment=environment,
            yields=not bpy.app.background,
        )
        _settings = settings
        atexit.register(close)
    return _client


def running_client() -> EngineClient | None:
    """Return the engine's client if there is one; its engine may have left since."""
    return _client


def close() -> None:
    """End the engine, whatever it does."""
    global _client, _settings
    client, _client, _settings = _client, None, None
    if client is not None:
        atexit.unregister(close)
        client.close()
