"""What Blender's process and the engine say to each other, as frozen dataclasses.

Neither side can invent a name that the other does not know. Frames never cross the pipe: both
sides see the same disk. `wire` writes these as lines. Standard library alone: Blender's process
imports this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .job_spec import BAD_FRAMES as BAD_FRAMES
from .job_spec import BUSY_DEVICE as BUSY_DEVICE
from .job_spec import CUTS as CUTS
from .job_spec import DEFAULT_CUT_THRESHOLD as DEFAULT_CUT_THRESHOLD
from .job_spec import DEFAULT_MULTIPLIER as DEFAULT_MULTIPLIER
from .job_spec import DUPLICATES as DUPLICATES
from .job_spec import FLOW_SCALES as FLOW_SCALES
from .job_spec import GUIDED_FILLS as GUIDED_FILLS
from .job_spec import OUTPUT_SUFFIXES as OUTPUT_SUFFIXES
from .job_spec import PRECISIONS as PRECISIONS
from .job_spec import JobSpec as JobSpec
from .job_spec import Precision as Precision
from .job_spec import check_engine_settings as check_engine_settings

PROTOCOL_VERSION = 5


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
class Examine:
    """Request: say what a movie holds; `Examined` follows, or `Failed`.

    Attributes:
        path: of the movie, absolute.
    """

    job_id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearse:
    """Request: say what `job` would make, and touch nothing; `Rehearsed` follows, or `Failed`."""

    job_id: str
    job: JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeMemory:
    """Request: drop the cached models and give the device memory back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Request: leave the GPU, for a render; `SteppedAside` follows. A job on the CPU goes on.

    Attributes:
        on_cpu: let a running job go on, on the CPU; otherwise it waits for `Resume`.
    """

    on_cpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Request: the GPU is free again."""


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
        done: how much of it.
        total: of how much; 0 where that is not known.
        unit: what these count.
    """

    job_id: str
    message: str
    done: int = 0
    total: int = 0
    unit: Literal["bytes", "frames"] = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Event: what was found in the source frames; at the latest when the last new one is made.

    Attributes:
        cuts: pairs of frames that belong to two shots, in order.
        cut_numbers: for each, the number in the file name of its later frame; without numbers, its
            position from 1.
        duplicates: pairs of frames that show the same picture, in order.
        duplicate_numbers: for each, likewise.
    """

    job_id: str
    cuts: tuple[int, ...]
    cut_numbers: tuple[int, ...]
    duplicates: tuple[int, ...] = ()
    duplicate_numbers: tuple[int, ...] = ()


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
        bad_frames: names of the frames that stand in for an answer that was no picture; see
            `JobSpec.bad_frames`.
    """

    job_id: str
    frames_total: int
    frames_made: int
    duration_s: float
    peak_memory_bytes: int
    bad_frames: tuple[str, ...] = ()


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
class Examined:
    """Event: the answer to `Examine`.

    Attributes:
        frame_count: frames at the rate, which a job's sources can name.
        rate: frames a second, as numerator and denominator.
    """

    job_id: str
    frame_count: int
    rate: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """Event: the answer to `Rehearse`.

    Attributes:
        frames_total: output frames.
        frames_new: of these, made by the model now; fewer where cuts come to light, more where
            held frames do that are to be re-timed.
        frames_kept: there already, and left as they are.
        files_replaced: there already, of another job or made from what its source frames were.
        device: where the model would run, such as "cuda:0", several with commas between.
        precision: what it would run in, such as "fp16".
        needed_bytes: what the other frames would take on the disk, about.
        free_bytes: what the disk has left; None where that is not known, or not to be checked.
        download_bytes: what would be fetched first, about; 0 where the model is here.
    """

    job_id: str
    frames_total: int
    frames_new: int
    frames_kept: int
    files_replaced: int
    device: str
    precision: str
    needed_bytes: int
    free_bytes: int | None
    download_bytes: int


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
class SteppedAside:
    """Event: the answer to `Pause`: no memory of a GPU is held, until `Returned`.

    Attributes:
        job_id: the job that has left the GPU; empty where none was there.
        on_cpu: whether it goes on, on the CPU.
    """

    job_id: str = ""
    on_cpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Event: a job that had stepped aside goes on where it was."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFreed:
    """Event: the answer to `FreeMemory`."""

    models_dropped: int


Work = Run | Fetch | Describe | Examine | Rehearse
"""What the engine does one after another; each ends with one of `WorkEnd`."""

WorkEnd = Finished | Fetched | Described | Examined | Rehearsed | Failed | Cancelled

Request = Work | Cancel | FreeMemory | Pause | Resume | Shutdown
Event = (
    Ready
    | Started
    | Stage
    | Found
    | Progress
    | Notice
    | Finished
    | Fetched
    | Described
    | Examined
    | Rehearsed
    | Failed
    | Cancelled
    | MemoryFreed
    | SteppedAside
    | Returned
)
Message = Request | Event
