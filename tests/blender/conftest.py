"""Makes the fixtures known where there is the bpy module, and says so where there is not."""

import importlib.util

if importlib.util.find_spec("bpy") is None:
    collect_ignore_glob = ["test_*.py"]

    def pytest_report_header() -> str:
        return "tests/blender: left out, since the bpy module is not installed"

else:
    from .fixtures import (  # noqa: F401
        add_effect,
        add_on,
        add_strip,
        engine,
        interpolate,
        scene,
        weights,
    )
    from .played_preferences import online, page, root  # noqa: F401
