"""Writes the frames that no model makes: copies of source frames, held ones, and dissolves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from . import images
from .dissolve import dissolve
from .frame_files import WriteBehind, read_steadily
from .job_folder import JobFolder
from .progress import ProgressMeter
from .quantisation import Pixels
from .schedule import Between, Dissolve, Plan
from .storage import Storage
from .window import window_of


class CopiedFrames:
    """Queues copies in the order of the output.

    Args:
        sources: the source frames.
        copied_as_is: those whose files need not be encoded anew.
        folder: where copies go.
        writer: runs the copying.
        meter: counts what is whole on disk.
        plan: what is made.
        suffix: of the files.
        storage: depth and compression of the files.
        stop_if_cancelled: called before each copy is queued.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        copied_as_is: Collection[Path],
        folder: JobFolder,
        writer: WriteBehind,
        meter: ProgressMeter,
        *,
        plan: Plan,
        suffix: str,
        storage: Storage,
        stop_if_cancelled: Callable[[], None],
    ) -> None:
        self._sources = sources
        self._copied_as_is = copied_as_is
        self._folder = folder
        self._writer = writer
        self._meter = meter
        self._plan = plan
        self._suffix = suffix
        self._storage = storage
        self._stop_if_cancelled = stop_if_cancelled
        self._queued = 0  # outputs before this one are finished or queued, if they are copies

    def queue(self, end: int | None = None) -> None:
        """Queue the copies among the outputs before `end`; all where it is None."""
        end = len(self._plan.outputs) if end is None else end
        for output_index in range(self._queued, end):
            output = self._plan.outputs[output_index]
            if isinstance(output, Between) or output_index in self._folder.finished:
                continue
            self._stop_if_cancelled()
            if isinstance(output, Dissolve):
                self._writer.submit(partial(self._dissolve, output_index, output))
            else:
                source = self._sources[output.index]
                self._writer.submit(partial(self._copy, output_index, source))
        self._queued = max(self._queued, end)

    def _copy(self, output_index: int, source: Path) -> None:
        def write(target: Path) -> None:
            frame = read_steadily(source)
            self._encode(target, frame.pixels, frame.header)

        if source in self._copied_as_is:
            path = self._folder.place_source(output_index, source)
        else:
            path = self._folder.place(output_index, write)
        self._meter.add(path, is_made=False)

    def _dissolve(self, output_index: int, output: Dissolve) -> None:
        pair = window_of(self._plan, output.pair, 2)
        earlier, later = (read_steadily(self._sources[index]) for index in pair)
        header = earlier.header
        mixed = dissolve(earlier.pixels, later.pixels, float(output.timestep), header.format)

        def write(target: Path) -> None:
            self._encode(target, mixed, header)

        self._meter.add(self._folder.place(output_index, write), is_made=False)

    def _encode(self, target: Path, pixels: Pixels, header: images.FrameHeader) -> None:
        images.write_frame(target, pixels, header, self._suffix, self._storage)
