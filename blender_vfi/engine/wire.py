"""Writes messages as lines of JSON, and reads them back: one object per line.

Requests go to the engine's standard input, events come from its standard output. Standard library
alone: Blender's process imports this.
"""

from __future__ import annotations

import contextlib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union

from ..errors import ProtocolError
from .protocol import Event, JobSpec, Message, Request

_BY_NAME: dict[str, type[Any]] = {
    message.__name__: message for message in (*typing.get_args(Request), *typing.get_args(Event))
}


def encode_line(message: Message) -> str:
    """Write `message` as one line of JSON, newline included, ASCII only."""
    return json.dumps({"type": type(message).__name__, **_to_json(message)}) + "\n"


def decode_line(line: str) -> Message:
    """Read one line.

    Raises:
        ProtocolError: it is not JSON, or not exactly one of our messages.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"Not a message (no JSON): {line[:200]!r}") from error
    name = data.pop("type", None) if isinstance(data, dict) else None
    if not isinstance(name, str) or name not in _BY_NAME:
        raise ProtocolError(
            f"Unknown message {name!r}: expected one of {', '.join(sorted(_BY_NAME))}."
        )
    message: Message = _from_json(_BY_NAME[name], data, name)
    return message


def job_to_json(job: JobSpec) -> dict[str, Any]:
    """Turn a job into plain JSON values, for a job file."""
    values: dict[str, Any] = _to_json(job)
    return values


def job_from_json(data: Mapping[str, Any]) -> JobSpec:
    """Read a job file's values.

    Raises:
        ProtocolError: a field is missing, unknown or of the wrong type.
    """
    return _from_json(JobSpec, data, "JobSpec")


_T = TypeVar("_T")


def _to_json(value: Any) -> Any:
    if is_dataclass(value):
        return {item.name: _to_json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    return value


def _from_json(expected: type[_T], data: Any, where: str) -> _T:
    if not isinstance(data, Mapping):
        raise ProtocolError(f"{where}: expected an object, got {data!r:.200}.")
    hints = typing.get_type_hints(expected)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise ProtocolError(f"{where}: unknown field {unknown[0]!r}; expected {', '.join(hints)}.")
    values = {name: _checked(hints[name], value, f"{where}.{name}") for name, value in data.items()}
    try:
        return expected(**values)
    except TypeError as error:
        raise ProtocolError(f"{where}: {error}") from error


def _checked(hint: Any, value: Any, where: str) -> Any:
    """Return `value` as the annotated type `hint`, or raise `ProtocolError`."""
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        for option in typing.get_args(hint):
            with contextlib.suppress(ProtocolError):
                return _checked(option, value, where)
    elif origin is tuple and isinstance(value, list):
        item_hint = typing.get_args(hint)[0]
        return tuple(_checked(item_hint, item, where) for item in value)
    elif is_dataclass(hint):
        return _from_json(typing.cast(type, hint), value, where)
    elif hint is float and type(value) is int:
        with contextlib.suppress(OverflowError):
            return float(value)  # JSON does not tell 1 from 1.0
    elif _is_plainly(hint, value):
        return value
    raise ProtocolError(f"{where}: expected {hint}, got {value!r:.200}.")


def _is_plainly(hint: Any, value: Any) -> bool:
    """Tell whether `value` is one of a Literal's, or of exactly the plain type `hint`."""
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    return hint in (int, float, str, bool, type(None)) and type(value) is hint
