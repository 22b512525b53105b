"""Says what a job would make, and where, as far as that is known without making a frame.

Checks what the job itself checks before its first frame, in the same order, with the same errors.
Nothing is written, downloaded or kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from ..errors import JobCancelledError
from ..models import catalog, download, locations
from ..models.catalog_types import ModelSpec
from ..models.loading import check_terms
from . import memory, movies
from .job_folder import LARGEST_CONTEXT, JobFolder
from .job_reports import JobReports
from .job_sources import READING, JobSources
from .protocol import Cancelled, Event, JobSpec, Rehearse, Rehearsed
from .reach import check_reach
from .schedule import Plan


def rehearse(
    request: Rehearse,
    *,
    on_event: Callable[[Event], None],
    is_cancelled: Callable[[], bool],
    devices: Sequence[torch.device] = (),
) -> Rehearsed:
    """Say what the job of a request would do now.

    Args:
        request: with the job.
        on_event: told the notices that the job would begin with.
        is_cancelled: asked while source frames are looked at.
        devices: where jobs run, whatever they name: for tests.

    Raises:
        JobCancelledError: `is_cancelled` said so.
        VfiError: the job would be refused for this.
    """
    job = request.job
    job.check()
    chosen = devices or memory.choose_devices(job.device)
    reports = JobReports(request.job_id, on_event, is_cancelled)
    try:
        with movies.closing():
            return _Rehearsal(job, catalog.find(job.model), chosen, reports).answer(request.job_id)
    except JobCancelledError:
        on_event(Cancelled(job_id=request.job_id, frames_done=0))
        raise


@dataclass(frozen=True, slots=True)
class _Rehearsal:
    job: JobSpec
    spec: ModelSpec
    devices: Sequence[torch.device]
    reports: JobReports

    def answer(self, job_id: str) -> Rehearsed:
        job, spec = self.job, self.spec
        precision = memory.dtype_name(
            memory.choose_common_dtype(
                job.precision, self.devices, half_precision=spec.half_precision
            )
        )
        self.reports.loading(READING)
        if not job.checkpoint:
            check_terms(spec)
        sources = JobSources(job, self.reports)
        frame_format = sources.check()
        movie = movies.output_of(job, frame_format)
        self.reports.notify(*(movie.notices() if movie is not None else ()))
        plan = sources.follow_true_times(job.plan())
        check_reach(plan, spec)
        folder = JobFolder(
            job,
            plan,
            precision=precision,
            context=LARGEST_CONTEXT if job.checkpoint else spec.context,
            only_looks=True,
        )
        plan = self._with_findings(folder, plan)
        sources.tell_of_changes(folder, folder.follow(plan))
        space = folder.space(plan, sources.files, frame_format, sources.copied_as_is)
        space.check()
        new = sum(len(places) for work in plan.pairs(folder.finished) for places in work.outputs)
        return Rehearsed(
            job_id=job_id,
            frames_total=len(plan.outputs),
            frames_new=new,
            frames_kept=len(folder.finished),
            files_replaced=folder.replaced_count,
            device=", ".join(map(str, self.devices)),
            precision=precision,
            needed_bytes=space.needed_bytes,
            free_bytes=space.free_bytes(),
            download_bytes=self._download_bytes() if new else 0,
        )

    def _with_findings(self, folder: JobFolder, plan: Plan) -> Plan:
        """Return the plan with what the job has found in the frames when it was begun before."""
        found = folder.findings
        return plan if found is None else self.job.plan_for(plan, found.cuts, found.duplicates)

    def _download_bytes(self) -> int:
        """Return what has to be fetched first.

        Raises:
            DownloadError: it could not be.
        """
        needs_none = self.spec.is_guided and self.job.guided_fill == "mix"
        if self.job.checkpoint or needs_none or locations.find_file(self.spec) is not None:
            return 0
        target = locations.stored_path(locations.cache_folder(), self.spec)
        download.check_can_fetch(self.spec, target.parent)
        return self.spec.about_bytes
