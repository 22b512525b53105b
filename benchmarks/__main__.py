"""Runs every benchmark: `make bench`, or `python -m benchmarks`."""

import sys

from . import memory

if __name__ == "__main__":
    sys.exit(memory.main([]))
