"""Tells the errors of a full memory from others. Never import bpy here."""

from __future__ import annotations

import torch

# plain RuntimeErrors, told apart only by their words
_OUT_OF_MEMORY_WORDS = (
    "out of memory",  # MPS
    "not enough memory",  # torch's CPU allocator on Windows
    "can't allocate memory",  # and elsewhere
    "alloc_failed",  # CUDA's libraries, which allocate beside torch
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether `error` means that memory ran out, on a GPU or on the CPU."""
    # the name by which torch 2.4 knows it as well, and of every device's error
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    message = str(error).lower()
    return any(words in message for words in _OUT_OF_MEMORY_WORDS)
