"""An engine whose client is gone: it leaves, even from the middle of a call that takes minutes."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from blender_vfi.engine.protocol import JobSpec, Run
from blender_vfi.engine.wire import encode_line

pytestmark = pytest.mark.plain

BUSY = """\
import sys, time
from blender_vfi.engine import worker

class Busy:
    def run(self, job, **hooks):
        print("begun", file=sys.stderr, flush=True)
        time.sleep(600)  # as in C, where nothing asks for a cancel

worker._load_engine = Busy
sys.exit(worker.main([]))
"""


def test_engine_in_a_long_call_leaves_within_5_seconds_of_its_client():
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        job = JobSpec(job_id="a", sources=(), output_dir="/o", name_prefix="f", suffix=".png")
        process.stdin.write(encode_line(Run(job=job)))
        process.stdin.flush()
        assert process.stderr.readline() == "begun\n"
        gone_s = time.monotonic()
        process.stdin.close()
        assert process.wait(20) == 1
        assert time.monotonic() - gone_s < 5
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
