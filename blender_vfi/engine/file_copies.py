"""One file under two names, or its bytes in another."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..errors import FrameError


def link_file(source: Path, path: Path, unfinished: Path) -> bool:
    """Give a file a second name, in the place of whatever has it; False where that is refused.

    Args:
        source: the file.
        path: its second name.
        unfinished: what the second name is until it takes its place.
    """
    try:
        unfinished.unlink(missing_ok=True)
        os.link(source.resolve(), unfinished)  # itself, not a symbolic link to it
        unfinished.replace(path)
        unfinished.unlink(missing_ok=True)  # where both were the same file already, it stays
    except (OSError, NotImplementedError):  # another disk, or no links, or no right to
        return False
    return True


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's bytes; on file systems that share blocks, without writing them.

    Raises:
        FrameError: the source cannot be opened.
        OSError: reading goes wrong later, or the target cannot be written.
    """
    try:
        reader = source.open("rb")
    except OSError as error:
        raise FrameError(
            f"Source frame {source} cannot be read ({error.strerror}): restore it."
        ) from error
    with reader, target.open("wb") as writer:
        if not _copied_by_system(reader.fileno(), writer.fileno()):
            writer.seek(0)
            writer.truncate()
            os.lseek(reader.fileno(), 0, os.SEEK_SET)
            shutil.copyfileobj(reader, writer, 1 << 20)


def _copied_by_system(reader: int, writer: int) -> bool:
    """Let the system copy an open file, which may share the blocks; False where it does not."""
    if not hasattr(os, "copy_file_range"):  # Linux alone has it
        return False
    try:
        while os.copy_file_range(reader, writer, 1 << 30):
            pass
    except OSError:  # not between these two file systems; a true error comes again
        return False
    return os.fstat(reader).st_size == os.fstat(writer).st_size
