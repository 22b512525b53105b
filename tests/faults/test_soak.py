"""Job after job leaves nothing behind; benchmarks/soak.py watches an engine for 5,000 frames."""

from __future__ import annotations

import gc

import psutil
import pytest

from blender_vfi.engine.pipeline import Engine

from ..engine.fake_model import FakeModel, fake_cache
from ..engine.sequences import make_job, write_sequence

pytestmark = pytest.mark.torch

JOBS = 5
MOST_GROWTH_BYTES = 4 << 20  # of the last jobs' 400 frames together


def test_files_threads_and_memory_stay_the_same_from_job_to_job(tmp_path):
    write_sequence(tmp_path / "in", 4)
    process = psutil.Process()
    seen = []
    for number in range(JOBS):
        # a model for each job, since it writes down every call
        engine = Engine(fake_cache(FakeModel()))
        finished = engine.run(make_job(tmp_path / "in", tmp_path / f"{number}", multiplier=64))
        assert finished.frames_made == 189
        del engine
        gc.collect()
        seen.append((process.num_fds(), process.num_threads(), process.memory_info().rss))
    files, threads, memory = zip(*seen, strict=True)
    assert files[2] == files[-1]
    assert threads[2] == threads[-1]
    assert memory[-1] - memory[2] < MOST_GROWTH_BYTES
