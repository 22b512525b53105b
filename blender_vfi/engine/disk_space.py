"""Tells before a job begins whether its frames will fit on the disk, and watches while it runs.

A disk that is full breaks more than the job: Blender could not save either. Standard library alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import OutputError
from ..remedies import remedy
from .image_formats import FLOAT_BITS, INTEGER_BITS, FrameFormat, encoding_for
from .schedule import Hold, Plan, Source
from .storage import Storage

_FRAMES_IN_RESERVE = 8
"""As many as may be on their way to the disk at once, twice."""

_SHARE_OF_RAW = {"png": 0.7, "jpeg": 0.25, "webp": 0.6, "openexr": 0.8}
"""How large a file is of what its pixels take; the other formats do not compress, or need not."""


class Written(Protocol):
    """What has been written so far."""

    frames_written: int
    bytes_written: int


class DiskSpace:
    """Compares what a job will write with what the disk of its folder has.

    Attributes:
        needed_bytes: what it will write, about.

    Args:
        folder: on the disk that the job writes to; it exists.
        plan: the job's output frames.
        paths: their files.
        sources: the source frames.
        frame_format: theirs.
        copied_as_is: sources whose files are not encoded anew.
        links_sources: whether these get a second name where the disk is theirs, and no space.
        suffix: of the output.
        storage: its depth and compression.
        finished: output frames that are there already and stay.
        is_wanted: whether anything is to be checked.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        paths: Sequence[Path],
        sources: Sequence[Path],
        frame_format: FrameFormat,
        *,
        copied_as_is: Collection[Path],
        links_sources: bool = False,
        suffix: str,
        storage: Storage,
        finished: Collection[int],
        is_wanted: bool = True,
    ) -> None:
        self._folder = folder
        self._is_wanted = is_wanted
        self._has_warned = False
        sizes = [_size(source) for source in sources]
        each = sum(sizes) // len(sizes)
        if sources[0] not in copied_as_is:
            each = _encoded_bytes(frame_format, suffix, storage)
        missing = [index for index in range(len(plan.outputs)) if index not in finished]
        self._replaced_bytes = sum(_size(paths[index]) for index in missing)
        self.needed_bytes = 0
        linked = {source for source in copied_as_is if links_sources and _shares(source, folder)}
        for index in missing:
            output = plan.outputs[index]
            if not isinstance(output, Source | Hold) or sources[output.index] not in copied_as_is:
                self.needed_bytes += each
            elif sources[output.index] not in linked:
                self.needed_bytes += sizes[output.index]
        self._each_bytes = max(1, self.needed_bytes // max(1, len(missing)))
        self._missing = len(missing)

    def check(self) -> None:
        """Refuse a job whose frames would not fit.

        Raises:
            OutputError: with what is needed and what is free.
        """
        free = self.free_bytes()
        if free is None or self.needed_bytes <= free + self._replaced_bytes:
            return
        lacking = self.needed_bytes - free - self._replaced_bytes
        raise OutputError(
            f"{self._missing} frames will take about {size_text(self.needed_bytes)}, and the disk "
            f"of {self._folder} has {size_text(free)} left: {size_text(lacking)} too little. "
            f"{_remedy()}"
        )

    def watch(self, written: Written, notify: Callable[[str], None]) -> None:
        """Stop before the disk is full, and warn once where it will be.

        Args:
            written: what this job has written so far.
            notify: told the warning.

        Raises:
            OutputError: hardly a frame has room any more.
        """
        free = self.free_bytes()
        if free is None:
            return
        count = written.frames_written
        left = self._missing - count
        each = written.bytes_written // count if count else self._each_bytes
        if left > 0 and free < min(left, _FRAMES_IN_RESERVE) * each:
            raise OutputError(
                f"The disk of {self._folder} has {size_text(free)} left, and frames take "
                f"{size_text(each)} each: stopped with {left} frames to go, before it is full; "
                f"finished frames are kept, and the same job goes on with what is missing. "
                f"{_remedy()}"
            )
        if free + self._replaced_bytes < left * each and not self._has_warned:
            self._has_warned = True
            notify(
                f"The disk of {self._folder} will be full before the job's end: {left} frames to "
                f"go take about {size_text(left * each)}, and {size_text(free)} are free."
            )

    def free_bytes(self) -> int | None:
        """Return what the disk has left; None where that is not to be checked, or not known."""
        if not self._is_wanted:
            return None
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:
            return None  # a folder that is gone is told when a frame is written


def _encoded_bytes(frame_format: FrameFormat, suffix: str, storage: Storage) -> int:
    """Estimate the size of a frame in a format that is not the source's."""
    encoding = encoding_for(frame_format, suffix, storage)
    bits = {**INTEGER_BITS, **FLOAT_BITS}[encoding.pixel_type]
    values = frame_format.width * frame_format.height * len(frame_format.channel_names)
    return int(_SHARE_OF_RAW.get(encoding.container, 1.1) * values * bits / 8)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _shares(source: Path, folder: Path) -> bool:
    """Tell whether a file lies on the disk of a folder."""
    try:
        return source.stat().st_dev == folder.stat().st_dev
    except OSError:
        return False


def size_text(size_bytes: int) -> str:
    """Say how large something on a disk is."""
    for unit, factor in (("GB", 2**30), ("MB", 2**20)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes / 2**10:.0f} kB"


def _remedy() -> str:
    unchecked = remedy(
        panel="Output > Check Free Space",
        terminal="--no-space-check",
        python="check_free_space=False",
    )
    return (
        "Make space, or choose another output folder or a smaller format; or start without this "
        f"check ({unchecked})."
    )
