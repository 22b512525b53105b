"""Makes the engine's own environment with venv and pip.

No bpy and no torch here; the standard library alone. Which index pip uses stays the machine's own
choice (PIP_INDEX_URL, pip.conf). An index of torch's is added only where the machine's own lack the
build that is wanted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import EngineSetupError
from . import environment, pip_output
from .background import Control, remove_tree, where_named
from .check import describe_engine
from .protocol import Described
from .torch_builds import REQUIREMENTS, TorchBuild

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 14)
"""The Pythons that the pinned torch has wheels for."""

_LINES = 60
_TAIL_LINES = 6
_DOWNLOADS_SHARE = 0.6  # of the time, as it is on a common network
_TESTED_AT = 0.92
_PROBE = """\
import importlib.util, json, sys
has = {name: importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip")}
print(json.dumps([sys.version_info[:3], sys.maxsize > 2**32, has]))
"""
# settings of pip's that would put packages elsewhere than into the environment
_MISLEADING = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "PYTHONPATH", "PIP_PYTHON")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What came of a set-up.

    Attributes:
        record: the environment, now in use.
        described: what the engine says of itself in it.
        notice: what the user should know, such as a GPU that was not found; empty for nothing.
    """

    record: environment.EnvironmentRecord
    described: Described
    notice: str


def install(root: Path, build: TorchBuild, python: str, control: Control) -> Installed:
    """Make the engine's environment under `root`; blocks for minutes.

    The one that is there stays in use until the new one is whole and an engine has run in it.

    Args:
        root: the environment's folder; made when missing.
        build: of torch.
        python: interpreter to make it with.
        control: told the progress, and asked whether to go on.

    Raises:
        EngineSetupError: it cannot be made; nothing half-made is left behind.
        EngineError: what was made does not run; it was removed.
        JobCancelledError: cancelled; nothing half-made is left behind.
    """
    with environment.setting_up(root):
        control.report("Removing what an earlier attempt has left", 0.0)
        environment.remove_leftovers(root, keep_downloads=True)
        control.report("Looking at Python", 0.01)
        version = _check_python(python, control)
        folder = environment.new_folder(root, build.name)
        installer = _Installer(root=root, folder=folder, build=build, control=control)
        installer.check_space()
        try:
            installer.make(python)
            control.report("Testing the engine", _TESTED_AT)
            described = _test(build, str(environment.python_in(folder)), control)
            record = environment.EnvironmentRecord(
                folder=folder.name,
                build=build.name,
                python_version=version,
                packages=described.packages,
                requirements_sha256=environment.requirements_sha256(),
            )
            control.raise_if_cancelled()
            environment.write_record(root, record)
        except BaseException:
            _remove_half_made(folder)
            raise
        control.report("Removing what is no longer needed", 0.98)
        try:
            environment.remove_leftovers(root, keep_downloads=False)
            left = ""
        except EngineSetupError as error:  # the old one is in use: the next set-up removes it
            left = str(error)
    notices = (_missing_device(build, described), left)
    return Installed(record=record, described=described, notice=" ".join(filter(None, notices)))


class _Installer:
    """The steps between an empty folder and an environment with every package in it."""

    def __init__(self, *, root: Path, folder: Path, build: TorchBuild, control: Control) -> None:
        self._root = root
        self._folder = folder
        self._build = build
        self._control = control
        self._factor = 0.05
        # the system's own folder for temporary files may be small, and wheels are large
        self._scratch = folder / "tmp"
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in _MISLEADING},
            "PIP_USER": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self._scratch),
            "TEMP": str(self._scratch),
            "TMP": str(self._scratch),
        }

    def check_space(self) -> None:
        """Raise `EngineSetupError` where the disk has no room."""
        free = shutil.disk_usage(self._root).free
        if free < self._build.disk_bytes:
            raise EngineSetupError(
                f"The engine for {self._build.title} needs about "
                f"{self._build.disk_bytes / 1e9:.1f} GB; {self._root} has {free / 1e9:.1f} GB "
                f"free: free some space on that disk, or {environment.own_python()}."
            )

    def make(self, python: str) -> None:
        """Make the virtual environment, and install everything into it."""
        self._scratch.mkdir(parents=True)
        self._control.report("Making the environment", 0.02)
        self._make_venv(python)
        self._install_torch()
        later = ["--requirement", str(REQUIREMENTS)]
        if self._build.needs_index_later and self._build.index_url is not None:
            later += ["--extra-index-url", self._build.index_url]
        lines, code = self._pip(later, installed_at=0.75)
        if code != 0:
            raise EngineSetupError(pip_output.describe_failure(lines))
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _install_torch(self) -> None:
        """Install the build alone: where it lies is a question of its own."""
        wanted = ["--no-deps", self._build.requirement]
        lines, code = self._pip(wanted, installed_at=0.3)
        if code != 0 and self._build.index_url and pip_output.lacks_distribution(lines):
            wanted += ["--extra-index-url", self._build.index_url]
            lines, code = self._pip(wanted, installed_at=0.3)
        if code != 0:
            raise EngineSetupError(pip_output.describe_failure(lines))

    def _pip(self, arguments: Sequence[str], *, installed_at: float) -> tuple[list[str], int]:
        """Run pip; return its last lines and its exit code.

        Args:
            arguments: what to install, and from where.
            installed_at: how far all the work is when pip begins to install.
        """
        lines: deque[str] = deque(maxlen=_LINES)

        def hear(line: str) -> None:
            lines.append(line)
            news = pip_output.read_line(line)
            if news is not None:
                self._tell(news, installed_at)

        python = str(environment.python_in(self._folder))
        command = [python, "-I", "-m", "pip", "install", "--only-binary=:all:"]
        command += ["--progress-bar=off", *self._cache_options(), *arguments]
        code = self._control.run(command, hear, environment=self._environment)
        return list(lines), code

    def _tell(self, news: pip_output.PipNews, installed_at: float) -> None:
        """Report what pip does; downloads count by their size."""
        span = 0.0
        if news.filename is not None:
            span = _DOWNLOADS_SHARE * min(news.total_bytes / self._build.download_bytes, 1.0)
        elif news.is_installing:
            self._factor = max(self._factor, installed_at)
        download = (self._scratch, news.filename) if news.filename is not None else None
        self._control.report(
            news.text, self._factor, download=download, total_bytes=news.total_bytes, span=span
        )
        self._factor = min(self._factor + span, _TESTED_AT)

    def _cache_options(self) -> list[str]:
        """Keep downloads for another try where there is room for them."""
        needed = self._build.disk_bytes + self._build.download_bytes
        if shutil.disk_usage(self._root).free < needed:
            return ["--no-cache-dir"]
        return ["--cache-dir", str(environment.downloads_folder(self._root))]

    def _make_venv(self, python: str) -> None:
        lines: deque[str] = deque(maxlen=_LINES)
        command = [python, "-I", "-m", "venv", str(self._folder)]
        code = self._control.run(command, lines.append, environment=self._environment)
        if code != 0:
            said = "\n".join(list(lines)[-_TAIL_LINES:])
            raise EngineSetupError(
                f"{python} cannot make a virtual environment (exit code {code}): name another "
                f"Python {where_named()}. It said:\n{said or '(nothing)'}"
            )


