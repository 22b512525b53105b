"""Main memory that is kept when it is freed: seen in the page faults of processes of their own."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
import sys

import pytest

from blender_vfi.engine import host_allocator

pytestmark = pytest.mark.plain

HAS_GLIBC = platform.libc_ver()[0] == "glibc"

# A frame's work: two pictures of 40 MiB that are there at once, ten times.
_WORK = """
import json, resource, sys, threading
import psutil
from blender_vfi.engine import host_allocator, worker

def work():
    for _ in range(10):
        pictures = [b"x" * (40 << 20), b"x" * (40 << 20)]

def work_in_a_thread():
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident_mib():
    return psutil.Process().memory_info().rss >> 20

{setting}
first_mib = resident_mib()
{work}()
before = faults()
{work}()
found = dict(faults=faults() - before, kept_mib=resident_mib() - first_mib)
found["is_handed_back"] = host_allocator.hand_back()
found["left_mib"] = resident_mib() - first_mib
print(json.dumps(found), file=sys.stderr)
"""


def seen(setting, work="work", **variables):
    """Run the work in a Python of its own; tell what it cost, and what it left."""
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))
    }
    requests, client = os.pipe()  # a worker ends where its client does
    try:
        done = subprocess.run(
            [sys.executable, "-c", _WORK.format(setting=setting, work=work)],
            env={**plain, **variables},
            stdin=requests,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    finally:
        os.close(requests)
        os.close(client)
    return json.loads(done.stderr.splitlines()[-1])


@pytest.fixture(scope="module")
def plain():
    """What the work costs as the system has it."""
    found = seen("")
    assert not found["is_handed_back"]
    assert found["left_mib"] < 20
    return found


@pytest.mark.parametrize(
    ("setting", "work"),
    [
        ("host_allocator.keep_freed()", "work"),
        ("host_allocator.keep_freed()", "work_in_a_thread"),
        ('worker.main(["--idle-exit", "0"])', "work"),
    ],
    ids=["asked for", "in threads", "in the worker"],
)
def test_freed_memory_is_there_for_the_next_frame_until_it_is_handed_back(plain, setting, work):
    found = seen(setting, work)
    is_kept = HAS_GLIBC  # elsewhere nothing changes
    assert (found["faults"] < plain["faults"] / 20) == is_kept
    assert (found["kept_mib"] >= 80) == is_kept
    assert found["is_handed_back"] == is_kept
    assert found["left_mib"] < 20


@pytest.mark.parametrize(
    "variables",
    [{"MALLOC_MMAP_THRESHOLD_": "65536"}, {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=5"}],
    ids=str,
)
def test_what_the_user_has_set_stays_as_it_is(plain, variables):
    found = seen("host_allocator.keep_freed()", **variables)
    assert found["faults"] > plain["faults"] / 2
    assert not found["is_handed_back"]


@pytest.mark.parametrize(
    ("system", "library"), [("darwin", "glibc 2.36"), ("win32", "glibc 2.36"), ("linux", "")]
)
def test_systems_without_glibc_are_not_asked(monkeypatch, system, library):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(os, "confstr", {"CS_GNU_LIBC_VERSION": library}.get, raising=False)
    monkeypatch.delattr(ctypes, "CDLL")
    assert not host_allocator.keep_freed({})
    assert not host_allocator.hand_back()
