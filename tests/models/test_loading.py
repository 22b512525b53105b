"""From a published file to a model: conversion, verification, recognition, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from blender_vfi.errors import CheckpointError, DownloadError, LicenceError
from blender_vfi.models import catalog, loading, locations, recognition, rife, state_dicts, store
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


def formats():
    plain = {key.removeprefix("module."): value for key, value in toy.published_weights().items()}
    return {
        "torch": toy.as_pickle(plain),
        "torch-legacy": toy.as_pickle(plain, _use_new_zipfile_serialization=False),
        "with-prefix": PUBLISHED,
        "in-state_dict": toy.as_pickle({"epoch": 3, "state_dict": plain}),
        "in-model": toy.as_pickle({"model": plain, "optimizer": {"lr": 0.1}}),
    }


@pytest.mark.parametrize("name", formats())
def test_every_format_is_recognised_by_its_tensors(tmp_path, name):
    path = toy.write(tmp_path / "renamed.bin", formats()[name])
    assert loading.identify_checkpoint(path) == ("toy", "narrow")
    loaded = load(toy.make_spec(), checkpoint=path)
    assert loaded.sha256 == store.sha256_of(path)
    assert torch.equal(loaded.model.conv.bias, toy.published_weights()["module.conv.bias"])


def test_safetensors_file_is_recognised_by_its_tensors(tmp_path):
    path = tmp_path / "renamed.bin"
    save_file(toy.published_weights("wide"), path)
    assert loading.identify_checkpoint(path) == ("toy", "wide")


def test_variant_follows_the_users_file(tmp_path):
    path = toy.write(tmp_path / "wide.pth", toy.as_pickle(toy.published_weights("wide")))
    loaded = load(toy.make_spec("toy-narrow"), checkpoint=path)
    assert loaded.spec.name == "toy-wide"
    assert loaded.model.state_dict()["conv.weight"].shape == (4, 3, 3, 3)


def test_users_file_of_another_architecture_than_the_model_is_refused(tmp_path):
    path = toy.write(tmp_path / "toy.pth", PUBLISHED)
    other = dataclasses.replace(toy.make_spec(), name="film", architecture="film")
    with pytest.raises(CheckpointError, match="checkpoint of toy narrow; film needs one of film"):
        load(other, checkpoint=path)


def test_foreign_file_is_refused_with_its_shapes(tmp_path):
    path = toy.write(tmp_path / "x.pth", toy.as_pickle({"fc.weight": torch.zeros(5, 7)}))
    with pytest.raises(
        CheckpointError, match=r"no known architecture \(toy\).*fc\.weight \(5, 7\)"
    ):
        loading.identify_checkpoint(path)


def test_near_miss_says_which_shape_decided(tmp_path):
    path = toy.write(tmp_path / "x.pth", toy.as_pickle({"conv.weight": torch.zeros(7, 3, 3, 3)}))
    with pytest.raises(CheckpointError, match=r"no known variant.*conv\.weight is \(7, 3, 3, 3\)"):
        loading.identify_checkpoint(path)


def test_file_that_fits_two_architectures_is_refused_with_both(tmp_path, monkeypatch):
    toy.register(monkeypatch, "toy", "twin")
    path = toy.write(tmp_path / "x.pth", PUBLISHED)
    with pytest.raises(CheckpointError, match=r"toy narrow, twin narrow.*conv\.bias"):
        loading.identify_checkpoint(path)


def test_missing_and_foreign_tensors_are_listed():
    weights = {"conv.weight": torch.zeros(2, 3, 3, 4), "extra": torch.zeros(1)}
    with pytest.raises(CheckpointError) as raised:
        recognition.build("toy", "narrow", weights, Path("x.pth"))
    message = str(raised.value)
    assert "lacks conv.bias" in message
    assert "has extra besides" in message
    assert "conv.weight (2, 3, 3, 4) instead of (2, 3, 3, 3)" in message


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    weights = toy.published_weights()
    weights["module.conv.bias"][1] = value
    path = toy.write(tmp_path / "x.pth", toy.as_pickle(weights))
    with pytest.raises(CheckpointError, match=r"conv\.bias holds values that are not finite"):
        load(toy.make_spec(), checkpoint=path)


REAL_CATALOG = catalog.CATALOG


@pytest.fixture
def real_catalog(monkeypatch):
    monkeypatch.setattr(catalog, "CATALOG", REAL_CATALOG)


RIFE_SPECS = [
    entry for entry in REAL_CATALOG if entry.architecture == "rife" and not entry.is_guided
]


@pytest.mark.parametrize("entry", RIFE_SPECS, ids=lambda entry: entry.name)
def test_rife_entry_agrees_with_its_architecture(entry):
    version = entry.name.removeprefix("rife-")
    assert rife.variant_of_version(version) == entry.variant
    with torch.device("meta"):
        model = rife.build(entry.variant)
    assert sum(parameter.numel() for parameter in model.parameters()) == entry.parameters
    assert rife.pad_multiple(entry.variant) == entry.pad_multiple
    assert rife.VARIANTS[entry.variant].ensemble is entry.ensemble


@pytest.mark.parametrize("variant", ["4.6", "4.25"])
def test_own_rife_file_is_recognised_and_loaded(tmp_path, real_catalog, variant):
    weights = rife.build(variant).state_dict()
    save_file(weights, tmp_path / "own.safetensors")
    assert loading.identify_checkpoint(tmp_path / "own.safetensors") == ("rife", variant)
    loaded = load(catalog.find("rife-4.26"), checkpoint=tmp_path / "own.safetensors")
    assert loaded.spec.name == {"4.6": "rife-4.6", "4.25": "rife-4.26"}[variant]
    assert all(torch.equal(weights[key], value) for key, value in loaded.model.state_dict().items())


@pytest.mark.parametrize(
    ("requested", "got"),
    [
        ("rife-4.2", "rife-4.2"),
        ("rife-4.4.refine", "rife-4.4.refine"),
        ("rife-4.25", "rife-4.2.refine"),
    ],
)
def test_file_with_refinement_serves_the_version_with_and_without_it(
    tmp_path, real_catalog, requested, got
):
    save_file(rife.build("4.2.refine").state_dict(), tmp_path / "own.safetensors")
    loaded = load(catalog.find(requested), checkpoint=tmp_path / "own.safetensors")
    assert loaded.spec.name == got
    parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
    assert parameters == catalog.find(got).parameters
