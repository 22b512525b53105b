"""Which device a job runs on, how much memory is left there, and how to give memory back."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import psutil
import torch

from ..errors import DeviceError, DeviceMemoryError, RequestError
from ..models.full_memory import is_out_of_memory
from . import host_allocator, main_memory
from .limits import ALL_GPUS

_T = TypeVar("_T")

DEVICE_TYPES = ("cuda", "mps", "xpu", "cpu")

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def choose_device(requested: str) -> torch.device:
    """Return the device called `requested`; "auto" takes the first of CUDA, MPS, XPU and CPU.

    Args:
        requested: "auto", a type such as "cuda", or a type with an index such as "cuda:1".

    Raises:
        RequestError: not the name of a device.
        DeviceError: the device is not there; the message lists those that are.
    """
    if requested == "auto":
        return available_devices()[0]
    if requested == ALL_GPUS or "," in requested:
        raise RequestError(
            f"Device {requested!r}: several GPUs share jobs of files alone; name one here."
        )
    device_type, _, index = requested.partition(":")
    if device_type not in DEVICE_TYPES or (index and not index.isdecimal()):
        raise RequestError(
            f"Device {requested!r}: must be auto, or one of {', '.join(DEVICE_TYPES)}, with an "
            "index such as cuda:1 where there are several."
        )
    device = torch.device(device_type, int(index or 0)) if device_type != "cpu" else _CPU
    present = available_devices()
    if device not in present:
        listed = ", ".join(str(item) for item in present)
        raise DeviceError(
            f"Device {requested} is not there: this engine (torch {torch.__version__}) sees "
            f"{listed}. Choose one of these or auto, or install a torch built for the device."
        )
    return device


def choose_devices(requested: str) -> list[torch.device]:
    """Return the devices that share a job, in an order that is the same for every job.

    Args:
        requested: one device as for `choose_device`, several GPUs of one kind with commas between
            ("cuda:0,cuda:1"), or "all-gpus" for all of the kind that "auto" takes.

    Raises:
        RequestError: not the names of devices, or of such as cannot share a job.
        DeviceError: a device is not there.
    """
    if requested == ALL_GPUS:
        present = available_devices()
        if not is_gpu(present[0]):
            raise DeviceError(
                f"Device {requested}: this engine (torch {torch.__version__}) sees no GPU. Choose "
                "auto or cpu, or install a torch built for your GPUs."
            )
        return [device for device in present if device.type == present[0].type]
    names = [name.strip() for name in requested.split(",")]
    devices = [choose_device(name) for name in names]
    if len(devices) == 1:
        return devices
    if "auto" in names or len({device.type for device in devices}) > 1 or _CPU in devices:
        raise RequestError(
            f"Device {requested}: only GPUs of one kind can share a job. Name such GPUs, as in "
            f"cuda:0,cuda:1, take {ALL_GPUS}, or name one device."
        )
    if len(set(devices)) < len(devices):
        raise RequestError(f"Device {requested}: names a device twice; name each once.")
    return sorted(devices, key=lambda device: device.index)


def available_devices() -> list[torch.device]:
    """List the devices that torch can use here, the preferred one first and the CPU last."""
    devices = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append(torch.device("mps", 0))
    if torch.xpu.is_available():
        devices += [torch.device("xpu", index) for index in range(torch.xpu.device_count())]
    return [*devices, _CPU]


def choose_dtype(requested: str, device: torch.device, *, half_precision: bool) -> torch.dtype:
    """Return the number format to run a model in.

    Args:
        requested: "auto", "fp32", "fp16" or "bf16". Auto takes fp16 on CUDA devices with fast half
            precision (compute capability 7.0 and up), and fp32 elsewhere.
        device: where the model will run.
        half_precision: whether the model is safe in fp16; see `catalog_types.ModelSpec`.

    Raises:
        RequestError: fp16 or bf16 was asked for and model or device do not support it.
    """
    if requested == "auto":
        is_fast = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (7, 0)
        return torch.float16 if is_fast and half_precision else torch.float32
    dtype = _DTYPES.get(requested)
    if dtype is None:
        raise RequestError(f"Precision {requested!r}: must be auto, {', '.join(_DTYPES)}.")
    if dtype is not torch.float32 and not half_precision:
        raise RequestError(
            f"Precision {requested}: this model is not safe in half precision; choose auto or fp32."
        )
    if dtype is torch.float16 and device.type == "cpu":
        raise RequestError(
            "Precision fp16 on the CPU: it is slower there than fp32 and less exact; choose auto "
            "or fp32, or a GPU."
        )
    return dtype


def choose_common_dtype(
    requested: str, devices: Sequence[torch.device], *, half_precision: bool
) -> torch.dtype:
    """Return the number format for devices that share a job; see `choose_dtype`.

    Where not all are fast in half precision, none runs in it: their frames would differ.
    """
    dtypes = {choose_dtype(requested, device, half_precision=half_precision) for device in devices}
    return dtypes.pop() if len(dtypes) == 1 else torch.float32


def dtype_name(dtype: torch.dtype) -> str:
    """Name `dtype` as users type it: "fp32", "fp16", "bf16"."""
    return next(name for name, known in _DTYPES.items() if known is dtype)


def free_memory_bytes(device: torch.device) -> int:
    """Return how much memory is free on `device`: for the CPU what the system can still give."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    # torch 2.4 does not have these two yet
    if device.type == "xpu" and hasattr(torch.xpu, "mem_get_info"):
        return int(torch.xpu.mem_get_info(device)[0])
    if device.type == "mps" and hasattr(torch.mps, "recommended_max_memory"):
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return main_memory.free_bytes()


