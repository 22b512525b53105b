"""Makes the frames of a job with its model: on one device, or on several side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..errors import DeviceMemoryError
from ..models.compiling import CompiledModel
from ..models.interface import InterpolationModel, Quality
from ..models.loading import LoadedModel
from . import memory
from .device_lease import DeviceLease
from .frame_files import ReadAhead, WriteBehind, frames_that_fit, reading_order
from .guided_job import GuidedJob
from .image_formats import FrameFormat
from .job_folder import JobFolder
from .job_model import JobModel
from .job_reports import JobReports
from .layered import layout_of
from .loop import FrameLoop, LoopPolicy
from .made_frames import HeadersOfPair, MadeFrames
from .progress import ProgressMeter
from .protocol import JobSpec
from .schedule import PairWork, Plan
from .search import Search
from .sharing import DealtPairs, PairDealer, side_by_side


@dataclass(slots=True, kw_only=True)
class Lane:
    """One device of a job.

    Attributes:
        model: loads the model there, and elsewhere where it is full.
        lease: the right to the device.
        loaded: the model; None before and after frames are made there.
    """

    model: JobModel
    lease: DeviceLease
    loaded: LoadedModel | None = None

    def leave(self) -> None:
        """Let others have the device: what is left of the job is not made there."""
        self.loaded = None  # nobody else holds what is to leave the device
        if self.lease.place.is_aside:
            self.model.drop_kept()  # the job's is not where the cache thinks
        self.lease.let_go()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMaking:
    """What it takes to make the frames of a job.

    Attributes:
        job: the job.
        plan: what is made.
        sources: the source frames.
        frame_format: what all of them are like.
        readers: threads that decode.
        folder: where new frames go; what is finished there is not made.
        writer: runs the encoding.
        meter: counts what is whole on disk.
        search: looks for cuts along with the loop.
        guided: what a guided model must know.
        reports: what the job tells, and whether it was cancelled.
        on_pair: called after each pair has gone to the writer, by one thread at a time.
    """

    job: JobSpec
    plan: Plan
    sources: list[Path]
    frame_format: FrameFormat
    readers: int
    folder: JobFolder
    writer: WriteBehind
    meter: ProgressMeter
    search: Search
    guided: GuidedJob
    reports: JobReports
    on_pair: Callable[[PairWork], None]

    def run(self, lanes: Sequence[Lane]) -> None:
        """Make the frames that are missing, on all devices; the first one's model is loaded.

        Each of the others loads its own in its own thread, so that none holds memory of a device
        without asking between two pairs of frames whether others need it.

        Raises:
            JobCancelledError: the job was cancelled.
            VfiError: what went wrong, on whichever device.
        """
        stored = set(self.folder.finished)
        if len(lanes) == 1:
            make = partial(self._make_alone, lanes[0], stored)
            self._wherever_there_is_room(lanes[0], make, self.reports)
        else:
            self._make_on_several(lanes, stored)

    def _wherever_there_is_room(
        self, lane: Lane, make: Callable[[LoadedModel], None], reports: JobReports
    ) -> None:
        assert lane.loaded is not None, "models are loaded before frames are made"
        while True:
            try:
                make(lane.loaded)
            except DeviceMemoryError:
                if not lane.model.can_move:
                    raise
            else:
                return
            # here, not in the handler: the error holds on to what filled the memory
            lane.loaded = lane.model.move(lane.loaded, reports.stop_if_cancelled)

    def _make_alone(self, lane: Lane, stored: set[int], loaded: LoadedModel) -> None:
        finished = frozenset(stored)
        context = loaded.spec.context
        with self._reader(lane, finished, context) as reader:
            works = self._works(reader, finished, context)
            loop = self._loop(lane, loaded, self.reports.is_cancelled)
            sink = self._sink(reader.headers_of_pair, stored)
            loop.run(self.plan, reader, sink, works=works, on_pair=self.on_pair)

    def _make_on_several(self, lanes: Sequence[Lane], stored: set[int]) -> None:
        """Deal the pairs out to devices, each with a loop in a thread of its own."""
        assert lanes[0].loaded is not None, "models are loaded before frames are made"
        finished, context = frozenset(stored), lanes[0].loaded.spec.context
        stop, telling = threading.Event(), threading.Lock()
        reports = self.reports.until(stop)

        def on_pair(work: PairWork) -> None:
            with telling:
                self.on_pair(work)

        def make(lane: Lane, dealer: PairDealer) -> None:
            if lane.loaded is None and not _load(lane, dealer, reports):
                lane.leave()
                return
            pairs = DealtPairs(dealer, reports.stop_if_cancelled)
            sink = self._sink(pairs.headers_of_pair, stored)

            def attempt(loaded: LoadedModel) -> None:
                loop = self._loop(lane, loaded, reports.is_cancelled)
                loop.run(self.plan, pairs, sink, works=pairs.works(stored), on_pair=on_pair)

            self._wherever_there_is_room(lane, attempt, reports)
            lane.leave()

        with self._reader(lanes[0], finished, context) as reader:
            dealer = PairDealer(
                self.plan,
                reader,
                self._works(reader, finished, context),
                pair_count=sum(1 for _ in self.plan.pairs(finished)),
                context=context,
                device_count=len(lanes),
                frames_that_fit=frames_that_fit(self.frame_format),
            )
            side_by_side([partial(make, lane, dealer) for lane in lanes], stop)
            dealer.check()

    def _reader(self, lane: Lane, finished: frozenset[int], context: int) -> ReadAhead:
        return ReadAhead(
            self.sources,
            reading_order(self.plan, finished, context),
            self.frame_format,
            self.readers,
            lane.model.device,
            self.search.take,
        )

    def _works(
        self, reader: ReadAhead, finished: frozenset[int], context: int
    ) -> Iterator[PairWork]:
        return filter(partial(self.search.is_open, reader, context), self.plan.pairs(finished))

    def _sink(self, headers: HeadersOfPair, stored: set[int]) -> MadeFrames:
        return MadeFrames(
            headers,
            self.folder,
            self.writer,
            self.meter,
            plan=self.plan,
            suffix=self.job.suffix,
            vector_steps=self.guided.steps,
            storage=self.job.storage,
            stored=stored,
        )

    def _loop(self, lane: Lane, loaded: LoadedModel, is_cancelled: Callable[[], bool]) -> FrameLoop:
        return FrameLoop(
            loaded.model,
            loaded.spec,
            layout_of(self.frame_format),
            self._policy(lane, loaded),
            on_notice=self.reports.notify_once,
            is_cancelled=is_cancelled,
            place=lane.lease.place,
            frame_name=self.job.frame_name,
            on_bad=self.folder.note_bad,
            guidance=self.guided.guidance,
        )

    def _largest_batch(self, device: torch.device, model: InterpolationModel) -> int:
        # all passes of a batch would be in memory at once; and a compiled model, which gains little
        # by a batch, would be compiled for each number of moments
        compiles = isinstance(model, CompiledModel) and model.will_compile(device)
        is_single = self.frame_format.is_multilayer or compiles
        return 1 if is_single else memory.largest_batch(device)

    def _policy(self, lane: Lane, loaded: LoadedModel) -> LoopPolicy:
        device = lane.model.device
        return LoopPolicy(
            device=device,
            dtype=loaded.dtype,
            quality=Quality(
                flow_scale=self.job.flow_scale,
                ensemble=self.job.ensemble,
                seed=self.job.seed,
            ),
            clear_cache_every=self.job.clear_cache_every,
            largest_batch=self._largest_batch(device, loaded.model),
            tile_size=lane.model.tile_size(self.frame_format),
            bad_frames=self.job.bad_frames,
        )


class _NothingLeft(Exception):  # noqa: N818 - no error
    """While a device was waited for, others have made all frames."""


def _load(lane: Lane, dealer: PairDealer, reports: JobReports) -> bool:
    """Load a device's model, unless nothing is left to be made by the time others let it be had."""

    def stop_waiting() -> None:
        reports.stop_if_cancelled()
        if dealer.is_over:
            raise _NothingLeft

    try:
        lane.loaded = lane.model.load(stop_waiting)
    except _NothingLeft:
        return False
    return True
