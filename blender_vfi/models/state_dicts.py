"""Reads the weights out of a checkpoint file, whoever made it, without running anything in it.

Formats are told apart by their first bytes, since suffixes are unreliable: safetensors, torch's
own state dicts (.pkl, .pth, .pt), zipped or from before 2020, and TorchScript archives (.pt), whose
program is left alone. Never import bpy here.
"""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..errors import CheckpointError
from . import torchscript

LARGEST_CHECKPOINT_BYTES = 4 << 30
"""More than any known checkpoint; a file beyond it is refused before it is read."""

_LONGEST_SAFETENSORS_HEADER = 100_000_000
_WRAPPERS = ("state_dict", "model")

_READ_ERRORS = (
    pickle.UnpicklingError,
    struct.error,
    MemoryError,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    AssertionError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What torch's reader, which has no error class of its own, and ours raise on bad files."""


def read_state_dict(
    path: Path, *, largest_bytes: int = LARGEST_CHECKPOINT_BYTES
) -> dict[str, Tensor]:
    """Read every tensor of the checkpoint at `path` to the CPU, as stored.

    A state dict may be wrapped in {"state_dict": …} or {"model": …}.

    Args:
        path: safetensors, a state dict in torch's format, or a TorchScript archive.
        largest_bytes: refuse a file that is larger, or that would take more memory.

    Raises:
        CheckpointError: the file is missing, damaged, too large, of another format, or holds
            something other than tensors.
    """
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise CheckpointError(f"Checkpoint {path} cannot be read: {error.strerror}.") from error
    _check_size(path, size_bytes, largest_bytes)
    if head[:4] == b"PK\x03\x04":
        names = _archive_names(path, largest_bytes)
        is_script = torchscript.MARKER in names
        loaded = _read_torchscript(path) if is_script else _unpickle(path)
    elif head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        loaded = _unpickle(path)
    elif _begins_like_safetensors(head):
        loaded = _read_safetensors(path)
    else:
        # torch's tar format of 2017 is left out on purpose: its reader ran code even with
        # weights_only=True before torch 2.6 (CVE-2025-32434)
        raise CheckpointError(
            f"{path} is no checkpoint: it begins with {head!r}, and only safetensors files, "
            "state dicts of torch (.pkl, .pth, .pt) and TorchScript archives are read. A web page "
            "or a Git LFS pointer in its place means that the download went wrong: fetch it again."
        )
    return _checked_tensors(_unwrapped(loaded), path, largest_bytes)


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of the safetensors file at `path`, empty where it has none.

    Raises:
        CheckpointError: it is no safetensors file.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(_damaged(path, error)) from error


def write_safetensors(
    tensors: Mapping[str, Tensor], path: Path, *, metadata: Mapping[str, str]
) -> None:
    """Write `tensors` and `metadata` to `path`; the same input gives the same bytes.

    `metadata` has one entry at most, since the format's writer shuffles several.
    """
    assert len(metadata) <= 1
    # clones, since the format refuses tensors that share memory
    whole = {key: tensor.detach().clone().contiguous() for key, tensor in tensors.items()}
    save_file(whole, path, metadata=dict(metadata))


def _check_size(path: Path, size_bytes: int, largest_bytes: int) -> None:
    if size_bytes > largest_bytes:
        raise CheckpointError(
            f"{path} takes {size_bytes:,} bytes; a checkpoint here has at most {largest_bytes:,}. "
            "It is another file than the one meant, or a hostile one: fetch it from its authors."
        )


def _archive_names(path: Path, largest_bytes: int) -> set[str]:
    """Return the file names in a zip archive, without folders; refuse one that holds no weights."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(_damaged(path, error)) from error
    _check_size(path, sum(entry.file_size for entry in entries), largest_bytes)
    names = {entry.filename.rpartition("/")[2] for entry in entries}
    if "data.pkl" not in names:
        raise CheckpointError(
            f"{path} is a zip archive without weights in it (no data.pkl): unpack it, and give the "
            "checkpoint that it holds."
        )
    return names


def _read_torchscript(path: Path) -> object:
    try:
        return torchscript.read_torchscript(path)
    except _READ_ERRORS as error:
        raise CheckpointError(_damaged(path, error)) from error


def _unpickle(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            # other protocols than torch's own are fine where the reader knows their instructions
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except _READ_ERRORS as error:
        raise CheckpointError(_damaged(path, error)) from error


def _begins_like_safetensors(head: bytes) -> bool:
    header_bytes = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= header_bytes <= _LONGEST_SAFETENSORS_HEADER


def _read_safetensors(path: Path) -> object:
    try:
        return load_file(path, device="cpu")
    # a header that names a type this torch has no name for gives a KeyError
    except (safetensors.SafetensorError, *_READ_ERRORS) as error:
        raise CheckpointError(_damaged(path, error)) from error


def _unwrapped(loaded: Any) -> Any:
    """Return the state dict inside a training checkpoint, or `loaded` itself."""
    if isinstance(loaded, Mapping):
        for wrapper in _WRAPPERS:
            if isinstance(loaded.get(wrapper), Mapping):
                return loaded[wrapper]
    return loaded


def _checked_tensors(loaded: Any, path: Path, largest_bytes: int) -> dict[str, Tensor]:
    """Return `loaded` as a state dict, or refuse it naming what it holds instead."""
    if not isinstance(loaded, Mapping) or not loaded:
        raise CheckpointError(
            f"{path} holds {type(loaded).__name__} {str(loaded)[:60]!r}, not a state dict (names "
            "and tensors): give a checkpoint with the weights alone."
        )
    memory_bytes = 0
    for key, tensor in loaded.items():
        is_plain = isinstance(tensor, Tensor) and tensor.layout is torch.strided
        if not is_plain or tensor.is_quantized or not isinstance(key, str):
            raise CheckpointError(
                f"{path} holds {type(tensor).__name__} under {key!r}, where a plain tensor is "
                "needed: give a state dict, or one wrapped in 'state_dict' or 'model'."
            )
        # a view with zero strides looks small on disk and fills the memory once it is copied
        memory_bytes += tensor.numel() * tensor.element_size()
    _check_size(path, memory_bytes, largest_bytes)
    return {key: tensor.detach() for key, tensor in loaded.items()}


def _damaged(path: Path, error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    return (
        f"{path} cannot be read as weights ({reason}): it is truncated, damaged, or holds more "
        "than tensors; nothing in it was run. Fetch it again from its authors."
    )
