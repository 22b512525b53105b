"""What the engine does beside jobs: it stores checkpoints, and tells of itself and of movies."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from ..errors import JobCancelledError
from ..models import catalog
from ..models.loading import ensure_stored
from . import memory, movies
from .protocol import Cancelled, Described, Device, Event, Examine, Examined, Fetch, Fetched, Stage

_PACKAGES = ("torch", "numpy", "OpenImageIO", "huggingface_hub", "safetensors", "av")


def fetch_checkpoint(
    request: Fetch, *, on_event: Callable[[Event], None], is_cancelled: Callable[[], bool]
) -> None:
    """Store the checkpoint that `request` names; one that is here already is only checked.

    Raises:
        JobCancelledError: `is_cancelled` said so; what has arrived is kept, to go on from.
        UnknownModelError: the catalog has no such model.
        LicenceError: its licence has to be accepted first.
        DownloadError: it cannot be fetched or stored.
        CheckpointError: what came is not the file that was published.
    """
    spec = catalog.find(request.model)

    def report(message: str, done: int = 0, total: int = 0) -> None:
        if is_cancelled():
            raise JobCancelledError(f"The download of {spec.title} was cancelled.")
        on_event(Stage(job_id=request.job_id, message=message, done=done, total=total))

    try:
        report(f"Looking for {spec.title}")
        path = ensure_stored(
            spec,
            progress=partial(report, f"Downloading {spec.title}"),
            accept_licence=request.accept_licence,
        )
    except JobCancelledError:
        on_event(Cancelled(job_id=request.job_id, frames_done=0))
        raise
    on_event(Fetched(job_id=request.job_id, path=str(path)))


def describe_engine(job_id: str) -> Described:
    """Say which packages and devices this engine has."""
    return Described(
        job_id=job_id,
        packages=(f"Python {platform.python_version()}", *map(_versioned, _PACKAGES)),
        devices=tuple(
            Device(
                name=str(device),
                title=memory.device_title(device),
                memory_bytes=memory.total_memory_bytes(device),
            )
            for device in memory.available_devices()
        ),
    )


def examine_movie(request: Examine) -> Examined:
    """Say how many frames a movie has, and at what rate.

    Raises:
        FrameError: it cannot be read.
        EngineError: PyAV is not there.
    """
    index = movies.index_of_movie(Path(request.path))
    return Examined(
        job_id=request.job_id,
        frame_count=index.frame_count,
        rate=index.rate.as_integer_ratio(),
    )


def _versioned(package: str) -> str:
    if package == "torch":
        return f"torch {torch.__version__}"  # with the build: "+cu128" says what the wheel does not
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:  # a system's own package may tell nothing
        return f"{package} (version unknown)" if _is_there(package) else f"{package} (not there)"


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
