"""Fetches one file from Hugging Face, taking up what an earlier attempt or process left undone.

`huggingface_hub` finds the file and speaks to the server; the unfinished file is ours. Its own
`hf_hub_download` throws away what has arrived when a process ends (since 1.18, huggingface_hub
issue 4196), loses up to 10 MB on every cut, and draws on the terminal. Here progress, cancelling
and the size limit work the same in every version from 0.27 on. No torch, no bpy.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, DownloadError
from .catalog_types import HubSource

_DEFAULT_ENDPOINT = "https://huggingface.co"
_LARGEST_BYTES = 4 << 30
_BLOCK_BYTES = 1 << 16
_TIMEOUT_S = 30
_PARTIAL_CONTENT = 206


def fetch(
    source: HubSource,
    folder: Path,
    *,
    size_bytes: int | None,
    report: Callable[[int, int], None],
) -> Path:
    """Download `source` into `folder` from `HF_ENDPOINT`, or from huggingface.co.

    Args:
        source: which file.
        folder: existing folder; an unfinished file of an earlier attempt is taken up there.
        size_bytes: what the file must measure; None accepts up to 4 GiB.
        report: called with bytes done and total; what it raises stops the download.

    Returns:
        The whole file, under a temporary name.

    Raises:
        DownloadError: the server cannot be reached, or does not give the file.
        CheckpointError: the file has another size.
    """
    endpoint = (os.environ.get("HF_ENDPOINT") or _DEFAULT_ENDPOINT).rstrip("/")
    where = f"{source.repo_id}/{source.filename} from {endpoint}"
    with _translated(where):
        return _fetch(source, folder, endpoint, where, size_bytes, report)


def _fetch(
    source: HubSource,
    folder: Path,
    endpoint: str,
    where: str,
    size_bytes: int | None,
    report: Callable[[int, int], None],
) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    head = get_hf_file_metadata(
        hf_hub_url(source.repo_id, source.filename, revision=source.revision, endpoint=endpoint)
    )
    total = head.size or size_bytes
    if size_bytes is not None and total != size_bytes:
        raise CheckpointError(
            f"{where} has {total:,} bytes, and must have {size_bytes:,}: it was replaced, and is "
            "not downloaded."
        )
    # the exact commit, so that a push between two attempts cannot mix two files into one
    revision = head.commit_hash or source.revision
    url = hf_hub_url(source.repo_id, source.filename, revision=revision, endpoint=endpoint)
    part = _part_path(folder, source, f"{url} {head.etag}")
    try:
        with _PartFile(part, where=where, total=total, report=report) as file:
            _receive(url, file)
    except CheckpointError:
        part.unlink()
        raise
    return part


def _part_path(folder: Path, source: HubSource, identity: str) -> Path:
    """Name the unfinished file of exactly this content; remove those of what it was before."""
    prefix = f".{_short_hash(f'{source.repo_id} {source.filename}')}-"
    part = folder / f"{prefix}{_short_hash(identity)}.part"
    for outdated in folder.glob(f"{prefix}*.part"):
        if outdated != part:
            outdated.unlink()
    return part


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _receive(url: str, file: _PartFile) -> None:
    """Fill `file` from `url`, resuming for as long as every attempt brings something."""
    from huggingface_hub.errors import HfHubHTTPError

    while not file.is_whole:
        before = file.size_bytes
        try:
            _append_rest(url, file)
        except HfHubHTTPError:
            raise
        except _transport_errors():
            if file.size_bytes <= before:
                raise
        else:
            return


def _append_rest(url: str, file: _PartFile) -> None:
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented, yet not re-exported by name

    # compressed bodies could be neither measured nor resumed
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if file.size_bytes:
        headers["Range"] = f"bytes={file.size_bytes}-"
    with _opened(url, headers) as (status, blocks):
        if status != _PARTIAL_CONTENT:
            file.restart()
        for block in blocks:
            file.append(block)
    if file.is_short:
        raise ConnectionError(f"the server ended after {file.size_bytes:,} bytes.")


@contextmanager
def _opened(url: str, headers: dict[str, str]) -> Iterator[tuple[int, Iterable[bytes]]]:
    """Give the status and the body of a GET, through whichever HTTP client the library uses."""
    from huggingface_hub.utils import get_session, hf_raise_for_status  # type: ignore[attr-defined]  # documented, yet not re-exported by name

    session: Any = get_session()
    is_httpx = callable(session.stream)  # from 1.0 on; in requests, before, it is a setting
    if is_httpx:
        opening = session.stream(
            "GET", url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=True
        )
    else:
        opening = session.get(url, headers=headers, timeout=_TIMEOUT_S, stream=True)
    with opening as response:
        hf_raise_for_status(response)
        blocks = response.iter_bytes() if is_httpx else response.iter_content(_BLOCK_BYTES)
        yield response.status_code, blocks


class _PartFile:
    """An unfinished download: a file that grows, tells how far it is, and has a limit."""

    def __init__(
        self, path: Path, *, where: str, total: int | None, report: Callable[[int, int], None]
    ) -> None:
        self._where = where
        self._total = total
        self._limit = total or _LARGEST_BYTES
        self._report = report
        self._file = path.open("ab")
        # without a total, a part could not be told from the whole
        if total is None or self.size_bytes > total:
            self.restart()

    def __enter__(self) -> _PartFile:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    @property
    def size_bytes(self) -> int:
        """How many bytes have arrived."""
        return self._file.tell()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing; never certain where the total is not known."""
        return self.size_bytes == self._total

    @property
    def is_short(self) -> bool:
        """Whether something is missing; never certain where the total is not known."""
        return self._total is not None and self.size_bytes < self._total

    def append(self, block: bytes) -> None:
        """Write what has arrived, and report it."""
        done = self.size_bytes + len(block)
        if done > self._limit:
            raise CheckpointError(
                f"{self._where} sends more than {self._limit:,} bytes: it is not the file that it "
                "says it is, and is not used."
            )
        self._file.write(block)
        self._report(done, self._total or 0)

    def restart(self) -> None:
        """Drop what has arrived."""
        self._file.seek(0)
        self._file.truncate()


def _transport_errors() -> tuple[type[Exception], ...]:
    """Return what the library raises when a connection fails.

    Its HTTP client changes with its version (requests, httpx, httpx2); the base classes of its own
    error are those of the client that it uses.
    """
    from huggingface_hub.errors import HfHubHTTPError

    clients = tuple(base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception))
    return (OSError, *clients)


def _failures() -> tuple[type[Exception], ...]:
    # ValueError: an address or a name that the library finds malformed
    return (*_transport_errors(), ValueError)


@contextmanager
def _translated(where: str) -> Iterator[None]:
    """Turn every error of the library into a `DownloadError`: the one place that does."""
    try:
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise DownloadError(
            f"Cannot download {where}: huggingface_hub is not installed. Install it in the "
            "engine's Python with: pip install huggingface_hub"
        ) from error
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise DownloadError(
            f"Cannot download {where}: the server answered {status}. Check HF_ENDPOINT if it is "
            "set; otherwise the file was moved or needs a login (HF_TOKEN)."
        ) from error
    except _failures() as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise DownloadError(
            f"Cannot download {where}: {reason.rstrip('.')}. Check the connection, the "
            "proxy and the space on the disk, and try again; what has arrived is kept."
        ) from error
