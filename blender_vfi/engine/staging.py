"""How frames come to a device and go from it: on CUDA, beside what is computed there.

All that is CUDA's own stands here. A device runs what is asked of one stream in order, and streams
side by side: uploads and downloads have one each, so that the device computes meanwhile, and the
loop need not wait. Two rules make that safe. Where one stream goes on with what another has made,
it first waits for all that the other was asked for until then (`wait_stream`). And memory belongs
to the stream that it was taken for: torch hands it out again as soon as that stream may have it,
unless it was told who else reads it (`record_stream`).

The main memory that CUDA reaches by itself is locked: from any other, the driver copies every frame
twice. Locking takes time; torch keeps what was locked and hands it out again, so that only a job's
first frames pay for it. Other devices take and give frames as they are.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Protocol

import torch
from torch import Tensor


class Arrival(Protocol):
    """What ends when a copy has; CUDA's events are such."""

    def synchronize(self) -> None:
        """Wait for it."""


class Download:
    """Frames on their way to main memory, or there.

    Args:
        frames: (T, ...) in main memory; what they hold is theirs only after `wait`.
        sound: (T,) bool in main memory, likewise: which of them are pictures at all. None where
            that was looked at before.
        arrival: ends when all of this is there; None where it is.
    """

    def __init__(
        self, frames: Tensor, sound: Tensor | None = None, arrival: Arrival | None = None
    ) -> None:
        self._frames = frames
        self._sound = sound
        self._arrival = arrival

    @property
    def is_there(self) -> bool:
        """Whether nothing has to be waited for, as far as is known."""
        return self._arrival is None

    def wait(self) -> Tensor:
        """Return the frames, once they are there."""
        if self._arrival is not None:
            self._arrival.synchronize()
            self._arrival = None
        return self._frames

    def is_sound(self) -> bool:
        """Tell whether all frames are pictures; they are waited for."""
        self.wait()
        return self._sound is None or bool(self._sound.all())


class Staging(Protocol):
    """How frames come to one device and go from it.

    Attributes:
        is_late: whether downloads are under way for a while.
    """

    is_late: bool

    def beside(self) -> AbstractContextManager[object]:
        """Return a context: what is asked of the device there waits for nothing that it computes.

        It may read what was made in other such contexts, and nothing else.
        """

    def hand_over(self, frame: Tensor) -> None:
        """Let the device compute with a frame that was made `beside`, from now on."""

    def download(self, frames: Tensor, sound: Tensor | None = None) -> Download:
        """Bring frames to main memory, after all that the device was asked to compute until now.

        Args:
            frames: (T, ...), contiguous.
            sound: see `Download`.
        """


class InOrder:
    """One thing after another: for devices that are not CUDA's, and to compare with those."""

    is_late = False

    def beside(self) -> AbstractContextManager[object]:
        """Return a context in which nothing is different."""
        return nullcontext()

    def hand_over(self, frame: Tensor) -> None:
        """Do nothing: it is there."""

    def download(self, frames: Tensor, sound: Tensor | None = None) -> Download:
        """Bring frames to main memory, and wait until they are there."""
        there = frames.cpu() if frames.device.type != "cuda" else _sent(frames)
        if frames.device.type == "cuda":
            torch.cuda.current_stream(frames.device).synchronize()
        return Download(there, sound)


class CopyStreams:
    """Copies beside what is computed: for CUDA.

    Args:
        device: which.
    """

    is_late = True

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._upward: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch has no types here
        self._downward: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch has no types here

    def beside(self) -> AbstractContextManager[object]:
        """Return a context in which all that is asked of the device goes to the uploads' stream.

        It never waits for the computing one: memory that it takes there is its own.
        """
        return torch.cuda.stream(self._upward)

    def hand_over(self, frame: Tensor) -> None:
        """Have what is computed from now on wait for the frame, and its memory for that."""
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._upward)
        frame.record_stream(computing)

    def download(self, frames: Tensor, sound: Tensor | None = None) -> Download:
        """Begin to bring frames to main memory, as soon as they are computed."""
        self._downward.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._downward):
            there = _sent(frames)
            frames.record_stream(self._downward)
            if sound is None:
                return Download(there, None, self._downward.record_event())
            sound_there = _sent(sound)
            sound.record_stream(self._downward)
            return Download(there, sound_there, self._downward.record_event())


def staging_for(device: torch.device, *, copies_beside: bool = True) -> Staging:
    """Return the way of a device's frames.

    Args:
        device: any.
        copies_beside: False has CUDA do one thing after another as well.
    """
    return _copy_streams(device) if copies_beside and device.type == "cuda" else InOrder()


@cache
def _copy_streams(device: torch.device) -> CopyStreams:
    return CopyStreams(device)  # once: torch keeps freed memory for each stream by itself


def staged(frame: Tensor, device: torch.device) -> Tensor:
    """Return a frame in memory that `device` reads by itself; to be called beside the loop.

    Args:
        frame: on the CPU.
        device: where it will go.

    Returns:
        The same values; the frame itself where nothing is gained, or no more pages can be locked.
    """
    if device.type != "cuda":
        return frame
    try:
        return frame.pin_memory()
    except RuntimeError:  # a limit of the system's, not the device's memory
        return frame


def uploaded(frame: Tensor, device: torch.device) -> Tensor:
    """Bring a frame to the device in float32; from a staged one, without waiting for it.

    torch keeps a staged frame's memory until the device has read it.
    """
    return frame.to(device, torch.float32, non_blocking=frame.is_pinned())


def _sent(part: Tensor) -> Tensor:
    """Begin to bring a tensor of CUDA's to main memory, on the current stream.

    torch keeps the memory that it goes to until the copy has ended, even where nobody waits.
    """
    try:
        target = torch.empty(part.shape, dtype=part.dtype, pin_memory=True)
    except RuntimeError:  # no more pages can be locked: this one is waited for
        return part.cpu()
    return target.copy_(part, non_blocking=True)
