"""Says what a job would make in place of making it: `--dry-run` of the command lines.

Neither torch nor bpy is imported here: the engine looks, as it does before a job.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from .cli_progress import ProgressPrinter
from .cli_requests import answer_to
from .cli_signals import end_on_signals
from .engine.client import EngineClient
from .engine.disk_space import size_text
from .engine.job_spec import JobSpec
from .engine.movie_frames import file_of, movie_of
from .engine.protocol import Rehearse, Rehearsed
from .models import catalog, catalog_texts


def rehearse_job(client: EngineClient, job: JobSpec, *, quiet: bool) -> int:
    """Say what a job would do, end the engine, and return the exit code.

    Raises:
        VfiError: it would be refused.
    """
    end_on_signals()
    try:
        print_rehearsal(client, job, quiet=quiet)
    finally:
        client.close()
    return 0


def print_rehearsal(client: EngineClient, job: JobSpec, *, quiet: bool) -> None:
    """Say what a job would do.

    Raises:
        VfiError: it would be refused.
    """
    request = Rehearse(job_id=uuid.uuid4().hex, job=job)
    with ProgressPrinter(sys.stderr, quiet=quiet) as printer:
        told = answer_to(client, request, Rehearsed, printer.show)
    for line in describe(job, told):
        print(line)


def describe(job: JobSpec, told: Rehearsed) -> Iterator[str]:
    """Yield the lines that say it."""
    spec = catalog.find(job.model)
    yield "Dry run, nothing is written"
    yield f"From: {_sources(job)}"
    names = f"{job.frame_name(0)} to {job.frame_name(told.frames_total - 1)}"
    yield f"To: {told.frames_total} frames, {names}, in {job.output_dir}"
    taken = told.frames_total - told.frames_new - told.frames_kept
    doubts = "".join(_found_later(job)) if told.frames_new else ""
    others = f"; {taken} taken from the source" if taken else ""
    yield f"New: {told.frames_new} with {spec.title}{doubts}{others}"
    if told.frames_kept:
        yield f"Kept: {told.frames_kept} that are there already"
    if told.files_replaced:
        yield f"Replaced or removed: {told.files_replaced} files that are there already"
    if job.movie is not None:
        yield f"Movie: {job.movie}, {job.codec}"
    yield f"Device: {told.device}, {told.precision}"
    free = "" if told.free_bytes is None else f"; {size_text(told.free_bytes)} are free"
    is_done = told.frames_kept == told.frames_total and job.movie is None
    needed = "nothing to write" if is_done else f"about {size_text(told.needed_bytes)}"
    yield f"Disk: {needed}{free}"
    if told.download_bytes:
        yield f"Download first: {catalog_texts.size(spec)}, the weights of {spec.title}"


def _found_later(job: JobSpec) -> Iterator[str]:
    """Yield what changes the number of new frames, and only comes to light with the frames."""
    if job.finds_cuts:
        yield ", fewer where cuts are found"
    if job.duplicates == "retime":
        yield ", more where frames are like the one before"


def _sources(job: JobSpec) -> str:
    first, last = (Path(file_of(source)) for source in (job.sources[0], job.sources[-1]))
    if movie_of(Path(job.sources[0])) is not None:
        return f"{len(job.sources)} frames of {first}"
    return f"{len(job.sources)} frames, {first.name} to {last.name}, in {first.parent}"
