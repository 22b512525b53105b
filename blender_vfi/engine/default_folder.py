"""A folder for each sequence: what two jobs would be given alike, only one of them gets.

Frames of `clip.mp4` and `clip.mov`, or of `shot_0001.exr` and `shot_0001.png`, would otherwise get
into each other's way. Standard library alone: Blender's process imports this.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from ..models import catalog
from .folders import split_number
from .job_record import read_records
from .job_spec import JobSpec
from .movie_frames import file_of
from .rates import rate_text


def ending_of(
    multiplier: int, rate: Fraction | None = None, *, has_times: bool = False, loops: bool = False
) -> str:
    """Return what a folder of frames is called after: what its job makes of the source frames."""
    ending = f"x{multiplier}" if rate is None else f"{rate_text(rate)}fps"
    if has_times:
        ending = "retimed"
    return f"{ending}_loop" if loops else ending


def folder_name(name: str, ending: str, model: str) -> str:
    """Return what the folder of a sequence's job is called; models can so be compared."""
    return f"{name}_{ending}" if model == catalog.DEFAULT_MODEL else f"{name}_{ending}_{model}"


def own_folder(
    wanted: Path,
    sources: Sequence[str],
    others: Iterable[JobSpec] = (),
    *,
    keeps_numbers: bool = False,
) -> Path:
    """Return a folder that no other sequence's frames are in: `wanted`, or one named like it.

    A sequence that has grown since stays the same one, and goes on in its folder.

    Args:
        wanted: what the folder would be called.
        sources: the source frames.
        others: jobs that have not begun yet.
        keeps_numbers: whether frames keep the numbers of the sources', so that other parts of the
            same sequence get along in one folder.
    """
    if not sources:
        return wanted
    is_same = _are_named_alike if keeps_numbers else _are_parts
    jobs = list(others)
    for folder in _candidates(wanted, Path(file_of(sources[0])).suffix):
        there = [*_recorded(folder)]
        there += [job.sources for job in jobs if Path(job.output_dir) == folder]
        if not there or any(is_same(sources, each) for each in there):
            return folder
    raise AssertionError("there is always another number")


def _are_parts(one: Sequence[str], two: Sequence[str]) -> bool:
    """Tell whether one of the two has all that the other has."""
    first, second = frozenset(one), frozenset(two)
    return first <= second or second <= first


def _are_named_alike(one: Sequence[str], two: Sequence[str]) -> bool:
    return _sequence_of(one) == _sequence_of(two)


def _sequence_of(sources: Sequence[str]) -> tuple[Path, str, str]:
    first = Path(sources[0])
    return first.parent, split_number(first)[0], first.suffix


def _candidates(wanted: Path, suffix: str) -> Iterator[Path]:
    yield wanted
    if suffix:
        yield wanted.with_name(f"{wanted.name}_{suffix[1:]}")
    for number in itertools.count(2):
        yield wanted.with_name(f"{wanted.name}_{number}")


def _recorded(folder: Path) -> Iterator[Sequence[str]]:
    """Yield the source frames of each job whose frames lie in a folder."""
    for record in read_records(folder).values():
        sources = record["job"].get("sources")
        if isinstance(sources, list) and sources and all(isinstance(each, str) for each in sources):
            yield sources
