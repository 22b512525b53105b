"""Counts a job's finished frames and tells how fast it goes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from . import memory
from .protocol import JobSpec, Progress

_LEAST_S = 0.05
"""Seconds in which no speed can be told yet."""


class ProgressMeter:
    """How far a job is; frames are reported to it from several threads.

    Args:
        job: the job.
        frames_total: number of output frames.
        devices: whose memory to report.
    """

    def __init__(self, job: JobSpec, frames_total: int, devices: Sequence[torch.device]) -> None:
        self._job = job
        self._frames_total = frames_total
        self._devices = frozenset(devices)
        self._lock = threading.Lock()
        self._began_s = self._measured_s = time.monotonic()
        self._resumed = 0
        self._last_frame: Path | None = None
        self.frames_done = 0
        self.frames_made = 0
        self.frames_written = self.bytes_written = 0

    @property
    def duration_s(self) -> float:
        """Seconds since the job began."""
        return time.monotonic() - self._began_s

    def resume_with(self, frames_done: int) -> None:
        """Count frames that an earlier run left, and start measuring speed."""
        self.frames_done = frames_done
        self.measure_from_now()

    def measure_from_now(self) -> None:
        """Leave out of the speed what has been, as it will not be again."""
        with self._lock:
            self._resumed = self.frames_done
            self._measured_s = time.monotonic()

    def add(self, path: Path, *, is_made: bool) -> None:
        """Count one frame as whole and under its final name."""
        with contextlib.suppress(OSError):  # of a folder that is gone, the next frame tells
            size_bytes = path.stat().st_size
            with self._lock:
                self.frames_written += 1
                self.bytes_written += size_bytes
        with self._lock:
            self.frames_done += 1
            if is_made:
                self.frames_made += 1
                self._last_frame = path

    def event(self) -> Progress:
        """Describe the present state."""
        with self._lock:
            done, last_frame = self.frames_done, self._last_frame
            counted, measured_s = done - self._resumed, time.monotonic() - self._measured_s
        frames_per_second = counted / measured_s if measured_s > _LEAST_S else 0.0
        left = self._frames_total - done
        return Progress(
            job_id=self._job.job_id,
            frames_done=done,
            frames_total=self._frames_total,
            frames_per_second=frames_per_second,
            seconds_left=left / frames_per_second if frames_per_second > 0 else None,
            device_memory_bytes=sum(map(memory.device_memory_bytes, self._devices)),
            host_memory_bytes=memory.resident_memory_bytes(),
            last_frame=str(last_frame) if last_frame else None,
        )
