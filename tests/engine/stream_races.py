"""CUDA's streams, played on the CPU: who may rely on what having happened, operation by operation.

Every operation of torch is taken to be asked of the stream that is current. It has to come after
whatever wrote what it reads: in its own stream, by a wait, or because the program itself has waited
for that before it asked. Memory that another stream reads than the one it was taken for has to be
known to torch (`record_stream`). The operations are done at once; only their order is judged.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from blender_vfi.engine import network
from blender_vfi.engine.staging import CopyStreams, InOrder

Known = Counter[str]
"""How many operations of each stream are known to have ended."""

_HAVE_THE_PROGRAM_WAIT = {
    f"aten::{name}"
    for name in ("_local_scalar_dense", "equal", "is_nonzero", "item", "lift_fresh", "nonzero")
}
_HOST = "main memory"


class PlayedEvent:
    def __init__(self, device: PlayedDevice, known: Known) -> None:
        self._device, self._known = device, known

    def synchronize(self) -> None:
        self._device.program |= self._known


class PlayedStream:
    def __init__(self, device: PlayedDevice, name: str) -> None:
        self._device, self.name = device, name
        self.known: Known = Counter()

    def begin(self) -> None:
        """Take one more operation, asked for now."""
        self.known |= self._device.program
        self.known[self.name] += 1

    def wait_stream(self, other: PlayedStream) -> None:
        self.known |= other.known

    def record_event(self) -> PlayedEvent:
        return PlayedEvent(self._device, self.known.copy())

    def synchronize(self) -> None:
        self._device.program |= self.known


class PlayedDevice(TorchDispatchMode):
    """Judges what is asked while it is entered.

    Attributes:
        program: what the program itself knows to have ended.
        waits: how often it has waited for all that was computed until then.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, host_frames: Sequence[Tensor]) -> None:
        super().__init__()
        self.program: Known = Counter()
        self.waits = 0
        self._computing = PlayedStream(self, "computing")
        self._current = [self._computing]
        self._faults: list[str] = []
        # by the address of memory: whose it is, who wrote it last and when, and who is told of
        self._owner = {_address(frame): _HOST for frame in host_frames}
        self._written: dict[int, tuple[str, int]] = {}
        self._untold: dict[tuple[int, str], str] = {}
        self._told: set[tuple[int, str]] = set()
        self._play(monkeypatch)

    def faults(self) -> list[str]:
        """List what may go wrong on a real device."""
        return [*self._faults, *self._untold.values()]

    def _play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = itertools.cycle(("upward", "downward"))
        empty = torch.empty

        def lock(*shape: Any, pin_memory: bool = False, **options: Any) -> Tensor:
            made = empty(*shape, **options)
            return self._belongs(made, _HOST) if pin_memory else made

        def upload(frame: Tensor, _device: torch.device) -> Tensor:
            stream = self._current[-1]
            made = self._belongs(frame.clone(), stream.name)
            stream.begin()
            self._written[_address(made)] = (stream.name, stream.known[stream.name])
            return made

        monkeypatch.setattr(torch.cuda, "Stream", lambda _device: PlayedStream(self, next(names)))
        monkeypatch.setattr(torch.cuda, "current_stream", lambda _device: self._current[-1])
        monkeypatch.setattr(torch.cuda, "stream", self._entered)
        monkeypatch.setattr(torch, "empty", lock)
        monkeypatch.setattr(
            Tensor, "record_stream", lambda tensor, stream: self.tell(tensor, stream)
        )
        monkeypatch.setattr(network, "uploaded", upload)
        streams = CopyStreams(torch.device("cuda", 0))
        monkeypatch.setattr(
            network,
            "staging_for",
            lambda _device, *, copies_beside: streams if copies_beside else InOrder(),
        )

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        leaves = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        is_host = bool(leaves) and all(self._owner.get(_address(leaf)) == _HOST for leaf in leaves)
        stream = self._current[-1]
        if not is_host:
            stream.begin()
        for tensor in leaves:
            self._judge(tensor, stream, is_host, func)
        made = func(*args, **(kwargs or {}))
        if func._schema.name in _HAVE_THE_PROGRAM_WAIT and not is_host:
            stream.synchronize()
            self.waits += stream is self._computing
        here = {_address(tensor) for tensor in leaves}
        written = _written_by(func, args)
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor) and _address(leaf) not in here:
                written.append(self._belongs(leaf, _HOST if is_host else stream.name))
        for tensor in written:
            self._written[_address(tensor)] = (
                stream.name,
                0 if is_host else stream.known[stream.name],
            )
        return made

    def _belongs(self, tensor: Tensor, owner: str) -> Tensor:
        """Note whose new memory is; of what was there before, nothing is known any more."""
        address = _address(tensor)
        self._owner[address] = owner
        self._written.pop(address, None)
        self._told = {told for told in self._told if told[0] != address}
        for key in [key for key in self._untold if key[0] == address]:
            self._faults.append(self._untold.pop(key))
        return tensor

    def _judge(self, tensor: Tensor, stream: PlayedStream, is_host: bool, func: Any) -> None:
        address = _address(tensor)
        writer, at = self._written.get(address, ("", 0))
        reader, known = ("the program", self.program) if is_host else (stream.name, stream.known)
        if known[writer] < at:
            self._faults.append(f"{reader} runs {func} on what {writer} may still write")
        owner = self._owner.get(address, stream.name)
        if owner not in (_HOST, stream.name) and (address, stream.name) not in self._told:
            self._untold[address, stream.name] = f"{reader} runs {func} on {owner}'s memory, untold"

    def tell(self, tensor: Tensor, stream: PlayedStream) -> None:
        """Note that a stream reads a tensor's memory."""
        key = (_address(tensor), stream.name)
        self._told.add(key)
        self._untold.pop(key, None)

    @contextmanager
    def _entered(self, stream: PlayedStream) -> Iterator[None]:
        self._current.append(stream)
        try:
            yield
        finally:
            self._current.pop()


def _written_by(func: Any, args: Sequence[Any]) -> list[Tensor]:
    """List what an operation writes of what it is given."""
    return [
        argument
        for argument, stated in zip(args, func._schema.arguments, strict=False)
        if isinstance(argument, Tensor) and stated.alias_info and stated.alias_info.is_write
    ]


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
