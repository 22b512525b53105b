"""Lets one job at a time use a GPU, whichever Blender or terminal it was started from.

Two jobs on one GPU run out of its memory where each would fit alone. A lock in the user's cache,
one for each device, goes with the process that holds it. Jobs on the CPU need none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from ..models import locations
from . import memory
from .courtesy import Courtesy
from .job_spec import JobSpec
from .owners import read_owner, remove_owner, write_owner

_LOOK_S = 0.5


class DeviceLease:
    """A job's right to its device, a context that ends with the job.

    Args:
        job: what it is for; `JobSpec.busy_device` says what to do where the device is taken.
        courtesy: asked before the device is taken, and told when it is left.

    Attributes:
        place: what stands for the device there.
    """

    def __init__(self, job: JobSpec, courtesy: Courtesy) -> None:
        self._job = job
        self._lock: FileLock | None = None
        self._owner_file = Path()
        self._has_had_gpu = False
        self.place = courtesy.place()

    def __enter__(self) -> DeviceLease:
        return self

    def __exit__(self, *_error: object) -> None:
        self._release()

    def let_go(self) -> None:
        """Let others have the device, since the job needs it no more."""
        self._release()
        self.place.leave()

    def take(
        self,
        device: torch.device,
        dtype: torch.dtype,
        *,
        on_wait: Callable[[str], None],
        stop_if_cancelled: Callable[[], None],
    ) -> tuple[torch.device, torch.dtype]:
        """Wait until the device is free, or take the CPU, as the job says.

        Nothing may come to the device before `enter`.

        Args:
            device: where the job is to run.
            dtype: in which number format.
            on_wait: told in words who has the device, again and again while it waits.
            stop_if_cancelled: raises where it shall wait no longer.

        Returns:
            Where to run, and in which number format.
        """
        if not memory.is_gpu(device):
            self._release()  # the one that turned out to be too small
            if self._has_had_gpu:
                self.place.leave_for_cpu(stop_if_cancelled)
            else:
                self.place.leave()
            return device, dtype
        busy = self.hold(device, on_wait=on_wait, stop_if_cancelled=stop_if_cancelled)
        if busy:
            on_wait(f"{busy}; running on the CPU")
            return torch.device("cpu"), torch.float32
        self._has_had_gpu = True
        self.place.wait(stop_if_cancelled)
        return device, dtype

    def enter(self, device: torch.device, stop_if_cancelled: Callable[[], None]) -> None:
        """Wait until nobody needs a device that was taken, right before anything comes there.

        What takes long, such as a download, comes before: where a render begins in it, the job
        counts as out of the way.

        Args:
            device: that `take` has returned.
            stop_if_cancelled: raises where it shall wait no longer.
        """
        if memory.is_gpu(device):
            self.place.enter(stop_if_cancelled)

    def hold(
        self,
        device: torch.device,
        *,
        on_wait: Callable[[str], None],
        stop_if_cancelled: Callable[[], None],
    ) -> str:
        """Keep other jobs from a GPU, without taking its memory yet; for the arguments see `take`.

        Returns:
            Nothing, or in words who has it, where the job shall not wait for that.
        """
        is_shared = self._job.busy_device == "share" or not memory.is_gpu(device)
        while not is_shared and not self._try_to_hold(device):
            busy = f"{device} is in use by {read_owner(self._owner_file)}"
            if self._job.busy_device == "cpu":
                return busy
            on_wait(f"Waiting: {busy}")
            stop_if_cancelled()
            time.sleep(_LOOK_S)
        return ""

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            remove_owner(self._owner_file)
            lock.release()

    def _try_to_hold(self, device: torch.device) -> bool:
        """Try to hold the device; where the system has no locks there, it is taken for free."""
        if self._lock is not None:
            return True
        path = lock_file(device)
        self._owner_file = path.with_suffix(".owner")
        lock = FileLock(path, thread_local=False)  # taken in one thread, released in others
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            return False
        except (OSError, NotImplementedError):  # no locks here, or no right to them
            return True
        self._lock = lock
        write_owner(self._owner_file, f"frames in {self._job.output_dir}")
        return True


def lock_file(device: torch.device) -> Path:
    """Return the file whose lock stands for a device: the same for every process that sees it."""
    name = f"{device.type}-{device.index or 0}"
    if device.type == "cuda":
        # numbers are those of the devices that a process is let see
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        name = f"cuda-{seen}-{device.index or 0}"
        with contextlib.suppress(AttributeError):  # not in torch 2.4
            name = f"cuda-{torch.cuda.get_device_properties(device).uuid}"
    # a home folder may be shared by many machines
    key = hashlib.sha256(f"{platform.node()} {name}".encode()).hexdigest()[:16]
    return locations.lock_folder() / f"{device.type}-{key}.lock"
