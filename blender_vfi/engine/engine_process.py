"""Starts the engine's process, and carries messages to and from it in threads.

No bpy and no torch here, as in `client`, which decides what is said.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from ..errors import EngineStartError, ProtocolError
from .departures import name_another_python
from .protocol import Event, Request
from .wire import decode_line, encode_line

_PACKAGE = Path(__file__).resolve().parents[1]
NICENESS = 10  # of Unix's 19: a window's drawing goes first

# Loads this very copy of the package, whatever it is called in Blender (bl_ext.<repository>.…) and
# whichever else is installed there. An empty entry of the path would let files in the folder that
# Blender was started in stand in for modules.
_BOOTSTRAP = """\
import importlib.util, sys
sys.path[:] = filter(None, sys.path)
spec = importlib.util.spec_from_file_location("blender_vfi", sys.argv[1])
package = sys.modules["blender_vfi"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from blender_vfi.engine.worker import main
sys.exit(main(sys.argv[2:]))
"""


def start_process(
    python: str, *, idle_exit_s: float, environment: Mapping[str, str], yields: bool
) -> subprocess.Popen[str]:
    """Start an engine with pipes to it.

    Args:
        python: interpreter that has torch.
        idle_exit_s: seconds without a job after which it leaves by itself.
        environment: variables beside this process's own.
        yields: whether it leaves the processor to others that want it.

    Raises:
        EngineStartError: the interpreter cannot be started.
    """
    command = [python, "-c", _BOOTSTRAP, str(_PACKAGE / "__init__.py")]
    command += ["--idle-exit", str(idle_exit_s)]
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    if yields:
        command += ["--nice", str(NICENESS)]
        flags |= getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
    variables = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
    if python != sys.executable:
        variables.pop("PYTHONHOME", None)  # Blender's, and wrong for another interpreter
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            text=True,
            encoding="utf-8",
            errors="replace",
            creationflags=flags,
            # Ctrl-C in a terminal is for us: the engine is then asked to cancel
            start_new_session=os.name == "posix",
        )
    except OSError as error:
        raise EngineStartError(
            f"The engine's Python {python!r} cannot be started ({error.strerror}): "
            f"{name_another_python()}."
        ) from error


def write_requests(stream: IO[str], requests: queue.Queue[Request | None]) -> None:
    """Write requests until None comes: a long job does not fit into the pipe at once."""
    # the engine may have ended: `_collect` sees to its jobs
    with contextlib.suppress(OSError):
        try:
            while (request := requests.get()) is not None:
                stream.write(encode_line(request))
                stream.flush()
        finally:
            stream.close()


def read_events(stream: IO[str], take: Callable[[Event | ProtocolError], None]) -> None:
    """Read events until the stream ends, or something comes that is none."""
    for line in stream:
        try:
            message = decode_line(line)
        except ProtocolError as error:
            take(error)
            return
        if isinstance(message, Request):
            take(ProtocolError(f"The engine sent a request: {message!r:.200}"))
            return
        take(message)
