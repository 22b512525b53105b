"""What Blender's process and the engine say to each other, as frozen dataclasses.

Neither side can invent a name that the other does not know. Frames never cross the pipe: both
sides see the same disk. `wire` writes these as lines. Standard library alone: Blender's process
imports this.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ..errors import RequestError
from . import rates, schedule
from .limits import check_free_memory_limit, check_seed, check_tile_size

PROTOCOL_VERSION = 2

Precision = Literal["auto", "fp32", "fp16", "bf16"]

PRECISIONS: tuple[str, ...] = typing.get_args(Precision)
DEFAULT_MULTIPLIER = 2
FLOW_SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
OUTPUT_SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".exr", ".dpx", ".tga")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """Everything that decides what a job makes: enough to run it on another machine.

    Attributes:
        job_id: unique among the jobs of one engine.
        sources: source frames in order, absolute paths.
        output_dir: absolute path; made when missing, never the folder of a source.
        name_prefix: output frame i is called name_prefix + number + suffix.
        first_number: number of the first output frame.
        suffix: output format by its suffix; one of `OUTPUT_SUFFIXES`.
        multiplier: one for all pairs, or one for each pair.
        rate_ratio: in place of a multiplier, the output's frame rate divided by the source's, as
            numerator and denominator: (5, 2) makes 60 frames a second of 24.
        skip_pairs: pairs without in-between frames; None for none.
        keep_pairs: the only pairs with in-between frames; None for all.
        hold_skipped: hold a frame in the place of what a skipped pair would have got.
        model: name in the catalog.
        checkpoint: path of a checkpoint to use in place of the catalog's; None for the catalog's.
        device: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu".
        precision: "auto" takes fp16 where device and model allow it.
        flow_scale: see `models.interface.Quality`.
        ensemble: likewise.
        clear_cache_every: pairs between two clearings of the device's cache.
        tile_size: longest side in pixels of the tiles that large frames are made in, about; 0 for
            whole frames, and tiles only where memory runs out.
        free_memory_limit_gb: device memory that must be free, in units of 2^30 bytes, before
            another model is loaded; models kept from earlier jobs go until it is.
        seed: see `models.interface.Quality`.
        overwrite: replace files that lie under an output frame's name.
    """

    job_id: str
    sources: tuple[str, ...]
    output_dir: str
    name_prefix: str
    suffix: str
    first_number: int = 1
    multiplier: int | tuple[int, ...] = DEFAULT_MULTIPLIER
    rate_ratio: tuple[int, ...] | None = None
    skip_pairs: tuple[int, ...] | None = None
    keep_pairs: tuple[int, ...] | None = None
    hold_skipped: bool = False
    model: str = "rife-4.25"
    checkpoint: str | None = None
    device: str = "auto"
    precision: Precision = "auto"
    flow_scale: float = 1.0
    ensemble: bool = False
    clear_cache_every: int = 10
    tile_size: int = 0
    free_memory_limit_gb: float = 4.0
    seed: int = 0
    overwrite: bool = False

    @property
    def ratio(self) -> Fraction | None:
        """The output's frame rate divided by the source's; None where multipliers say it.

        Raises:
            RequestError: `rate_ratio` is out of range.
        """
        return None if self.rate_ratio is None else rates.ratio_from_pair(self.rate_ratio)

    def plan(self) -> schedule.Plan:
        """Plan the output sequence; both processes get the same one."""
        return schedule.plan(
            len(self.sources),
            self.multiplier if self.ratio is None else self.ratio,
            skip=self.skip_pairs,
            keep=self.keep_pairs,
            hold_skipped=self.hold_skipped,
        )

    def frame_name(self, output_index: int) -> str:
        """Name of the output frame at `output_index` (from 0): at least four digits."""
        return f"{self.name_prefix}{self.first_number + output_index:04d}{self.suffix}"

    def check(self) -> None:
        """Raise `RequestError` for the first setting that is out of range; no file is touched."""
        check_engine_settings(self.precision, self.flow_scale, self.clear_cache_every)
        check_tile_size(self.tile_size)
        check_free_memory_limit(self.free_memory_limit_gb)
        check_seed(self.seed)
        _check_choice("Output format", self.suffix, OUTPUT_SUFFIXES)
        if self.first_number < 0:
            raise RequestError(f"First frame number {self.first_number}: must be 0 or more.")
        if not Path(self.output_dir).is_absolute():
            raise RequestError(f"Output folder {self.output_dir!r}: must be an absolute path.")
        if "/" in self.name_prefix or "\\" in self.name_prefix or "\0" in self.name_prefix:
            raise RequestError(
                f"Name prefix {self.name_prefix!r}: must not contain a slash; choose the folder "
                "with the output folder setting."
            )
        if self.rate_ratio is not None and self.multiplier != DEFAULT_MULTIPLIER:
            raise RequestError(
                f"Multiplier {self.multiplier} and rate ratio {self.rate_ratio}: give one of them, "
                "since each decides alone how many frames are made."
            )
        self.plan()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Request: run `job` after the jobs that were asked for before."""

    job: JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Request: stop the job within one frame; a job that is not known is ignored."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Request: store the checkpoint of a model on this machine, as a job would before it begins.

    Attributes:
        job_id: names this request in its events, and in a `Cancel`.
        model: name in the catalog.
        accept_licence: whether the user accepts a licence that restricts the use of the weights.
    """

    job_id: str
    model: str
    accept_licence: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Request: say what the engine runs on; `Described` follows, or `Failed`."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeMemory:
    """Request: drop the cached models and give the device memory back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """Request: cancel what runs, and leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Event: the engine is up and takes requests; always the first event."""

    protocol: int
    process_id: int
    version: str
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Event: the job has begun; frames follow.

    Attributes:
        frames_total: number of output frames, source frames included.
        device: where the model runs, such as "cuda:0".
        precision: what it runs in, such as "fp16".
    """

    job_id: str
    frames_total: int
    device: str
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Event: what the job does before its first frame, in words: "Loading RIFE 4.25".

    Attributes:
        done: bytes or steps done, for downloads.
        total: of how many; 0 where that is not known.
    """

    job_id: str
    message: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Event: a pair is finished and its frames are on their way to disk.

    Attributes:
        frames_done: output frames whose files are whole and under their final names.
        frames_total: number of output frames.
        frames_per_second: output frames since the first one.
        seconds_left: estimate; None until it can be made.
        device_memory_bytes: held on the device now; 0 on the CPU.
        host_memory_bytes: resident memory of the engine.
        last_frame: path of the newest in-between frame on disk; None before the first.
    """

    job_id: str
    frames_done: int
    frames_total: int
    frames_per_second: float
    seconds_left: float | None
    device_memory_bytes: int
    host_memory_bytes: int
    last_frame: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Event: something the user should know although the job goes on."""

    job_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Event: every frame is on disk under its final name.

    Attributes:
        frames_total: output frames.
        frames_made: of these, made by the model.
        duration_s: from the job's begin.
        peak_memory_bytes: most resident memory of the engine so far.
    """

    job_id: str
    frames_total: int
    frames_made: int
    duration_s: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Event: the checkpoint of a `Fetch` is on this machine.

    Attributes:
        path: where.
    """

    job_id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that a model can run on.

    Attributes:
        name: what a `JobSpec` calls it, such as "cuda:0".
        title: what its maker calls it.
        memory_bytes: all of its memory; 0 where that is not known.
    """

    name: str
    title: str
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Event: what the engine runs on.

    Attributes:
        packages: names and versions, such as "torch 2.13.0".
        devices: the one that "auto" takes first.
    """

    job_id: str
    packages: tuple[str, ...]
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Event: the job ended with an error; finished frames stay on disk.

    Attributes:
        kind: name of the class in `blender_vfi.errors`.
        message: for the user.
        details: traceback, for a bug report.
    """

    job_id: str
    kind: str
    message: str
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """Event: the job stopped because it was asked to; finished frames stay on disk."""

    job_id: str
    frames_done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFreed:
    """Event: the answer to `FreeMemory`."""

    models_dropped: int


Request = Run | Fetch | Describe | Cancel | FreeMemory | Shutdown
Event = (
    Ready
    | Started
    | Stage
    | Progress
    | Notice
    | Finished
    | Fetched
    | Described
    | Failed
    | Cancelled
    | MemoryFreed
)
Message = Request | Event


def check_engine_settings(precision: str, flow_scale: float, clear_cache_every: int) -> None:
    """Raise `RequestError` for the first of these settings of a `JobSpec` that is out of range."""
    _check_choice("Precision", precision, PRECISIONS)
    _check_choice("Flow scale", flow_scale, FLOW_SCALES)
    if not isinstance(clear_cache_every, int) or not 1 <= clear_cache_every <= 1000:
        raise RequestError(
            f"Clear cache every {clear_cache_every} pairs: must be a whole number from 1 to 1000."
        )


def _check_choice(what: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        listed = ", ".join(str(choice) for choice in choices)
        raise RequestError(f"{what} {value}: must be one of {listed}.")
