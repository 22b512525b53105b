"""Where a job's frames go unless the artist says so, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import vse_movies
from .engine.default_folder import folder_name, own_folder
from .engine.folders import output_suffix, split_number
from .engine.job_spec import JobSpec
from .engine.movie_jobs import DEFAULT_SUFFIX as MOVIE_FRAME_SUFFIX
from .messages import message
from .paths import absolute_path
from .property_items import SAME_AS_SOURCE
from .strip_values import ImageSource


def output_folder(
    settings: Any,
    source: ImageSource,
    ending: str,
    *,
    is_one_of_many: bool = False,
    others: Iterable[JobSpec] = (),
    keeps_numbers: bool = False,
) -> str:
    """Return the folder that `settings` name, or else one of its own beside the source's files.

    Args:
        settings: anything with the properties of `InterpolationProperties`.
        source: what the strip shows.
        ending: what the folder beside the source's files is called after.
        is_one_of_many: whether other strips share the settings, so that it needs a folder of its
            own in the output folder.
        others: see `default_folder.own_folder`.
        keeps_numbers: likewise.

    Raises:
        StripError: the path is relative to a .blend that was never saved.
    """
    if settings.output_dir:
        chosen = absolute_path(settings.output_dir, message("The output folder"))
        if not is_one_of_many:
            return chosen
        wanted = Path(chosen, file_name(source.strip_name))
    else:
        wanted = _beside(source) / _folder_name(settings, source, ending)
    return str(own_folder(wanted, source.files, others, keeps_numbers=keeps_numbers))


def suffix_of(settings: Any, source: ImageSource) -> str:
    """Return the suffix of the format that `settings` ask for.

    Raises:
        RequestError: the source's own cannot be written.
    """
    if settings.output_format == SAME_AS_SOURCE and vse_movies.movie_of_source(source):
        return MOVIE_FRAME_SUFFIX
    if settings.output_format == SAME_AS_SOURCE and source.files:
        return output_suffix(Path(source.files[0]))
    return f".{settings.output_format.lower()}"


def sequence_prefix(source: ImageSource) -> str:
    """Return what names of output frames begin with: the source's own beginning, or its strip's.

    Files that are named by numbers alone take the name of their folder.
    """
    movie = vse_movies.movie_of_source(source)
    if movie is not None:
        return f"{file_name(movie.stem)}_"
    first = Path(source.files[0]) if source.files else Path(source.strip_name)
    prefix, number = split_number(first)
    if number is None or not prefix:
        name = first.parent.name if number is not None else source.strip_name
        prefix = Path(file_name(name)).stem
    return prefix if prefix.endswith(("_", "-", ".", " ")) else f"{prefix}_"


def file_name(name: str) -> str:
    """Return `name` with what no file system takes replaced."""
    return re.sub(r'[/\\:*?"<>|\0]', "_", name)


def _beside(source: ImageSource) -> Path:
    movie = vse_movies.movie_of_source(source)
    return (movie or Path(source.files[0])).parent if source.files else Path.cwd()


def _folder_name(settings: Any, source: ImageSource, ending: str) -> str:
    name = sequence_prefix(source).rstrip("_-. ") or "frames"
    if source.is_part:  # the other part of a cut strip may want a folder as well
        first, last = (split_number(Path(file))[1] for file in (source.files[0], source.files[-1]))
        name = f"{name}_{first}-{last}" if first is not None else f"{name}_{source.strip_name}"
    return folder_name(name, ending, settings.model)
