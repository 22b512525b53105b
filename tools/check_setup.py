"""Says what is missing when the environment cannot run Blender's module or torch."""

import importlib
import sys

_REMEDY = """\
{error}
The module {name} was installed but cannot be loaded. On Debian, Blender's system libraries come
with:
  apt-get install libx11-6 libxi6 libxrender1 libxfixes3 libxkbcommon0 libsm6 libgl1 libegl1
"""


def main() -> int:
    """Load every compiled module once; return the exit code."""
    for name in ("torch", "OpenImageIO", "av", "bpy"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(_REMEDY.format(name=name, error=error), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
