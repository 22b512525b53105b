"""Devices, precision and what counts as memory that ran out, on a machine with a CPU alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from blender_vfi.engine import memory
from blender_vfi.engine.pipeline import Engine
from blender_vfi.errors import DeviceError, DeviceMemoryError, RequestError

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)


@pytest.fixture
def two_gpus(monkeypatch):
    """Let torch say that it sees two CUDA devices."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 6))


def test_auto_prefers_a_gpu_and_falls_back_on_the_cpu(monkeypatch, two_gpus):
    assert memory.choose_device("auto") == CUDA
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: False)
    assert memory.choose_device("auto") == CPU


def test_devices_are_chosen_by_type_and_index(two_gpus):
    assert memory.choose_device("cuda") == CUDA
    assert memory.choose_device("cuda:1") == torch.device("cuda", 1)
    assert memory.choose_device("cpu") == CPU
    assert memory.available_devices()[-1] == CPU


def test_device_that_is_not_there_is_told_with_those_that_are(two_gpus):
    with pytest.raises(DeviceError, match=r"Device cuda:2 is not there.*cuda:0, cuda:1.*cpu"):
        memory.choose_device("cuda:2")


@pytest.mark.parametrize("name", ["", "gpu", "CUDA", "cuda:x", "cuda:-1", "cuda:0:1"])
def test_name_of_no_device_is_refused(name):
    with pytest.raises(RequestError, match="must be auto, or one of cuda"):
        memory.choose_device(name)


def test_gpus_that_share_a_job_come_in_one_order(two_gpus):
    both = [CUDA, torch.device("cuda", 1)]
    assert memory.choose_devices("cuda:1, cuda:0") == both
    assert memory.choose_devices("all-gpus") == both
    assert memory.choose_devices("cuda:1") == both[1:]
    assert memory.choose_devices("cpu") == [CPU]


@pytest.mark.parametrize("names", ["cpu,cpu", "cuda:0,cpu", "auto,cuda:1", "cuda:0,cuda:1,cpu"])
def test_only_gpus_share_a_job(two_gpus, names):
    with pytest.raises(RequestError, match=rf"Device {names}: only GPUs of one kind .*all-gpus"):
        memory.choose_devices(names)


def test_gpus_of_two_kinds_do_not_share_a_job(monkeypatch, two_gpus):
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 1)
    with pytest.raises(RequestError, match="only GPUs of one kind"):
        memory.choose_devices("cuda:1,xpu")
    assert [device.type for device in memory.choose_devices("all-gpus")] == ["cuda", "cuda"]


def test_device_that_is_named_twice_is_refused(two_gpus):
    with pytest.raises(RequestError, match="names a device twice; name each once"):
        memory.choose_devices("cuda,cuda:0")


def test_all_gpus_where_there_is_none_is_refused():
    with pytest.raises(DeviceError, match=r"sees no GPU\. Choose auto or cpu"):
        memory.choose_devices("all-gpus")


@pytest.mark.parametrize("names", ["all-gpus", "cuda:0,cuda:1"])
def test_what_runs_on_one_device_takes_one(two_gpus, names):
    with pytest.raises(RequestError, match="share jobs of files alone; name one here"):
        memory.choose_device(names)


def test_gpus_that_share_a_job_share_a_precision(monkeypatch, two_gpus):
    both = [CUDA, torch.device("cuda", 1)]
    assert memory.choose_common_dtype("auto", both, half_precision=True) == torch.float16
    monkeypatch.setattr(
        torch.cuda, "get_device_capability", lambda device: (8, 6) if device == CUDA else (6, 1)
    )
    assert memory.choose_common_dtype("auto", both, half_precision=True) == torch.float32
    assert memory.choose_common_dtype("fp16", both, half_precision=True) == torch.float16


def test_auto_precision_is_half_only_where_it_is_fast_and_safe(monkeypatch, two_gpus):
    assert memory.choose_dtype("auto", CUDA, half_precision=True) == torch.float16
    assert memory.choose_dtype("auto", CUDA, half_precision=False) == torch.float32
    assert memory.choose_dtype("auto", CPU, half_precision=True) == torch.float32
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (6, 1))
    assert memory.choose_dtype("auto", CUDA, half_precision=True) == torch.float32


