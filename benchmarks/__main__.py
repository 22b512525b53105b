"""Runs every benchmark: `make bench`, or `python -m benchmarks`.

The last two write benchmarks/results, which `make docs` makes a page of.
"""

import sys

from . import files, memory, models, quality, speed, tiles

if __name__ == "__main__":
    sys.exit(
        files.main()
        or speed.main([])
        or memory.main([])
        or tiles.main([])
        or models.main([])
        or quality.main([])
    )
