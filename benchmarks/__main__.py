"""Runs every benchmark: `make bench`, or `python -m benchmarks`."""

import sys

from . import files, memory, tiles

if __name__ == "__main__":
    sys.exit(files.main() or memory.main([]) or tiles.main([]))
