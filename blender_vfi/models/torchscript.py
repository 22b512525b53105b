"""Reads the weights out of a TorchScript archive as data, and leaves its program alone.

Such an archive (what `torch.jit.save` writes) is a zip file with the program's source, one file of
bytes for each tensor, and `data.pkl`, which says how the module's attributes hang together. torch's
own reader, `torch.jit.load`, compiles the program and may run parts of it, such as `__setstate__`.
Here `data.pkl` is not even unpickled: its instructions are listed by `pickletools`, which executes
none, and a handful of them, all that torch writes, are played on plain lists and dictionaries.
Names in it are never imported, and calls never made: they become inert records, of which only those
are looked at that describe a module or a tensor. Never import bpy here.
"""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

MARKER = "constants.pkl"
"""The file that a TorchScript archive has, and a state dict that torch zipped has not."""

# far above what a network of thousands of tensors takes; they bound memory and time
_LONGEST_PROGRAM_BYTES = 4 << 20
_MOST_ATTRIBUTES = 200_000
_LONGEST_NAME = 1000

_TENSOR = "torch._utils _rebuild_tensor_v2"
_TYPES = {
    "torch DoubleStorage": torch.float64,
    "torch FloatStorage": torch.float32,
    "torch HalfStorage": torch.float16,
    "torch BFloat16Storage": torch.bfloat16,
    "torch LongStorage": torch.int64,
    "torch IntStorage": torch.int32,
    "torch ShortStorage": torch.int16,
    "torch CharStorage": torch.int8,
    "torch ByteStorage": torch.uint8,
    "torch BoolStorage": torch.bool,
}


class _FormatError(ValueError):
    """The file holds what torch never writes."""


@dataclass(frozen=True, slots=True)
class _Name:
    """What the program calls by this name; never imported."""

    text: str


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that torch's reader would make; never made."""

    function: object
    arguments: Any


@dataclass(frozen=True, slots=True)
class _Stored:
    """A reference to the bytes of a tensor: ("storage", type, file, device, elements)."""

    reference: Any


@dataclass(slots=True)
class _Object:
    """An instance of one of the program's classes."""

    attributes: Any = None


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Read every tensor of a module and of its submodules, by the name that a state dict gives it.

    Tensors that are neither parameters nor buffers are among them: which is which, only the
    program says.

    Args:
        path: the archive; its size and that of its contents must have been checked.

    Returns:
        Tensors on the CPU, as stored; none where the module has none.

    Raises:
        ValueError, KeyError, IndexError, TypeError, RuntimeError, OSError, zipfile.BadZipFile,
            zlib.error: the archive is damaged, or no module that torch saved.
    """
    with zipfile.ZipFile(path) as archive:
        folder = _folder_of(archive)
        if archive.getinfo(f"{folder}data.pkl").file_size > _LONGEST_PROGRAM_BYTES:
            raise _FormatError(f"data.pkl has more than {_LONGEST_PROGRAM_BYTES:,} bytes")
        if f"{folder}byteorder" in archive.NameToInfo:
            order = archive.read(f"{folder}byteorder")
            if order != b"little":
                raise _FormatError(f"numbers are stored in byte order {order!r}, not little-endian")
        root = _Machine().play(archive.read(f"{folder}data.pkl"))
        storages: dict[str, bytearray] = {}

        def bytes_of(key: str) -> bytearray:
            if key not in storages:
                storages[key] = bytearray(archive.read(f"{folder}data/{key}"))
            return storages[key]

        return {name: _tensor(call, bytes_of) for name, call in _tensor_calls(root)}


def _folder_of(archive: zipfile.ZipFile) -> str:
    """Return the folder that the archive's files are in, with its slash."""
    for name in archive.namelist():
        folder, slash, file = name.rpartition("/")
        if file == MARKER:
            return folder + slash
    raise _FormatError(f"the archive has no {MARKER}")


def _tensor_calls(root: object) -> Iterator[tuple[str, _Call]]:
    """Walk a module's attributes; yield the name of every tensor and the call that describes it."""
    if not isinstance(root, _Object):
        raise _FormatError("data.pkl holds no module")
    pending: list[tuple[str, object]] = [("", root)]
    seen = 0
    while pending:
        prefix, part = pending.pop()
        attributes = part.attributes if isinstance(part, _Object) else None
        if not isinstance(attributes, Mapping):
            continue
        for key, value in attributes.items():
            name = f"{prefix}{key}"
            seen += 1
            if seen > _MOST_ATTRIBUTES or len(name) > _LONGEST_NAME:
                raise _FormatError("modules are nested without end")
            if isinstance(value, _Object):
                pending.append((f"{name}.", value))
            elif isinstance(value, _Call) and value.function == _Name(_TENSOR):
                yield name, value


