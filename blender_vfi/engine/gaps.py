"""Sequences with missing numbers: a job that makes exactly the missing frames.

A gap of g frames from one number to the next is a pair with g steps, so that frame k of it lies at
k / g. Output frames keep the numbers of the source's. Standard library alone: Blender's process
imports this.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import FrameError, RequestError
from .folders import check_names, checked_job, numbered_frames, output_suffix, split_number
from .job_spec import JobSpec
from .schedule import LARGEST_MULTIPLIER, Between, Source

_MOST_LISTED = 10


def fill_job_for_folder(
    source_dir: Path, output_dir: Path, *, job_id: str, **settings: Any
) -> JobSpec:
    """Describe the job that fills the gaps in a folder's image sequence.

    Args:
        source_dir: folder of one image sequence, or a pattern of names such as shot_####.png.
        output_dir: where the whole sequence goes.
        job_id: see `JobSpec`.
        **settings: further fields of `JobSpec`, but for those of time and names.

    Raises:
        FrameError: as for `folders.list_frames`; or nothing is missing.
        RequestError: a setting is unknown or out of range, or a gap is too long.
    """
    check_names(settings)
    return fill_job(numbered_frames(source_dir), output_dir, job_id=job_id, **settings)


def fill_job(frames: Sequence[Path], output_dir: Path, *, job_id: str, **settings: Any) -> JobSpec:
    """Describe the job that fills the gaps between frames.

    Args:
        frames: files whose numbers rise.
        output_dir: see `fill_job_for_folder`.
        job_id: likewise.
        **settings: likewise.

    Raises:
        FrameError: a file has no number, the numbers do not rise, or nothing is missing.
        RequestError: as for `fill_job_for_folder`.
    """
    steps = _steps(frames)
    settings.setdefault("suffix", output_suffix(frames[0]))
    prefix, first = split_number(frames[0])
    return checked_job(
        frames,
        output_dir,
        job_id=job_id,
        name_prefix=prefix,
        first_number=first,
        number_digits=min(len(_digits(frame)) for frame in frames),
        multiplier=tuple(steps),
        **settings,
    )


def describe_missing(frames: Sequence[Path]) -> str:
    """List the numbers that are missing between frames: "3, 7-9"."""
    runs = [
        (earlier + 1, later - 1)
        for earlier, later in itertools.pairwise(split_number(frame)[1] or 0 for frame in frames)
        if later > earlier + 1
    ]
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    shown = ", ".join(texts[:_MOST_LISTED])
    return f"{shown}, …" if len(texts) > _MOST_LISTED else shown


def renumbered_source(job: JobSpec) -> tuple[str, str] | None:
    """Find a source frame whose number the output does not keep, so that it tells no moment.

    Args:
        job: one whose frames have been made, or are to be.

    Returns:
        The source's name and the name of the output frame that stands where it should; None where
        each source frame and each new one has the number of its moment, as in a filled sequence.
    """
    numbers = [split_number(Path(source))[1] for source in job.sources]
    for index, output in enumerate(job.plan().outputs):
        if isinstance(output, Source):
            at, moment = output.index, Fraction(0)
        elif isinstance(output, Between):
            at, moment = output.pair, output.timestep
        else:  # held or mixed: never rendered after all
            continue
        earlier, later = (numbers[each % len(numbers)] for each in (at, at + 1))
        number = job.first_number + index
        if earlier is None or later is None or earlier + moment * (later - earlier) != number:
            return Path(job.sources[at]).name, job.frame_name(index)
    return None


def _steps(frames: Sequence[Path]) -> list[int]:
    """Return how many numbers it is from each frame to the next."""
    numbers: list[int] = []
    for frame in frames:
        number = split_number(frame)[1]
        if number is None:
            raise FrameError(
                "{name} has no number at the end of its name: missing frames are told by numbers, "
                "as in frame_0001.png; rename the frames.",
                name=frame.name,
            )
        numbers.append(number)
    if len(frames) < 2:
        raise FrameError(
            "{count} frame(s): at least 2 are needed to fill what is missing between them; choose "
            "a longer sequence.",
            count=len(frames),
        )
    steps = [later - earlier for earlier, later in itertools.pairwise(numbers)]
    if min(steps) < 1:
        index = next(index for index, step in enumerate(steps) if step < 1)
        raise FrameError(
            "After {before} comes {after}: numbers must rise to tell which are missing; sort the "
            "frames, or split the strip there.",
            before=frames[index].name,
            after=frames[index + 1].name,
        )
    if max(steps) == 1:
        raise FrameError(
            "No frame is missing from {first} to {last}: there is nothing to fill.",
            first=frames[0].name,
            last=frames[-1].name,
        )
    if max(steps) > LARGEST_MULTIPLIER:
        index = steps.index(max(steps))
        raise RequestError(
            "From {before} to {after}, {count} frames are missing: at most {most} can be filled "
            "in one place; render more of them.",
            before=frames[index].name,
            after=frames[index + 1].name,
            count=max(steps) - 1,
            most=LARGEST_MULTIPLIER - 1,
        )
    return steps


def _digits(frame: Path) -> str:
    match = re.search(r"\d+$", frame.stem)
    return match[0] if match else ""
