"""`python -m blender_vfi`: the command line in a plain terminal, without Blender."""

import sys

from .cli import main

sys.exit(main())
