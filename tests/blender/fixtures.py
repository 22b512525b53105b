"""Blender with the add-on, an empty file for each test, and an engine that only copies files."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

import blender_vfi
from blender_vfi import engine_session, vse
from blender_vfi.engine.protocol import Finished, JobSpec, Notice
from blender_vfi.engine.schedule import Between, Dissolve
from blender_vfi.job_queue import jobs

from .frame_files import write_sequence

REPOSITORY = Path(__file__).resolve().parents[2]
STORE_WEIGHTS = """
import sys
from pathlib import Path
from blender_vfi.models import catalog, loading, store
spec, folder, published = catalog.find(catalog.DEFAULT_MODEL), Path(sys.argv[1]), Path(sys.argv[2])
if store.find_stored(folder, spec) is None:
    loading.import_checkpoint(spec, published / f"{spec.name}.pkl", folder)
"""


@pytest.fixture(scope="session")
def add_on() -> Iterator[None]:
    """Blender crashes or hangs at its end where a class is still registered."""
    blender_vfi.register()
    yield
    blender_vfi.unregister()


@pytest.fixture(autouse=True)
def scene(add_on: None) -> Iterator[bpy.types.Scene]:
    """A new file's scene at 24 frames a second, with a Sequencer."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.sequence_editor_create()
    yield scene
    engine_session.close()
    jobs.clear()


class CopyingClient:
    """Stands for the engine: makes an in-between frame by copying the one before it."""

    def __init__(self) -> None:
        self.jobs: list[JobSpec] = []
        self.settings: list[dict] = []
        self.error: Exception | None = None
        self.events: list = []
        self.cancelled: list[str] = []
        self.requests: list = []
        self.poll_error: Exception | None = None
        self.notice: str | None = None

    def __call__(self, python: str | None = None, **settings) -> "CopyingClient":
        self.settings.append({"python": python, **settings})
        return self

    def run(self, job: JobSpec, on_event=None) -> Finished:
        job.check()
        self.jobs.append(job)
        if self.notice is not None:
            on_event(Notice(job_id=job.job_id, message=self.notice))
        if self.error is not None:
            raise self.error
        return self.make_frames(job)

    def make_frames(self, job: JobSpec) -> Finished:
        folder = Path(job.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        outputs = job.plan().outputs
        for index, output in enumerate(outputs):
            source = output.pair if isinstance(output, Between | Dissolve) else output.index
            shutil.copyfile(job.sources[source], folder / job.frame_name(index))
        return Finished(
            job_id=job.job_id,
            frames_total=len(outputs),
            frames_made=job.plan().between_count,
            duration_s=0.1,
            peak_memory_bytes=1,
        )

    def submit(self, job: JobSpec) -> None:
        job.check()
        self.jobs.append(job)

    def request(self, request) -> None:
        self.requests.append(request)

    @property
    def stderr_tail(self) -> str:
        return "the engine's log"

    def poll(self) -> list:
        if self.poll_error is not None:
            error, self.poll_error = self.poll_error, None
            raise error
        events, self.events = self.events, []
        return events

    def step_aside(self, *, on_cpu: bool, wait_s: float) -> bool:
        return True

    def resume(self) -> None:
        pass

    def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    def close(self) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> CopyingClient:
    client = CopyingClient()
    monkeypatch.setattr(engine_session, "EngineClient", client)
    return client


@pytest.fixture
def add_strip(scene, tmp_path: Path):
    """Add an image strip of new frames to the scene, selected and active."""

    def add(
        count: int = 5, *, start: int = 1, channel: int = 1, folder: Path | None = None, **naming
    ):
        files = write_sequence(folder or tmp_path / "shot", count, **naming)
        strip = vse.new_image_strip(
            vse.root_strips(scene),
            name="shot",
            folder=str(files[0].parent),
            filenames=[file.name for file in files],
            channel=channel,
            start=start,
        )
        scene.sequence_editor.active_strip = strip
        return strip

    return add


@pytest.fixture
def interpolate(engine: CopyingClient):
    """Run the operator as a script does; return the job that the engine got."""

    def run(**properties) -> JobSpec:
        assert bpy.ops.sequencer.vfi_interpolate(**properties) == {"FINISHED"}
        return engine.jobs[-1]

    return run


@pytest.fixture
def add_effect(scene):
    """Add a strip that generates its picture."""

    def add(name: str, kind: str, channel: int, left: int, right: int):
        is_old = bpy.app.version < (5, 0, 0)
        length = {"frame_end": right} if is_old else {"length": right - left}
        strip = vse.root_strips(scene).new_effect(name, kind, channel, left, **length)
        vse.set_strip_times(strip, vse.StripTimes(left, left, right))
        return strip

    return add


def shown(strip) -> SimpleNamespace:
    """Say when a strip is visible, and which file it shows at each frame."""
    times = vse.strip_times(strip)
    files = [
        strip.strip_elem_from_frame(frame).filename for frame in range(times.left, times.right)
    ]
    return SimpleNamespace(left=times.left, right=times.right, files=files)


@pytest.fixture(scope="module")
def weights():
    """The default model, stored by the engine's Python: Blender's own need not have torch."""
    published = os.environ.get("BLENDER_VFI_TEST_WEIGHTS", str(REPOSITORY / "build" / "weights"))
    subprocess.run(
        [
            os.environ.get("BLENDER_VFI_PYTHON", sys.executable),
            *("-c", STORE_WEIGHTS, str(REPOSITORY / "build" / "checkpoints"), published),
        ],
        cwd=REPOSITORY,
        check=True,
        timeout=120,
    )
