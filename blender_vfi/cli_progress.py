"""Shows a job's events in a terminal or a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import IO

from .engine.protocol import Event, Found, Notice, Progress, Stage, Started

_LINE_EVERY_S = 5.0
_MOST_LISTED = 20


class ProgressPrinter:
    """Prints progress: a line that renews itself in a terminal, now and then a line in a log.

    Args:
        stream: where to print.
        quiet: print notices only.
    """

    def __init__(self, stream: IO[str] = sys.stderr, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._renews = stream.isatty()
        self._width = 0
        self._printed_s = float("-inf")
        self._stage = ""

    def __enter__(self) -> ProgressPrinter:
        return self

    def __exit__(self, *_error: object) -> None:
        self._end_line()

    def show(self, event: Event) -> None:
        """Print what `event` means to somebody who waits."""
        if isinstance(event, Notice):
            self._end_line()
            print(event.message, file=self._stream)
        elif self._quiet:
            return
        elif isinstance(event, Found):
            for line in _found_lines(event):
                self._end_line()
                print(line, file=self._stream)
        elif isinstance(event, Started):
            self._end_line()
            print(
                f"{event.frames_total} frames on {event.device} in {event.precision}",
                file=self._stream,
            )
        elif isinstance(event, Stage):
            self._print_now_and_then(_stage_text(event), is_new=event.message != self._stage)
            self._stage = event.message
        elif isinstance(event, Progress):
            is_last = event.frames_done == event.frames_total
            self._print_now_and_then(_progress_text(event), is_new=is_last)

    def _print_now_and_then(self, text: str, *, is_new: bool) -> None:
        if self._renews:
            print("\r" + text.ljust(self._width), end="", file=self._stream, flush=True)
            self._width = len(text)
        elif is_new or time.monotonic() - self._printed_s >= _LINE_EVERY_S:
            print(text, file=self._stream, flush=True)
            self._printed_s = time.monotonic()

    def _end_line(self) -> None:
        if self._width:
            print(file=self._stream)
            self._width = 0


def _found_lines(event: Found) -> Iterator[str]:
    if event.cuts:
        yield f"{len(event.cuts)} cut(s), at frame(s) {listed(event.cut_numbers)}"
    if event.duplicates:
        numbers = listed(event.duplicate_numbers)
        yield f"{len(event.duplicates)} frame(s) like the one before: {numbers}"


def listed(numbers: Sequence[int]) -> str:
    """Write numbers with commas; the first ones of many."""
    text = ", ".join(map(str, numbers[:_MOST_LISTED]))
    return f"{text}, …" if len(numbers) > _MOST_LISTED else text


def _stage_text(event: Stage) -> str:
    if event.unit == "frames":
        return f"{event.message}: frame {event.done} of {event.total}"
    if event.total:
        return f"{event.message}: {event.done / 1e6:.1f} of {event.total / 1e6:.1f} MB"
    return f"{event.message}: {event.done / 1e6:.1f} MB" if event.done else event.message


def _progress_text(event: Progress) -> str:
    text = f"{event.frames_done}/{event.frames_total} frames"
    if event.frames_per_second > 0:
        text += f", {event.frames_per_second:.2f} frames/s"
    if event.seconds_left is not None and event.frames_done < event.frames_total:
        minutes, seconds = divmod(round(event.seconds_left), 60)
        hours, minutes = divmod(minutes, 60)
        text += f", {hours}:{minutes:02}:{seconds:02} left"
    return text
