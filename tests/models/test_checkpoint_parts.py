"""Checkpoints that are published as several files: fetched, verified, stored as one, or given."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile

import pytest
import torch

from blender_vfi.errors import CheckpointError, DownloadError
from blender_vfi.models import cache, catalog, loading, locations, state_dicts, store, wheels
from blender_vfi.models.catalog_types import (
    Checkpoint,
    CheckpointPart,
    HubSource,
    WheelSource,
    combined_sha256,
)

from . import toy
from .hub_server import serving

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")
WHEEL = WheelSource(distribution="toy_parts", version="1.0", member="toy_parts/models")
HUB = HubSource(repo_id="owner/repo", filename="nets")

# The toy's two tensors, each a part of its own. The toy drops "module." from keys, so that part's
# file holds the rest of the name.
FILES = {
    "conv.pkl": toy.as_pickle({"weight": toy.published_weights()["module.conv.weight"]}),
    "rest_narrow.pkl": toy.as_pickle({"conv.bias": toy.published_weights()["module.conv.bias"]}),
}
OTHER = toy.as_pickle({"conv.bias": torch.zeros(2)})


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def parts_spec(*sources, known=True):
    """Return an entry of two parts; without `known`, nobody has published hashes or sizes."""
    parts = tuple(
        CheckpointPart(
            component=component,
            filename=filename,
            size_bytes=len(FILES[filename]) if known else None,
            sha256=sha256(FILES[filename]) if known else None,
            other_filenames=("rest.pkl",) if component == "module" else (),
        )
        for component, filename in (("conv", "conv.pkl"), ("module", "rest_narrow.pkl"))
    )
    spec = toy.make_spec()
    checkpoint = Checkpoint(
        filename=spec.checkpoint.filename,
        size_bytes=None,
        sha256=combined() if known else None,
        licence=spec.checkpoint.licence,
        sources=sources,
        parts=parts,
    )
    return dataclasses.replace(spec, checkpoint=checkpoint)


def combined():
    hashes = {"conv": sha256(FILES["conv.pkl"]), "module": sha256(FILES["rest_narrow.pkl"])}
    return combined_sha256(hashes)


def load(spec, **options):
    return loading.load_model(spec, device=CPU, dtype=torch.float32, **options)


def assert_is_the_toy(model):
    for key in ("conv.weight", "conv.bias"):
        assert torch.equal(model.state_dict()[key], toy.published_weights()[f"module.{key}"])


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
    monkeypatch.setenv("BLENDER_VFI_CHECKPOINTS", str(tmp_path / "cache"))
    monkeypatch.setattr(locations, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    toy.register(monkeypatch, "toy")


@pytest.fixture
def wheel_index(tmp_path, monkeypatch):
    """Give pip a folder with one wheel in place of an index."""
    folder = tmp_path / "index"
    folder.mkdir()
    write_wheel(folder, FILES)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheel(folder, files):
    info = "toy_parts-1.0.dist-info"
    with zipfile.ZipFile(folder / "toy_parts-1.0-py3-none-any.whl", "w") as archive:
        for name, content in files.items():
            archive.writestr(f"toy_parts/models/{name}", content)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy_parts\nVersion: 1.0")
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def server(monkeypatch):
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        for name, content in FILES.items():
            running.files[f"owner/repo/nets/{name}"] = content
        yield running


@pytest.fixture
def own_folder(tmp_path):
    for name, content in FILES.items():
        toy.write(tmp_path / "own" / name, content)
    return tmp_path / "own"


def kept(tmp_path):
    return {path.name for path in (tmp_path / "cache" / "toy").iterdir()} - {".toy-narrow.lock"}


def test_wheel_with_all_parts_is_downloaded_once(wheel_index, tmp_path, monkeypatch):
    commands = []
    make_command = wheels.pip_command
    monkeypatch.setattr(
        wheels, "pip_command", lambda *args: commands.append(args) or make_command(*args)
    )
    seen = []
    loaded = load(parts_spec(WHEEL), progress=lambda done, total: seen.append((done, total)))
    assert_is_the_toy(loaded.model)
    assert len(commands) == 1
    total = sum(len(content) for content in FILES.values())
    assert seen[-1] == (total, total)


def test_parts_are_stored_as_one_file_that_later_loads_need_alone(wheel_index, tmp_path):
    first = load(parts_spec(WHEEL))
    assert kept(tmp_path) == {"toy-narrow.safetensors", "toy-narrow.json"}
    again = load(parts_spec(WHEEL), offline=True)
    assert_is_the_toy(again.model)
    assert first.sha256 == again.sha256 == combined()


def test_parts_come_from_a_folder_on_the_hub(server, tmp_path):
    assert_is_the_toy(load(parts_spec(HUB)).model)
    assert kept(tmp_path) == {"toy-narrow.safetensors", "toy-narrow.json"}


def test_next_source_is_tried_when_a_part_is_missing(server, wheel_index):
    del server.files["owner/repo/nets/rest_narrow.pkl"]
    assert_is_the_toy(load(parts_spec(HUB, WHEEL)).model)


def test_replaced_part_is_named_and_nothing_is_kept(wheel_index, tmp_path):
    content = FILES["rest_narrow.pkl"]
    write_wheel(wheel_index, {**FILES, "rest_narrow.pkl": content[:-1] + b"!"})
    with pytest.raises(CheckpointError, match=r"toy-narrow: rest_narrow\.pkl of .*must have"):
        load(parts_spec(WHEEL))
    assert kept(tmp_path) == set()


def test_part_of_another_size_is_refused(wheel_index, tmp_path):
    write_wheel(wheel_index, {**FILES, "conv.pkl": FILES["conv.pkl"] + b"!"})
    with pytest.raises(CheckpointError, match=r"models/conv\.pkl in .* and must have"):
        load(parts_spec(WHEEL))
    assert kept(tmp_path) == set()


def test_hash_seen_first_is_kept_where_none_is_published(wheel_index, tmp_path):
    assert load(parts_spec(WHEEL, known=False)).sha256 == combined()
    (tmp_path / "cache" / "toy" / "toy-narrow.safetensors").unlink()
    write_wheel(wheel_index, {**FILES, "rest_narrow.pkl": OTHER})
    with pytest.raises(CheckpointError, match="as it had when it was first downloaded"):
        load(parts_spec(WHEEL, known=False))
    assert kept(tmp_path) == {"toy-narrow.json"}


def test_offline_mode_downloads_nothing(wheel_index):
    with pytest.raises(DownloadError, match="offline mode is on"):
        load(parts_spec(WHEEL), offline=True)


def test_folder_on_this_machine_is_stored_as_a_download_would_be(own_folder, tmp_path):
    path = loading.import_checkpoint(parts_spec(), own_folder, tmp_path / "cache")
    assert set(state_dicts.read_state_dict(path)) == {"conv.weight", "conv.bias"}
    assert_is_the_toy(load(parts_spec(), offline=True).model)
    assert {file.name for file in own_folder.iterdir()} == set(FILES)


def test_folder_with_another_file_is_not_imported(own_folder, tmp_path):
    toy.write(own_folder / "rest_narrow.pkl", OTHER)
    with pytest.raises(CheckpointError, match="not the published file"):
        loading.import_checkpoint(parts_spec(), own_folder, tmp_path / "cache")


@pytest.mark.parametrize("name", ["rest_narrow.pkl", "rest.pkl"])
def test_users_folder_is_loaded_under_either_name(own_folder, name):
    (own_folder / "rest_narrow.pkl").rename(own_folder / name)
    loaded = load(parts_spec(), checkpoint=own_folder)
    assert_is_the_toy(loaded.model)
    assert loaded.checkpoint == own_folder
    assert loaded.sha256 == combined()


def test_users_single_file_of_all_parts_is_loaded(own_folder, tmp_path):
    path = loading.import_checkpoint(parts_spec(), own_folder, tmp_path / "elsewhere")
    loaded = load(parts_spec(), checkpoint=path)
    assert_is_the_toy(loaded.model)
    assert loaded.sha256 == store.sha256_of(path)


def test_folder_that_lacks_a_part_says_which(own_folder):
    (own_folder / "rest_narrow.pkl").unlink()
    with pytest.raises(CheckpointError, match=r"lacks rest_narrow\.pkl or rest\.pkl.* 2 files"):
        load(parts_spec(), checkpoint=own_folder)


def test_folder_for_a_model_of_one_file_is_refused(own_folder):
    with pytest.raises(CheckpointError, match="is a folder; the checkpoint of toy-narrow is one"):
        load(toy.make_spec(), checkpoint=own_folder)
    with pytest.raises(CheckpointError, match="is a folder"):
        load(catalog.find("toy-narrow"), checkpoint=own_folder)


def test_combined_hash_changes_with_any_part_and_not_with_their_order():
    first = combined_sha256({"a": "1", "b": "2"})
    assert first == combined_sha256({"b": "2", "a": "1"})
    assert len({first, combined_sha256({"a": "2", "b": "1"}), combined_sha256({"a": "1"})}) == 3


def test_changed_part_in_a_users_folder_is_another_model(own_folder):
    models = cache.ModelCache(free_memory=lambda _: 1 << 40, release=lambda _: None)
    options = {"device": CPU, "dtype": torch.float32, "checkpoint": own_folder}
    first = models.get(parts_spec(), **options)
    assert models.get(parts_spec(), **options) is first
    toy.write(own_folder / "rest_narrow.pkl", OTHER)
    assert not models.get(parts_spec(), **options).model.conv.bias.any()


def test_stamp_of_a_users_folder_changes_with_any_file_in_it(own_folder):
    before = store.stamp(own_folder)
    assert before == store.stamp(own_folder)
    toy.write(own_folder / "rest_narrow.pkl", OTHER + b"longer")
    assert before != store.stamp(own_folder)
    with pytest.raises(FileNotFoundError):
        store.stamp(own_folder / "absent")