def _check_python(python: str, control: Control) -> str:
    """Return the version of an interpreter once it is known to be able to make an environment."""
    lines: list[str] = []
    code = control.run([python, "-I", "-c", _PROBE], lines.append)
    try:
        version, is_64_bit, has = json.loads(lines[-1] if code == 0 else "")
    except (ValueError, IndexError):
        said = "\n".join(lines[-_TAIL_LINES:])
        raise EngineSetupError(
            f"{python} is no Python that runs (exit code {code}): name another one "
            f"{where_named()}. It said:\n{said or '(nothing)'}"
        ) from None
    name = ".".join(map(str, version))
    if not OLDEST_PYTHON <= tuple(version[:2]) <= NEWEST_PYTHON or not is_64_bit:
        raise EngineSetupError(
            f"{python} is Python {name} ({64 if is_64_bit else 32} bits); torch needs 64 bits and "
            f"3.{OLDEST_PYTHON[1]} to 3.{NEWEST_PYTHON[1]}: name such a Python {where_named()}."
        )
    missing = [module for module, is_there in has.items() if not is_there]
    if missing:
        raise EngineSetupError(
            f"{python} lacks {' and '.join(missing)}, which make virtual environments: install "
            f"them (on Debian and Ubuntu, the package python3.{version[1]}-venv), or name another "
            f"Python {where_named()}."
        )
    return name


def _test(build: TorchBuild, python: str, control: Control) -> Described:
    """Let an engine run in the new environment, and see that it has the build that was wanted."""
    described = describe_engine(python, control)
    torch = next((name for name in described.packages if name.startswith("torch ")), "no torch")
    if build.tag is not None and not torch.endswith(f"+{build.tag}"):
        raise EngineSetupError(
            f"{torch} was installed in place of {build.requirement}: an index that this machine "
            "uses has another build under that name. Look at pip's settings (pip config list)."
        )
    return described


def _missing_device(build: TorchBuild, described: Described) -> str:
    if any(device.name.partition(":")[0] == build.device for device in described.devices):
        return ""
    return build.device_missing


def _remove_half_made(folder: Path) -> None:
    """Remove what came of a set-up that failed; what stays is removed by the next one."""
    with contextlib.suppress(OSError):
        remove_tree(folder)
