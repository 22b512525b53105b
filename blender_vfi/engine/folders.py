"""From a folder of frames to a job: which files are frames, in which order, under which names.

Standard library alone, so that the command line needs no torch to check a request.
"""

from __future__ import annotations

import itertools
import os
import re
import typing
from collections.abc import Collection, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import FrameError, RequestError
from .protocol import OUTPUT_SUFFIXES, JobSpec
from .times import parse_time

_PLACE = re.compile(r"#+|%0?\d*d")

FRAME_SUFFIXES = frozenset({*OUTPUT_SUFFIXES, ".jpeg", ".tiff"})


def job_for_folder(source_dir: Path, output_dir: Path, *, job_id: str, **settings: Any) -> JobSpec:
    """Describe the job that interpolates the frames in a folder.

    Args:
        source_dir: folder of one image sequence, or a pattern of names such as shot_####.png.
        output_dir: where results go.
        job_id: see `JobSpec`.
        **settings: further fields of `JobSpec`; those left out keep their defaults, the format is
            the source's, and output names begin like the source's.

    Raises:
        FrameError: the folder is missing, or has no frames, or frames of several sequences.
        RequestError: a setting is unknown or out of range.
    """
    check_names(settings)
    return job_for_frames(list_frames(source_dir), output_dir, job_id=job_id, **settings)


def job_for_frames(
    frames: Sequence[Path], output_dir: Path, *, job_id: str, **settings: Any
) -> JobSpec:
    """Describe the job that interpolates frames that were listed; see `job_for_folder`.

    Raises:
        RequestError: a setting is out of range, or such frames cannot be written.
    """
    if "suffix" not in settings:
        settings["suffix"] = output_suffix(frames[0])
    settings.setdefault("name_prefix", split_number(frames[0])[0])
    return checked_job(frames, output_dir, job_id=job_id, **settings)


def check_names(settings: Collection[str]) -> None:
    """Raise `RequestError` for the first name that is no field of `JobSpec`."""
    known = typing.get_type_hints(JobSpec).keys() - {"sources"}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise RequestError(f"Unknown setting {unknown[0]!r}: see JobSpec for those there are.")


def checked_job(
    frames: Sequence[Path], output_dir: Path, *, job_id: str, **settings: Any
) -> JobSpec:
    """Describe a job, from what Python callers may give for its fields.

    Raises:
        RequestError: a setting is out of range.
    """
    job = JobSpec(
        job_id=job_id,
        sources=tuple(str(frame) for frame in frames),
        output_dir=str(plain_path(output_dir)),
        **_plain(settings),
    )
    job.check()
    return job


def list_frames(source: Path) -> list[Path]:
    """List the frames of the one image sequence in a folder, in the order of their numbers.

    Args:
        source: see `numbered_frames`.

    Raises:
        FrameError: as for `numbered_frames`; or a number is missing.
    """
    frames = numbered_frames(source)
    _check_even_steps(frames)
    return frames


def numbered_frames(source: Path) -> list[Path]:
    """List the frames of an image sequence, whatever numbers are missing.

    Args:
        source: a folder of one image sequence, or a pattern of names, see `is_pattern`.

    Raises:
        FrameError: the folder cannot be read, or holds no such sequence, or more than one, or two
            files of one number.
    """
    source = plain_path(source)
    files = _files_of(source)
    folder = files[0].parent if files else source
    sequences: dict[tuple[str, str], list[tuple[int, Path]]] = {}
    for path in files:
        prefix, number = split_number(path)
        if path.suffix.lower() in FRAME_SUFFIXES and number is not None:
            sequences.setdefault((prefix, path.suffix), []).append((number, path))
    if not sequences:
        raise FrameError(
            f"Source folder {folder} has no numbered image files: expected names such as "
            f"frame_0001.png, in one of the formats {', '.join(sorted(FRAME_SUFFIXES))}."
        )
    if len(sequences) > 1:
        listed = ", ".join(f"{prefix}####{suffix}" for prefix, suffix in sorted(sequences))
        raise FrameError(
            f"Source folder {folder} holds {len(sequences)} sequences ({listed}): give "
            f"one of them, as in {folder / listed.split(', ')[0]}, or move each to a folder of its "
            "own."
        )
    [frames] = sequences.values()
    frames.sort()
    for (number, path), (next_number, next_path) in itertools.pairwise(frames):
        if next_number == number:
            raise FrameError(
                f"{path.name} and {next_path.name} in {path.parent} have the same number: remove "
                "one of them."
            )
    return [path for _number, path in frames]


def _files_of(source: Path) -> list[Path]:
    """List the files of a folder that are no hidden ones, or those whose names fit a pattern."""
    pattern = _pattern(source) if is_pattern(source) else None
    folder = source if pattern is None else source.parent
    try:
        files = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except NotADirectoryError as error:
        raise FrameError(_describe_single_file(source)) from error
    except OSError as error:
        raise FrameError(
            f"Source folder {folder} cannot be read ({error.strerror}): give a folder that holds "
            "an image sequence."
        ) from error
    if pattern is not None:
        files = [path for path in files if pattern.fullmatch(path.name)]
        if not files:
            raise FrameError(
                f"No file in {folder} is named {source.name}: # stands for the digits of a frame's "
                "number, as in frame_####.png for frame_0001.png, and so does %04d."
            )
    return files


