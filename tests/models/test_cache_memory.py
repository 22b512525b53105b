"""The cache with real networks: what it lets go is gone, counted by the tensors that are alive."""

from __future__ import annotations

import gc
import importlib

import pytest
import torch
from safetensors.torch import save_file

from blender_vfi.models import catalog
from blender_vfi.models.cache import ModelCache

from ..golden_data import load_manifest, recipe_weights

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")

NETWORKS = {"ifrnet-s": "ifrnet_s", "rife-4.15.lite": "rife_4.15.lite"}
"""Two small models of different architectures, and the golden files that have their weights."""


def alive_bytes() -> int:
    """Count the memory of all tensors that Python still holds, each storage once."""
    gc.collect()
    storages = {}
    for item in gc.get_objects():
        # compiling leaves tensors of kinds without memory
        if type(item) in (torch.Tensor, torch.nn.Parameter) and item.device == CPU:
            storage = item.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Write the file of each network."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name, golden in NETWORKS.items():
        module = importlib.import_module(f"blender_vfi.models.{catalog.find(name).architecture}")
        weights = module.normalise_state_dict(recipe_weights(load_manifest(golden)))
        save_file({key: tensor.contiguous() for key, tensor in weights.items()}, folder / name)
    return folder


class Machine:
    """A device with a little memory, in which every living tensor counts."""

    def __init__(self, checkpoints, *, total_bytes: int) -> None:
        self._checkpoints = checkpoints
        self._before = alive_bytes()
        self.cache = ModelCache(
            free_memory=lambda _device: total_bytes - self.held_bytes(),
            release=lambda _device: gc.collect(),
            limit_bytes=0,
        )

    def held_bytes(self) -> int:
        return alive_bytes() - self._before

    def load(self, name: str) -> int:
        """Load a model and let it go, as a job does; return what the cache says that it takes."""
        spec = catalog.find(name)
        loaded = self.cache.get(
            spec, device=CPU, dtype=torch.float32, checkpoint=self._checkpoints / name
        )
        assert loaded.spec.name == name
        return loaded.memory_bytes


@pytest.fixture(scope="module")
def sizes(checkpoints):
    """What each of the networks takes, by its own count."""
    machine = Machine(checkpoints, total_bytes=1 << 40)
    return {name: machine.load(name) for name in NETWORKS}


def test_models_hold_what_the_cache_says_and_no_more(checkpoints, sizes):
    machine = Machine(checkpoints, total_bytes=1 << 40)
    for name in NETWORKS:
        machine.load(name)
    assert len(machine.cache) == 2
    held = sum(sizes.values())
    assert held <= machine.held_bytes() < 1.01 * held


def test_second_model_takes_the_place_of_the_first_where_both_do_not_fit(checkpoints, sizes):
    machine = Machine(checkpoints, total_bytes=round(1.5 * max(sizes.values())))
    first, second = NETWORKS
    machine.load(first)
    machine.load(second)
    assert len(machine.cache) == 1
    assert sizes[second] <= machine.held_bytes() < 1.01 * sizes[second]


def test_taking_turns_never_adds_up(checkpoints, sizes):
    total_bytes = round(1.5 * max(sizes.values()))
    machine = Machine(checkpoints, total_bytes=total_bytes)
    for name in [*NETWORKS, *NETWORKS]:
        machine.load(name)
        assert machine.held_bytes() < 1.01 * sizes[name] < total_bytes


def test_cleared_cache_holds_nothing(checkpoints):
    machine = Machine(checkpoints, total_bytes=1 << 40)
    for name in NETWORKS:
        machine.load(name)
    assert machine.cache.clear() == 2
    assert machine.held_bytes() == 0


def test_model_in_use_stays_alive_after_the_cache_lets_it_go(checkpoints, sizes):
    machine = Machine(checkpoints, total_bytes=1 << 40)
    name = next(iter(NETWORKS))
    in_use = machine.cache.get(
        catalog.find(name), device=CPU, dtype=torch.float32, checkpoint=checkpoints / name
    )
    machine.cache.clear()
    assert machine.held_bytes() >= sizes[name]
    del in_use
    assert machine.held_bytes() == 0
