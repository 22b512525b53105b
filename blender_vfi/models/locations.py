"""Where checkpoints lie on this machine. Standard library alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .catalog_types import ModelSpec

FOLDER_VARIABLE = "BLENDER_VFI_CHECKPOINTS"

OFFLINE_VARIABLE = "HF_HUB_OFFLINE"
"""Hugging Face's own switch; we take it to forbid every download."""


def shipped_folder() -> Path:
    """Return the add-on's own folder of checkpoints, which is never written to."""
    return Path(__file__).resolve().parent.parent / "weights"


def cache_folder() -> Path:
    """Return the folder that downloads go to: `BLENDER_VFI_CHECKPOINTS`, or the user's cache.

    The folder need not exist yet.
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen).expanduser() if chosen else _user_cache() / "blender_vfi" / "checkpoints"


def lock_folder() -> Path:
    """Return the user's folder for locks of devices, which need not exist yet."""
    return _user_cache() / "blender_vfi" / "locks"


def stored_path(folder: Path, spec: ModelSpec) -> Path:
    """Return where `spec`'s checkpoint lies under `folder`, which either of the two may be."""
    return folder / spec.architecture / spec.checkpoint.filename


def find_file(spec: ModelSpec, cache: Path | None = None) -> Path | None:
    """Return `spec`'s checkpoint on this machine, None where there is none.

    The file is not opened: whether it is what it should be is seen when it is loaded.

    Args:
        spec: whose checkpoint.
        cache: folder of downloads; None for `cache_folder()`.
    """
    folders = (shipped_folder(), cache or cache_folder())
    paths = (stored_path(folder, spec) for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def _user_cache() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    xdg = os.environ.get("XDG_CACHE_HOME")
    # the XDG specification says that a relative path is to be ignored
    return Path(xdg) if xdg and Path(xdg).is_absolute() else Path.home() / ".cache"