def is_pattern(source: Path) -> bool:
    """Tell whether a path names the frames of a sequence at once: shot_####.png, shot_%04d.png."""
    return _PLACE.search(source.name) is not None and not source.is_dir()


def sequence_name(pattern: Path) -> str:
    """Return what the files of a pattern are called, without their number: "shot" for shot_####."""
    return _PLACE.split(pattern.name)[0].rstrip("_-. ")


def _pattern(source: Path) -> re.Pattern[str]:
    """Return what the names match that a pattern stands for.

    Raises:
        FrameError: the number is not the last thing before the suffix.
    """
    places = list(_PLACE.finditer(source.name))
    begin, end = source.name[: places[0].start()], source.name[places[-1].end() :]
    if len(places) > 1 or not re.fullmatch(r"(\.[^.]*)?", end):
        raise FrameError(
            f"{source.name}: the frame's number must stand once, right before the suffix, as in "
            "frame_####.png or frame_%04d.png; rename the files, or give a folder."
        )
    text = places[0][0]
    width = len(text) if text.startswith("#") else int(text[1:-1] or 1)
    # as numbers are written: padded up to the width, and not beyond
    digits = rf"(?:\d{{{width}}}|[1-9]\d{{{width},}})"
    # Blender's output paths have no suffix
    return re.compile(re.escape(begin) + digits + (re.escape(end) or r"\.[^.]+"))


def _describe_single_file(source: Path) -> str:
    prefix, number = split_number(source)
    if number is None:
        return f"Source {source} is a file: give a folder that holds an image sequence."
    places = "#" * (len(source.stem) - len(prefix))
    return (
        f"Source {source} is a single file: give its folder, {source.parent}, or the sequence that "
        f"it is of, {source.with_name(f'{prefix}{places}{source.suffix}')}."
    )


def _check_even_steps(frames: list[Path]) -> None:
    """Refuse a sequence with a gap: across it, motion would run at another speed."""
    gap = find_gap([frame_number(path, 0) for path in frames])
    if gap is not None:
        index, missing = gap
        path, next_path = frames[index : index + 2]
        raise FrameError(
            f"After {path.name} comes {next_path.name} in {path.parent}: frame {missing} is "
            "missing. Restore or re-render it, have it made with `python -m blender_vfi fill`, or "
            "renumber the frames to have them taken as evenly spaced."
        )


def find_gap(numbers: Sequence[int]) -> tuple[int, int] | None:
    """Return the index after which a number is missing, and that number; None for even steps.

    Even steps of more than one, as of a render with a frame step, are no gaps. Numbers that do not
    rise are not judged.
    """
    steps = [later - earlier for earlier, later in itertools.pairwise(numbers)]
    if not steps or min(steps) < 1:
        return None
    gaps = (index for index, step in enumerate(steps) if step != min(steps))
    index = next(gaps, None)
    return None if index is None else (index, numbers[index] + min(steps))


def plain_path(path: Path) -> Path:
    """Return an absolute path without `..`, which leads to the same place.

    Links stay as they are named, unless `..` follows one: that goes up from where the link leads.
    """
    path = path.absolute()
    if ".." not in path.parts:
        return path
    end = len(path.parts) - path.parts[::-1].index("..")
    head, tail = Path(*path.parts[:end]), path.parts[end:]
    there = Path(os.path.realpath(head))
    named = Path(os.path.normpath(head))
    return (named if Path(os.path.realpath(named)) == there else there).joinpath(*tail)


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Turn what Python callers may give for a field into what `JobSpec` holds."""
    plain = dict(settings)
    for name in ("skip_pairs", "keep_pairs", "cut_pairs"):
        if plain.get(name) is not None:
            plain[name] = tuple(sorted(plain[name]))
    if isinstance(plain.get("multiplier"), Sequence) and not isinstance(plain["multiplier"], str):
        plain["multiplier"] = tuple(plain["multiplier"])
    if plain.get("times") is not None:
        plain["times"] = tuple(str(parse_time(moment)) for moment in plain["times"])
    if isinstance(plain.get("rate_ratio"), Fraction):
        plain["rate_ratio"] = plain["rate_ratio"].as_integer_ratio()
    if plain.get("checkpoint") is not None:
        plain["checkpoint"] = str(plain_path(Path(plain["checkpoint"])))
    return plain


def split_number(path: Path) -> tuple[str, int | None]:
    """Split a frame's name into what comes before its number, and the number (None for none)."""
    match = re.search(r"(\d+)$", path.stem)
    return (path.stem, None) if match is None else (path.stem[: match.start()], int(match[1]))


def frame_number(path: Path, position: int) -> int:
    """Return the number in a frame's name, or else `position`."""
    number = split_number(path)[1]
    return position if number is None else number


def output_suffix(source: Path) -> str:
    """Return the suffix of the output format that continues a source file's own.

    Raises:
        RequestError: frames of that kind cannot be written.
    """
    suffix = {".jpeg": ".jpg", ".tiff": ".tif"}.get(source.suffix.lower(), source.suffix.lower())
    if suffix not in OUTPUT_SUFFIXES:
        raise RequestError(
            f"{source.name}: frames cannot be written as {suffix or 'files without a suffix'}; "
            f"choose an output format among {', '.join(OUTPUT_SUFFIXES)}."
        )
    return suffix
