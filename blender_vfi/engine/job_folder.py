"""A job's folder on disk: whole files under final names only, and a record of what made them.

A frame is written under a temporary name and renamed when it is whole, so a frame that exists under
its final name is finished, whatever happened to the process. `vfi_job.json` keeps what decided the
frames: the same job started again makes only what is missing; another job with frames of the same
names is told that they are taken, and what has changed. Where source frames have changed, only what
was made from them is made again; where a sequence has grown, what is new. Real renders in the place
of made frames stay. Jobs whose frames have other names, be it by their numbers or their format, may
share the folder.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import OutputError
from ..remedies import how_to_overwrite
from . import durable, job_record
from .confidence import drop_figures
from .disk_space import DiskSpace
from .file_copies import copy_file, link_file
from .findings import Findings
from .folder_lock import LOCK_NAME, OWNER_NAME
from .former_frames import Origin, changed_since, find_former, origins
from .image_formats import FrameFormat
from .job_changes import describe_changes
from .job_record import RECORD_NAME
from .main_memory import with_room
from .output_place import (
    cannot_be_written_to,
    check_apart_from_sources,
    check_can_be_made,
    nearest_folder,
)
from .owners import read_owner, remove_owner, write_owner
from .protocol import JobSpec
from .rendered_frames import rendered_names
from .schedule import Plan, Source
from .unused_folders import UnusedFolders

_PARTIAL = ".partial"
LARGEST_CONTEXT = 4


class JobFolder:
    """The folder that a job writes into, held for as long as the job runs.

    Attributes:
        finished: output frames that are there already, made by this very job from what its source
            frames are now.
        findings: what this very job found in its frames before it was stopped, all or up to where
            it came; None if nothing, or if frames have changed since.
        changed_sources: source frames that have changed since this very job was stopped, or been
            added.
        added_sources: those that have been added.
        bad_frames: names of frames that stand in for what the model could not make.

    Args:
        job: the job; its output folder is made when missing.
        plan: the job's output frames, before anything was found in the source frames.
        precision: what the model runs in, "auto" resolved.
        context: source frames that the model looks at.
        folders: told which folders are made for it.
        only_looks: make no folder and hold none: only say what a job would find there.

    Raises:
        FrameError: a source frame is missing.
        CheckpointError: the job's own checkpoint is missing.
        OutputError: the folder cannot be used; the message says why and what to do.
    """

    def __init__(
        self,
        job: JobSpec,
        plan: Plan,
        *,
        precision: str,
        context: int = LARGEST_CONTEXT,
        folders: UnusedFolders | None = None,
        only_looks: bool = False,
    ) -> None:
        self._job = job
        self._context = context
        self.path = Path(job.output_dir)
        self._paths = [self.path / job.frame_name(index) for index in range(len(plan.outputs))]
        self._fingerprint = job_record.fingerprint(job, plan, precision)
        check_apart_from_sources(self.path, job.sources)
        self._lock = FileLock(self.path / LOCK_NAME)
        self._owner_file = self.path / OWNER_NAME
        if only_looks:
            self._look()
        else:
            self._take(folders or UnusedFolders())
        try:
            self._survey(plan)
        except BaseException:  # who keeps the error may try again, with `overwrite`
            self._lock.release()
            raise

    def _survey(self, plan: Plan) -> None:
        """Tell what is there already, and whose it is."""
        job, context = self._job, self._context
        present = frozenset(index for index, path in enumerate(self._paths) if _is_there(path))
        self._records = job_record.read_records(self.path)
        names = frozenset(path.name for path in self._paths)
        records = job_record.take_former(self._records, job, names)
        self._former = find_former([each for each, _ in records], job, plan, self._fingerprint)
        # a real render is what a new frame can only come near to, but where a source frame belongs
        renders = rendered_names(self.path)
        self._rendered = frozenset(
            index
            for index in present
            if self._paths[index].name in renders and not isinstance(plan.outputs[index], Source)
        )
        made = {name for each in self._former for name in each.names}
        foreign = frozenset(each for each in present if self._paths[each].name not in made)
        if foreign and not job.overwrite:
            raise self._taken(foreign, [each for each, _ in records])
        self._present = present
        self._taken_over = foreign - self._rendered
        self.added_sources, self.changed_sources = changed_since(self._former)
        self.findings = None
        if self._former and not self.changed_sources:
            self.findings = job_record.findings_of(self._former[0].record)
        # what else jobs before left that had frames of these names, such as a longer one
        own = [each.record for each in self._former]
        stale = {name for record, theirs in records if record not in own for name in theirs}
        stale -= names | renders
        self._stale = [self.path / name for name in sorted(stale)] if job.overwrite else []
        self._kept = self._rendered if job.overwrite else present
        self._former_bad = self._bad_frames_that_stay()
        self._noting = threading.Lock()
        self._origins: dict[str, Origin] = {}
        for each in self._former:
            self._origins |= each.origins({self._paths[at].name for at in present}, context)
        self.follow(next((each.plan for each in self._former if each.job is job), plan))

    def __enter__(self) -> JobFolder:
        write_owner(self._owner_file, "a job of these frames")
        return self

    def __exit__(self, *_error: object) -> None:
        remove_owner(self._owner_file)
        with contextlib.suppress(OSError):  # of a network drive that is gone
            self._lock.release()

    def follow(self, plan: Plan) -> int:
        """Take frames for unfinished that `plan` would make otherwise than they were made.

        Args:
            plan: the job's, with what was found in its source frames.

        Returns:
            How many of those that are there will be made again, since sources have changed.
        """
        made_again = {self._paths[index].name for index in self._present - self._rendered}
        now = origins(self._job, plan, self._fingerprint["files"], made_again, self._context)
        outdated = frozenset(
            index
            for index in self._present - self._rendered
            if now[self._paths[index].name] != self._origins.get(self._paths[index].name)
        )
        self.finished = self._kept - outdated
        again = {self._paths[index].name for index in outdated}
        self.bad_frames = [name for name in self._former_bad if name not in again]
        self._foreign = self._taken_over | outdated
        return len(outdated - self._taken_over) if self.changed_sources else 0

    @property
    def replaced_count(self) -> int:
        """Number of files there that the job replaces or removes."""
        return len(self._foreign) + sum(path.exists() for path in self._stale)

    def space(
        self,
        plan: Plan,
        sources: Sequence[Path],
        frame_format: FrameFormat,
        copied_as_is: Collection[Path],
    ) -> DiskSpace:
        """Return what compares the frames to be written with the disk; see there."""
        return DiskSpace(
            nearest_folder(self.path),
            plan,
            self._paths,
            sources,
            frame_format,
            copied_as_is=copied_as_is,
            links_sources=self._job.link_sources,
            suffix=self._job.suffix,
            storage=self._job.storage,
            finished=self.finished,
            is_wanted=self._job.check_free_space,
        )

    def begin(self, findings: Findings | None = None) -> None:
        """Take the folder: frames of another job go, and the record says from now on what is made.

        A frame that stayed under the new record would be taken for finished by the next start.

        Args:
            findings: what was found in the source frames, for the next start.

        Raises:
            OutputError: a file cannot be removed or written.
        """
        foreign = (self._paths[index] for index in sorted(self._foreign))
        gone = [*foreign, *self._stale, *self._leftovers()]
        for path in gone:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(
                    f"{path} cannot be replaced ({error.strerror}): remove it, or choose another "
                    "output folder or name."
                ) from error
        drop_figures(self.path, {path.name for path in gone})
        self.note_findings(findings)

    def note_findings(self, findings: Findings | None) -> None:
        """Write into the record what was found in the source frames by now; any thread may call.

        Raises:
            OutputError: the record cannot be written.
        """
        with self._noting:
            self.findings = findings
            self._write_record()

    def note_bad(self, output_index: int) -> None:
        """Write into the record that a frame stands in for another; any thread may call.

        Raises:
            OutputError: the record cannot be written.
        """
        name = self._paths[output_index].name
        with self._noting:
            if name not in self.bad_frames:
                self.bad_frames.append(name)
                self._write_record()

    def place(self, output_index: int, write: Callable[[Path], None]) -> Path:
        """Let `write` make a file, and give it its final name once it is whole.

        Raises:
            HostMemoryError: main memory is full; nothing is left under the final name.
            OutputError: it could not be written or renamed; nothing is left under the final name.
        """
        path = self._paths[output_index]
        unfinished = _partial_of(path)
        try:
            # what a killed engine left may be a link to a source frame, which must not be written
            unfinished.unlink(missing_ok=True)
            with_room(partial(write, unfinished), what=f"{path} cannot be encoded")
            durable.publish(unfinished, path)
        except OSError as error:
            raise self._unwritable(path, error) from error
        except OutputError as error:
            if self.path.is_dir():
                raise
            raise self._gone() from error
        finally:
            with contextlib.suppress(OSError):  # the folder may be gone, and the file with it
                unfinished.unlink(missing_ok=True)
        return path

    def place_source(self, output_index: int, source: Path) -> Path:
        """Put a source frame's file there as it is: a copy, or a link where the job asks for links.

        Where the file system refuses a link, a copy is what it becomes.

        Raises:
            FrameError: the source cannot be opened.
            OutputError: see `place`.
        """
        path = self._paths[output_index]
        if self._job.link_sources and link_file(source, path, _partial_of(path)):
            return path
        return self.place(output_index, partial(copy_file, source))

    def _bad_frames_that_stay(self) -> list[str]:
        """Return the records' bad frames; where they are treated otherwise now, they go instead."""
        bad = {name for each in self._former for name in job_record.bad_frames_of(each.record)}
        at = {index for index in self._kept if self._paths[index].name in bad} - self._rendered
        if any(
            each.record["job"].get("bad_frames") != self._job.bad_frames for each in self._former
        ):
            self._kept -= at
            return []
        return [self._paths[index].name for index in sorted(at)]

    def _taken(self, taken: frozenset[int], records: Sequence[job_record.Record]) -> OutputError:
        changes = describe_changes(records[0] if records else None, self._fingerprint, self._job)
        return OutputError(
            f"{self._paths[min(taken)]} exists already, and was not made by this very job "
            f"({len(taken)} of {len(self._paths)} names are taken{changes}): choose another "
            f"output folder or name, or allow overwriting ({how_to_overwrite()})."
        )

    def _unwritable(self, path: Path, error: OSError) -> OutputError:
        if not self.path.is_dir():
            return self._gone()
        return OutputError(
            f"{path} cannot be written ({error.strerror or error}): check free space and "
            "permissions of the output folder; finished frames are kept, and the same job goes on "
            "with what is missing."
        )

    def _gone(self) -> OutputError:
        return OutputError(
            f"Output folder {self.path} is not there any more: was it removed, or a disk or share "
            "disconnected? Bring it back and start the same job again; it goes on with what is "
            "missing."
        )

    def _leftovers(self) -> list[Path]:
        """Return the unfinished files of an engine that was killed."""
        begin = f".{self._job.name_prefix}"
        return [
            self.path / entry.name
            for entry in os.scandir(self.path)
            if entry.name.startswith(begin) and entry.name.endswith(f"{_PARTIAL}{self._job.suffix}")
        ]

    def _look(self) -> None:
        """Check that the folder could be taken, and leave it as it is."""
        check_can_be_made(self.path)
        if (self.path / LOCK_NAME).exists():
            self._hold()
            self._lock.release()

    def _take(self, folders: UnusedFolders) -> None:
        """Make the folder and hold it; again, where another job has just taken it away unused."""
        for is_last in (False, True):
            try:
                self._make_writable(folders)
                self._hold()
            except OutputError as error:
                is_gone = isinstance(error.__cause__, FileNotFoundError | Timeout)
                if is_last or not is_gone or (self.path / LOCK_NAME).exists():
                    raise
            else:
                return

    def _make_writable(self, folders: UnusedFolders) -> None:
        probe = self.path / f".vfi{_PARTIAL}"
        try:
            folders.make(self.path)
            probe.touch()
            probe.unlink(missing_ok=True)  # another job may have probed as well
        except OSError as error:
            raise cannot_be_written_to(self.path, error.strerror) from error

    def _hold(self) -> None:
        """Keep other engines out: two that write the same names would publish broken frames."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise OutputError(
                f"Output folder {self.path} is being written to by {read_owner(self._owner_file)}. "
                "Wait for it or cancel it, or choose another folder."
            ) from error
        except NotImplementedError:
            pass  # a network file system without locks; names are still unique to the job
        except OSError as error:  # no space for a name, or of another user
            raise self._unwritable(self.path / LOCK_NAME, error) from error

    def _write_record(self) -> None:
        try:
            job_record.write_record(
                self.path,
                self._job,
                self._fingerprint,
                self.findings,
                self._records,
                bad_frames=self.bad_frames,
            )
        except OSError as error:
            raise self._unwritable(self.path / RECORD_NAME, error) from error


def _is_there(path: Path) -> bool:
    """Whether a frame lies there; an empty file is none, whoever left it."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _partial_of(path: Path) -> Path:
    """Return what a file is called until it is whole; image libraries look at the suffix."""
    return path.with_name(f".{path.stem}{_PARTIAL}{path.suffix}")
