"""Whatever befalls two devices of a job, at any call of either: it ends, and leaves whole frames.

The CPU under another name stands for both GPUs, and under its own for where they retreat.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import threading
from pathlib import Path

import pytest
import torch

from blender_vfi.engine import job_model, memory
from blender_vfi.engine.courtesy import Courtesy
from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Cancelled, Finished, JobSpec, Progress
from blender_vfi.engine.retreat import Retreat
from blender_vfi.errors import (
    DeviceMemoryError,
    FrameError,
    JobCancelledError,
    OutputError,
    VfiError,
)
from blender_vfi.models.cache import ModelCache

from .fake_model import CPU, FakeModel, fake_cache
from .late_staging import LateStaging, installed
from .sequences import make_job, write_sequence
from .test_sharing import FIRST, PATIENCE_S, content

pytestmark = pytest.mark.torch

FRAMES, MULTIPLIER = 10, 3
ERRORS: dict[str, type[VfiError]] = {
    "error": OutputError,
    "full": DeviceMemoryError,
    "cancel": JobCancelledError,
}
RENDER_S = 0.15


@dataclasses.dataclass(frozen=True)
class Fault:
    """What befalls a device at one of its model's calls; "full" lasts for so many calls."""

    kind: str
    device: int
    call: int
    calls: int = 1


@dataclasses.dataclass(frozen=True)
class Story:
    """What befalls a job."""

    faults: tuple[Fault, ...]
    damaged: int | None
    can_retreat: bool
    cuts: str


def draw_story(seed: int) -> Story:
    """Draw what befalls a job. Not by hypothesis: threads never run the same way twice."""
    draw = random.Random(seed)
    kinds = draw.choice([["full"], ["pause", "cpu"], ["full", "cpu"], ["error", "cancel", "full"]])
    faults = [
        Fault(
            kind=draw.choice(kinds),
            device=device,
            call=draw.randint(1, 6),
            calls=draw.choice([1, 2, 1000, 1000]),
        )
        for device in (0, 1)
        for _ in range(draw.randrange(3))
    ]
    return Story(
        faults=tuple(faults),
        damaged=draw.choice([None, None, None, draw.randrange(1, FRAMES)]),
        can_retreat=draw.choice([True, True, False]),
        cuts=draw.choice(["off", "hold"]),
    )


class Models(ModelCache):
    """Gives every device a model of its own, though all have one name."""

    def get(self, spec, **options):
        return self._load(spec, **options)


class Rehearsal:
    """One job of two devices, and what befalls it."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._models: list[FakeModel] = []
        self._loading = threading.Lock()
        self._renders: list[threading.Timer] = []
        self.befallen: set[str] = set()
        self.told: list[str] = []
        self.events: list[object] = []
        self.courtesy = Courtesy(self.told.append)
        self.outcome: VfiError | None = None

    @property
    def made(self) -> int:
        """How many frames the models have made."""
        return sum(len(call.timesteps) for model in self._models for call in model.calls)

    def run(self, job: JobSpec) -> None:
        """Run the job in a thread, and see to it that it ends."""
        models = Models(
            free_memory=lambda _device: 1 << 40, release=lambda _device: None, load=self._load
        )
        engine = Engine(models, devices=[FIRST, FIRST])

        def work() -> None:
            try:
                engine.run(
                    job,
                    on_event=self.events.append,
                    is_cancelled=lambda: "cancel" in self.befallen,
                    courtesy=self.courtesy,
                )
            except VfiError as error:
                self.outcome = error

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the job does not end"
        for render in self._renders:
            render.join()
        self.courtesy.leave()

    def _load(self, spec, **options):
        model = FakeModel(before_call=lambda number, _batch: self._befall(faults, number))
        with self._loading:
            self._models.append(model)
            # the third model and on are those of devices that have retreated
            device = len(self._models) - 1
        faults = [each for each in self._story.faults if each.device == device]
        return fake_cache(model).get(spec, **options)

    def _befall(self, faults: list[Fault], number: int) -> None:
        for fault in faults:
            is_due = fault.call <= number < fault.call + fault.calls
            if fault.kind == "full" and is_due:
                self.befallen.add(fault.kind)
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            if number == fault.call and fault.kind != "full":
                self.befallen.add(fault.kind)
                self._begin(fault.kind)

    def _begin(self, kind: str) -> None:
        if kind == "error":
            raise OutputError("this device is broken")
        if kind in ("pause", "cpu"):
            self.courtesy.ask(kind)
            render = threading.Timer(RENDER_S, self.courtesy.ask, ["go"])
            self._renders.append(render)
            render.start()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def sources(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in write_sequence(folder / "in", FRAMES)]


@pytest.fixture(scope="module")
def whole(folder: Path, sources: list[bytes]) -> dict[str, bytes]:
    job = make_job(folder / "in", folder / "whole", multiplier=MULTIPLIER)
    Engine(fake_cache(FakeModel()), devices=[CPU]).run(job)
    return content(job.output_dir)


@pytest.fixture(autouse=True)
def gpus(monkeypatch):
    monkeypatch.setattr(memory, "is_gpu", lambda device: device.index is not None)


def check_events(rehearsal: Rehearsal) -> None:
    done = [event.frames_done for event in rehearsal.events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert all(one != two for one, two in itertools.pairwise(rehearsal.told))
    assert rehearsal.courtesy.ask("pause"), "a device is not left"
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("vfi-device", "vfi-write", "vfi-read"))]


@pytest.mark.parametrize("seed", range(40))
def test_a_job_ends_in_time_with_whole_frames_whatever_befalls_either_device(
    folder, sources, whole, monkeypatch, seed
):
    if seed % 2:  # as CUDA does
        installed(monkeypatch, LateStaging())
    story = draw_story(seed)
    retreat = Retreat(device=CPU, dtype=torch.float32, notice="Going on elsewhere.")
    monkeypatch.setattr(
        job_model, "retreats_from", lambda *_where, **_how: [retreat] * story.can_retreat
    )
    for index, path in enumerate(sorted((folder / "in").iterdir())):
        path.write_bytes(sources[index][: 200 if index == story.damaged else None])
    job = make_job(
        folder / "in",
        folder / str(seed),
        multiplier=MULTIPLIER,
        cuts=story.cuts,
        busy_device="share",
    )
    first = Rehearsal(story)
    first.run(job)
    check_events(first)
    made = content(job.output_dir)
    assert made.items() <= whole.items()
    errors = tuple(ERRORS[kind] for kind in first.befallen & ERRORS.keys())
    if story.damaged is not None:
        errors += (FrameError,)
    if first.outcome is None:
        assert story.damaged is None
        assert not first.befallen & {"error", "cancel"}
        assert made == whole
        assert isinstance(first.events[-1], Finished)
    else:
        assert isinstance(first.outcome, errors)
        is_cancelled = isinstance(first.outcome, JobCancelledError)
        assert isinstance(first.events[-1], Cancelled) == is_cancelled

    if story.damaged is not None:
        (folder / "in" / f"f é {story.damaged + 1:04d}.png").write_bytes(sources[story.damaged])
    again = Rehearsal(Story(faults=(), damaged=None, can_retreat=False, cuts=story.cuts))
    again.run(job)
    check_events(again)
    assert again.outcome is None
    assert content(job.output_dir) == whole
    between = [index for index in range(len(whole)) if index % MULTIPLIER]
    assert again.made == sum(job.frame_name(index) not in made for index in between)
