"""Engines that do what a script says, in the place of a Python that has torch."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blender_vfi.engine.client import EngineClient

REPOSITORY = Path(__file__).resolve().parents[2]

PRELUDE = f"""\
#!{sys.executable}
import os, pathlib, sys, time
sys.path.insert(0, {str(REPOSITORY)!r})
from blender_vfi.engine.protocol import *
from blender_vfi.engine.wire import *
def say(message):
    sys.stdout.write(encode_line(message)); sys.stdout.flush()
def hear():
    line = sys.stdin.readline()
    return decode_line(line) if line else None
def ready(protocol=PROTOCOL_VERSION):
    say(Ready(protocol=protocol, process_id=os.getpid(), version="0", python="3"))
def finish(job):
    say(Finished(job_id=job.job_id, frames_total=3, frames_made=1, duration_s=0.0,
        peak_memory_bytes=0))
starts = pathlib.Path(__file__).with_suffix(".starts")
starts.open("a").write("x")
start = len(starts.read_text())
"""


@contextmanager
def scripted_engines(folder: Path) -> Iterator[Callable[..., EngineClient]]:
    """Give a maker of clients whose engine does what a script says; all end with the block."""
    clients = []

    def make(script: str, **options) -> EngineClient:
        path = folder / "engine.py"
        path.write_text(PRELUDE + textwrap.dedent(script))
        path.chmod(0o755)
        clients.append(EngineClient(str(path), **options))
        return clients[-1]

    try:
        yield make
    finally:
        for item in clients:
            item.close()


def wait_until(claim, timeout_s=20.0):
    end = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.01)


def events_until(client, kind, timeout_s=20.0):
    """Poll as Blender's timer does, until an event of `kind` comes; return all events."""
    seen = []

    def has_come():
        seen.extend(client.poll())
        return any(isinstance(event, kind) for event in seen)

    wait_until(has_come, timeout_s)
    return seen
