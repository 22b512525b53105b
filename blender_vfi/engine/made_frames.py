"""Stores what the loop makes: finished for its file format, and encoded behind the loop."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from . import images
from .following import scale_vectors
from .frame_files import ReadAhead, WriteBehind
from .images import FrameHeader
from .job_folder import JobFolder
from .progress import ProgressMeter
from .schedule import Between, Plan


class MadeFrames:
    """What the loop hands new frames to: they are encoded behind it.

    Args:
        reader: that the loop reads with; a new frame has the metadata of its sources.
        folder: where they go.
        writer: runs the encoding.
        meter: counts what is whole on disk.
        plan: what is made.
        suffix: of the files.
    """

    def __init__(
        self,
        reader: ReadAhead,
        folder: JobFolder,
        writer: WriteBehind,
        meter: ProgressMeter,
        *,
        plan: Plan,
        suffix: str,
    ) -> None:
        self._reader = reader
        self._folder = folder
        self._writer = writer
        self._meter = meter
        self._plan = plan
        self._suffix = suffix

    def store(self, output_index: int, frame: Tensor) -> None:
        """Queue `frame` for encoding, with the metadata of the newest source frame."""
        like = self._reader.latest_header
        if like is None:
            raise AssertionError("a frame was made before one was read")
        if like.format.is_multilayer:
            like = self._finish_passes(output_index, frame)

        def write(target: Path) -> None:
            images.write_frame(target, frame.numpy(), like, self._suffix)

        def finish() -> None:
            self._meter.add(self._folder.place(output_index, write), is_made=True)

        self._writer.submit(finish)

    def _finish_passes(self, output_index: int, frame: Tensor) -> FrameHeader:
        """Bring vectors to the output's frame distance, in place; return the frame's header."""
        output = self._plan.outputs[output_index]
        assert isinstance(output, Between)
        earlier, later = self._reader.headers_of_pair(output.pair)
        before, after = self._plan.spacing(output_index)
        scale_vectors(frame, later.format.passes, float(before), float(after))
        return images.with_names_of(later, earlier)
