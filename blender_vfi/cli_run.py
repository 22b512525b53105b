"""Runs jobs for the command lines, and the command `run`, which takes them from a file.

Neither torch nor bpy is imported here: the engine runs in a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .cli_models import OpenClient
from .cli_options import add_dry_run_option, add_log_option, add_process_options
from .cli_progress import ProgressPrinter
from .cli_rehearsal import print_rehearsal
from .cli_signals import end_on_signals
from .engine.client import EngineClient
from .engine.job_file import add_job, outside_paths, read_jobs
from .engine.job_spec import JobSpec
from .engine.protocol import Finished
from .errors import JobCancelledError, VfiError


def add_run_command(commands: Any, *, open_client: OpenClient) -> None:
    """Add the command `run`, which every command line has.

    Args:
        commands: what `add_subparsers` returned.
        open_client: gives the engine's client.
    """
    run = commands.add_parser(
        "run",
        help="run the jobs of a file that --save-job or Blender's Save Job has written",
        description="Runs the jobs of JOB.json one after another. All of them are checked before "
        "the first one begins. Relative paths are taken from the file's folder, and none may lie "
        "outside of it, unless --allow or --trust-paths says so: a job file may be anybody's.",
    )
    run.add_argument("job_file", type=Path, metavar="JOB.json")
    run.add_argument(
        "--keep-going",
        action="store_true",
        help="go on with the next job where one fails; the exit code is the first one's",
    )
    run.add_argument(
        "--allow",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="let the jobs read and write in this folder too; may be given several times",
    )
    run.add_argument(
        "--trust-paths", action="store_true", help="let the jobs read and write anywhere"
    )
    run.add_argument("--device", help="run all jobs there in place of where they say")
    add_dry_run_option(run)
    add_log_option(run)
    add_process_options(run)
    run.set_defaults(run=lambda options: _run_file(options, open_client))


def save_job(file: Path, job: JobSpec, *, program: str) -> int:
    """Add a job to a file in place of running it; return the exit code.

    Args:
        file: of jobs, made when missing.
        job: to add.
        program: how the command line is started, as its reader types it.

    Raises:
        VfiError: the file is no job file, or cannot be written.
    """
    count = add_job(file, job)
    print(f"Job of {len(job.plan().outputs)} frames saved; {count} in {file}")
    outside = outside_paths(file, [job])
    if outside:
        allow = " ".join(f'--allow "{folder}"' for folder in outside)
        name = f'"{file}"' if " " in str(file) else file
        print(f"To run it: {program} run {name} {allow}", file=sys.stderr)
    return 0


def run_job(client: EngineClient, job: JobSpec, *, quiet: bool) -> int:
    """Run one job to its end and tell how it went; return the exit code.

    Raises:
        VfiError: it failed.
    """
    end_on_signals()
    try:
        _print_result(job, _run_to_end(client, job, quiet=quiet))
    finally:
        client.close()
    return 0


def _run_file(options: argparse.Namespace, open_client: OpenClient) -> int:
    jobs = read_jobs(options.job_file, allowed=options.allow, trusts_paths=options.trust_paths)
    if options.device is not None:
        jobs = [dataclasses.replace(job, device=options.device) for job in jobs]
    end_on_signals()
    first_error: VfiError | None = None
    client = open_client(options.engine_python)
    try:
        for number, job in enumerate(jobs, start=1):
            try:
                if len(jobs) > 1:
                    _print_place(number, jobs, options)
                if options.dry_run:
                    print_rehearsal(client, job, quiet=options.quiet)
                else:
                    _print_result(job, _run_to_end(client, job, quiet=options.quiet))
            except JobCancelledError:
                raise
            except VfiError as error:
                print(
                    f"error: Job {number} of {len(jobs)}, {job.output_dir}: {error}",
                    file=sys.stderr,
                )
                first_error = first_error or error
                if not options.keep_going:
                    break
    finally:
        client.close()
    return 0 if first_error is None else first_error.exit_code


def _print_place(number: int, jobs: Sequence[JobSpec], options: argparse.Namespace) -> None:
    """Say which of the jobs begins, where the rest of it is said, too."""
    if options.dry_run or not options.quiet:
        print(
            f"Job {number} of {len(jobs)}: {jobs[number - 1].output_dir}",
            file=sys.stdout if options.dry_run else sys.stderr,
            flush=True,
        )


def _run_to_end(client: EngineClient, job: JobSpec, *, quiet: bool) -> Finished:
    with ProgressPrinter(sys.stderr, quiet=quiet) as printer:
        return client.run(job, printer.show)


def _print_result(job: JobSpec, finished: Finished) -> None:
    movie = "" if job.movie is None else f", movie {job.movie}"
    print(
        f"{finished.frames_total} frames ({finished.frames_made} new) in {job.output_dir}{movie}, "
        f"{finished.duration_s:.1f} s"
    )