def test_precision_asked_for_is_taken_or_refused():
    assert memory.choose_dtype("fp32", CPU, half_precision=False) == torch.float32
    assert memory.choose_dtype("bf16", CPU, half_precision=True) == torch.bfloat16
    assert memory.choose_dtype("fp16", CUDA, half_precision=True) == torch.float16
    with pytest.raises(RequestError, match="not safe in half precision"):
        memory.choose_dtype("fp16", CUDA, half_precision=False)
    with pytest.raises(RequestError, match="fp16 on the CPU"):
        memory.choose_dtype("fp16", CPU, half_precision=True)
    with pytest.raises(RequestError, match="Precision 'fp8'"):
        memory.choose_dtype("fp8", CPU, half_precision=True)


@pytest.mark.parametrize("name", ["fp32", "fp16", "bf16"])
def test_names_of_dtypes_go_both_ways(name):
    assert memory.dtype_name(memory.choose_dtype(name, CUDA, half_precision=True)) == name


def test_memory_of_the_cpu_is_measured():
    assert 0 < memory.resident_memory_bytes() <= memory.peak_memory_bytes() * 2
    assert memory.free_memory_bytes(CPU) > 0
    assert memory.device_memory_bytes(CPU) == 0


def test_clearing_hands_back_what_this_process_keeps():
    """In a process of its own, since the allocator's settings stay for good."""
    work = """
import torch
from blender_vfi.engine import host_allocator, memory
is_kept = host_allocator.keep_freed()
first = memory.resident_memory_bytes()
picture = torch.ones(60 << 18)
del picture
kept = memory.resident_memory_bytes() - first >> 20
memory.clear_cache(torch.device("cpu"))
print(is_kept, kept, memory.resident_memory_bytes() - first >> 20)
"""
    told = subprocess.check_output([sys.executable, "-c", work], text=True).split()
    is_kept, kept_mib, left_mib = told[0] == "True", int(told[1]), int(told[2])
    assert (kept_mib >= 60) == is_kept
    assert left_mib < 10


@pytest.mark.parametrize("is_initialised", [True, False])
def test_locked_memory_goes_back_between_jobs_where_there_may_be_any(monkeypatch, is_initialised):
    emptied = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: is_initialised)
    monkeypatch.setattr(torch.accelerator, "empty_host_cache", lambda: emptied.append("2.10"))
    Engine().hand_back()
    assert emptied == ["2.10"] * is_initialised
    monkeypatch.delattr(torch.accelerator, "empty_host_cache")
    monkeypatch.setattr(torch._C, "_host_emptyCache", lambda: emptied.append("2.5"), raising=False)
    Engine().hand_back()
    assert emptied == ["2.10", "2.5"] * is_initialised
    monkeypatch.delattr(torch._C, "_host_emptyCache")
    Engine().hand_back()  # what torch 2.4 keeps, it keeps


def test_a_device_that_failed_does_not_end_the_engine_when_memory_goes_back(monkeypatch):
    def fail():
        calls.append(True)
        raise RuntimeError("CUDA error: device-side assert triggered")

    calls = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.accelerator, "empty_host_cache", fail)
    Engine().hand_back()
    assert calls == [True]


def test_batches_are_single_on_the_cpu():
    assert memory.largest_batch(CPU) == 1
    assert memory.largest_batch(CUDA) > 1


def failing(times, message="out of memory"):
    attempts = []

    def attempt():
        attempts.append(1)
        if len(attempts) <= times:
            raise RuntimeError(message)
        return len(attempts)

    return attempt


def test_relief_comes_once_between_two_attempts():
    relieved = []
    assert memory.with_relief(failing(0), relieve=lambda: relieved.append(1), message="m") == 1
    assert relieved == []
    assert memory.with_relief(failing(1), relieve=lambda: relieved.append(1), message="m") == 2
    assert relieved == [1]
    with pytest.raises(DeviceMemoryError, match=r"^m$"):
        memory.with_relief(failing(2), relieve=lambda: None, message="m")


def test_other_errors_pass_without_relief():
    relieved = []
    with pytest.raises(RuntimeError, match="a bug"):
        memory.with_relief(failing(1, "a bug"), relieve=lambda: relieved.append(1), message="never")
    assert relieved == []
