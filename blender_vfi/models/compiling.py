"""Networks that PyTorch compiles for the sizes they see: fewer, larger steps and fewer launches.

On the CPU the steps are C++ compiled anew; on CUDA, where none of this has ever run, they are meant
to be replayed as CUDA graphs. Each size of picture is compiled once, which takes a minute or more.
Where that cannot be done the network runs as it is. What is used of PyTorch is there from 2.4 on.

PyTorch keeps what it compiles by function, for all models together, and forgets it together; what
is known of it stands in this module likewise. Never import bpy here.
"""

from __future__ import annotations

import copy
import itertools
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ..remedies import remedy
from .catalog_types import ModelSpec
from .full_memory import is_out_of_memory
from .interface import Interpolation, InterpolationModel, Quality
from .loading import LoadedModel

BACKEND = "inductor"
"""PyTorch's own compiler."""

_MOST_KINDS = 6
"""Kinds of calls, of all models, before all is forgotten: PyTorch compiles a function for eight."""

# whatever compilers, caches on disk and CUDA graphs raise; nearly all of it is a RuntimeError
_FAILURES = (
    RuntimeError,
    MemoryError,
    AssertionError,
    ImportError,
    OSError,
    subprocess.SubprocessError,
)
_MOST_SAID = 200

Backend = str | Callable[[Any, list[Tensor]], Callable[..., Any]]
_Kind = tuple[object, ...]


class _Compilations:
    """What was compiled since all was last forgotten, and by which thread."""

    def __init__(self) -> None:
        self._known: set[_Kind] = set()
        self._thread = threading.main_thread()
        self._is_due = False

    def announce(self, kind: _Kind, tell: Callable[[], None]) -> None:
        """Before a call of `kind`: forget what is due, and tell where it is still to be compiled.

        For the thread that computes.
        """
        self._thread = threading.current_thread()
        if self._is_due:
            self.forget()
        if kind in self._known:
            return
        if len(self._known) >= _MOST_KINDS:
            self.forget()
        tell()
        self._known.add(kind)

    def forget(self) -> None:
        """Forget all; in another thread than the one that computes, have that one do so."""
        if not self._known:
            return
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._is_due = True
            return
        torch.compiler.reset()
        self._known.clear()
        self._is_due = False


_compilations = _Compilations()
_numbers = itertools.count()


def forget() -> None:
    """Let go of all that was compiled, of every model, with the memory that CUDA graphs keep.

    Models that are called again are compiled again, and say so. CUDA graphs belong to the thread
    that computes: in another one this is put off until that one computes or forgets next.
    """
    _compilations.forget()


def compiled(loaded: LoadedModel) -> LoadedModel:
    """Return `loaded` with a network that is compiled when it is first called.

    The weights are the same tensors, and not copied.
    """
    model = CompiledModel(
        loaded.model,
        loaded.spec,
        loaded.device,
        backend=BACKEND,
        why_not=why_not(loaded.spec, loaded.device, loaded.dtype),
    )
    return replace(loaded, model=model)


