"""A job's folder on disk: whole files under final names only, and a record of what made them.

A frame is written under a temporary name and renamed when it is whole, so a frame that exists under
its final name is finished, whatever happened to the process. `vfi_job.json` keeps what decided the
frames: the same job started again makes only what is missing; another job with frames of the same
names is told that they are taken. Jobs whose frames have other names, or another format, may share
the folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from ..errors import CheckpointError, FrameError, OutputError, VfiError
from ..models import store
from .findings import Findings
from .job_spec import DEFAULT_DIGITS
from .protocol import JobSpec
from .schedule import Plan
from .wire import job_from_json, job_to_json

RECORD_NAME = "vfi_job.json"

_PARTIAL = ".partial"
_LOCK_NAME = ".vfi.lock"
# These say how a job is run, not what it makes; the schedule's settings count by what they plan.
_INCIDENTAL = frozenset(
    {
        *("job_id", "device", "clear_cache_every", "free_memory_limit_gb", "overwrite"),
        "output_dir",
        *("multiplier", "rate_ratio", "skip_pairs", "keep_pairs", "hold_skipped", "loop"),
    }
)
# Settings that records of older versions do not know: left at these, a job is still theirs.
_ADDED_LATER = {"tile_size": 0, "seed": 0, "number_digits": DEFAULT_DIGITS, "duplicates": "keep"}
# Without cuts, how they would be found does not matter.
_OF_CUTS = frozenset({"cut_threshold", "cut_pairs"})


class JobFolder:
    """The folder that a job writes into, held for as long as the job runs.

    Attributes:
        finished: output frames that are there already, made by this very job.
        findings: what this very job found in its frames before it was stopped; None if nothing.

    Args:
        job: the job; its output folder is made when missing.
        plan: the job's output frames.
        precision: what the model runs in, "auto" resolved.

    Raises:
        FrameError: a source frame is missing.
        CheckpointError: the job's own checkpoint is missing.
        OutputError: the folder cannot be used; the message says why and what to do.
    """

    def __init__(self, job: JobSpec, plan: Plan, *, precision: str) -> None:
        self._job = job
        self.path = Path(job.output_dir)
        frame_count = len(plan.outputs)
        self._paths = [self.path / job.frame_name(index) for index in range(frame_count)]
        self._fingerprint = _fingerprint(job, plan, precision)
        self._check_apart_from_sources()
        self._make_writable()
        self._lock = FileLock(self.path / _LOCK_NAME)
        self._hold()
        present = {index for index, path in enumerate(self._paths) if _is_there(path)}
        self._records = self._read_records()
        record = self._records.pop(_names_of(job_to_json(job)), {})
        is_own = record.get("made_from") == self._fingerprint
        self.findings = _findings_of(record) if is_own else None
        if present and not job.overwrite and not is_own:
            raise OutputError(
                f"{self._paths[min(present)]} exists already, and was not made by this very job "
                f"({len(present)} of {frame_count} names are taken): choose another output folder "
                "or name, or allow overwriting (Output > Overwrite, --overwrite, overwrite=True)."
            )
        # of the job before: longer, or with numbers written otherwise
        self._stale = [] if is_own else [path for path in self._former(record) if _is_there(path)]
        self.finished = frozenset() if job.overwrite else frozenset(present)
        self._foreign = frozenset() if is_own else frozenset(present)

    def __enter__(self) -> JobFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def begin(self, findings: Findings | None = None) -> None:
        """Take the folder: frames of another job go, and the record says from now on what is made.

        A frame that stayed under the new record would be taken for finished by the next start.

        Args:
            findings: what was found in the source frames, for the next start.

        Raises:
            OutputError: a file cannot be removed or written.
        """
        for path in [*(self._paths[index] for index in sorted(self._foreign)), *self._stale]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(
                    f"{path} cannot be replaced ({error.strerror}): remove it, or choose another "
                    "output folder or name."
                ) from error
        self._write_record(findings)

    def place(self, output_index: int, write: Callable[[Path], None]) -> Path:
        """Let `write` make a file, and give it its final name once it is whole.

        Raises:
            OutputError: it could not be written or renamed; nothing is left under the final name.
        """
        path = self._paths[output_index]
        # the suffix stays last: image libraries choose the format by it
        partial = path.with_name(f".{path.stem}{_PARTIAL}{path.suffix}")
        try:
            write(partial)
            partial.replace(path)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written ({error.strerror or error}): check free space and "
                "permissions of the output folder; finished frames are kept."
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        return path

    def _check_apart_from_sources(self) -> None:
        target = self.path.resolve()
        for folder in {Path(source).parent for source in self._job.sources}:
            # the same folder under another name, where the system does not tell case apart
            is_same_file = target.exists() and folder.exists() and folder.samefile(target)
            if is_same_file or folder.resolve() == target:
                raise OutputError(
                    f"Output folder {self.path} is the folder {folder} of the source frames: "
                    "choose another folder, so that source frames can never be overwritten."
                )

    def _make_writable(self) -> None:
        probe = self.path / f".vfi{_PARTIAL}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink(missing_ok=True)  # another job may have probed as well
        except OSError as error:
            raise OutputError(
                f"Output folder {self.path} cannot be written to ({error.strerror}): choose a "
                "folder that you may write to."
            ) from error

    def _hold(self) -> None:
        """Keep other engines out: two that write the same names would publish broken frames."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise OutputError(
                f"Output folder {self.path} is being written to by another job: wait for it or "
                "cancel it, or choose another folder."
            ) from error
        except NotImplementedError:
            pass  # a network file system without locks; names are still unique to the job

    def _read_records(self) -> dict[str, dict[str, Any]]:
        """Return what is known of jobs in this folder, by the names of their frames."""
        try:
            record = json.loads((self.path / RECORD_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # no record, or not ours: then existing frames are not ours either
        if not isinstance(record, dict) or not isinstance(record.get("job"), dict):
            return {}
        others = record.pop("others", {})
        records = {_names_of(record["job"]): record}
        if isinstance(others, dict):
            records.update((name, other) for name, other in others.items() if other)
        return records

    def _former(self, record: dict[str, Any]) -> list[Path]:
        """Return the frames that a record tells of, but for those with names of this job's."""
        try:
            job = job_from_json(record["job"])
            names = [job.frame_name(index) for index in range(len(job.plan().outputs))]
        except (KeyError, VfiError):  # of another version
            return []
        ours = set(self._paths)
        return [path for path in (self.path / name for name in names) if path not in ours]

    def _write_record(self, findings: Findings | None) -> None:
        record = {"made_from": self._fingerprint, "job": job_to_json(self._job)}
        if findings is not None:
            record["found"] = dataclasses.asdict(findings)
        if self._records:
            record["others"] = self._records
        path = self.path / RECORD_NAME
        partial = path.with_name(f".{RECORD_NAME}{_PARTIAL}")
        try:
            partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written ({error.strerror}): check free space and permissions of "
                "the output folder."
            ) from error


def _names_of(job: Mapping[str, Any]) -> str:
    """Return what tells the frames of one job from those of others in the same folder."""
    return f"{job.get('name_prefix')}*{job.get('suffix')}"


def _findings_of(record: dict[str, Any]) -> Findings | None:
    """Return what the record says was found; None where it does not, or not as we write it."""
    found: Any = record.get("found")
    try:
        pairs = {name: tuple(map(int, found[name])) for name in ("cuts", "duplicates")}
        return Findings(**pairs)
    except (KeyError, TypeError, ValueError):
        return None


def _is_there(path: Path) -> bool:
    """Whether a frame lies there; an empty file is none, whoever left it."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's bytes.

    Raises:
        FrameError: the source cannot be opened.
        OSError: reading goes wrong later, or the target cannot be written.
    """
    try:
        reader = source.open("rb")
    except OSError as error:
        raise FrameError(
            f"Source frame {source} cannot be read ({error.strerror}): restore it."
        ) from error
    with reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)


