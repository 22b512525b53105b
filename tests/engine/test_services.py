"""What the engine does beside jobs: storing a checkpoint, with progress and terms; describing."""

from __future__ import annotations

import dataclasses
import platform

import pytest
import torch

from blender_vfi.engine import services
from blender_vfi.engine.protocol import Cancelled, Fetch, Fetched, Stage
from blender_vfi.errors import (
    DownloadError,
    JobCancelledError,
    LicenceError,
    UnknownModelError,
)
from blender_vfi.models import catalog, locations
from blender_vfi.models.catalog_types import HubSource

from ..models import toy
from ..models.hub_server import serving

pytestmark = pytest.mark.torch

PUBLISHED = toy.as_pickle(toy.published_weights())


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """A catalog of one toy, whose weights are restricted, and a folder of its own for it."""
    toy.register(monkeypatch, "toy")
    spec = toy.make_spec(
        "toy-narrow", sources=(HubSource(repo_id="owner/repo", filename="toy.pth"),)
    )
    licence = dataclasses.replace(
        spec.checkpoint.licence, spdx="CC-BY-NC-4.0", holder="Toy Makers", commercial=False
    )
    restricted = dataclasses.replace(
        spec, checkpoint=dataclasses.replace(spec.checkpoint, licence=licence)
    )
    monkeypatch.setattr(catalog, "CATALOG", (restricted,))
    monkeypatch.setattr(locations, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setenv(locations.FOLDER_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(locations.OFFLINE_VARIABLE, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def hub(monkeypatch):
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.files["owner/repo/toy.pth"] = PUBLISHED
        yield server


def fetch(events, *, model="toy-narrow", accept_licence=True, is_cancelled=lambda: False):
    services.fetch_checkpoint(
        Fetch(job_id="a", model=model, accept_licence=accept_licence),
        on_event=events.append,
        is_cancelled=is_cancelled,
    )


def test_download_is_told_from_its_first_bytes_to_its_place(hub, folder):
    events = []
    fetch(events)
    first, *arriving, last = events
    path = folder / "toy" / "toy-narrow.safetensors"
    assert first == Stage(job_id="a", message="Looking for RIFE 4.6")  # the toy's title
    assert last == Fetched(job_id="a", path=str(path))
    assert path.is_file()
    assert {event.message for event in arriving} == {"Downloading RIFE 4.6"}
    assert (arriving[-1].done, arriving[-1].total) == (len(PUBLISHED), len(PUBLISHED))
    assert [event.done for event in arriving] == sorted(event.done for event in arriving)


def test_checkpoint_that_is_here_is_checked_without_network_and_terms(hub):
    fetch([])
    hub.requests.clear()
    events = []
    fetch(events, accept_licence=False)
    assert isinstance(events[-1], Fetched)
    assert hub.requests == []


def test_terms_that_were_not_accepted_are_named_before_any_request(hub, folder):
    events = []
    with pytest.raises(LicenceError, match=r"CC-BY-NC-4.0 by Toy Makers.*--accept-licence"):
        fetch(events, accept_licence=False)
    assert not any(isinstance(event, Fetched) for event in events)
    assert hub.requests == []
    assert not folder.exists()


def test_cancel_before_the_first_byte_asks_nobody(hub):
    events = []
    with pytest.raises(JobCancelledError, match=r"download of RIFE 4.6 was cancelled"):
        fetch(events, is_cancelled=lambda: True)
    assert events == [Cancelled(job_id="a", frames_done=0)]
    assert hub.requests == []


def test_cancel_while_bytes_arrive_keeps_them_for_the_next_attempt(hub, folder):
    events = []

    def is_cancelled():
        return any(isinstance(event, Stage) and event.done for event in events)

    hub.cuts += [600, 200]  # the second piece is told after the first has been, and ends it
    with pytest.raises(JobCancelledError):
        fetch(events, is_cancelled=is_cancelled)
    assert events[-1] == Cancelled(job_id="a", frames_done=0)
    assert not list(folder.glob("toy/*.safetensors"))
    assert list(folder.glob("toy/.*.part"))
    hub.requests.clear()
    fetch(events)
    assert isinstance(events[-1], Fetched)
    assert hub.ranges() == ["bytes=800-"]


def test_unknown_model_is_refused_before_anything_is_told():
    events = []
    with pytest.raises(UnknownModelError, match="'toy-broad'"):
        fetch(events, model="toy-broad")
    assert events == []


def test_download_that_fails_is_no_cancel(hub):
    hub.files.clear()
    events = []
    with pytest.raises(DownloadError):
        fetch(events)
    assert not any(isinstance(event, Cancelled | Fetched) for event in events)


def test_engine_names_its_packages_with_their_versions():
    described = services.describe_engine("b")
    assert described.job_id == "b"
    assert described.packages[:2] == (
        f"Python {platform.python_version()}",
        f"torch {torch.__version__}",
    )
    names = [package.split()[0] for package in described.packages]
    assert names[2:] == ["numpy", "OpenImageIO", "huggingface_hub", "safetensors", "av"]
    assert all(len(package.split()) == 2 for package in described.packages)


def test_engine_names_its_devices_the_best_first_and_always_the_cpu(monkeypatch):
    devices = services.describe_engine("b").devices
    assert devices[-1].name == "cpu"
    assert devices[-1].memory_bytes > 1 << 28
    assert all(device.title for device in devices)
    monkeypatch.setattr(
        services.memory,
        "available_devices",
        lambda: [torch.device("cuda:1"), torch.device("cpu")],
    )
    monkeypatch.setattr(services.memory, "device_title", lambda device: f"the {device.type}")
    monkeypatch.setattr(services.memory, "total_memory_bytes", lambda _device: 7)
    first, second = services.describe_engine("b").devices
    assert (first.name, first.title, first.memory_bytes) == ("cuda:1", "the cuda", 7)
    assert second.name == "cpu"