class CompiledModel(InterpolationModel):
    """A network whose calls are compiled; the network itself wherever that fails.

    Results differ from the network's own by rounding.

    Args:
        model: in evaluation mode, on `device`.
        spec: its catalog entry.
        device: where it is compiled; moved elsewhere, it runs as it is.
        backend: what compiles; see `torch.compile`.
        why_not: in words, why it is better not compiled; nothing where it may be.
    """

    def __init__(
        self,
        model: InterpolationModel,
        spec: ModelSpec,
        device: torch.device,
        *,
        backend: Backend,
        why_not: str = "",
    ) -> None:
        super().__init__()
        self.model = model
        self._title = spec.title
        # the others take fixed moments, few enough to be constants, and compare them
        self._moments_vary = spec.timesteps in ("any", "recursive")
        self._device = device
        self._uncompiled_because = why_not
        self._number = next(_numbers)  # not its id, which is given anew when it is gone
        self._on_compile: Callable[[str], None] = _ignore
        self._on_failure: Callable[[str], None] = _ignore

        def encode(frame: Tensor) -> tuple[Tensor, ...]:
            return model.encode(frame)

        def interpolate(
            frames: list[Tensor],
            features: list[tuple[Tensor, ...]],
            moments: Sequence[Any],
            quality: Quality,
        ) -> tuple[Tensor | None, ...]:
            answer = model(frames, features, moments, quality)
            return answer.frames, answer.flow_t0, answer.flow_t1, answer.mask

        mode = "reduce-overhead" if device.type == "cuda" and backend == BACKEND else None
        compile_one = partial(torch.compile, dynamic=False, mode=mode, backend=backend)
        self._encode, self._interpolate = compile_one(encode), compile_one(interpolate)
        self.eval()

    @property
    def is_compiled(self) -> bool:
        """Whether calls are compiled, as far as is known by now."""
        return not self._uncompiled_because

    def attend(
        self, *, on_compile: Callable[[str], None], on_failure: Callable[[str], None]
    ) -> None:
        """Say who is told from now on.

        Args:
            on_compile: told in words before something is compiled; what it raises is passed on.
            on_failure: told in words why the network runs as it is; at once where it already does.
        """
        self._on_compile, self._on_failure = on_compile, on_failure
        if self._uncompiled_because:
            on_failure(self._uncompiled_because)

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Do what the network does; see `InterpolationModel.encode`."""
        answer: tuple[Tensor, ...] | None = self._ask(
            self._encode, (frame,), ("encode", frame.shape)
        )
        return self.model.encode(frame) if answer is None else answer

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Do what the network does; see `InterpolationModel.forward`.

        Each number of timesteps is compiled for itself, and each quality: a network may look at
        all that it says, such as how much of the frames is picture.
        """
        kind: _Kind = ("interpolate", frames[0].shape, len(timesteps), quality)
        moments: Sequence[Any] = timesteps
        if self._moments_vary:
            # as tensors, which are not compiled into the code as numbers are
            moments = [frames[0].new_full((), moment, dtype=torch.float32) for moment in timesteps]
        else:
            kind = (*kind, *timesteps)
        arguments = (_distinct(frames), list(features), moments, quality)
        answer = self._ask(self._interpolate, arguments, kind)
        if answer is None:
            made: Interpolation = self.model(frames, features, timesteps, quality)
            return made
        return Interpolation(*answer)

    def _ask(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], kind: _Kind
    ) -> tuple[Any, ...] | None:
        """Call what is compiled; None where the network has to be asked itself.

        That raises whatever else was the matter, such as a full memory.
        """
        device = _device_of(arguments[0])
        if not self.will_compile(device):
            if self.is_compiled and device == self._device:
                self._on_failure(
                    f"{self._title} is not compiled: a GPU's calls are compiled in the main thread "
                    "alone, and these come from another, as they do where several GPUs share a "
                    f"job. Choose one GPU, or {_without()}."
                )
            return None
        _compilations.announce((self._number, *kind), self._say_what_is_compiled)
        try:
            if self._device.type == "cuda":
                torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]  # torch has no types here
            return tuple(_kept(part) for part in function(*arguments))
        except _FAILURES as error:
            forget()  # nothing more is won by it
            if is_out_of_memory(error):  # the engine knows a way out, with what the graphs kept
                raise
            self._uncompiled_because = (
                f"{self._title} could not be compiled and runs without ({_in_short(error)}). "
                "Compiling takes a C++ compiler (g++, clang or Visual Studio), and for a GPU "
                'Triton, which on Windows is installed with "pip install triton-windows" into the '
                f"engine's Python; else {_without()}."
            )
        self._on_failure(self._uncompiled_because)
        return None

    def will_compile(self, device: torch.device) -> bool:
        """Whether calls for frames on `device`, from this thread, are compiled as far as is known.

        CUDA graphs are kept for one thread (github.com/pytorch/pytorch/issues/123177), which here
        is the main one.
        """
        is_main = threading.current_thread() is threading.main_thread()
        is_right_thread = is_main or device.type != "cuda"
        return self.is_compiled and device == self._device and is_right_thread

    def _say_what_is_compiled(self) -> None:
        self._on_compile(f"Compiling {self._title}")

    def _apply(self, *arguments: Any, **options: Any) -> Any:
        forget()  # it is moved, and may have to leave the device to others
        return super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]

    def __deepcopy__(self, memo: dict[int, Any]) -> nn.Module:
        """Return a copy of the network, uncompiled: what is compiled is for these weights alone."""
        return copy.deepcopy(self.model, memo)


def why_not(spec: ModelSpec, device: torch.device, dtype: torch.dtype) -> str:
    """Say why a network is better not compiled; nothing where it may be."""
    if device.type not in ("cuda", "cpu"):
        return (
            f"{spec.title} is not compiled: Compile is for NVIDIA and AMD GPUs and for CPUs, and "
            f"this is {device}."
        )
    if spec.architecture == "rife" and device.type == "cpu" and dtype is torch.float32:
        return (
            f"{spec.title} is not compiled on the CPU: the way it is computed there is faster than "
            "what the compiler makes of it."
        )
    return ""


def _without() -> str:
    """Say how nothing is compiled."""
    return remedy(panel="switch Compile off", terminal="leave out --compile")


def _kept(part: Tensor | None) -> Tensor | None:
    """Copy a tensor that the next call of a CUDA graph would overwrite."""
    return part.clone() if part is not None and part.device.type == "cuda" else part


def _distinct(frames: Sequence[Tensor]) -> list[Tensor]:
    """Copy a frame that stands in the window a second time, as it does at a sequence's ends.

    Windows in which other frames are the same would be compiled anew.
    """
    found: list[Tensor] = []
    for frame in frames:
        found.append(frame.clone() if any(frame is other for other in found) else frame)
    return found


def _device_of(shown: Tensor | list[Tensor]) -> torch.device:
    return shown.device if isinstance(shown, Tensor) else shown[0].device


def _in_short(error: BaseException) -> str:
    # what PyTorch wraps begins with "backend='inductor' raised:"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if not line.endswith(":")), "")
    text = told or type(error).__name__
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}…"


def _ignore(_message: str) -> None:
    """Tell nobody."""