def _tensor(call: _Call, bytes_of: Callable[[str], bytearray]) -> Tensor:
    """Build the tensor that `call` describes as a view of its stored bytes.

    Torch checks that shape and strides stay inside them.
    """
    stored, offset, shape, strides, *_ = call.arguments
    if not isinstance(stored, _Stored):
        raise _FormatError("a tensor without stored bytes")
    _, kind, key, _, elements = stored.reference
    if kind.text not in _TYPES:
        raise _FormatError(f"a tensor of type {kind.text}")
    dtype = _TYPES[kind.text]
    flat = torch.empty(0, dtype=dtype)
    if elements:  # torch refuses to look at no bytes
        flat = torch.frombuffer(bytes_of(key), dtype=dtype, count=elements)
    return flat.as_strided(shape, strides, offset)


@dataclass(slots=True)
class _Machine:
    """Plays the instructions that torch writes on plain data.

    Attributes:
        stack: values so far, since the last mark.
        marked: the stacks that marks have put aside.
        memo: values to use again, by number.
    """

    stack: list[Any] = field(default_factory=list)
    marked: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def play(self, program: bytes) -> object:
        """Return the value that `program` describes.

        Raises:
            ValueError: it holds an instruction that torch does not write, or is cut off.
        """
        for instruction, argument, _ in pickletools.genops(program):
            name = instruction.name
            if name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            elif name in _LITERALS:
                self.stack.append(argument)
            elif name in _INSTRUCTIONS:
                _INSTRUCTIONS[name](self, argument)
            elif name == "STOP":
                return self.stack.pop()
            elif name != "PROTO":
                raise _FormatError(
                    f"data.pkl holds the instruction {name}, which torch never writes"
                )
        raise _FormatError("data.pkl has no end")

    def mark(self, _: object) -> None:
        self.marked.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        values = self.stack
        self.stack = self.marked.pop()
        return values

    def push_list(self, _: object) -> None:
        self.stack.append([])

    def push_dict(self, _: object) -> None:
        self.stack.append({})

    def push_name(self, argument: str) -> None:
        self.stack.append(_Name(argument))

    def push_tuple(self, _: object) -> None:
        values = self.since_mark()
        self.stack.append(tuple(values))

    def take_tuple(self, count: int) -> None:
        if len(self.stack) < count:
            raise _FormatError("data.pkl takes more values than it made")
        values = self.stack[-count:]
        self.stack[-count:] = [tuple(values)]

    def append(self, _: object) -> None:
        value = self.stack.pop()
        self._top(list).append(value)

    def extend(self, _: object) -> None:
        values = self.since_mark()
        self._top(list).extend(values)

    def set_item(self, _: object) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._fill(((key, value),))

    def set_items(self, _: object) -> None:
        values = self.since_mark()
        self._fill(zip(values[::2], values[1::2], strict=True))

    def remember(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def recall(self, number: int) -> None:
        self.stack.append(self.memo[number])

    def note_call(self, _: object) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(_Call(function, arguments))

    def note_object(self, _: object) -> None:
        del self.stack[-2:]
        self.stack.append(_Object())

    def set_attributes(self, _: object) -> None:
        attributes = self.stack.pop()
        self._top(_Object).attributes = attributes

    def note_stored(self, _: object) -> None:
        self.stack.append(_Stored(self.stack.pop()))

    def _fill(self, items: Iterable[tuple[object, object]]) -> None:
        target = self._top(dict)
        for key, value in items:
            # the hash of a deeply nested tuple would exhaust the C stack and end the process
            if not isinstance(key, str | int | float):
                raise _FormatError(f"data.pkl uses {type(key).__name__} as a key")
            target[key] = value

    def _top(self, kind: type) -> Any:
        top = self.stack[-1]
        if not isinstance(top, kind):
            raise _FormatError(f"data.pkl fills in {type(top).__name__}, no {kind.__name__}")
        return top


_CONSTANTS: Mapping[str, object] = {
    "NONE": None,
    "NEWTRUE": True,
    "NEWFALSE": False,
    "EMPTY_TUPLE": (),
}
_LITERALS = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"})
_INSTRUCTIONS: Mapping[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "EMPTY_LIST": _Machine.push_list,
    "EMPTY_DICT": _Machine.push_dict,
    "GLOBAL": _Machine.push_name,
    "TUPLE": _Machine.push_tuple,
    "TUPLE1": lambda machine, _: machine.take_tuple(1),
    "TUPLE2": lambda machine, _: machine.take_tuple(2),
    "TUPLE3": lambda machine, _: machine.take_tuple(3),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.extend,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "REDUCE": _Machine.note_call,
    "NEWOBJ": _Machine.note_object,
    "BUILD": _Machine.set_attributes,
    "BINPERSID": _Machine.note_stored,
}
