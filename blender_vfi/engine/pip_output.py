"""Understands what pip prints: which package it is at, and why it failed.

Standard library alone.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass

from ..messages import message
from ..remedies import remedy

_COLLECTING = re.compile(r"\s*Collecting ([A-Za-z0-9._-]+)")
_PROCESSING = re.compile(r"\s*Processing \S*?([^\s/\\]+)\.whl")
_DOWNLOADING = re.compile(r"\s*Downloading (\S+)(?: \(([\d.]+) ([kMG]?)B\))?")
_INSTALLING = re.compile(r"\s*Installing collected packages: (.+)")
_UNITS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}

_NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|timed out|Connection refused|Max retries"
    r"|Name or service not known|getaddrinfo|Temporary failure in name|ProxyError|Network is unrea"
    r"|Connection reset|Connection aborted|IncompleteRead|ProtocolError",
    re.IGNORECASE,
)
_HOST = re.compile(r"host='([^']+)'")
_CERTIFICATE = re.compile(r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerification")
_NO_SPACE = re.compile(r"No space left|Errno 28|not enough space on the disk", re.IGNORECASE)
_LONG_PATH = re.compile(r"Long Path support", re.IGNORECASE)
_NOT_FOUND = re.compile(r"No matching distribution found for (\S+)")
_TAIL_LINES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PipNews:
    """What a line of pip's says.

    Attributes:
        text: in words.
        filename: the file that it begins to download; None for none.
        total_bytes: how large that is; 0 where pip does not tell.
        is_installing: whether everything has arrived.
    """

    text: str
    filename: str | None = None
    total_bytes: int = 0
    is_installing: bool = False


def read_line(line: str) -> PipNews | None:
    """Return what a line of pip's says, None where that is nothing for a user."""
    if match := _DOWNLOADING.match(line):
        return _describe_download(match)
    if match := _COLLECTING.match(line):
        return PipNews(text=message("Looking for {package}", package=match[1]))
    if match := _PROCESSING.match(line):
        return PipNews(text=message("Unpacking {package}", package=match[1].partition("-")[0]))
    if match := _INSTALLING.match(line):
        names = match[1].split(", ")
        text = message("Installing {package}", package=names[0])
        if len(names) > 1:
            text = message("Installing {count} packages", count=len(names))
        return PipNews(text=text, is_installing=True)
    return None


def lacks_distribution(lines: Sequence[str]) -> bool:
    """Whether pip failed because no index has the package, though each could be reached."""
    text = "\n".join(lines)
    return bool(_NOT_FOUND.search(text)) and not _NO_NETWORK.search(text)


def describe_failure(lines: Sequence[str]) -> str:
    """Say why pip failed, with its last lines of error and what to do next."""
    text = "\n".join(lines)
    errors = [line for line in lines if line.startswith("ERROR")] or list(lines)
    said = "\n".join(errors[-_TAIL_LINES:]) or "(it said nothing)"
    return f"pip failed. {_next_step(text)} It said:\n{said}"


def _next_step(text: str) -> str:
    if _NO_SPACE.search(text):
        return "The disk is full: free some space, then try again."
    if _LONG_PATH.search(text):
        return (
            "A path is longer than Windows allows: turn on long paths (the registry value "
            "LongPathsEnabled, see pip's hint), then try again."
        )
    if _CERTIFICATE.search(text):
        return (
            "The package index's certificate is not trusted: if your network has its own, name it "
            "to pip with the environment variable PIP_CERT, then try again."
        )
    if _NO_NETWORK.search(text):
        hosts = ", ".join(sorted(set(_HOST.findall(text))))
        where = f" at {hosts}" if hosts else ""
        return (
            f"The package index{where} cannot be reached: check the network, or name a proxy in "
            "HTTPS_PROXY or a mirror in PIP_INDEX_URL, then try again."
        )
    if match := _NOT_FOUND.search(text):
        return (
            f"No package index that this machine uses has {match[1]}: add one that has it with the "
            f"environment variable PIP_EXTRA_INDEX_URL, or {_by_hand()}."
        )
    return f"Try again, or {_by_hand()}."


def _by_hand() -> str:
    return remedy(
        panel="choose My Python and install the engine there yourself",
        terminal="install the engine into a Python of yours and name it with --engine-python",
    )


def _describe_download(match: re.Match[str]) -> PipNews:
    filename = urllib.parse.unquote(match[1].rpartition("/")[2])
    name = filename.partition("-")[0]
    if filename.endswith(".metadata"):  # a few kilobytes on what a package needs
        return PipNews(text=message("Looking for {package}", package=name))
    total = float(match[2]) * _UNITS[match[3]] if match[2] else 0
    text = message("Downloading {package}", package=name)
    return PipNews(text=text, filename=filename, total_bytes=int(total))
