"""Every error that blender_vfi raises on purpose.

    VfiError
    ├── RequestError             a setting or argument is outside what the job allows
    ├── StripError               Blender's strip, scene or selection does not fit the job
    ├── FrameError               a source frame is missing, damaged or unlike the others
    ├── OutputError              the result cannot be written where it was asked for
    ├── ModelError
    │   ├── UnknownModelError    no model of that name in the catalog
    │   ├── CheckpointError      a checkpoint is damaged, tampered with or of a foreign architecture
    │   ├── DownloadError        a checkpoint cannot be fetched
    │   └── LicenceError         a checkpoint's licence has to be accepted before its download
    ├── EngineError
    │   ├── EngineStartError     the engine's Python cannot run the engine
    │   ├── EngineSetupError     the engine's own environment cannot be made
    │   ├── EngineDiedError      the engine process ended in the middle of a job
    │   ├── ProtocolError        a message is not one of ours
    │   ├── DeviceError          the requested device is not there
    │   ├── DeviceMemoryError    the job does not fit on the device
    │   └── HostMemoryError      main memory is full while a frame is decoded or encoded
    └── JobCancelledError        the user asked to stop

A message names the value, the requirement and the remedy, so that an operator or the command line
can show it as it stands. This module uses the standard library alone: both processes import it.
"""

from __future__ import annotations

from .messages import message


class VfiError(Exception):
    """Base of every error that is meant for the user's eyes.

    Args:
        text: what went wrong; with `values`, a template that can be translated, see `messages`.
        values: what fills it.
    """

    exit_code = 1

    def __init__(self, text: str, /, **values: object) -> None:
        super().__init__(message(text, **values) if values else text)


class RequestError(VfiError):
    """A setting or argument is outside what the job allows."""

    exit_code = 2


class StripError(VfiError):
    """Blender's strip, scene or selection does not fit the job."""

    exit_code = 2


class FrameError(VfiError):
    """A source frame is missing, damaged or unlike the others."""

    exit_code = 3


class OutputError(VfiError):
    """The result cannot be written where it was asked for."""

    exit_code = 4


class ModelError(VfiError):
    """A model or its checkpoint cannot be used."""

    exit_code = 5


class UnknownModelError(ModelError):
    """No model of that name is in the catalog."""


class CheckpointError(ModelError):
    """A checkpoint is damaged, tampered with or of a foreign architecture."""


class DownloadError(ModelError):
    """A checkpoint cannot be fetched."""


class LicenceError(ModelError):
    """A checkpoint's licence has to be accepted before its first download."""


class EngineError(VfiError):
    """The engine process or its device failed."""

    exit_code = 6


class EngineStartError(EngineError):
    """The engine's Python cannot run the engine."""


class EngineSetupError(EngineError):
    """The engine's own environment cannot be made or removed."""


class EngineDiedError(EngineError):
    """The engine process ended in the middle of a job."""


class ProtocolError(EngineError):
    """A message on the wire is not one of ours."""


class DeviceError(EngineError):
    """The requested device is not there."""


class DeviceMemoryError(EngineError):
    """The job does not fit on the device, even after every step that saves memory."""


class HostMemoryError(EngineError):
    """Main memory is full while a frame is decoded or encoded."""


class JobCancelledError(VfiError):
    """The user asked the job to stop; finished frames stay on disk."""

    exit_code = 130


def error_named(kind: str) -> type[VfiError]:
    """Return the error class called `kind`, so that an error can cross the wire by name.

    An unknown name gives `EngineError`: a newer engine must not crash an older client.
    """
    pending: list[type[VfiError]] = [VfiError]
    while pending:
        error_class = pending.pop()
        if error_class.__name__ == kind:
            return error_class
        pending.extend(error_class.__subclasses__())
    return EngineError
