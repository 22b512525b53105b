"""Turns a catalog entry, or any file that the user points at, into a model that is ready to run.

A published checkpoint is converted once, on its first load: its tensors go into a safetensors file
beside a receipt (see `store`), and later loads read that. A checkpoint is accepted for what its
tensors' names and shapes are, never for its file name. Never import bpy here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from ..errors import CheckpointError, DownloadError, LicenceError
from ..remedies import as_checkpoint, remedy
from . import catalog, locations, recognition, store
from .catalog_types import ModelSpec
from .download import ProgressCallback, fetch
from .interface import InterpolationModel
from .state_dicts import read_state_dict, write_safetensors

METADATA_KEY = "blender_vfi"
"""Where a stored safetensors file keeps its origin, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model on its device, with what is known about it.

    Attributes:
        model: in evaluation mode, without gradients.
        spec: the catalog entry whose limits hold; for a checkpoint of the user's own that of the
            variant found in the file.
        checkpoint: the file that the weights came from.
        sha256: hash of the published file, or of the user's own.
        device: where the weights are.
        dtype: what they are in.
        memory_bytes: what they take there.
    """

    model: InterpolationModel
    spec: ModelSpec
    checkpoint: Path
    sha256: str
    device: torch.device
    dtype: torch.dtype
    memory_bytes: int


def load_model(
    spec: ModelSpec,
    *,
    device: torch.device,
    dtype: torch.dtype,
    memory_format: torch.memory_format = torch.contiguous_format,
    checkpoint: Path | None = None,
    progress: ProgressCallback | None = None,
    offline: bool = False,
    before_device: Callable[[], None] = lambda: None,
) -> LoadedModel:
    """Load the model that `spec` describes, downloading its checkpoint when it is not here yet.

    Args:
        spec: which model.
        device: where to put it.
        dtype: number format of its weights.
        memory_format: layout of its 4D weights.
        checkpoint: a file of the user's own in place of the catalog's, or a folder of files where
            `spec`'s is published as several; its architecture must be that of `spec`, and its
            variant is taken from its tensors.
        progress: told how far a download is.
        offline: refuse to use the network.
        before_device: called when the model is in main memory, right before it goes to its device;
            what it raises ends the load.

    Raises:
        CheckpointError: the checkpoint is damaged, tampered with, or of another architecture.
        DownloadError: it is not here and cannot be fetched.
    """
    if checkpoint is None:
        path = ensure_stored(spec, progress=progress, offline=offline)
        weights, sha256 = _stored_weights(spec, path)
    else:
        path = checkpoint
        requested = spec
        spec, weights = _own_weights(requested, path)
        sha256 = store.sha256_of_published(requested, path)
    model = recognition.build(spec.architecture, spec.variant, weights, path)
    before_device()
    model.to(device=device, dtype=dtype, memory_format=memory_format)  # type: ignore[call-overload]  # torch's stub leaves this combination out
    tensors = [*model.parameters(), *model.buffers()]
    return LoadedModel(
        model=model,
        spec=spec,
        checkpoint=path,
        sha256=sha256,
        device=device,
        dtype=dtype,
        memory_bytes=sum(tensor.numel() * tensor.element_size() for tensor in tensors),
    )


def identify_checkpoint(path: Path) -> tuple[str, str]:
    """Name the architecture and the variant that the tensors of the file at `path` belong to.

    Raises:
        CheckpointError: the file cannot be read, belongs to no architecture in the catalog, or to
            more than one; the message says which shapes decided.
    """
    return recognition.identify(read_state_dict(path), path)


def ensure_stored(
    spec: ModelSpec,
    *,
    folder: Path | None = None,
    progress: ProgressCallback | None = None,
    offline: bool = False,
    accept_licence: bool = False,
) -> Path:
    """Return `spec`'s checkpoint as a verified safetensors file, fetched and converted if need be.

    Args:
        spec: which model.
        folder: the only folder to look in and to store to; None for the add-on's own, then the
            local cache.
        progress: told how far a download is.
        offline: refuse to use the network.
        accept_licence: whether the user accepts terms that restrict the use of the weights.

    Raises:
        CheckpointError: what lies there or what came is not the file that was published.
        LicenceError: it is not here, and has terms that were not accepted.
        DownloadError: it is not here and cannot be fetched or stored.
    """
    cache = folder or locations.cache_folder()
    for place in (cache,) if folder else (locations.shipped_folder(), cache):
        if stored := store.find_stored(place, spec):
            return stored
    if not accept_licence:
        _check_licence(spec)
    target = locations.stored_path(cache, spec)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquired(target.with_name(f".{target.stem}.lock"), progress)
        try:
            # another process may have stored it while this one waited
            return store.find_stored(cache, spec) or _fetch_and_store(
                spec, cache, progress=progress, offline=offline
            )
        finally:
            lock.release()
    except OSError as error:
        raise DownloadError(
            f"Cannot store {target.name} in {target.parent}: {error}. Make room there, or set "
            f"{locations.FOLDER_VARIABLE} to a folder that can be written to."
        ) from error


def check_terms(spec: ModelSpec) -> None:
    """Stop before any work where `spec` would have to be downloaded on terms not accepted yet.

    Raises:
        LicenceError: its terms restrict the use of its weights, and it is not on this machine.
    """
    if spec.checkpoint.licence.commercial:
        return
    places = (locations.shipped_folder(), locations.cache_folder())
    if not any(store.find_stored(place, spec) for place in places):
        _check_licence(spec)


def import_checkpoint(spec: ModelSpec, published: Path, folder: Path) -> Path:
    """Store the published file of `spec` that is on this machine already, as a download would be.

    Args:
        spec: whose checkpoint.
        published: the file as its authors publish it, or the folder of its parts; it stays where
            it is.
        folder: where to store it.

    Returns:
        The safetensors file under `folder`.

    Raises:
        CheckpointError: it cannot be read, or is not the file that the catalog names.
    """
    expected, actual = spec.checkpoint.sha256, store.sha256_of_published(spec, published)
    if expected not in (None, actual):
        raise CheckpointError(
            f"{published} has SHA-256 {actual}, and {spec.name} must have {expected}: it is not "
            f"the published file; give it {as_checkpoint()} to use it as it is."
        )
    return _store_converted(spec, published, folder)


def _check_licence(spec: ModelSpec) -> None:
    """Stop before a download on terms that the user has to know, and may not want."""
    licence = spec.checkpoint.licence
    if spec.checkpoint.sources and not licence.commercial:
        command = f"download {spec.name} --accept-licence"
        how = remedy(
            panel="press Download in the panel",
            terminal=f"run the command: {command}",
            python=f"run: python -m blender_vfi {command}",
        )
        raise LicenceError(
            f"The weights of {spec.title} are {licence.terms} by {licence.holder}: no "
            f"commercial use; see {licence.url}. To accept that and download them once, {how}."
        )


def _acquired(path: Path, progress: ProgressCallback | None) -> FileLock:
    """Wait until no other process stores the same checkpoint; a cancel ends the wait."""
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            if progress is not None:
                progress(0, 0)
        else:
            return lock


def _fetch_and_store(
    spec: ModelSpec, cache: Path, *, progress: ProgressCallback | None, offline: bool
) -> Path:
    receipt = store.read_receipt(cache, spec)
    expected = spec.checkpoint.sha256 or (receipt.source_sha256 if receipt else None)
    target = locations.stored_path(cache, spec)
    published = fetch(spec, target.parent, sha256=expected, progress=progress, offline=offline)
    try:
        return _store_converted(spec, published, cache)
    finally:
        store.discard(published)


def _store_converted(spec: ModelSpec, published: Path, cache: Path) -> Path:
    """Place the weights of the file `published` in the cache, once they are known to fit `spec`."""
    name = Path(f"the published checkpoint of {spec.name}")
    normalised = recognition.normalise(spec.architecture, _read_published(spec, published))
    weights = recognition.fit(spec.architecture, spec.variant, normalised)
    recognition.build(spec.architecture, spec.variant, weights, name)
    origin = {
        "source_sha256": store.sha256_of_published(spec, published),
        "architecture": spec.architecture,
        "variant": spec.variant,
        "licence": spec.checkpoint.licence.spdx,
    }
    target = locations.stored_path(cache, spec)
    with store.replacing(target) as temporary:
        metadata = {METADATA_KEY: json.dumps(origin, sort_keys=True)}
        write_safetensors(weights, temporary, metadata=metadata)
        # the receipt goes first: if the power fails between the two, only the file is missing
        receipt = store.Receipt(file_sha256=store.sha256_of(temporary), **origin)
        store.write_receipt(cache, spec, receipt)
    return target


def _stored_weights(spec: ModelSpec, path: Path) -> tuple[dict[str, Tensor], str]:
    """Return the weights of the stored file at `path`, and the hash of the published one."""
    receipt = store.read_receipt(path.parent.parent, spec)
    assert receipt is not None  # ensure_stored has just checked the file against it
    return read_state_dict(path), receipt.source_sha256


def _own_weights(requested: ModelSpec, path: Path) -> tuple[ModelSpec, dict[str, Tensor]]:
    """Return the weights of the user's file at `path`, and the entry whose limits hold for them."""
    weights = _read_published(requested, path)
    architecture, variant = recognition.identify(weights, path)
    if architecture != requested.architecture:
        raise CheckpointError(
            f"{path} is a checkpoint of {architecture} {variant}; {requested.name} needs one of "
            f"{requested.architecture}. Choose a model of {architecture}, or another checkpoint."
        )
    normalised = recognition.normalise(architecture, weights)
    fitting = recognition.fit(architecture, requested.variant, normalised)
    if recognition.variant_of(architecture, fitting) == requested.variant:
        return requested, fitting
    return _spec_of_variant(requested, variant), normalised


def _read_published(spec: ModelSpec, path: Path) -> dict[str, Tensor]:
    """Read a file, or all parts of `spec`'s checkpoint in a folder, each under its component."""
    if not path.is_dir():
        return read_state_dict(path)
    return {
        f"{component}.{key}": tensor
        for component, file in store.part_files(spec, path).items()
        for key, tensor in read_state_dict(file).items()
    }


def _spec_of_variant(requested: ModelSpec, variant: str) -> ModelSpec:
    """Return the entry of `variant`, or `requested` with it where the catalog has none."""
    for spec in (requested, *catalog.CATALOG):
        if (spec.architecture, spec.variant) == (requested.architecture, variant):
            return replace(spec, is_guided=requested.is_guided)
    return replace(requested, variant=variant)
