"""The version of the package, read from its one source: the extension's manifest."""

from __future__ import annotations

import re
from pathlib import Path

_MANIFEST = Path(__file__).resolve().parents[1] / "blender_manifest.toml"


def package_version() -> str:
    """Return the version, such as "0.1.0"."""
    # tomllib came with Python 3.11, and one line does not need it
    match = re.search(r'(?m)^version = "([^"]+)"', _MANIFEST.read_text(encoding="utf-8"))
    if match is None:
        raise AssertionError(f"{_MANIFEST} has no version")
    return match[1]
