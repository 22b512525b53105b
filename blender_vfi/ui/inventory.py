"""What lies on the disk, as the preferences show it: looked up beside drawing, never in it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import bpy

from .. import preferences
from ..engine import environment
from ..engine.environment import EnvironmentRecord
from ..models import stored
from ..models.stored import StoredCheckpoint
from . import redraw

_FRESH_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What lies on the disk.

    Attributes:
        environment: the engine's own environment; None where there is none.
        checkpoint_folder: where checkpoints are kept.
        checkpoints: those that are there.
    """

    environment: EnvironmentRecord | None
    checkpoint_folder: Path
    checkpoints: tuple[StoredCheckpoint, ...]


_latest: Inventory | None = None
_looked_at_s = -_FRESH_S


def latest() -> Inventory | None:
    """Return what lay there when it was last looked up, and have it looked up again if need be.

    None before the first look; the preferences are drawn again after it.
    """
    is_fresh = time.monotonic() - _looked_at_s < _FRESH_S
    if not is_fresh and not bpy.app.timers.is_registered(_look_again):
        bpy.app.timers.register(_look_again, first_interval=0.0)
    return _latest


def look(context: bpy.types.Context) -> Inventory:
    """Look what lies there."""
    global _latest, _looked_at_s
    folder = preferences.checkpoint_folder(context)
    _latest = Inventory(
        environment=environment.read_record(preferences.environment_folder()),
        checkpoint_folder=folder,
        checkpoints=stored.list_stored(folder),
    )
    _looked_at_s = time.monotonic()
    return _latest


def forget() -> None:
    """Note that something has changed: the next drawing looks again."""
    global _looked_at_s
    _looked_at_s = -_FRESH_S


def stop() -> None:
    """Look no more."""
    if bpy.app.timers.is_registered(_look_again):
        bpy.app.timers.unregister(_look_again)


def _look_again() -> None:
    before = _latest
    if look(bpy.context) != before:
        redraw.preferences(bpy.context)
