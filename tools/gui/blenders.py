"""Where windowed Blenders come from: Debian's packages, in folders under build/, or $BLENDER."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITES = ("sid", "trixie")

_TOOLS = ROOT / "tools" / "blender_root"
_INSIDE = Path(__file__).with_name("inside.py")
_WINDOW = ("--gpu-backend", "opengl", "--window-geometry", "0", "0", "1920", "1080")


class NoBlenderError(Exception):
    """This machine cannot have that Blender; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blender:
    """A Blender that can be started in a window.

    Attributes:
        title: for tables and folders.
        program: its path, or its name inside `folder`.
        folder: the system that it is in; None for this machine's own.
    """

    title: str
    program: str
    folder: Path | None = None

    def command(self, program: list[str], environment: Mapping[str, str]) -> list[str]:
        """Return the command that runs `program` where this Blender is."""
        settings = [f"{name}={value}" for name, value in environment.items()]
        if self.folder is None:
            return ["env", *settings, *program]
        return [
            *(str(_TOOLS / "enter"), str(self.folder)),
            *(word for path in bound_paths() for word in ("--bind", str(path))),
            *(word for setting in settings for word in ("--set", setting)),
            *("--", *program),
        ]

    def run(
        self, arguments: list[str], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run it without a window, to its end."""
        return subprocess.run(
            self.command([self.program, *arguments], environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def run_in_window(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        *,
        folder: Path,
        limit_s: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run it in a window; result.json and blender.log in `folder` say what became of it."""
        inside = [
            *(sys.executable if self.folder is None else "python3", str(_INSIDE)),
            *("--result", str(folder / "result.json"), "--log", str(folder / "blender.log")),
            *("--limit", str(limit_s)),
            *(["--own-display"] if self.folder is None and not shutil.which("Xvfb") else []),
        ]
        return subprocess.run(
            self.command([*inside, "--", self.program, *_WINDOW, *arguments], environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s + 120,
        )


def own_blender(program: str) -> Blender:
    """Return the Blender that $BLENDER names.

    Raises:
        NoBlenderError: it does not run, or there is nothing to draw its window on.
    """
    if not shutil.which("Xvfb") and not os.environ.get("DISPLAY"):
        raise NoBlenderError("there is neither Xvfb nor a display ($DISPLAY) for its window")
    if not shutil.which("import"):
        raise NoBlenderError("ImageMagick's import is missing, which takes the screenshots")
    path = shutil.which(program)
    if path is None:
        raise NoBlenderError(f"BLENDER={program} is no program")
    return Blender(title=_version(Blender(title="", program=path)), program=path)


def debian_blender(suite: str) -> Blender:
    """Return the Blender of a suite of Debian's; its system is built where it is missing.

    Raises:
        NoBlenderError: it cannot be built, or does not run.
    """
    folder = ROOT / "build" / "blender-roots" / suite
    made = subprocess.run(
        [str(_TOOLS / "make"), str(folder), suite], stdout=subprocess.PIPE, text=True, check=False
    )
    if made.returncode != 0:
        reason = made.stdout.strip() or f"it ended with exit code {made.returncode}"
        raise NoBlenderError(reason)
    bare = Blender(title="", program="blender", folder=folder)
    check_engine_python(bare)
    return Blender(title=f"{_version(bare)} ({suite})", program="blender", folder=folder)


def check_engine_python(blender: Blender) -> None:
    """See to it that the engine's Python runs where this Blender is.

    Raises:
        NoBlenderError: it does not; the message has what it said.
    """
    words = [sys.executable, "-c", "import torch, OpenImageIO"]
    result = subprocess.run(
        blender.command(words, {}), capture_output=True, text=True, check=False, timeout=300
    )
    if result.returncode != 0:
        raise NoBlenderError(
            f"{sys.executable} does not run in {blender.folder}, or lacks torch:\n"
            f"{result.stderr.strip()}"
        )


def bound_paths() -> list[Path]:
    """Return what a system in a folder has to see of this one: this tree, and this Python.

    The Python of a virtual environment lives elsewhere. If that is /usr, only what is its own is
    shown: the rest of /usr is the other system's.
    """
    paths = [ROOT, Path(sys.prefix)]
    base = Path(sys.base_prefix).resolve()
    if base == Path("/usr"):
        paths += [Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))]
    else:
        paths.append(base)
    shown: list[Path] = []
    for path in (path.resolve() if path != Path(sys.prefix) else path for path in paths):
        if not any(path.is_relative_to(other) for other in shown):
            shown.append(path)
    return shown


def _version(blender: Blender) -> str:
    result = blender.run(["--version"], {})
    if result.returncode != 0:
        raise NoBlenderError(f"{blender.program} does not run:\n{result.stderr.strip()}")
    # "Blender 5.2.2", "Blender 5.2.2 LTS"; libraries may print before it
    line = next(line for line in result.stdout.splitlines() if line.startswith("Blender "))
    return line.split()[1]
