"""Stores what the loop makes: finished for its file format, and encoded behind the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from torch import Tensor

from . import images
from .following import scale_vectors
from .frame_files import WriteBehind
from .job_folder import JobFolder
from .progress import ProgressMeter
from .schedule import Between, Plan
from .storage import Storage

HeadersOfPair = Callable[[int], tuple[images.FrameHeader, images.FrameHeader]]
"""Returns the headers of both source frames of a pair."""


class MadeFrames:
    """What the loop hands new frames to: they are encoded behind it.

    Args:
        headers: of the pair that the loop makes; a new frame has the metadata of its sources.
        folder: where they go.
        writer: runs the encoding.
        meter: counts what is whole on disk.
        plan: what is made.
        suffix: of the files.
        storage: depth and compression of the files.
        stored: the outputs taken so far are added to it.
        vector_steps: for each pair, how many scene frames its frames are apart: vectors of frames
            rendered with a frame step reach to the next scene frame, not to the next rendered one.
    """

    def __init__(
        self,
        headers: HeadersOfPair,
        folder: JobFolder,
        writer: WriteBehind,
        meter: ProgressMeter,
        *,
        plan: Plan,
        suffix: str,
        storage: Storage,
        stored: set[int],
        vector_steps: Sequence[int],
    ) -> None:
        self._headers = headers
        self._folder = folder
        self._writer = writer
        self._meter = meter
        self._plan = plan
        self._suffix = suffix
        self._storage = storage
        self._stored = stored
        self._vector_steps = vector_steps

    def store(self, output_index: int, frame: Tensor) -> None:
        """Queue `frame` for encoding, with the metadata of its pair's later source frame."""
        output = self._plan.outputs[output_index]
        assert isinstance(output, Between)
        earlier, like = self._headers(output.pair)
        if like.format.is_multilayer:
            before, after = self._plan.spacing(output_index)
            reach = self._vector_steps[output.pair]
            scale_vectors(frame, like.format.passes, float(before * reach), float(after * reach))
            like = images.with_names_of(like, earlier)

        def write(target: Path) -> None:
            images.write_frame(target, frame.numpy(), like, self._suffix, self._storage)

        def finish() -> None:
            self._meter.add(self._folder.place(output_index, write), is_made=True)

        self._writer.submit(finish)
        self._stored.add(output_index)
