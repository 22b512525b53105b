"""Blender and the engine hold a job's folder by the same lock, whichever comes first."""

from __future__ import annotations

import pytest
from filelock import FileLock, Timeout

from blender_vfi.engine.folder_lock import LOCK_NAME, OWNER_NAME, FolderLock
from blender_vfi.errors import OutputError

pytestmark = pytest.mark.plain


def test_blender_is_refused_while_an_engine_holds_the_folder(tmp_path):
    with FileLock(tmp_path / LOCK_NAME), pytest.raises(OutputError, match="is being written to"):
        FolderLock(tmp_path).acquire("renders")


def test_an_engine_is_refused_while_blender_holds_the_folder(tmp_path):
    held = FolderLock(tmp_path)
    held.acquire("renders")
    held.acquire("renders")
    engine = FileLock(tmp_path / LOCK_NAME)
    with pytest.raises(Timeout):
        engine.acquire(blocking=False)
    held.release()
    held.release()
    assert not (tmp_path / OWNER_NAME).exists()
    with engine.acquire(blocking=False):
        assert engine.is_locked
