"""Runs every benchmark: `make bench`, or `python -m benchmarks`.

The last two write benchmarks/results, which `make docs` makes a page of.
"""

import sys

from . import cuts, duplicates, files, memory, models, passes, quality, speed, tiles

if __name__ == "__main__":
    sys.exit(
        files.main()
        or speed.main([])
        or memory.main([])
        or tiles.main([])
        or passes.main([])
        or cuts.main([])
        or duplicates.main()
        or models.main([])
        or quality.main([])
    )
