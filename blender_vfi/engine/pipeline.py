"""Runs a job from source files to finished files: read ahead, loop, write behind.

Memory stays the same however long the strip is: a few frames wait to be made, a few to be written.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from ..errors import DeviceMemoryError, JobCancelledError
from ..models import catalog
from ..models.cache import ModelCache
from ..models.catalog_types import ModelSpec
from ..models.interface import Quality
from ..models.loading import LoadedModel, check_terms
from . import images, memory, movies, notices
from .copied_frames import CopiedFrames
from .cores import file_threads
from .courtesy import Courtesy
from .device_lease import DeviceLease
from .frame_files import ReadAhead, WriteBehind, reading_order
from .guided_job import GuidedJob
from .image_formats import FrameFormat
from .job_folder import JobFolder
from .job_log import JobLog
from .job_model import JobModel
from .job_reports import JobReports
from .job_sources import JobSources
from .layered import layout_of
from .loop import FrameLoop, LoopPolicy
from .made_frames import MadeFrames
from .progress import ProgressMeter
from .protocol import Cancelled, Event, Finished, JobSpec, Started
from .reach import check_reach
from .schedule import PairWork, Plan
from .search import Search
from .soundness import describe_stand_ins

_ENCODING = "Encoding the movie"


class Engine:
    """Runs jobs one after another, keeping models between them.

    Args:
        models: the cache of loaded models; None for one of its own.
    """

    def __init__(self, models: ModelCache | None = None) -> None:
        # not `models or`: an empty cache is false
        if models is None:
            models = ModelCache(free_memory=memory.free_memory_bytes, release=memory.clear_cache)
        self._models = models
        images.set_thread_count(1)  # frames are decoded and encoded in threads of ours

    def free_memory(self) -> int:
        """Drop all cached models; return how many there were."""
        return self._models.clear()

    def run(
        self,
        job: JobSpec,
        *,
        on_event: Callable[[Event], None] = lambda _event: None,
        is_cancelled: Callable[[], bool] = lambda: False,
        courtesy: Courtesy | None = None,
    ) -> Finished:
        """Run `job` to its end.

        Args:
            job: what to make.
            on_event: told about every step; `Finished` and `Cancelled` come through it as well.
            is_cancelled: asked before each call of the model.
            courtesy: asked between pairs whether to make way for others.

        Raises:
            JobCancelledError: `is_cancelled` said so; finished frames stay on disk.
            VfiError: what went wrong; finished frames stay on disk.
        """
        job.check()
        device = memory.choose_device(job.device)
        plan = job.plan()
        meter = ProgressMeter(job, len(plan.outputs), device)
        lease = DeviceLease(job, courtesy or Courtesy())
        with movies.closing(), JobLog(on_event) as log, lease:
            job_run = _JobRun(self._models, job, plan, meter, device, log, is_cancelled, lease)
            try:
                return job_run.run()
            except JobCancelledError:
                log.tell(Cancelled(job_id=job.job_id, frames_done=meter.frames_done))
                raise
            finally:
                if lease.courtesy.is_aside:
                    self._models.clear()  # the job's is not where the cache thinks


class _JobRun:
    """One job in progress."""

    def __init__(
        self,
        models: ModelCache,
        job: JobSpec,
        plan: Plan,
        meter: ProgressMeter,
        device: torch.device,
        log: JobLog,
        is_cancelled: Callable[[], bool],
        lease: DeviceLease,
    ) -> None:
        self._models = models
        self._job = job
        self._plan = plan
        self._meter = meter
        self._device = device
        self._spec = catalog.find(job.model)
        self._dtype = memory.choose_dtype(
            job.precision, device, half_precision=self._spec.half_precision
        )
        self._threads = file_threads(device.type)
        self._log = log
        self._reports = JobReports(job.job_id, log.tell, is_cancelled)
        self._lease = lease
        self._sources = JobSources(job, self._reports)
        self._guided = GuidedJob(job, Path(job.output_dir), self._reports.notify)

    def run(self) -> Finished:
        self._reports.stop_if_cancelled()
        if not self._job.checkpoint:
            check_terms(self._spec)
        frame_format = self._sources.check()
        movie = movies.output_of(self._job, frame_format)
        self._reports.notify(*(movie.notices() if movie is not None else ()))
        self._plan = self._sources.follow_true_times(self._plan)
        check_reach(self._plan, self._spec)
        with self._open_folder() as folder:
            search = self._search(folder, frame_format)
            self._make(folder, search, frame_format)
            search.finish()
            if movie is not None:
                count = len(self._plan.outputs)
                movie.write(folder.path, on_frame=self._reports.frames_of(_ENCODING, count))
        return self._end(folder)

    def _open_folder(self) -> JobFolder:
        return JobFolder(
            self._job,
            self._plan,
            precision=memory.dtype_name(self._dtype),
            **({} if self._job.checkpoint else {"context": self._spec.context}),
        )

    def _search(self, folder: JobFolder, frame_format: FrameFormat) -> Search:
        """Let the plan follow what is found in the frames, and in the folder."""
        sources = self._sources.files
        self._log.open(folder.path, f"{self._spec.title}, {len(sources)} source frames")
        search = self._sources.search(folder, frame_format, self._threads.readers)
        self._plan = search.begin(self._plan)
        check_reach(self._plan, self._spec)
        # what was made from frames that are others now is not finished
        count = folder.follow(self._plan)
        changed = folder.changed_sources - folder.added_sources
        if changed:
            self._reports.notify(notices.of_changed_sources(sources, changed, count))
        elif folder.added_sources:
            kept = len(folder.finished)
            self._reports.notify(notices.of_added_sources(len(folder.added_sources), kept, count))
        if self._job.loop and not folder.finished:
            self._reports.notify(*notices.of_a_closed_loop(sources, frame_format))
        return search

    def _make(self, folder: JobFolder, search: Search, frame_format: FrameFormat) -> None:
        """Make the frames that are missing, and copy the others."""
        space = folder.space(
            self._plan, self._sources.files, frame_format, self._sources.copied_as_is
        )
        space.check()
        needs_model = any(self._plan.pairs(folder.finished))
        model = self._job_model()
        loaded = model.load() if needs_model else None
        folder.begin(search.findings)
        self._meter.resume_with(len(folder.finished))
        self._reports.emit(self._started(model, loaded))
        figures = self._guided.kept(folder.bad_frames)  # outside: of frames on disk
        with figures, WriteBehind(frame_format, self._threads.writers) as writer:
            copies = self._copies(folder, writer)

            def on_pair(work: PairWork) -> None:
                self._guided.save()
                copies.queue(work.last_output)
                self._reports.emit(self._meter.event())
                space.watch(self._meter, self._reports.notify)

            if loaded is not None:
                self._tell_of_passes(frame_format, loaded.spec)
                self._make_frames(model, loaded, folder, writer, frame_format, on_pair, search)
            loaded = None  # nobody else holds what is to leave the device
            self._leave_device()
            copies.queue()
            writer.drain()

    def _tell_of_passes(self, frame_format: FrameFormat, spec: ModelSpec) -> None:
        layout = layout_of(frame_format)
        told = notices.of_passes(layout, spec, self._plan, self._guided.steps)
        self._reports.notify(*told)

    def _leave_device(self) -> None:
        """Let others have the device: what is left of the job is files, for hours perhaps."""
        if self._lease.courtesy.is_aside:
            self._models.clear()  # the job's is not where the cache thinks
        self._lease.let_go()

    def _end(self, folder: JobFolder) -> Finished:
        doubts = self._guided.summary()
        if doubts is not None:
            self._reports.notify(doubts)
        self._reports.emit(self._meter.event())
        finished = Finished(
            job_id=self._job.job_id,
            frames_total=len(self._plan.outputs),
            frames_made=self._meter.frames_made,
            duration_s=self._meter.duration_s,
            peak_memory_bytes=memory.peak_memory_bytes(),
            bad_frames=tuple(folder.bad_frames),
        )
        if finished.bad_frames:
            self._reports.notify(describe_stand_ins(finished.bad_frames, self._spec.title))
        self._reports.emit(finished)
        return finished

    def _job_model(self) -> JobModel:
        return JobModel(
            self._models,
            self._job,
            self._spec,
            self._device,
            self._dtype,
            report=self._reports.loading,
            notify=self._reports.notify,
            take_device=partial(
                self._lease.take,
                on_wait=self._reports.loading,
                stop_if_cancelled=self._reports.stop_if_cancelled,
            ),
        )

    def _started(self, model: JobModel, loaded: LoadedModel | None) -> Started:
        return Started(
            job_id=self._job.job_id,
            frames_total=len(self._plan.outputs),
            device=str(model.device),
            precision=memory.dtype_name(self._dtype if loaded is None else loaded.dtype),
        )

    def _copies(self, folder: JobFolder, writer: WriteBehind) -> CopiedFrames:
        return CopiedFrames(
            self._sources.files,
            self._sources.copied_as_is,
            folder,
            writer,
            self._meter,
            plan=self._plan,
            suffix=self._job.suffix,
            storage=self._job.storage,
            stop_if_cancelled=self._reports.stop_if_cancelled,
        )

    def _make_frames(
        self,
        model: JobModel,
        loaded: LoadedModel,
        folder: JobFolder,
        writer: WriteBehind,
        frame_format: FrameFormat,
        on_pair: Callable[[PairWork], None],
        search: Search,
    ) -> None:
        """Make frames with the model, wherever there is room for it."""
        stored = set(folder.finished)
        while True:
            try:
                self._run_loop(model, loaded, folder, writer, frame_format, on_pair, search, stored)
            except DeviceMemoryError:
                if not model.can_move:
                    raise
            else:
                return
            # here, not in the handler: the error holds on to what filled the memory
            loaded = model.move(loaded)

    def _policy(
        self, model: JobModel, loaded: LoadedModel, frame_format: FrameFormat
    ) -> LoopPolicy:
        return LoopPolicy(
            device=model.device,
            dtype=loaded.dtype,
            quality=Quality(
                flow_scale=self._job.flow_scale,
                ensemble=self._job.ensemble,
                seed=self._job.seed,
            ),
            clear_cache_every=self._job.clear_cache_every,
            # all passes of a batch would be in memory at once
            largest_batch=1 if frame_format.is_multilayer else memory.largest_batch(model.device),
            tile_size=model.tile_size(frame_format),
            bad_frames=self._job.bad_frames,
        )

    def _run_loop(
        self,
        model: JobModel,
        loaded: LoadedModel,
        folder: JobFolder,
        writer: WriteBehind,
        frame_format: FrameFormat,
        on_pair: Callable[[PairWork], None],
        search: Search,
        stored: set[int],
    ) -> None:
        loop = FrameLoop(
            loaded.model,
            loaded.spec,
            layout_of(frame_format),
            self._policy(model, loaded, frame_format),
            on_notice=self._reports.notify,
            is_cancelled=self._reports.is_cancelled,
            courtesy=self._lease.courtesy,
            frame_name=self._job.frame_name,
            on_bad=folder.note_bad,
            guidance=self._guided.guidance,
        )

        finished = frozenset(stored)
        wanted = reading_order(self._plan, finished, loaded.spec.context)
        threads = self._threads.readers
        sources = self._sources.files
        with ReadAhead(sources, wanted, frame_format, threads, model.device, search.take) as reader:
            sink = MadeFrames(
                reader,
                folder,
                writer,
                self._meter,
                plan=self._plan,
                suffix=self._job.suffix,
                vector_steps=self._guided.steps,
                storage=self._job.storage,
                stored=stored,
            )
            loop.run(
                self._plan,
                reader,
                sink,
                finished=finished,
                is_open=partial(search.is_open, reader, loaded.spec.context),
                on_pair=on_pair,
            )
