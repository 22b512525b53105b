"""Damaged and hostile input: no crash, no hang, no file out of place, only errors in words.

Each takes seconds; BLENDER_VFI_FUZZ_S=600 gives each ten minutes, with another seed each time.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blender_vfi.engine.job_spec import OUTPUT_SUFFIXES, JobSpec
from blender_vfi.engine.protocol import Cancel, FreeMemory, MemoryFreed, Ready, Run
from blender_vfi.engine.wire import decode_line, encode_line, job_from_json, job_to_json
from blender_vfi.errors import ProtocolError, RequestError

from .fuzzing import REPOSITORY, mutated

pytestmark = pytest.mark.torch

LONG_S = float(os.environ.get("BLENDER_VFI_FUZZ_S", "0"))
SEED = random.randrange(1 << 32) if LONG_S else 5
BOUNDED = settings(
    max_examples=int(200 * max(1.0, LONG_S)),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=not LONG_S,
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["", "../..", "/", "a/../../b", "\0", "..\\..", "C:\\x", "cpu", ".png"])
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
ODD_PREFIXES = st.sampled_from(["../", "..\\", "a/b", "/etc/x", "\0", "..", "", "x" * 300, "é "])

BUSY_WORKER = """\
import sys
from blender_vfi.engine import worker

class Quick:
    def run(self, job, **hooks):
        job.check()

    def hand_back(self):
        pass

    def free_memory(self):
        return 0

worker._load_engine = Quick
sys.exit(worker.main([]))
"""


def job() -> JobSpec:
    return JobSpec(
        job_id="a",
        sources=("/s/1.png", "/s/2.png"),
        output_dir="/o",
        name_prefix="f",
        suffix=".png",
    )


@pytest.mark.parametrize(("what", "seconds"), [("images", 5.0), ("checkpoints", 4.0)])
def test_damaged_files_are_read_or_refused_and_nothing_in_them_is_run(tmp_path, what, seconds):
    command = [sys.executable, "-m", "tests.faults.fuzzing", what, str(tmp_path), str(SEED)]
    found = subprocess.run(
        [*command, str(LONG_S or seconds)],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    left = [str(path) for path in tmp_path.glob("current*")]
    assert found.returncode == 0, f"seed {SEED}, {left}: {found.stderr[-2000:]}"
    counts = json.loads(found.stdout.splitlines()[-1])
    assert counts["refused"] > 20
    assert counts["read"] + counts["refused"] > 50


@BOUNDED
@given(data=st.data())
def test_job_with_any_values_is_refused_in_words_or_stays_in_its_folder(data):
    values = job_to_json(job())
    for name in data.draw(st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=3)):
        values[name] = data.draw(ODD_PREFIXES if name == "name_prefix" else VALUES)
    try:
        read = job_from_json(values)
        read.check()
    except (ProtocolError, RequestError):
        return
    folder = Path(read.output_dir)
    outputs = read.plan().outputs
    for index in (0, len(outputs) - 1):
        path = folder / read.frame_name(index)
        assert path.parent == folder
        assert path.name not in ("", ".", "..")
        assert path.suffix in OUTPUT_SUFFIXES


@BOUNDED
@given(VALUES)
def test_line_of_any_json_is_a_message_or_refused(value):
    with contextlib.suppress(ProtocolError):
        decode_line(json.dumps(value))


def test_worker_outlives_any_lines(tmp_path):
    draw = random.Random(SEED)
    whole = [encode_line(message).encode() for message in (Run(job=job()), Cancel(job_id="a"))]
    lines = [
        mutated(draw.choice(whole), draw).replace(b"\n", b" ") + b"\n"
        for _ in range(int(3000 * max(1.0, LONG_S / 4)))
    ]
    lines += [b"[" * 100_000 + b"\n", b"\xff\xfe\0\n", b'{"type": ' * 5000 + b"\n", b"\n" * 50]
    process = subprocess.run(
        [sys.executable, "-c", BUSY_WORKER],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        input=b"".join(lines) + encode_line(FreeMemory()).encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    events = [decode_line(line) for line in process.stdout.decode().splitlines()]
    assert isinstance(events[0], Ready)
    assert isinstance(events[-1], MemoryFreed)  # it was heard behind all of that
    assert not list(tmp_path.iterdir())
