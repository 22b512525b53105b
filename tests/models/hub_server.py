"""A Hugging Face server on loopback: one repository, served from memory, that can misbehave."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

import huggingface_hub
import huggingface_hub.constants  # reads HF_HUB_OFFLINE for good: before a test sets it

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubServer:
    """What the server serves, how it misbehaves, and what it was asked.

    Attributes:
        files: contents by path, such as "owner/repo/file.pth".
        cuts: after how many bytes each of the next bodies ends early.
        short_bodies: how many bytes each of the next bodies has, by its own word.
        tells_size: whether a HEAD's answer has the content's length.
        requests: method, path and Range header of every request, in order.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    short_bodies: list[int] = field(default_factory=list)
    tells_size: bool = True
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)

    def ranges(self) -> list[str | None]:
        return [wanted for method, _, wanted in self.requests if method == "GET"]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    state: HubServer


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        state = self.server.state
        wanted = self.headers.get("Range")
        state.requests.append((self.command, self.path, wanted))
        repository, _, rest = unquote(self.path).strip("/").partition("/resolve/")
        content = state.files.get(f"{repository}/{rest.partition('/')[2]}")
        if content is None:
            headers = {"X-Error-Code": "EntryNotFound", "Content-Length": "0"}
            self._send_head(404, headers)
            return
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if wanted and begin >= len(content):
            self._send_head(416, {"Content-Length": "0"})
            return
        end = len(content)
        if with_body and state.short_bodies:
            end = min(end, begin + state.short_bodies.pop(0))
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
        }
        if with_body or state.tells_size:
            headers["Content-Length"] = str(end - begin)
        if wanted:
            headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        self._send_head(206 if wanted else 200, headers)
        if with_body:
            self._send_body(content[begin:end])

    def _send_head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, body: bytes) -> None:
        cuts = self.server.state.cuts
        if cuts:
            body = body[: cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def serving() -> Iterator[HubServer]:
    """Run a server on a free port of 127.0.0.1 for as long as the block lasts."""
    state = HubServer()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.state = state
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        _close_clients()


def _close_clients() -> None:
    """Close the connections that huggingface_hub keeps open, under either of its names for it."""
    if hasattr(huggingface_hub, "close_session"):
        huggingface_hub.close_session()
    else:
        huggingface_hub.utils.reset_sessions()
