"""From a published file to a model: conversion, verification, terms, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
import torch

from blender_vfi.errors import CheckpointError, DownloadError, LicenceError
from blender_vfi.models import loading, locations, state_dicts, store
from blender_vfi.models.catalog_types import HubSource

from . import toy
from .hub_server import serving

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")
HUB_PATH = "owner/repo/toy.pth"


PUBLISHED = toy.as_pickle(toy.published_weights())
OTHER = toy.as_pickle(toy.published_weights(seed=1))


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
    """Keep the machine's own checkpoints and settings out of the tests."""
    monkeypatch.setenv("BLENDER_VFI_CHECKPOINTS", str(tmp_path / "cache"))
    monkeypatch.setattr(locations, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    toy.register(monkeypatch, "toy")
    return tmp_path


@pytest.fixture
def server(monkeypatch):
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.files[HUB_PATH] = PUBLISHED
        yield running


def spec(content: bytes | None = PUBLISHED, name: str = "toy-narrow"):
    """Return an entry whose published hash is that of `content`, or that has none."""
    return toy.make_spec(
        name,
        sha256=hashlib.sha256(content).hexdigest() if content else None,
        sources=(HubSource(repo_id="owner/repo", filename="toy.pth"),),
    )


def load(entry, **options):
    return loading.load_model(entry, device=CPU, dtype=torch.float32, **options)


def stored(tmp_path: Path, name: str = "toy-narrow") -> Path:
    return tmp_path / "cache" / "toy" / f"{name}.safetensors"


def test_first_load_converts_and_later_loads_need_no_network(server, tmp_path):
    first = load(spec())
    asked = len(server.requests)
    again = load(spec(), offline=True)
    assert len(server.requests) == asked
    assert first.checkpoint == again.checkpoint == stored(tmp_path)
    expected = toy.published_weights()["module.conv.weight"]
    for loaded in (first, again):
        assert torch.equal(loaded.model.state_dict()["conv.weight"], expected)
        assert loaded.sha256 == hashlib.sha256(PUBLISHED).hexdigest()


def test_loaded_model_is_ready_for_inference(server):
    loaded = loading.load_model(spec(), device=CPU, dtype=torch.bfloat16)
    parameters = list(loaded.model.parameters())
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in parameters)
    assert {parameter.dtype for parameter in parameters} == {torch.bfloat16}
    assert loaded.memory_bytes == 56 * 2
    assert (loaded.device, loaded.dtype) == (CPU, torch.bfloat16)


def test_a_device_is_asked_for_once_the_weights_are_here(server):
    asked = []
    load(spec(), before_device=lambda: asked.append(len(server.requests)))
    assert asked == [len(server.requests)]
    assert asked[0] > 0
    load(spec(), before_device=lambda: asked.append("again"))
    assert asked[1:] == ["again"]


def test_memory_format_reaches_the_weights(server):
    weight = load(spec(), memory_format=torch.channels_last).model.state_dict()["conv.weight"]
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_stored_file_records_its_origin_and_holds_inference_weights_alone(server, tmp_path):
    load(spec())
    origin = json.loads(state_dicts.read_metadata(stored(tmp_path))[loading.METADATA_KEY])
    assert origin == {
        "source_sha256": hashlib.sha256(PUBLISHED).hexdigest(),
        "architecture": "toy",
        "variant": "narrow",
        "licence": "MIT",
    }
    assert set(state_dicts.read_state_dict(stored(tmp_path))) == {"conv.weight", "conv.bias"}


def test_conversion_gives_the_same_bytes_each_time(server, tmp_path):
    first = loading.ensure_stored(spec(), folder=tmp_path / "one").read_bytes()
    second = loading.ensure_stored(spec(), folder=tmp_path / "two").read_bytes()
    assert first == second


def test_nothing_but_checkpoint_receipt_and_lock_stays_in_the_cache(server, tmp_path):
    load(spec())
    names = {path.name for path in stored(tmp_path).parent.iterdir()}
    assert names - {".toy-narrow.lock"} == {"toy-narrow.safetensors", "toy-narrow.json"}


def test_shipped_checkpoint_comes_before_cache_and_network(server, tmp_path):
    loading.ensure_stored(spec(), folder=tmp_path / "shipped")
    server.files.clear()
    assert load(spec(), offline=True).checkpoint.is_relative_to(tmp_path / "shipped")


@pytest.mark.parametrize("change", ["flip", "truncate", "foreign"])
def test_stored_file_changed_later_is_refused_and_named(server, tmp_path, change):
    load(spec())
    path = stored(tmp_path)
    content = path.read_bytes()
    changed = {
        "flip": content[:-1] + bytes([content[-1] ^ 1]),
        "truncate": content[:-8],
        "foreign": OTHER,
    }[change]
    path.write_bytes(changed)
    with pytest.raises(CheckpointError, match="changed or damaged after it was stored") as raised:
        load(spec())
    assert str(path) in str(raised.value)
    assert path.read_bytes() == changed


