"""Fixtures shared by the tests of models."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def real_checkpoint() -> Callable[[str], Path]:
    """Find a published checkpoint by file name, or by folder where it is several files.

    A missing one is an error, not a skip.
    """
    folder = Path(os.environ.get("BLENDER_VFI_TEST_WEIGHTS", REPOSITORY / "build" / "weights"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.fail(f"{path} is missing: run `make weights` to fetch it")
        return path

    return find
