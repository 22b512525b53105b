"""Reading weights out of files that are damaged, hostile, too large or something else."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from blender_vfi.errors import CheckpointError
from blender_vfi.models import state_dicts

from . import toy

pytestmark = pytest.mark.torch


class Bomb:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self):
        return Path.touch, (self.victim,)


@pytest.mark.parametrize("kind", ["zip", "legacy", "bare"])
def test_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, kind):
    victim = tmp_path / "victim"
    content = {
        "zip": toy.as_pickle({"conv.weight": Bomb(victim)}),
        "legacy": toy.as_pickle(
            {"conv.weight": Bomb(victim)}, _use_new_zipfile_serialization=False
        ),
        "bare": pickle.dumps({"conv.weight": Bomb(victim)}, protocol=2),
    }[kind]
    path = toy.write(tmp_path / "bomb.pkl", content)
    with pytest.raises(CheckpointError, match="nothing in it was run") as raised:
        state_dicts.read_state_dict(path)
    assert str(path) in str(raised.value)
    assert not victim.exists()


def test_bomb_runs_when_unpickled_carelessly(tmp_path):
    """Show that the test above could fail."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "victim")))
    assert (tmp_path / "victim").exists()


@pytest.mark.parametrize("kept", [3, 30, 300, 1000])
def test_truncated_pickle_is_refused_and_named(tmp_path, kept):
    path = toy.write(tmp_path / "cut.pkl", toy.as_pickle(toy.published_weights())[:kept])
    with pytest.raises(CheckpointError, match=r"cut\.pkl"):
        state_dicts.read_state_dict(path)


def test_pickle_that_ends_within_a_length_is_refused(tmp_path):
    """Torch's reader has a struct.error for that."""
    path = toy.write(tmp_path / "cut.pth", b"\x80\x02X\x05\x00")
    with pytest.raises(CheckpointError, match=r"cut\.pth cannot be read as weights"):
        state_dicts.read_state_dict(path)


def test_every_flipped_byte_of_a_legacy_file_is_survived(tmp_path):
    content = toy.as_pickle({"a": torch.zeros(1)}, _use_new_zipfile_serialization=False)
    refused = 0
    for index in range(len(content)):
        damaged = content[:index] + bytes([content[index] ^ 0x55]) + content[index + 1 :]
        try:
            state_dicts.read_state_dict(toy.write(tmp_path / "x.pth", damaged))
        except CheckpointError:
            refused += 1
    assert refused > len(content) // 4


def test_every_flipped_byte_of_a_safetensors_header_is_survived(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "good")
    content = (tmp_path / "good").read_bytes()
    refused = 0
    for index in range(len(content) - 4):
        damaged = content[:index] + bytes([content[index] ^ 0x55]) + content[index + 1 :]
        try:
            state_dicts.read_state_dict(toy.write(tmp_path / "x.safetensors", damaged))
        except CheckpointError:
            refused += 1
    assert refused > len(content) // 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "A web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"", "no checkpoint"),
        (toy.as_pickle([torch.zeros(1)]), "not a state dict"),
        (toy.as_pickle({}), "not a state dict"),
        (toy.as_pickle({"a": 3}), "holds int under 'a'"),
        (toy.as_pickle({"a": torch.zeros(2).to_sparse()}), "plain tensor"),
    ],
)
def test_file_that_is_no_state_dict_is_refused_with_the_reason(tmp_path, content, words):
    path = toy.write(tmp_path / "x.pkl", content)
    with pytest.raises(CheckpointError, match=words) as raised:
        state_dicts.read_state_dict(path)
    assert str(path) in str(raised.value)


def test_zip_without_weights_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match="without weights"):
        state_dicts.read_state_dict(tmp_path / "x.zip")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"absent\.pth cannot be read: No such file"):
        state_dicts.read_state_dict(tmp_path / "absent.pth")


def test_file_over_the_limit_is_refused_before_it_is_read(tmp_path):
    path = toy.write(tmp_path / "x.pth", toy.as_pickle(toy.published_weights()))
    with pytest.raises(CheckpointError, match="has at most 1,000"):
        state_dicts.read_state_dict(path, largest_bytes=1000)


def test_archive_that_unpacks_over_the_limit_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", bytes(1_000_000))
    with pytest.raises(CheckpointError, match="has at most 100,000"):
        state_dicts.read_state_dict(tmp_path / "x.pth", largest_bytes=100_000)


def test_small_file_that_fills_the_memory_when_copied_is_refused(tmp_path):
    path = toy.write(tmp_path / "x.pth", toy.as_pickle({"a": torch.zeros(1).expand(1 << 40)}))
    with pytest.raises(CheckpointError, match="takes 4,398,046,511,104 bytes"):
        state_dicts.read_state_dict(path)
