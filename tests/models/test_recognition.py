"""Files of a user's own: which architecture and variant they are of, and what is refused."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from blender_vfi.errors import CheckpointError
from blender_vfi.models import catalog, loading, recognition, rife, store

from . import toy

pytestmark = pytest.mark.torch

PUBLISHED = toy.as_pickle(toy.published_weights())


@pytest.fixture(autouse=True)
def toy_catalog(monkeypatch):
    toy.register(monkeypatch, "toy")


def load(entry, path: Path):
    return loading.load_model(
        entry, device=torch.device("cpu"), dtype=torch.float32, checkpoint=path
    )


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
    loaded = load(toy.make_spec(), path)
    assert loaded.sha256 == store.sha256_of(path)
    assert torch.equal(loaded.model.conv.bias, toy.published_weights()["module.conv.bias"])


def test_safetensors_file_is_recognised_by_its_tensors(tmp_path):
    path = tmp_path / "renamed.bin"
    save_file(toy.published_weights("wide"), path)
    assert loading.identify_checkpoint(path) == ("toy", "wide")


def test_variant_follows_the_users_file(tmp_path):
    path = toy.write(tmp_path / "wide.pth", toy.as_pickle(toy.published_weights("wide")))
    loaded = load(toy.make_spec("toy-narrow"), path)
    assert loaded.spec.name == "toy-wide"
    assert loaded.model.state_dict()["conv.weight"].shape == (4, 3, 3, 3)


def test_users_file_of_another_architecture_than_the_model_is_refused(tmp_path):
    path = toy.write(tmp_path / "toy.pth", PUBLISHED)
    other = dataclasses.replace(toy.make_spec(), name="film", architecture="film")
    with pytest.raises(CheckpointError, match="checkpoint of toy narrow; film needs one of film"):
        load(other, path)


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
        load(toy.make_spec(), path)


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
    loaded = load(catalog.find("rife-4.26"), tmp_path / "own.safetensors")
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
    loaded = load(catalog.find(requested), tmp_path / "own.safetensors")
    assert loaded.spec.name == got
    parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
    assert parameters == catalog.find(got).parameters
