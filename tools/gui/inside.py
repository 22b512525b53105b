"""Runs Blender in a window and ends everything with it; the standard library of any Python alone.

    inside.py --result FILE --log FILE --limit SECONDS [--own-display] -- BLENDER ARGUMENT…

It draws on a virtual screen of its own, and on the display there is with --own-display. Whatever
Blender starts inherits a mark in its environment: afterwards nothing that has it may be left. The
result is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path

_MARK = "BLENDER_VFI_GUI_RUN"
_SCREEN = "1920x1080x24"
_LEAVE_S = 10.0


def main() -> int:
    """Run, and write down what happened; return 0 whenever Blender could be started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--limit", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--own-display", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    screen = None if options.own_display else start_screen()
    try:
        result = run_blender(options.command, options.log, options.limit)
    finally:
        if screen is not None:
            screen.terminate()
            screen.wait()
    options.result.write_text(json.dumps(result), encoding="utf-8")
    return 0


def start_screen() -> subprocess.Popen[bytes]:
    """Start a virtual screen under the first free number, and make it the display of Blender's.

    Raises:
        SystemExit: it does not start.
    """
    reader, writer = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", _SCREEN, "-nolisten", "tcp"],
        pass_fds=[writer],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as answer:
        number = answer.readline().strip()  # comes once it is ready
    if not number:
        raise SystemExit(f"Xvfb ended with exit code {screen.wait()} before it had a screen")
    os.environ["DISPLAY"] = f":{number}"
    return screen


def run_blender(command: list[str], log: Path, limit_s: float) -> dict[str, object]:
    """Run `command` until it ends or `limit_s` is over; end and name what it leaves behind."""
    mark = uuid.uuid4().hex
    began_s = time.monotonic()
    with log.open("wb") as output:
        blender = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, _MARK: mark},
            start_new_session=True,
        )
        try:
            code: int | None = blender.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
            _take_last_picture(log.with_name("overdue.png"))
            os.killpg(blender.pid, signal.SIGKILL)
            blender.wait()
    duration_s = time.monotonic() - began_s
    return {"code": code, "duration_s": duration_s, "left": _end_processes(mark)}


def _take_last_picture(path: Path) -> None:
    try:
        subprocess.run(["import", "-window", "root", str(path)], timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"no picture of what Blender hangs in: {error}")


def _end_processes(mark: str) -> list[str]:
    """Wait until no process has `mark` any more; kill and name those that stay for too long."""
    deadline_s = time.monotonic() + _LEAVE_S
    while (left := _marked_processes(mark)) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return [f"{pid} {command}" for pid, command in left.items()]


def _marked_processes(mark: str) -> dict[int, str]:
    """Return process id and command line of what has `mark` in its environment."""
    entry = f"{_MARK}={mark}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                found[int(folder.name)] = b" ".join(words).decode(errors="replace")[:200]
        except OSError:  # ended meanwhile, or of another user
            continue
    return found


if __name__ == "__main__":
    raise SystemExit(main())
