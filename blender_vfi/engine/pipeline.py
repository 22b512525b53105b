"""Runs a job from source files to finished files: read ahead, loop, write behind.

Memory stays the same however long the strip is: a few frames wait to be made, a few to be written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import torch

from ..errors import JobCancelledError
from ..models import catalog
from ..models.cache import ModelCache
from ..models.catalog_types import ModelSpec
from ..models.loading import check_terms
from . import device_lease, host_allocator, images, memory, movies, notices
from .copied_frames import CopiedFrames
from .cores import file_threads
from .courtesy import Courtesy
from .device_lease import DeviceLease
from .frame_files import WriteBehind
from .frame_making import FrameMaking, Lane
from .guided_job import GuidedJob
from .image_formats import FrameFormat
from .job_folder import LARGEST_CONTEXT, JobFolder
from .job_log import JobLog
from .job_model import JobModel
from .job_reports import JobReports
from .job_sources import READING, JobSources
from .layered import layout_of
from .progress import ProgressMeter
from .protocol import Cancelled, Event, Finished, JobSpec, Started
from .reach import check_reach
from .schedule import PairWork, Plan
from .search import Search
from .soundness import describe_stand_ins
from .unused_folders import UnusedFolders

_ENCODING = "Encoding the movie"


class Engine:
    """Runs jobs one after another, keeping models between them.

    Args:
        models: the cache of loaded models; None for one of its own.
        devices: where jobs run, whatever they name: for tests and rehearsals without GPUs.
    """

    def __init__(
        self, models: ModelCache | None = None, *, devices: Sequence[torch.device] = ()
    ) -> None:
        # not `models or`: an empty cache is false
        if models is None:
            models = ModelCache(free_memory=memory.free_memory_bytes, release=memory.clear_cache)
        self._models = models
        self._devices = devices
        images.set_thread_count(1)  # frames are decoded and encoded in threads of ours

    def free_memory(self) -> int:
        """Drop all cached models; return how many there were."""
        return self._models.clear()

    def hand_back(self) -> None:
        """Give the system the main memory that is kept for the frames of a job: between jobs."""
        host_allocator.hand_back()
        memory.unlock()

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
        devices = self._devices or memory.choose_devices(job.device)
        plan = job.plan()
        meter = ProgressMeter(job, len(plan.outputs), devices)
        courtesy = courtesy or Courtesy()
        with ExitStack() as held:
            held.enter_context(movies.closing())
            folders = held.enter_context(UnusedFolders())  # left after the log, which lies in them
            log = held.enter_context(JobLog(on_event))
            leases = [held.enter_context(DeviceLease(job, courtesy)) for _ in devices]
            job_run = _JobRun(
                self._models, job, plan, meter, devices, log, is_cancelled, leases, folders
            )
            try:
                return job_run.run()
            except JobCancelledError:
                log.tell(Cancelled(job_id=job.job_id, frames_done=meter.frames_done))
                raise
            finally:
                if courtesy.is_aside:
                    self._models.clear()  # the job's is not where the cache thinks


class _JobRun:
    """One job in progress."""

    def __init__(
        self,
        models: ModelCache,
        job: JobSpec,
        plan: Plan,
        meter: ProgressMeter,
        devices: Sequence[torch.device],
        log: JobLog,
        is_cancelled: Callable[[], bool],
        leases: Sequence[DeviceLease],
        folders: UnusedFolders,
    ) -> None:
        self._models = models
        self._job = job
        self._plan = plan
        self._meter = meter
        self._devices = devices
        self._spec = catalog.find(job.model)
        self._dtype = memory.choose_common_dtype(
            job.precision, devices, half_precision=self._spec.half_precision
        )
        self._threads = file_threads(devices[0].type, len(devices))
        self._log = log
        self._reports = JobReports(job.job_id, log.tell, is_cancelled)
        self._leases = leases
        self._folders = folders
        self._has_made_pairs = False
        self._sources = JobSources(job, self._reports)
        self._guided = GuidedJob(job, Path(job.output_dir), self._reports.notify)

    def run(self) -> Finished:
        self._reports.loading(READING)
        if not self._job.checkpoint:
            check_terms(self._spec)
        frame_format = self._sources.check()
        movie = movies.output_of(self._job, frame_format)
        self._reports.notify(*(movie.notices() if movie is not None else ()))
        self._plan = self._sources.follow_true_times(self._plan)
        check_reach(self._plan, self._spec)
        with self._open_folder() as folder:
            search = self._search(folder, frame_format)
            self._meter.resume_with(len(folder.finished))  # what a cancel tells of while loading
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
            context=LARGEST_CONTEXT if self._job.checkpoint else self._spec.context,
            folders=self._folders,
        )

    def _search(self, folder: JobFolder, frame_format: FrameFormat) -> Search:
        """Let the plan follow what is found in the frames, and in the folder."""
        sources = self._sources.files
        self._log.open(folder.path, f"{self._spec.title}, {len(sources)} source frames")
        search = self._sources.search(folder, frame_format, self._threads.readers)
        self._plan = search.begin(self._plan)
        check_reach(self._plan, self._spec)
        # what was made from frames that are others now is not finished
        self._sources.tell_of_changes(folder, folder.follow(self._plan))
        if self._job.loop and not folder.finished:
            self._reports.notify(*notices.of_a_closed_loop(sources, frame_format))
        return search

    def _make(self, folder: JobFolder, search: Search, frame_format: FrameFormat) -> None:
        """Make the frames that are missing, and copy the others."""
        space = folder.space(
            self._plan, self._sources.files, frame_format, self._sources.copied_as_is
        )
        space.check()
        pairs = islice(self._plan.pairs(folder.finished), len(self._devices))
        lanes = self._lanes(sum(1 for _ in pairs))
        folder.begin(search.findings)
        self._meter.resume_with(len(folder.finished))
        self._reports.emit(self._started(lanes))
        figures = self._guided.kept(folder.bad_frames)  # outside: of frames on disk
        with figures, WriteBehind(frame_format, self._threads.writers) as writer:
            copies = self._copies(folder, writer)

            def on_pair(work: PairWork) -> None:
                if not self._has_made_pairs:
                    self._has_made_pairs = True
                    if self._job.compiles:  # the first pair has waited for that
                        self._meter.measure_from_now()
                self._guided.save()
                copies.queue(work.last_output)
                self._reports.emit(self._meter.event())
                space.watch(self._meter, self._reports.notify)

            if lanes[0].loaded is not None:
                self._tell_of_passes(frame_format, lanes[0].loaded.spec)
                making = FrameMaking(
                    job=self._job,
                    plan=self._plan,
                    sources=self._sources.files,
                    frame_format=frame_format,
                    readers=self._threads.readers,
                    folder=folder,
                    writer=writer,
                    meter=self._meter,
                    search=search,
                    guided=self._guided,
                    reports=self._reports,
                    on_pair=on_pair,
                )
                making.run(lanes)
            for lane in lanes:  # what is left of the job is files, for hours perhaps
                lane.leave()
            copies.queue()
            writer.drain()

    def _tell_of_passes(self, frame_format: FrameFormat, spec: ModelSpec) -> None:
        layout = layout_of(frame_format)
        told = notices.of_passes(layout, spec, self._plan, self._guided.steps)
        self._reports.notify(*told)

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
            # by their numbers; of several devices, each has found its own
            bad_frames=tuple(sorted(folder.bad_frames, key=lambda name: (len(name), name))),
        )
        if finished.bad_frames:
            self._reports.notify(describe_stand_ins(finished.bad_frames, self._spec.title))
        self._reports.emit(finished)
        return finished

    def _lanes(self, most: int) -> list[Lane]:
        """Return the job's devices, `most` of them; the first with the model, if it is wanted."""
        lanes = [
            Lane(model=self._job_model(device, lease), lease=lease)
            for device, lease in zip(self._devices, self._leases, strict=True)
        ][: max(1, most)]
        if len(lanes) > 1:
            lanes = self._held(lanes) or lanes[:1]
        if most:
            lanes[0].loaded = lanes[0].model.load(self._reports.stop_if_cancelled)
        return lanes

    def _held(self, lanes: Sequence[Lane]) -> list[Lane]:
        """Keep other jobs from all devices, before memory of one is taken; leave out busy ones."""
        held = []
        # in one order for all processes, which may number the devices otherwise: none waits for
        # a device while another waits for those that it holds
        for lane in sorted(lanes, key=lambda lane: device_lease.lock_file(lane.model.device)):
            busy = lane.lease.hold(
                lane.model.device,
                on_wait=self._reports.loading,
                stop_if_cancelled=self._reports.stop_if_cancelled,
            )
            if busy:
                self._reports.notify(f"{busy}; going on without it")
            else:
                held.append(lane)
        return [lane for lane in lanes if lane in held]

    def _job_model(self, device: torch.device, lease: DeviceLease) -> JobModel:
        return JobModel(
            self._models,
            self._job,
            self._spec,
            device,
            self._dtype,
            reports=self._reports,
            lease=lease,
        )

    def _started(self, lanes: Sequence[Lane]) -> Started:
        loaded = lanes[0].loaded
        return Started(
            job_id=self._job.job_id,
            frames_total=len(self._plan.outputs),
            device=", ".join(str(lane.model.device) for lane in lanes),
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
