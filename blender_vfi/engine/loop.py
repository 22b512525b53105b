"""The frame loop: one for every model, for disk and memory alike.

It keeps on the device only the frames that the next pair shares with this one, asks the model for
all moments of a pair, hands results off the device (at once, or one batch late: see `deliveries`),
and clears the device's cache regularly, so that memory does not grow with the number of frames.
Models that cannot reach every moment by themselves are led there by recursion (see `reach`). It
knows no file and no Blender.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from ..errors import DeviceMemoryError, JobCancelledError, ModelError
from ..models.catalog_types import ModelSpec
from ..models.interface import InterpolationModel, Quality
from . import memory
from .composition import ChannelLayout
from .courtesy import Courtesy, Manner, Place
from .deliveries import Deliveries
from .frame_maker import maker_of
from .guided import Guidance
from .job_spec import BadFrames
from .layered import LayeredLayout
from .limits import check_tile_size
from .network import Network
from .reach import describe_error, route
from .schedule import PairWork, Plan
from .soundness import how_to_stand_in
from .staging import Download
from .window import window_of

_T = TypeVar("_T")
_Make = Callable[[list[Any], Sequence[Fraction]], Download]
_CPU = torch.device("cpu")


class FrameSource(Protocol):
    """Where source frames come from."""

    def load(self, index: int) -> Tensor:
        """Return source frame `index`: (H, W, C) float32 on the CPU; called once a window."""


class FrameSink(Protocol):
    """Where in-between frames go."""

    def store(self, output_index: int, frame: Tensor) -> None:
        """Take output frame `output_index`: (H, W, C) float32 on the CPU, the sink's to keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPolicy:
    """How the loop runs a model.

    Attributes:
        device: where.
        dtype: in which number format the model runs; frames are composed in float32.
        quality: handed to the model.
        clear_cache_every: pairs between two clearings of the device's cache.
        largest_batch: most timesteps in one call of the model. More than one gains nothing on the
            CPU, and would delay a cancel.
        tile_size: longest side of the tiles that frames are made in, in pixels, about: it is
            rounded up to what the model takes. 0 for whole frames until memory runs out.
        bad_frames: see `JobSpec.bad_frames`.
        copies_beside: CUDA copies frames beside what it computes; False to compare with.

    Raises:
        RequestError: the tile size is too small to find motion in.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    quality: Quality = field(default_factory=Quality)
    clear_cache_every: int = 10
    largest_batch: int = 1
    tile_size: int = 0
    bad_frames: BadFrames = "fail"
    copies_beside: bool = True

    def __post_init__(self) -> None:
        check_tile_size(self.tile_size)


class FrameLoop:
    """Makes the in-between frames of a plan with one model.

    Args:
        model: module in evaluation mode, on the policy's device and dtype.
        spec: the model's catalog entry.
        layout: what the frames' channels mean.
        policy: how to run.
        on_notice: told in words about each step taken to save memory, once.
        is_cancelled: asked before every call of the model.
        place: asked before every pair whether others need the device.
        frame_name: what messages call an output frame.
        on_bad: told each output frame that stands in for what the model could not make.
        guidance: for guided models.
    """

    def __init__(
        self,
        model: InterpolationModel,
        spec: ModelSpec,
        layout: ChannelLayout | LayeredLayout,
        policy: LoopPolicy,
        *,
        on_notice: Callable[[str], None] = lambda _message: None,
        is_cancelled: Callable[[], bool] = lambda: False,
        place: Place | None = None,
        frame_name: Callable[[int], str] = lambda index: f"Frame {index + 1}",
        on_bad: Callable[[int], None] = lambda _index: None,
        guidance: Guidance | None = None,
    ) -> None:
        self._spec = spec
        self._policy = policy

        def network_for(layout: ChannelLayout) -> Network:
            return Network(
                model,
                spec,
                layout,
                device=policy.device,
                dtype=policy.dtype,
                quality=policy.quality,
                tile_size=policy.tile_size,
                before_call=self._stop_if_cancelled,
                on_unsound=self._treat_unsound,
                copies_beside=policy.copies_beside,
            )

        self._network = maker_of(network_for, spec, layout, policy.device, guidance)
        self._on_notice = on_notice
        self._is_cancelled = is_cancelled
        self._place = place or Courtesy().place()
        self._manner: Manner = "go"
        self._batch = max(1, policy.largest_batch)
        self._full = f"Memory ran out on {policy.device}"
        self._notices: set[str] = set()
        self._frame_name = frame_name
        self._on_bad = on_bad
        self._making: dict[Fraction, tuple[int, ...]] = {}
        self._deliveries = Deliveries()

    def run(
        self,
        plan: Plan,
        source: FrameSource,
        sink: FrameSink,
        *,
        works: Iterable[PairWork] | None = None,
        on_pair: Callable[[PairWork], None] = lambda _work: None,
    ) -> None:
        """Make the in-between frames of `plan`, pair by pair.

        Source and held frames are not the loop's: who owns the files copies them.

        Args:
            plan: what to make.
            source: gives the source frames.
            sink: takes the results.
            works: what to make of each pair, asked for when it is next; None for all of the plan.
            on_pair: called after each pair has gone to the sink.

        Raises:
            JobCancelledError: `is_cancelled` said so.
            DeviceMemoryError: a single frame does not fit on the device.
        """
        error = describe_error(plan, self._spec)
        if error is not None:
            self._notify(error)
        window: dict[int, Any] = {}
        try:
            for done, work in enumerate(plan.pairs() if works is None else works, start=1):
                indices = window_of(plan, work.pair, self._spec.context)
                # dropped before loading, so that no more than one window is ever held
                window = {index: window[index] for index in indices if index in window}
                window = self._make_way(window)
                for index in sorted(set(indices) - window.keys()):
                    window[index] = self._relieved(
                        partial(self._network.upload, source.load(index))
                    )
                self._network.begin(work)
                # no name for the list: it would keep this window alive while the next is loaded
                self._make_pair([window[index] for index in indices], work, sink)
                self._deliveries.after(partial(on_pair, work))
                if done % self._policy.clear_cache_every == 0:
                    memory.clear_cache(self._policy.device)
        finally:
            window.clear()
            try:
                self._deliveries.settle()  # what is made stays, whatever has ended the loop
            finally:
                memory.clear_cache(self._policy.device)

    def _make_way(self, window: dict[int, Any]) -> dict[int, Any]:
        """Leave a GPU that others need with all that is held there, or come back to it."""
        while memory.is_gpu(self._policy.device) and self._place.manner != self._manner:
            self._deliveries.settle()
            self._manner = manner = self._place.manner
            device = self._policy.device if manner == "go" else _CPU
            dtype = torch.float32 if manner == "cpu" else self._policy.dtype
            if manner == "go":  # before anything is there again: a render may begin meanwhile
                self._place.enter(self._stop_if_cancelled)
            frames = list(window.values())
            moved = self._relieved(partial(self._network.move, device, dtype, frames))
            window = dict(zip(window, moved, strict=True))
            memory.clear_cache(self._policy.device)
            self._batch = self._policy.largest_batch if manner == "go" else 1
            self._place.heed(manner, self._stop_if_cancelled)
        return window

    def _make_pair(self, window: list[Any], work: PairWork, sink: FrameSink) -> None:
        still = self._network.still(window)
        if still is not None:  # a network would alter it, if only a little
            outputs = tuple(at for outputs in work.outputs for at in outputs)
            self._deliveries.add(self._network.on_host(still), partial(_store, sink, [outputs]))
        elif self._spec.timesteps in ("any", "fixed"):
            self._make_directly(window, work, sink, self._network.send)
        else:
            self._make_by_recursion(window, work, sink)

    def _make_directly(
        self, window: list[Any], work: PairWork, sink: FrameSink, make: _Make
    ) -> None:
        """Make one pair's frames in batches that fit, each handed on before the next."""
        first = 0
        while first < len(work.timesteps):
            self._fitting(partial(self._network.encode, window), window)
            # fixed moments come out of one call, however few are asked for
            batch = len(work.timesteps) if self._spec.timesteps == "fixed" else self._batch
            part = work.part(first, first + batch)
            self._making = dict(zip(part.timesteps, part.outputs, strict=True))
            try:
                made = self._relieved(partial(make, window, part.timesteps))
            except DeviceMemoryError:
                is_least = len(part.timesteps) == 1 or self._spec.timesteps == "fixed"
                if is_least and not self._can_shrink_tiles(window):
                    raise
                if not is_least:
                    self._batch = len(part.timesteps) // 2
                    self._deliveries.take_time()
                    self._notify(f"{self._full}: now making {self._batch} frame(s) at a time.")
                continue
            bare = self._network.bare(window)
            again = partial(self._make_directly, bare, part, sink, self._make_judged)
            self._deliveries.add(made, partial(_store, sink, part.outputs), again)
            first += len(part.timesteps)

    def _make_by_recursion(self, window: list[Any], work: PairWork, sink: FrameSink) -> None:
        """Make one pair's frames one after another, each from the frames that are there by then.

        A frame stays on the device only until the last step that is made from it.
        """
        way = route(work.whole, self._spec.timesteps)
        standing = dict(zip(work.whole, way.moments, strict=True))
        wanted: dict[Fraction, tuple[int, ...]] = {}
        for timestep, outputs in zip(work.timesteps, work.outputs, strict=True):
            # moments too near to each other to be told apart by halving share a frame
            wanted[standing[timestep]] = wanted.get(standing[timestep], ()) + outputs
        steps = way.steps_to(wanted)
        middle = len(window) // 2 - 1
        frames = {Fraction(0): window[middle], Fraction(1): window[middle + 1]}
        for index, step in enumerate(steps):
            sources = [frames[step.earlier], frames[step.later]]
            self._making = {step.timestep: wanted.get(step.moment, ())}
            made = self._fitting(
                partial(self._network.make, sources, [step.timestep]), list(frames.values())
            )
            if step.moment in wanted:
                take = partial(_store, sink, [wanted[step.moment]])
                self._deliveries.add(self._network.on_host(made), take)
            needed = {moment for later in steps[index + 1 :] for moment in later.sources}
            if step.moment in needed:
                frames[step.moment] = self._relieved(partial(self._network.prepare, made))
            frames = {moment: frame for moment, frame in frames.items() if moment in needed}

    def _treat_unsound(self, timesteps: Sequence[Fraction], is_asked_again: bool) -> bool:
        """See to answers that are no pictures, as `Network` wants it: True blends both frames."""
        outputs = [at for moment in timesteps for at in self._making[moment]]
        named = ", ".join(map(self._frame_name, outputs)) or "A frame that others are made from"
        what = f"the answer of {self._spec.title} is infinite or no number"
        if is_asked_again:
            precision = memory.dtype_name(self._policy.dtype)
            self._notify_first(
                "again", f"{named}: {what} in {precision}; made again in fp32, as others will be."
            )
            return False
        if self._policy.bad_frames == "fail":
            raise ModelError(
                f"{named}: {what}, in fp32 too. Choose another model or checkpoint, or have such "
                f"frames held or blended ({how_to_stand_in()})."
            )
        blends = self._policy.bad_frames == "blend"
        for output_index in outputs:
            self._on_bad(output_index)
        stand_in = "both frames blended stand" if blends else "the frame before stands"
        self._notify_first("bad", f"{named}: {what}; {stand_in} in for it, and for others alike.")
        return blends

    def _stop_if_cancelled(self) -> None:
        if self._is_cancelled():
            raise JobCancelledError("The job was cancelled; finished frames stay on disk.")

    def _fitting(self, attempt: Callable[[], _T], held: list[Any]) -> _T:
        """Run `attempt`; where memory stays full, in smaller and smaller tiles."""
        while True:
            try:
                return self._relieved(attempt)
            except DeviceMemoryError:
                if not self._can_shrink_tiles(held):
                    raise

    def _can_shrink_tiles(self, held: list[Any]) -> bool:
        """Take smaller tiles from now on, and say so; False where there are none."""
        side = self._network.shrink_tiles(held)
        if side is not None:
            self._deliveries.take_time()
            self._notify(f"{self._full}: now making frames in tiles of up to {side}×{side} pixels.")
        return side is not None

    def _relieved(self, attempt: Callable[[], _T]) -> _T:
        """Run `attempt`; where memory runs out, clear the device's cache and try once more."""
        return memory.with_relief(
            attempt,
            relieve=self._relieve,
            message=f"{self._spec.title} ran out of memory on {self._policy.device} with one frame "
            "at a time, in the smallest tiles that show motion: choose flow scale 0.5, a smaller "
            "model, smaller frames or the CPU, or close other programs that use the device.",
        )

    def _relieve(self) -> None:
        self._deliveries.hurry()
        memory.clear_cache(self._policy.device)
        self._notify(f"{self._full}: cleared the cache and tried again.")

    def _notify(self, message: str) -> None:
        if message not in self._notices:
            self._notices.add(message)
            self._on_notice(message)

    def _notify_first(self, kind: str, message: str) -> None:
        if kind not in self._notices:
            self._notices.add(kind)
            self._on_notice(message)

    def _make_judged(self, window: list[Any], timesteps: Sequence[Fraction]) -> Download:
        return self._network.on_host(self._network.make(window, timesteps))


def _store(sink: FrameSink, places: Sequence[Sequence[int]], frames: Tensor) -> None:
    """Hand frames over, each for all of its places; each is the sink's to keep and to change."""
    for outputs, frame in zip(places, frames, strict=True):
        for output_index in outputs[:-1]:
            sink.store(output_index, frame.clone())
        sink.store(outputs[-1], frame)
