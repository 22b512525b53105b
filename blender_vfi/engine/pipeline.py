"""Runs a job from source files to finished files: read ahead, loop, write behind.

Memory stays the same however long the strip is: a few frames wait to be made, a few to be written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch

from ..errors import DeviceMemoryError, JobCancelledError
from ..models import catalog
from ..models.cache import ModelCache
from ..models.interface import Quality
from ..models.loading import LoadedModel, check_terms
from . import images, memory, movies, notices
from .copied_frames import CopiedFrames
from .cores import file_threads
from .courtesy import Courtesy
from .device_lease import DeviceLease
from .findings import Findings
from .folders import frame_number
from .frame_files import ReadAhead, WriteBehind, reading_order
from .guided_job import GuidedJob
from .image_comparison import check_same_format
from .image_formats import FrameFormat, container_of_suffix, encoding_for
from .inspection import inspect_frames
from .job_folder import JobFolder
from .job_log import JobLog
from .job_model import JobModel
from .layered import layout_of
from .loop import FrameLoop, LoopPolicy
from .made_frames import MadeFrames
from .movie_times import at_true_moments, frame_before, pictures_of
from .progress import ProgressMeter
from .protocol import Cancelled, Event, Finished, Found, JobSpec, Notice, Stage, Started
from .reach import check_reach
from .schedule import PairWork, Plan
from .soundness import describe_stand_ins

_FRAMES_BETWEEN_REPORTS = 10
_INSPECTING = "Looking through the frames"
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
                if lease.courtesy.leave():
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
        self._threads = file_threads(device.type)
        self._log = log
        self._emit = log.tell
        self._is_cancelled = is_cancelled
        self._lease = lease
        self._sources = [Path(source) for source in job.sources]
        self._moments: Sequence[Fraction] | None = None
        self._copied_as_is: set[Path] = set()
        self._guided = GuidedJob(job, Path(job.output_dir))

    def run(self) -> Finished:
        self._stop_if_cancelled()
        spec = catalog.find(self._job.model)
        dtype = memory.choose_dtype(
            self._job.precision, self._device, half_precision=spec.half_precision
        )
        if not self._job.checkpoint:
            check_terms(spec)
        frame_format = self._check_sources()
        movie = movies.output_of(self._job, frame_format)
        self._tell(movie.notices() if movie is not None else ())
        self._follow_true_times()
        layout = layout_of(frame_format)
        check_reach(self._plan, spec)
        precision = memory.dtype_name(dtype)
        context = {} if self._job.checkpoint else {"context": spec.context}
        with JobFolder(self._job, self._plan, precision=precision, **context) as folder:
            self._log.open(folder.path, f"{spec.title}, {len(self._sources)} source frames")
            findings = self._find(folder, frame_format)
            self._plan = self._job.plan_for(self._plan, findings.cuts, findings.duplicates)
            check_reach(self._plan, spec)
            self._notify_of_changed_sources(folder)
            if self._job.loop and not folder.finished:
                self._tell(notices.of_a_closed_loop(self._sources, frame_format))
            space = folder.space(self._plan, self._sources, frame_format, self._copied_as_is)
            space.check()
            needs_model = any(self._plan.pairs(folder.finished))
            model = JobModel(
                self._models,
                self._job,
                spec,
                self._device,
                dtype,
                report=self._report_loading,
                notify=self._notify,
                take_device=partial(
                    self._lease.take,
                    on_wait=self._report_loading,
                    stop_if_cancelled=self._stop_if_cancelled,
                ),
            )
            loaded = model.load() if needs_model else None
            folder.begin(findings)
            self._meter.resume_with(len(folder.finished))
            self._emit(
                Started(
                    job_id=self._job.job_id,
                    frames_total=len(self._plan.outputs),
                    device=str(model.device),
                    precision=precision if loaded is None else memory.dtype_name(loaded.dtype),
                )
            )
            figures = self._guided.kept(folder.bad_frames)  # outside: of frames on disk
            with figures, WriteBehind(frame_format, self._threads.writers) as writer:
                copies = CopiedFrames(
                    self._sources,
                    self._copied_as_is,
                    folder,
                    writer,
                    self._meter,
                    plan=self._plan,
                    suffix=self._job.suffix,
                    storage=self._job.storage,
                    stop_if_cancelled=self._stop_if_cancelled,
                )

                def on_pair(work: PairWork) -> None:
                    self._guided.save()
                    copies.queue(work.last_output)
                    self._emit(self._meter.event())
                    space.watch(self._meter, self._notify)

                if loaded is not None:
                    self._tell(notices.of_passes(layout, loaded.spec))
                    self._make_frames(model, loaded, folder, writer, frame_format, on_pair)
                copies.queue()
                writer.drain()
            if movie is not None:
                movie.write(folder.path, on_frame=partial(self._report_stage, _ENCODING))
        doubts = self._guided.summary()
        if doubts is not None:
            self._notify(doubts)
        self._emit(self._meter.event())
        finished = Finished(
            job_id=self._job.job_id,
            frames_total=len(self._plan.outputs),
            frames_made=self._meter.frames_made,
            duration_s=self._meter.duration_s,
            peak_memory_bytes=memory.peak_memory_bytes(),
            bad_frames=tuple(folder.bad_frames),
        )
        if finished.bad_frames:
            self._notify(describe_stand_ins(finished.bad_frames, spec.title))
        self._emit(finished)
        return finished

    def _check_sources(self) -> FrameFormat:
        """Read every source frame's header, so that a bad one is named before any work is done."""
        alike: set[Path] = set()
        target = container_of_suffix(self._job.suffix)
        first = images.read_format(self._sources[0])
        for path in self._sources:
            self._stop_if_cancelled()
            frame_format = first if path is self._sources[0] else images.read_format(path)
            check_same_format(first, self._sources[0], frame_format, path)
            if frame_format.container == target:
                alike.add(path)
        # refuses here what could not be written
        encoding = encoding_for(first, self._job.suffix, self._job.storage)
        if encoding.pixel_type == first.pixel_type and self._job.storage.is_packed_as_source:
            self._copied_as_is = alike
        for text in movies.doubts(self._sources):
            self._notify(text)
        return first

    def _follow_true_times(self) -> None:
        """Where a movie's rate varies, make frames from the pictures around their moments."""
        moments = movies.varying_moments(self._sources)
        pictures = moments and pictures_of(self._sources, moments)
        if pictures:
            self._notify(notices.VARYING_RATE)
            self._sources, self._moments = pictures
            self._plan = at_true_moments(self._plan, self._moments)

    def _find(self, folder: JobFolder, frame_format: FrameFormat) -> Findings:
        """Look through the source frames, where that is asked for and frames are to be made."""
        # even motion may need frames in places that had source frames
        is_open = self._job.duplicates == "retime" and (
            len(folder.finished) < len(self._plan.outputs)
        )
        makes_frames = is_open or any(self._plan.pairs(folder.finished))
        if not self._job.inspects_frames or not makes_frames:
            return Findings()
        findings = folder.findings
        if findings is None:
            findings = inspect_frames(
                self._sources,
                frame_format,
                cut_threshold=self._job.cut_threshold if self._job.finds_cuts else 1.0,
                on_frame=partial(self._report_stage, _INSPECTING),
            )
        if self._moments is not None:  # held for a time that is known: nothing to mend
            findings = Findings(cuts=findings.cuts)
        pairs = tuple(frame_before(self._moments, pair) for pair in findings.cuts)
        numbers = (frame_number(Path(self._job.sources[pair + 1]), pair + 2) for pair in pairs)
        self._emit(
            Found(
                job_id=self._job.job_id,
                cuts=pairs,
                cut_numbers=tuple(numbers),
                duplicates=len(findings.duplicates),
            )
        )
        return findings

    def _report_stage(self, message: str, done: int) -> None:
        self._stop_if_cancelled()
        total = len(self._sources if message is _INSPECTING else self._plan.outputs)
        if done % _FRAMES_BETWEEN_REPORTS == 0 or done == total:
            self._emit(
                Stage(
                    job_id=self._job.job_id,
                    message=message,
                    done=done,
                    total=total,
                    unit="frames",
                )
            )

    def _report_loading(self, message: str, done: int = 0, total: int = 0) -> None:
        self._stop_if_cancelled()
        self._emit(Stage(job_id=self._job.job_id, message=message, done=done, total=total))

    def _make_frames(
        self,
        model: JobModel,
        loaded: LoadedModel,
        folder: JobFolder,
        writer: WriteBehind,
        frame_format: FrameFormat,
        on_pair: Callable[[PairWork], None],
    ) -> None:
        """Make frames with the model, wherever there is room for it."""
        stored = set(folder.finished)
        while True:
            try:
                self._run_loop(model, loaded, folder, writer, frame_format, on_pair, stored)
            except DeviceMemoryError:
                if not model.can_move:
                    raise
            else:
                return
            # here, not in the handler: the error holds on to what filled the memory
            loaded = model.move(loaded)

    def _run_loop(
        self,
        model: JobModel,
        loaded: LoadedModel,
        folder: JobFolder,
        writer: WriteBehind,
        frame_format: FrameFormat,
        on_pair: Callable[[PairWork], None],
        stored: set[int],
    ) -> None:
        loop = FrameLoop(
            loaded.model,
            loaded.spec,
            layout_of(frame_format),
            LoopPolicy(
                device=model.device,
                dtype=loaded.dtype,
                quality=Quality(
                    flow_scale=self._job.flow_scale,
                    ensemble=self._job.ensemble,
                    seed=self._job.seed,
                ),
                clear_cache_every=self._job.clear_cache_every,
                # all passes of a batch would be in memory at once
                largest_batch=1
                if frame_format.is_multilayer
                else memory.largest_batch(model.device),
                tile_size=model.tile_size(frame_format),
                bad_frames=self._job.bad_frames,
            ),
            on_notice=self._notify,
            is_cancelled=self._is_cancelled,
            courtesy=self._lease.courtesy,
            frame_name=self._job.frame_name,
            on_bad=folder.note_bad,
            guidance=self._guided.guidance,
        )

        finished = frozenset(stored)
        wanted = reading_order(self._plan, finished, loaded.spec.context)
        threads = self._threads.readers
        with ReadAhead(self._sources, wanted, frame_format, threads, model.device) as reader:
            sink = MadeFrames(
                reader,
                folder,
                writer,
                self._meter,
                plan=self._plan,
                suffix=self._job.suffix,
                vector_steps=self._guided.steps if loaded.spec.is_guided else None,
                storage=self._job.storage,
                stored=stored,
            )
            loop.run(self._plan, reader, sink, finished=finished, on_pair=on_pair)

    def _notify_of_changed_sources(self, folder: JobFolder) -> None:
        """Leave out of what is finished what was made from frames that are others now."""
        count = folder.follow(self._plan)
        if folder.changed_sources:
            self._notify(notices.of_changed_sources(self._sources, folder.changed_sources, count))

    def _tell(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._notify(text)

    def _notify(self, message: str) -> None:
        self._emit(Notice(job_id=self._job.job_id, message=message))

    def _stop_if_cancelled(self) -> None:
        if self._is_cancelled():
            raise JobCancelledError("The job was cancelled; finished frames stay on disk.")
