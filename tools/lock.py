"""Writes the versions that are installed now into a requirements file.

python tools/lock.py requirements/dev.txt
"""

import subprocess
import sys
from pathlib import Path

_HEAD = """\
# What make test and make demo install, pinned: Python 3.11, Linux x86-64 (torch: the CPU build).
# Renewed with: make lock
"""


def main(target: Path) -> None:
    """Freeze the running environment into `target`, our own package left out."""
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    frozen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # a local version such as 2.13.0+cpu is on no index; the plain one finds either build
    lines = [line.partition("+")[0] for line in frozen.splitlines()]
    target.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
