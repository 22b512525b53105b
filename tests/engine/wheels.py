"""Tiny wheels under the names that the engine needs, and package indexes made of them."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blender_vfi.engine.torch_builds import REQUIREMENTS


def write_wheel(folder: Path, name: str, version: str, *, padding: int = 0) -> Path:
    """Write a wheel with one module that knows its version."""
    module = name.lower().replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": f"__version__ = {version!r}\n" + "#" * padding,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in files.items()
    )
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


def write_requirements(folder: Path, *, without: tuple[str, ...] = ()) -> None:
    """Write a wheel for every package that the engine needs, in every version that it pins."""
    for name, version in re.findall(r"(?m)^(\w+)==([\w.]+)", REQUIREMENTS.read_text()):
        if name not in without:
            write_wheel(folder, name, version)


def as_index(wheels: Path, index: Path) -> None:
    """Lay wheels out as a package index: a folder for each project."""
    for wheel in wheels.glob("*.whl"):
        project = index / wheel.name.partition("-")[0].replace("_", "-")
        project.mkdir(parents=True, exist_ok=True)
        wheel.rename(project / wheel.name)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine's own address; give its URL."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments) -> None:
        pass


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
