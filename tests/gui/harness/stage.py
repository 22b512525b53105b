"""The stage that a scenario plays on: waiting, checking, pictures, and the verdict at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path

Steps = Generator[float, None, None]
Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels, counted from the top left corner of the screen."""

_TICK_S = 0.05


class ScenarioError(Exception):
    """Something on the stage is not as it should be."""


class Stage:
    """What a scenario has at hand.

    Args:
        folder: the scenario's own; pictures and the verdict go there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._began_s = time.monotonic()
        self._notes: list[str] = []

    def say(self, text: str) -> None:
        """Put `text` into the log, with the time."""
        at_s = time.monotonic() - self._began_s
        print(f"[{at_s:6.1f} s] {text}", flush=True)  # noqa: T201 - Blender's log

    def note(self, text: str) -> None:
        """Put a finding into the log and into the table of results."""
        self.say(text)
        self._notes.append(text)

    def check(self, claim: object, otherwise: str) -> None:
        """Go on only if `claim` holds.

        Raises:
            ScenarioError: it does not; `otherwise` says what is there instead.
        """
        if not claim:
            raise ScenarioError(otherwise)

    def until(self, claim: Callable[[], object], what: str, *, limit_s: float) -> Steps:
        """Let Blender go on until `claim` holds.

        Raises:
            ScenarioError: it does not within `limit_s`; the message names `what` was waited for.
        """
        deadline_s = time.monotonic() + limit_s
        while not claim():
            if time.monotonic() > deadline_s:
                raise ScenarioError(f"waited {limit_s:g} s in vain until {what}")
            yield _TICK_S
        self.say(what)

    def picture(self, name: str) -> Path:
        """Take a picture of the screen; `name` is the file's, without its suffix."""
        path = self.folder / f"{name}.png"
        _import(str(path))
        return path

    def pixels(self, box: Box) -> bytes:
        """Return what the screen shows in a part of it, to compare."""
        left, top, width, height = box
        return _import("-crop", f"{width}x{height}+{left}+{top}", "+repage", "ppm:-")

    def win(self) -> None:
        """Write down that all went well, where Blender ends before the scenario can."""
        self._write_verdict(failure=None)

    def stepper(self, begin: Callable[[], Steps]) -> Callable[[], float]:
        """Return a function for Blender's timer that plays the steps that `begin` gives."""
        steps: list[Steps] = []

        def step() -> float:
            try:
                if not steps:
                    steps.append(begin())
                return next(steps[0])
            except StopIteration:
                self._end(failure=None)
            except BaseException as error:  # noqa: BLE001 - whatever it is, Blender must end
                if not isinstance(error, ScenarioError):
                    traceback.print_exc()
                self._end(failure=f"{type(error).__name__}: {error}")

        return step

    def _end(self, failure: str | None) -> None:
        code = 1 if failure else 0
        try:
            if failure:
                self.say(failure)
                self.picture("failed")
        except (ScenarioError, subprocess.SubprocessError) as error:
            self.say(str(error))
        finally:
            self._write_verdict(failure)
            sys.stdout.flush()
            os._exit(code)  # whatever Blender still does, or would ask

    def _write_verdict(self, failure: str | None) -> None:
        verdict = {"failure": failure, "notes": self._notes}
        (self.folder / "verdict.json").write_text(json.dumps(verdict), encoding="utf-8")


def _import(*arguments: str) -> bytes:
    """Let ImageMagick look at the screen: Blender's own screenshots can come out black."""
    command = ["import", "-window", "root", *arguments]
    try:
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    except FileNotFoundError as error:
        raise ScenarioError("no picture: ImageMagick's import is not installed") from error
