"""Jobs in a file: saved on one machine, run on another or in the night.

Whoever runs a job file may not have written it. So it reaches only the folder that it lies in, and
those that the user names: neither `..` nor a link leads out of them. Standard library alone:
Blender's process imports this.
"""

from __future__ import annotations

import json
import os
import typing
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import OutputError, RequestError, VfiError
from . import durable
from .folders import plain_path
from .job_spec import JobSpec
from .wire import job_from_json, job_to_json

FORMAT_VERSION = 1
LARGEST_FILE_BYTES = 64 << 20
MOST_JOBS = 1000
MOST_FRAMES = 1_000_000

_VERSION_FIELD = "blender_vfi_jobs"
# Every other text of a job is taken for a path: one that is forgotten here is refused, not obeyed.
_PLAIN_TEXTS = frozenset({"job_id", "name_prefix", "suffix", "model", "device", "times"})


def path_fields() -> frozenset[str]:
    """Return the fields of a `JobSpec` that hold a path or several."""
    hints = typing.get_type_hints(JobSpec)
    return frozenset(name for name in hints if _has_text(hints[name])) - _PLAIN_TEXTS


def read_jobs(
    file: Path, *, allowed: Iterable[Path] = (), trusts_paths: bool = False
) -> list[JobSpec]:
    """Read all jobs of a file; each gets a new name of its own.

    Args:
        file: as `write_jobs` makes it, or with the fields of one `JobSpec` alone. Relative paths
            are taken from its folder.
        allowed: folders that paths may lie in beside the file's own.
        trusts_paths: whether paths may lie anywhere.

    Raises:
        RequestError: the file cannot be read, is not a job file, or has a job that reaches out of
            the folders or is out of range.
    """
    values = _job_values(file)
    folder = plain_path(file).parent
    roots = None if trusts_paths else _resolved([folder, *allowed])
    jobs = []
    for number, fields in enumerate(values, start=1):
        try:
            jobs.append(_read_job(fields, folder, roots))
        except (VfiError, ValueError) as error:  # ValueError: a path with a zero in it
            raise RequestError(f"Job {number} of {file}: {error}") from error
    return jobs


def write_jobs(file: Path, jobs: Sequence[JobSpec]) -> None:
    """Write jobs into a file; paths below its folder are written relative to it.

    Raises:
        OutputError: it cannot be written; a file that was there stays as it was.
    """
    folder = plain_path(file).parent
    data = {_VERSION_FIELD: FORMAT_VERSION, "jobs": [_to_values(job, folder) for job in jobs]}
    try:
        durable.write_json(file, data)
    except OSError as error:
        raise OutputError(
            "Job file {file} cannot be written ({reason}): choose a folder that exists and that "
            "you may write to.",
            file=str(file),
            reason=error.strerror,
        ) from error


def add_job(file: Path, job: JobSpec) -> int:
    """Add a job to a file, in the place of one that would write the same frames.

    Returns:
        Number of jobs in the file.

    Raises:
        RequestError: the file is there, and is no job file.
        OutputError: it cannot be written.
    """
    others = read_jobs(file, trusts_paths=True) if file.exists() else []
    jobs = [*(other for other in others if _frames(other) != _frames(job)), job]
    write_jobs(file, jobs)
    return len(jobs)


def outside_paths(file: Path, jobs: Iterable[JobSpec]) -> list[str]:
    """List the folders out of reach for `jobs` in `file`, unless the user allows them."""
    roots = _resolved([file.absolute().parent])
    outside: set[str] = set()

    def note(path: str, _where: str) -> str:
        if not _is_inside(Path(path), roots):
            outside.add(str(Path(path).parent))
        return path

    for job in jobs:
        _with_paths(job_to_json(job), note)
    # who allows a folder allows those in it
    return sorted(
        one
        for one in outside
        if not any(other != one and Path(one).is_relative_to(other) for other in outside)
    )


def _job_values(file: Path) -> list[Any]:
    try:
        if file.stat().st_size > LARGEST_FILE_BYTES:
            raise RequestError(
                f"Job file {file} has {file.stat().st_size} bytes: at most {LARGEST_FILE_BYTES} "
                "are read; split it."
            )
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(
            f"Job file {file} cannot be read ({error.strerror}): give a file that --save-job or "
            "Save Job has written."
        ) from error
    except (ValueError, RecursionError) as error:
        raise RequestError(
            f"Job file {file} is not JSON ({error}): give a file that --save-job or Save Job has "
            "written."
        ) from error
    if not isinstance(data, dict):
        raise RequestError(f"Job file {file} must hold an object, as --save-job writes it.")
    if _VERSION_FIELD not in data:
        return [data]
    jobs = data.get("jobs")
    if data[_VERSION_FIELD] != FORMAT_VERSION or set(data) != {_VERSION_FIELD, "jobs"}:
        raise RequestError(
            f"Job file {file} is of version {data[_VERSION_FIELD]!r:.20} or has unknown fields: "
            f"version {FORMAT_VERSION} with the field jobs is known here; save it again with this "
            "version of blender_vfi, or update it."
        )
    if not isinstance(jobs, list) or not 1 <= len(jobs) <= MOST_JOBS:
        count = len(jobs) if isinstance(jobs, list) else 0
        raise RequestError(f"Job file {file} has {count} jobs: must be from 1 to {MOST_JOBS}.")
    return jobs