def test_stored_file_without_receipt_is_refused(server, tmp_path):
    load(spec())
    stored(tmp_path).with_suffix(".json").unlink()
    with pytest.raises(CheckpointError, match="no record of where it came from"):
        load(spec())


@pytest.mark.parametrize("content", ["{", "[]", '{"file_sha256": "a"}'])
def test_damaged_receipt_is_refused_and_named(server, tmp_path, content):
    load(spec())
    receipt = stored(tmp_path).with_suffix(".json")
    receipt.write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match="no record of a stored checkpoint") as raised:
        load(spec())
    assert str(receipt) in str(raised.value)


def test_file_made_from_another_published_one_is_refused(server, tmp_path):
    load(spec())
    with pytest.raises(CheckpointError, match=hashlib.sha256(OTHER).hexdigest()):
        load(spec(OTHER))


def test_tampered_download_is_left_out_of_the_cache(server, tmp_path):
    server.files[HUB_PATH] = OTHER
    with pytest.raises(CheckpointError, match="must have"):
        load(spec())
    assert {path.name for path in stored(tmp_path).parent.iterdir()} <= {".toy-narrow.lock"}


def test_download_of_another_architecture_is_left_out_of_the_cache(server, tmp_path):
    foreign = toy.as_pickle({"fc.weight": torch.zeros(5, 7)})
    server.files[HUB_PATH] = foreign
    with pytest.raises(CheckpointError, match=r"toy-narrow does not fit toy narrow.*fc\.weight"):
        load(spec(foreign))
    assert {path.name for path in stored(tmp_path).parent.iterdir()} <= {".toy-narrow.lock"}


def test_hash_seen_first_is_kept_where_none_is_published(server, tmp_path):
    load(spec(None))
    stored(tmp_path).unlink()
    server.files[HUB_PATH] = OTHER
    with pytest.raises(CheckpointError, match="as it had when it was first downloaded"):
        load(spec(None))
    assert not stored(tmp_path).exists()
    server.files[HUB_PATH] = PUBLISHED
    assert load(spec(None)).sha256 == hashlib.sha256(PUBLISHED).hexdigest()


def test_existing_good_file_stays_when_the_server_offers_another(server, tmp_path):
    load(spec())
    before = stored(tmp_path).read_bytes()
    server.files[HUB_PATH] = OTHER
    load(spec())
    assert stored(tmp_path).read_bytes() == before


def test_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = toy.write(tmp_path / "file", b"old")

    def fail_halfway():
        with store.replacing(target) as temporary:
            temporary.write_bytes(b"ne")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_cache_that_cannot_be_written_to_is_named_with_a_remedy(server, tmp_path):
    toy.write(tmp_path / "cache", b"a file in the folder's place")
    with pytest.raises(DownloadError, match=r"Cannot store .*BLENDER_VFI_CHECKPOINTS"):
        load(spec())


def restricted(entry):
    """Return `entry` with terms that restrict what its weights may be used for."""
    licence = dataclasses.replace(entry.checkpoint.licence, spdx="CC-BY-NC-4.0", commercial=False)
    return dataclasses.replace(
        entry, checkpoint=dataclasses.replace(entry.checkpoint, licence=licence)
    )


def test_restricted_weights_are_not_downloaded_until_their_terms_are_accepted(server, tmp_path):
    entry = restricted(spec())
    for attempt in (loading.ensure_stored, load):
        with pytest.raises(LicenceError, match=r"CC-BY-NC-4.0.*no commercial use") as raised:
            attempt(entry)
        assert entry.checkpoint.licence.url in str(raised.value)
        assert "download toy-narrow --accept-licence" in str(raised.value)
    assert server.requests == []
    assert not stored(tmp_path).exists()


def test_accepted_terms_are_not_asked_for_again_once_the_weights_are_here(server, tmp_path):
    entry = restricted(spec())
    assert loading.ensure_stored(entry, accept_licence=True) == stored(tmp_path)
    assert load(entry).checkpoint == stored(tmp_path)


def test_shipped_restricted_weights_need_no_acceptance(server, tmp_path):
    entry = restricted(spec())
    shipped = loading.ensure_stored(entry, folder=tmp_path / "shipped", accept_licence=True)
    assert loading.ensure_stored(entry) == shipped


def test_restricted_model_without_a_source_asks_for_a_file_and_not_for_acceptance():
    entry = restricted(toy.make_spec())
    with pytest.raises(DownloadError, match="no source to download from"):
        loading.ensure_stored(entry)


def test_users_own_file_of_a_restricted_model_needs_no_acceptance(tmp_path):
    path = toy.write(tmp_path / "own.pth", PUBLISHED)
    assert load(restricted(spec()), checkpoint=path).checkpoint == path


def test_weights_for_any_use_need_no_acceptance(server, tmp_path):
    assert loading.ensure_stored(spec()) == stored(tmp_path)
