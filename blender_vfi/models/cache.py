"""Keeps loaded models between jobs, and lets the least recently used go when memory runs low."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from . import compiling, store
from .catalog_types import ModelSpec
from .download import ProgressCallback
from .loading import LoadedModel, load_model

FREE_MEMORY_LIMIT_BYTES = 4 << 30
"""Models are let go while less than this is free on their device."""


class Loader(Protocol):
    """What loads a model: `loading.load_model`, or a stand-in."""

    def __call__(
        self,
        spec: ModelSpec,
        *,
        device: torch.device,
        dtype: torch.dtype,
        memory_format: torch.memory_format,
        checkpoint: Path | None,
        progress: ProgressCallback | None,
        offline: bool,
        before_device: Callable[[], None],
    ) -> LoadedModel:
        """Load `spec`; see `loading.load_model`."""


@dataclass(frozen=True, slots=True)
class _Key:
    """What makes two loads the same: the weights' identity, and how they are held."""

    weights: tuple[str | int, ...]
    device: torch.device
    dtype: torch.dtype
    memory_format: torch.memory_format
    compiles: bool


class ModelCache:
    """Loaded models, the least recently used first.

    A model that a caller still holds keeps its memory until the caller lets it go as well.
    """

    def __init__(
        self,
        *,
        free_memory: Callable[[torch.device], int],
        release: Callable[[torch.device], None],
        load: Loader = load_model,
        limit_bytes: int = FREE_MEMORY_LIMIT_BYTES,
    ) -> None:
        """Start empty.

        Args:
            free_memory: tells how many bytes are free on a device.
            release: collects garbage and hands a device's unused memory back; called after a
                model was let go, since its memory is not free before.
            load: loads a model that is not here.
            limit_bytes: let models go while less than this is free.
        """
        self._free_memory = free_memory
        self._release = release
        self._load = load
        self._limit_bytes = limit_bytes
        self._models: dict[_Key, LoadedModel] = {}
        # models are let go on request, from another thread, while a job may be loading
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._models)

    def get(
        self,
        spec: ModelSpec,
        *,
        device: torch.device,
        dtype: torch.dtype,
        memory_format: torch.memory_format = torch.contiguous_format,
        checkpoint: Path | None = None,
        progress: ProgressCallback | None = None,
        offline: bool = False,
        before_device: Callable[[], None] = lambda: None,
        limit_bytes: int | None = None,
        compiles: bool = False,
    ) -> LoadedModel:
        """Return the model, loading it unless it is here; for the arguments see `load_model`.

        Before a load, other models on `device` are let go, the least recently used first, while
        less is free there than the limit (`limit_bytes`, or else the cache's own) or than this
        model needs, whichever is more. With `compiles`, calls of the model are compiled.
        """
        key = _Key(_identity(spec, checkpoint), device, dtype, memory_format, compiles)
        with self._lock:
            is_here = key in self._models
        if is_here:  # on the device already, unless it is let go while this waits
            before_device()
        with self._lock:
            model = self._models.pop(key, None)
        if model is None:
            limit = self._limit_bytes if limit_bytes is None else limit_bytes
            with self._lock:
                self._make_room(device, max(limit, _needed_bytes(spec, dtype, checkpoint)))
            # without the lock: a download may take an hour, and `clear` waits for nothing
            model = self._load(
                spec,
                device=device,
                dtype=dtype,
                memory_format=memory_format,
                checkpoint=checkpoint,
                progress=progress,
                offline=offline,
                before_device=before_device,
            )
            if compiles:
                model = compiling.compiled(model)
        with self._lock:
            self._models[key] = model
        return model

    def clear(self) -> int:
        """Let every model go; return how many there were."""
        with self._lock:
            count = len(self._models)
            devices = {key.device for key in self._models}
            self._models.clear()
            compiling.forget()
            for device in devices:
                self._release(device)
            return count

    def _make_room(self, device: torch.device, wanted_bytes: int) -> None:
        for key in [key for key in self._models if key.device == device]:
            if self._free_memory(device) >= wanted_bytes:
                return
            del self._models[key]
            if key.compiles:
                compiling.forget()
            self._release(device)


def _identity(spec: ModelSpec, checkpoint: Path | None) -> tuple[str | int, ...]:
    """Tell one set of weights from another without reading them.

    A file of the user's own may be replaced between two jobs, hence its time and size.
    """
    if checkpoint is None:
        return (spec.name, spec.checkpoint.sha256 or spec.checkpoint.filename)
    path = checkpoint.resolve()
    if not path.exists():
        return (spec.name, str(path))
    return (spec.name, str(path), *store.stamp(path))


def _needed_bytes(spec: ModelSpec, dtype: torch.dtype, checkpoint: Path | None) -> int:
    weights_bytes = spec.parameters * dtype.itemsize
    if checkpoint is None or not checkpoint.is_file():
        return weights_bytes
    return max(weights_bytes, checkpoint.stat().st_size)
