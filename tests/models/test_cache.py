"""The cache of loaded models, with a simulated device in place of a real one."""

from __future__ import annotations

import dataclasses
import os
import threading

import pytest
import torch

from blender_vfi.errors import CheckpointError
from blender_vfi.models.cache import ModelCache
from blender_vfi.models.loading import LoadedModel

from . import toy

pytestmark = pytest.mark.torch

GIB = 1 << 30
CPU = torch.device("cpu")
META = torch.device("meta")


class Device:
    """A device whose memory the loaded models fill, until it is released."""

    def __init__(self, *, total_bytes: int, model_bytes: int = GIB) -> None:
        self.free_bytes = total_bytes
        self.model_bytes = model_bytes
        self.loads: list[str] = []
        self.releases: list[torch.device] = []

    def load(self, spec, *, device, dtype, checkpoint, **_options) -> LoadedModel:
        self.loads.append(spec.name)
        self.free_bytes -= self.model_bytes
        return LoadedModel(
            model=toy.build("narrow"),
            spec=spec,
            checkpoint=checkpoint,
            sha256="",
            device=device,
            dtype=dtype,
            memory_bytes=self.model_bytes,
        )

    def release(self, device: torch.device) -> None:
        self.releases.append(device)
        self.free_bytes += self.model_bytes

    def cache(self, **options) -> ModelCache:
        return ModelCache(
            load=self.load,
            free_memory=lambda _device: self.free_bytes,
            release=self.release,
            **options,
        )


def get(cache, name="toy-narrow", *, device=CPU, dtype=torch.float32, **options):
    return cache.get(toy.make_spec(name), device=device, dtype=dtype, **options)


def test_second_job_gets_the_same_model_without_a_load():
    machine = Device(total_bytes=64 * GIB)
    cache = machine.cache()
    assert get(cache) is get(cache)
    assert machine.loads == ["toy-narrow"]


def test_a_model_that_is_let_go_while_its_device_is_waited_for_is_loaded_anew():
    machine = Device(total_bytes=64 * GIB)
    cache = machine.cache()
    first = get(cache)
    assert get(cache, before_device=cache.clear) is not first
    assert machine.loads == ["toy-narrow"] * 2


def test_device_dtype_memory_format_and_model_each_have_their_own_entry():
    machine = Device(total_bytes=64 * GIB)
    cache = machine.cache()
    get(cache)
    get(cache, device=META)
    get(cache, dtype=torch.float16)
    get(cache, memory_format=torch.channels_last)
    get(cache, "toy-wide")
    assert len(cache) == len(machine.loads) == 5


def test_models_stay_while_four_gib_are_free():
    machine = Device(total_bytes=8 * GIB)
    cache = machine.cache()
    for name in "abcde":
        get(cache, name)
    assert len(cache) == 5
    assert machine.releases == []


def test_least_recently_used_model_goes_first_when_less_is_free():
    machine = Device(total_bytes=6 * GIB)
    cache = machine.cache()
    for name in ("a", "b", "c", "a"):
        get(cache, name)
    machine.loads.clear()
    get(cache, "d")
    get(cache, "a")
    get(cache, "c")
    assert machine.loads == ["d"]
    get(cache, "b")
    assert machine.loads == ["d", "b"]


def test_no_more_models_go_than_needed():
    machine = Device(total_bytes=6 * GIB)
    cache = machine.cache()
    for name in ("a", "b", "c", "d"):
        get(cache, name)
    assert len(cache) == 3
    assert len(machine.releases) == 1


def test_limit_is_settable():
    machine = Device(total_bytes=6 * GIB)
    cache = machine.cache(limit_bytes=GIB)
    for name in "abcde":
        get(cache, name)
    assert len(cache) == 5


def test_a_job_may_keep_more_or_less_memory_free():
    machine = Device(total_bytes=6 * GIB)
    cache = machine.cache()
    for name in "abcde":
        get(cache, name, limit_bytes=0)
    assert len(cache) == 5
    get(cache, "f", limit_bytes=3 * GIB)
    assert len(cache) == 4, "a and b went: 1 GiB was free, and 3 are asked for"
    get(cache, "g")
    assert machine.loads == [*"abcdefg"]


@pytest.mark.parametrize(("dtype", "kept"), [(torch.float32, 1), (torch.float16, 2)])
def test_model_that_needs_more_than_the_limit_gets_it(dtype, kept):
    machine = Device(total_bytes=8 * GIB)
    cache = machine.cache()
    get(cache, "small")
    huge = dataclasses.replace(toy.make_spec("huge"), parameters=2 * GIB)
    cache.get(huge, device=CPU, dtype=dtype)
    assert len(cache) == kept


def test_models_of_another_device_stay():
    machine = Device(total_bytes=5 * GIB)
    cache = machine.cache()
    get(cache, "a", device=META)
    get(cache, "b", device=META)
    get(cache, "c")
    assert len(cache) == 3
    assert machine.releases == []


def test_load_goes_on_when_nothing_is_left_to_let_go():
    machine = Device(total_bytes=GIB)
    cache = machine.cache()
    get(cache, "a")
    get(cache, "b")
    assert machine.loads == ["a", "b"]
    assert len(cache) == 1


def test_clear_lets_every_model_go_and_counts_them():
    machine = Device(total_bytes=64 * GIB)
    cache = machine.cache()
    get(cache, "a")
    get(cache, "b")
    get(cache, "b", device=META)
    assert cache.clear() == 3
    assert len(cache) == 0
    assert set(machine.releases) == {CPU, META}
    assert cache.clear() == 0


def test_replaced_checkpoint_of_the_user_is_loaded_anew(tmp_path):
    machine = Device(total_bytes=64 * GIB)
    cache = machine.cache()
    path = tmp_path / "own.pth"
    path.write_bytes(b"one")
    first = get(cache, checkpoint=path)
    assert get(cache, checkpoint=path) is first
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert get(cache, checkpoint=path) is not first


def test_users_checkpoint_and_the_catalogs_are_kept_apart(tmp_path):
    machine = Device(total_bytes=64 * GIB)
    cache = machine.cache()
    path = tmp_path / "own.pth"
    path.write_bytes(b"one")
    assert get(cache, checkpoint=path) is not get(cache)


def test_failed_load_leaves_nothing_in_the_cache(tmp_path):
    machine = Device(total_bytes=64 * GIB)

    def fail(_spec, **_options):
        raise CheckpointError("damaged")

    cache = ModelCache(load=fail, free_memory=lambda _device: 64 * GIB, release=machine.release)
    with pytest.raises(CheckpointError):
        get(cache, checkpoint=tmp_path / "absent.pth")
    assert len(cache) == 0


def test_models_are_let_go_at_once_while_another_one_loads():
    machine = Device(total_bytes=64 * GIB)
    begun, may_end = threading.Event(), threading.Event()

    def load(spec, **options):
        if spec.name == "toy-wide":
            begun.set()
            assert may_end.wait(20)
        return machine.load(spec, **options)

    cache = ModelCache(load=load, free_memory=lambda _device: 64 * GIB, release=machine.release)
    get(cache)
    loading = threading.Thread(target=get, args=(cache, "toy-wide"))
    loading.start()
    assert begun.wait(20)
    dropped = []
    clearing = threading.Thread(target=lambda: dropped.append(cache.clear()))
    clearing.start()
    clearing.join(5)
    try:
        assert dropped == [1]
    finally:
        may_end.set()
        loading.join(20)
        clearing.join(20)
    assert len(cache) == 1
