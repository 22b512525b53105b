"""Errors of full memory, told from others."""

from __future__ import annotations

import pytest
import torch

from blender_vfi.models.full_memory import is_out_of_memory

pytestmark = pytest.mark.torch


def test_the_cpus_own_failure_to_allocate_is_recognised():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.cuda.OutOfMemoryError("x"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (RuntimeError("shape '[2]' is invalid for input of size 3"), False),
    ],
)
def test_errors_of_full_memory_are_told_from_others(error, expected):
    assert is_out_of_memory(error) is expected