def _read_job(fields: Any, folder: Path, roots: list[Path] | None) -> JobSpec:
    if not isinstance(fields, dict):
        raise RequestError(f"Expected an object with a job's fields, got {fields!r:.100}.")
    known: dict[Path, bool] = {}

    def located(text: str, where: str) -> str:
        path = folder / text
        if roots is not None and not _is_inside(path, roots, known):
            raise RequestError(
                f"{where} is {text!r}, {path.resolve()}, outside of {_listed(roots)}: a job file "
                "reaches its own folder alone. Where you trust it, allow that folder with "
                f'--allow "{path.resolve().parent}", or every path with --trust-paths.'
            )
        return str(plain_path(path))

    values = {**fields, "job_id": uuid.uuid4().hex}
    job = job_from_json(_with_paths(job_to_json(job_from_json(values)), located))
    _check_size(job)
    job.check()
    if Path(job.output_dir, job.frame_name(0)).parent != Path(job.output_dir):
        raise RequestError(
            f"Name prefix {job.name_prefix!r}: must be the beginning of a file's name."
        )
    if roots is not None:
        _check_links(Path(job.output_dir), roots)
    return job


def _check_size(job: JobSpec) -> None:
    """Refuse, before it is planned, what would fill memory with a plan alone."""
    most = max((job.multiplier,) if isinstance(job.multiplier, int) else job.multiplier, default=1)
    frames = max(len(job.sources) * max(most, job.ratio or 1), len(job.times or ()))
    if frames > MOST_FRAMES:
        raise RequestError(
            f"{len(job.sources)} source frames would become about {int(frames)}: at most "
            f"{MOST_FRAMES} are run from a file; split the job."
        )


def _check_links(output_dir: Path, roots: list[Path]) -> None:
    """Refuse links that wait in the output folder: what is written would go where they point."""
    try:
        links = [Path(entry) for entry in os.scandir(output_dir) if entry.is_symlink()]
    except OSError:
        return  # not there yet, or told when it is written to
    for link in links:
        if not _is_inside(link, roots):
            raise RequestError(
                f"{link} is a link to {link.resolve()}, outside of {_listed(roots)}: "
                "remove it, or allow its folder with --allow."
            )


def _is_inside(path: Path, roots: list[Path], known: dict[Path, bool] | None = None) -> bool:
    """Tell whether `path` lies below one of `roots`, links and `..` followed.

    Args:
        path: absolute; it need not be there.
        roots: resolved.
        known: answers for folders so far: of a long sequence, each file's name alone is looked at.
    """
    if path.name == ".." or path.is_symlink():
        return _lies_below(path.resolve(), roots)
    known = {} if known is None else known
    if path.parent not in known:
        known[path.parent] = _lies_below(path.parent.resolve(), roots)
    return known[path.parent] or _lies_below(path.resolve(), roots)


def _lies_below(path: Path, roots: list[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _resolved(folders: Iterable[Path]) -> list[Path]:
    return [folder.absolute().resolve() for folder in folders]


def _listed(roots: list[Path]) -> str:
    return ", ".join(map(str, roots))


def _to_values(job: JobSpec, folder: Path) -> dict[str, Any]:
    def relative(text: str, _where: str) -> str:
        path = Path(text)
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else text

    values = _with_paths(job_to_json(job), relative)
    del values["job_id"]
    return values


def _with_paths(values: dict[str, Any], change: Callable[[str, str], str]) -> dict[str, Any]:
    """Return a job's values with every path put through `change`, told the path and its field."""
    changed = dict(values)
    for name in sorted(path_fields() & values.keys()):
        value = values[name]
        if isinstance(value, str):
            changed[name] = change(value, name)
        elif isinstance(value, list):
            changed[name] = [change(item, f"{name}[{at}]") for at, item in enumerate(value)]
    return changed


def _has_text(hint: Any) -> bool:
    """Tell whether a value of the type may be any text, or hold one."""
    if typing.get_origin(hint) is Literal:
        return False
    return hint is str or any(map(_has_text, typing.get_args(hint)))


def _frames(job: JobSpec) -> tuple[str, str, str]:
    return job.output_dir, job.name_prefix, job.suffix
