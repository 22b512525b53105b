"""Needs Blender's image loader, as a reader that shares no code with ours."""

import importlib.util

if importlib.util.find_spec("bpy") is None:
    collect_ignore_glob = ["test_*.py"]

    def pytest_report_header() -> str:
        return "tests/formats: left out, since the bpy module is not installed"
