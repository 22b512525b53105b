"""Says who holds a lock: a file beside it names the process, the user, the machine and the work.

The lock itself is the system's, and goes with its process; what the file says counts only as long
as somebody holds the lock. Standard library alone.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import time
from pathlib import Path

_LONGEST = 1000


def write_owner(path: Path, work: str) -> None:
    """Name this process as the owner; without a word where that cannot be written.

    Args:
        path: the file beside the lock.
        work: what it is for, such as a folder.
    """
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        user = ""
    owner = {
        "process": os.getpid(),
        "user": user,
        "machine": platform.node(),
        "since": time.strftime("%H:%M"),
        "work": work,
    }
    with contextlib.suppress(OSError):
        path.write_text(json.dumps(owner), encoding="utf-8")


def read_owner(path: Path) -> str:
    """Describe the owner in words; "another job" where its file says nothing."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8")[:_LONGEST])
        who = f"process {owner['process']}"
        if owner["user"]:
            who += f" of {owner['user']}"
        return f"{who} on {owner['machine']}, since {owner['since']}: {owner['work']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another job"


def remove_owner(path: Path) -> None:
    """Take the file away again, before the lock is let go."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