def _fingerprint(job: JobSpec, plan: Plan, precision: str) -> dict[str, Any]:
    """Everything that decides the pixels and names of the output, as JSON values."""
    made_from = {
        key: value
        for key, value in job_to_json(job).items()
        if key not in _INCIDENTAL and (key not in _ADDED_LATER or value != _ADDED_LATER[key])
    }
    if job.cuts == "off":
        made_from = {key: value for key, value in made_from.items() if key not in _OF_CUTS}
    made_from["precision"] = precision
    made_from["plan"] = hashlib.sha256(repr(plan.outputs).encode()).hexdigest()
    files = [_source_stamp(index, source) for index, source in enumerate(job.sources)]
    if job.checkpoint:
        files.append(_checkpoint_stamp(job.checkpoint))
    made_from["files"] = files
    return made_from


def _source_stamp(index: int, source: str) -> list[int]:
    try:
        return _stamp(source)
    except OSError as error:
        raise FrameError(
            f"Source frame {index + 1}, {source}, cannot be read ({error.strerror}): restore or "
            "re-render it, or trim the strip so that it is left out."
        ) from error


def _checkpoint_stamp(checkpoint: str) -> list[int]:
    try:
        return list(store.stamp(Path(checkpoint)))
    except OSError as error:
        raise CheckpointError(
            f"Checkpoint {checkpoint} cannot be read ({error.strerror}): give the path of a file "
            "of weights, or none to use the model's own."
        ) from error


def _stamp(file: str) -> list[int]:
    """Size and time of change of a file: a changed one is another one."""
    status = os.stat(file)  # noqa: PTH116 - called once a frame; a Path costs as much again
    return [status.st_size, status.st_mtime_ns]
