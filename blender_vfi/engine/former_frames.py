"""What earlier starts of a job have left in its folder, and which of it would be the same now.

Source frames change, and sequences grow: more of a shot is rendered, and filled again. What a frame
was made from tells whether it is still what would be made. Standard library alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import VfiError
from . import job_record
from .findings import Findings
from .gaps import renumbered_source
from .job_record import Record
from .job_spec import JobSpec
from .movie_frames import movie_of
from .schedule import Between, Dissolve, Plan
from .window import window_of
from .wire import job_from_json

Origin = tuple[Any, ...]
"""What decides a frame beside the job's settings; frames of one origin are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerFrames:
    """The frames that one start of a job has made or would have made.

    Attributes:
        record: of that start.
        job: as it was then.
        plan: likewise, with what was found in the source frames.
        files: size and time that its source frames had.
        changed: source frames of the job of now that are others since, or new.
        added: those of them that it did not have.
    """

    record: Record
    job: JobSpec
    plan: Plan
    files: Sequence[Any]
    changed: frozenset[int] = frozenset()
    added: frozenset[int] = frozenset()

    @property
    def names(self) -> list[str]:
        """Of the frames, in order."""
        return [self.job.frame_name(index) for index in range(len(self.plan.outputs))]

    def origins(self, names: Collection[str], context: int) -> dict[str, Origin]:
        """Return what the frames of these names were made from; see `origins`."""
        return origins(self.job, self.plan, self.files, names, context)


def find_former(
    records: Sequence[Record], job: JobSpec, plan: Plan, made_from: Record
) -> list[FormerFrames]:
    """Return those of the records whose frames go on in this job; none where it is another one.

    Args:
        records: of jobs with frames of the same names.
        job: that is about to begin.
        plan: its own, before anything was found in the source frames.
        made_from: its fingerprint.
    """
    for record in records:
        changed = job_record.changed_sources(record.get("made_from"), made_from)
        if changed is not None:
            if changed and plan.source_count != len(job.sources):  # pictures of one movie
                changed = frozenset(range(plan.source_count))
            files = record["made_from"]["files"]
            found = _with_findings(job, plan, record)
            return [FormerFrames(record=record, job=job, plan=found, files=files, changed=changed)]
    grown = (_grown_from(record, job, made_from) for record in records)
    return [former for former in grown if former is not None]


def changed_since(former: Sequence[FormerFrames]) -> tuple[frozenset[int], frozenset[int]]:
    """Return which source frames no start of before had, and which are others since, these too."""
    if not former:
        return frozenset(), frozenset()
    added = frozenset.intersection(*(each.added for each in former))
    return added, added.union(*(each.changed - each.added for each in former))


def origins(
    job: JobSpec, plan: Plan, files: Sequence[Any], names: Collection[str], context: int
) -> dict[str, Origin]:
    """Return what frames are made from, by their names.

    Args:
        job: whose frames.
        plan: with what was found in the source frames.
        files: size and time of each source frame.
        names: of the frames asked for; those that the plan does not have are left out.
        context: source frames that a model looks at.
    """
    if not names:  # a job that begins, however long, needs none
        return {}
    if plan.source_count == len(job.sources):
        sources = list(zip(job.sources, files, strict=False))
    else:  # pictures of one movie
        sources = [(str(index), files[0]) for index in range(plan.source_count)]
    moments = _moments_of_pairs(plan)
    found: dict[str, Origin] = {}
    for index, output in enumerate(plan.outputs):
        name = job.frame_name(index)
        if name not in names:
            continue
        kind = type(output).__name__
        if isinstance(output, Between):
            window = tuple(sources[each] for each in window_of(plan, output.pair, context))
            # vectors reach to the frames beside it, and recursion goes by all moments of its pair
            found[name] = (
                kind,
                output.timestep,
                window,
                plan.spacing(index),
                moments[index],
            )
        elif isinstance(output, Dissolve):
            pair = tuple(sources[each] for each in window_of(plan, output.pair, 2))
            found[name] = (kind, output.timestep, pair)
        else:
            found[name] = (kind, sources[output.index])
    return found


def _moments_of_pairs(plan: Plan) -> Mapping[int, tuple[Fraction, ...]]:
    """Return for the place of each new frame all moments that are made of its pair there."""
    return {at: work.whole for work in plan.pairs() for places in work.outputs for at in places}


def _with_findings(job: JobSpec, plan: Plan, record: Record) -> Plan:
    found = job_record.findings_of(record) or Findings()
    return job.plan_for(plan, found.cuts, found.duplicates)


def _grown_from(record: Record, job: JobSpec, made_from: Record) -> FormerFrames | None:
    """Return what a record tells of, if the job is the same but for source frames it has got since.

    Each frame must show the same moment: in a filled sequence, numbers say which; otherwise new
    source frames may only have come at the end.
    """
    before = record.get("made_from")
    if not isinstance(before, dict) or _settings_of(before) != _settings_of(made_from):
        return None
    try:
        old = job_from_json(record["job"])
        plan = _with_findings(old, old.plan(), record)
        files, checkpoint = _split(before["files"], old)
    except (KeyError, TypeError, VfiError):  # of another version, or not ours
        return None
    files_now, checkpoint_now = _split(made_from["files"], job)
    if len(files) < len(old.sources) or checkpoint != checkpoint_now:
        return None
    remaining = iter(job.sources)
    has_all = all(source in remaining for source in old.sources)  # in this order
    if not has_all or len(old.sources) == len(job.sources) or not _shows_the_same(old, job):
        return None
    known = dict(zip(old.sources, files, strict=True))
    now = dict(enumerate(zip(job.sources, files_now, strict=True)))
    return FormerFrames(
        record=record,
        job=old,
        plan=plan,
        files=files,
        changed=frozenset(at for at, (path, stamp) in now.items() if known.get(path) != stamp),
        added=frozenset(at for at, (path, _stamp) in now.items() if path not in known),
    )


def _split(files: list[Any], job: JobSpec) -> tuple[list[Any], list[Any]]:
    """Split a fingerprint's files into those of the source frames and of the checkpoint."""
    return files[: len(job.sources)], files[len(job.sources) :]


def _settings_of(made_from: Record) -> Record:
    """Return what decides frames beside the source frames and where they stand."""
    of_sources = ("files", "sources", "plan", "first_number", "cut_pairs")
    return {key: value for key, value in made_from.items() if key not in of_sources}


def _shows_the_same(old: JobSpec, new: JobSpec) -> bool:
    """Tell whether each frame of one job shows what the frame of its name shows in the other."""
    if movie_of(Path(new.sources[0])) or old.times is not None or new.times is not None:
        return False
    # where cuts are, is found anew
    one, two = (replace(job, cut_pairs=None) for job in (old, new))
    if renumbered_source(one) is None and renumbered_source(two) is None:
        return True
    pairs = list(zip(one.plan().outputs, two.plan().outputs, strict=False))
    return (
        old.first_number == new.first_number
        and len(pairs) == len(one.plan().outputs)
        and all(was == now for was, now in pairs)
        and list(old.sources) == list(new.sources[: len(old.sources)])
    )
