"""From a movie to a job that interpolates its frames. Standard library alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .folders import check_names, checked_job, plain_path
from .job_spec import JobSpec
from .movie_frames import movie_frame

DEFAULT_SUFFIX = ".png"
"""Keeps 8 and 16 bits and alpha, and every program reads it."""


def job_for_movie(
    source: Path, frame_count: int, output_dir: Path, *, job_id: str, **settings: Any
) -> JobSpec:
    """Describe the job that interpolates a movie.

    Args:
        source: the movie's file.
        frame_count: how many frames it has, as `protocol.Examined` tells.
        output_dir: where results go.
        job_id: see `JobSpec`.
        **settings: further fields of `JobSpec`; those left out keep their defaults, the format is
            PNG, and output names begin with the movie's.

    Raises:
        RequestError: a setting is unknown or out of range.
    """
    check_names(settings)
    source = plain_path(source)
    settings.setdefault("suffix", DEFAULT_SUFFIX)
    settings.setdefault("name_prefix", f"{source.stem}_")
    frames = [movie_frame(source, index) for index in range(frame_count)]
    return checked_job(frames, output_dir, job_id=job_id, **settings)