def total_memory_bytes(device: torch.device) -> int:
    """Return how much memory `device` has: for the CPU what the system has, 0 if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "xpu":
        return int(torch.xpu.get_device_properties(device).total_memory)
    if device.type == "mps" and hasattr(torch.mps, "recommended_max_memory"):
        return torch.mps.recommended_max_memory()
    return int(psutil.virtual_memory().total)


def device_title(device: torch.device) -> str:
    """Return what the maker calls `device`, such as "NVIDIA GeForce RTX 4090"."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type == "xpu":
        return str(torch.xpu.get_device_name(device))
    return "Apple GPU" if device.type == "mps" else f"CPU, {torch.get_num_threads()} threads"


def device_memory_bytes(device: torch.device) -> int:
    """Return what this process holds on `device`; 0 for the CPU."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    if device.type == "xpu" and hasattr(torch.xpu, "memory_reserved"):  # not in torch 2.4
        return int(torch.xpu.memory_reserved(device))
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return 0


def resident_memory_bytes() -> int:
    """Return this process's resident memory."""
    return int(psutil.Process().memory_info().rss)


def peak_memory_bytes() -> int:
    """Return the most resident memory that this process has had."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource  # not there on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def clear_cache(device: torch.device) -> None:
    """Collect garbage and hand unused memory back, so that other programs can have it.

    That of `device`, and main memory, where this process keeps any (see `host_allocator`).
    """
    gc.collect()
    host_allocator.hand_back()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif device.type == "xpu":
        torch.xpu.empty_cache()


def unlock() -> None:
    """Hand back main memory that was locked for copies to and from CUDA, as far as it is unused.

    torch keeps it for the next frames, and the system can neither give it to other programs nor
    swap it out. To be called between jobs, since locking takes time; torch before 2.5 cannot.
    """
    accelerator = getattr(torch, "accelerator", None)  # which got this later than the other name
    empty = getattr(accelerator, "empty_host_cache", getattr(torch._C, "_host_emptyCache", None))
    if empty is not None and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch has no types here
        with contextlib.suppress(RuntimeError):  # of a device that failed, as the job has told
            empty()


def is_gpu(device: torch.device) -> bool:
    """Tell whether `device` has memory that a render on a GPU may need."""
    return device.type != "cpu"


def largest_batch(device: torch.device) -> int:
    """Return how many timesteps a model may make in one call.

    One on the CPU, where more gain nothing, take memory and delay a cancel. On GPUs the loop
    halves this when memory runs out.
    """
    return 1 if device.type == "cpu" else 8


def with_relief(attempt: Callable[[], _T], *, relieve: Callable[[], None], message: str) -> _T:
    """Run `attempt`; where memory runs out, call `relieve` and try once more.

    Raises:
        DeviceMemoryError: memory ran out again; with `message`.
    """
    try:
        return attempt()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    # here, not in the handler: the error's traceback holds on to the tensors that filled memory
    relieve()
    try:
        return attempt()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceMemoryError(message) from error


_CPU = torch.device("cpu")
