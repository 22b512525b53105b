"""An engine that is killed at any moment: what it leaves, and the job that goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ..engine.fake_jobs import content
from ..engine.sequences import make_job, write_sequence
from .forking import Forks

pytestmark = pytest.mark.torch

FAKE_KILLS = 40
REAL_KILLS = 10


class Scene:
    """A job, what it makes where nothing happens to it, and how long that takes."""

    def __init__(self, forks: Forks, folder: Path, *, size, frames, multiplier) -> None:
        self.forks = forks
        self._folder = folder
        self._multiplier = multiplier
        write_sequence(folder / "in", frames, size=size)
        self.whole = forks.run(self.job("whole"))
        assert not self.whole.error, self.whole.message
        self.content = content(folder / "whole")
        assert self.whole.frames_made == (frames - 1) * (multiplier - 1)

    def job(self, name: str):
        return make_job(self._folder / "in", self._folder / name, multiplier=self._multiplier)

    def output(self, name: str) -> Path:
        return self._folder / name

    def finished(self, name: str) -> dict[str, int]:
        """Check what lies there after a kill; return when each finished frame was written."""
        output = self.output(name)
        if not output.exists():
            return {}
        frames = [one for one in output.iterdir() if one.name in self.content]
        for frame in frames:
            assert frame.read_bytes() == self.content[frame.name], f"{frame.name} is not whole"
        return {frame.name: frame.stat().st_mtime_ns for frame in frames}

    def made_by_the_model(self, names) -> int:
        order = sorted(self.content)
        return sum(order.index(name) % self._multiplier != 0 for name in names)

    def go_on(self, name: str) -> None:
        """Run the job to its end, and check that it made what was missing and nothing else."""
        kept = self.finished(name)
        outcome = self.forks.run(self.job(name))
        assert not outcome.error, outcome.message
        assert outcome.frames_made == self.whole.frames_made - self.made_by_the_model(kept)
        assert content(self.output(name)) == self.content
        written = self.finished(name)
        assert {frame: written[frame] for frame in kept} == kept


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    forks = Forks("fake")
    yield Scene(forks, tmp_path_factory.mktemp("fake"), size=(24, 40), frames=4, multiplier=4)
    forks.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory, checkpoint_folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLENDER_VFI_CHECKPOINTS", str(checkpoint_folder))
        forks = Forks("rife-4.25")
    yield Scene(forks, tmp_path_factory.mktemp("real"), size=(64, 64), frames=3, multiplier=3)
    forks.close()


@pytest.mark.parametrize("number", range(FAKE_KILLS // 2))
def test_job_killed_between_two_steps_with_files_goes_on_as_if_it_had_not_been(fake, number):
    moment = random.Random(number).randint(1, fake.whole.file_events)
    outcome = fake.forks.run(fake.job(f"step {number}"), end_at_event=moment)
    assert outcome.was_killed
    fake.go_on(f"step {number}")


@pytest.mark.parametrize("number", range(FAKE_KILLS // 2))
def test_job_killed_at_any_moment_goes_on_as_if_it_had_not_been(fake, number):
    moment_s = random.Random(number).uniform(0.001, fake.whole.seconds)
    fake.forks.run(fake.job(f"time {number}"), end_after_s=moment_s)
    fake.go_on(f"time {number}")


@pytest.mark.parametrize("number", range(REAL_KILLS))
def test_job_of_a_real_model_that_is_killed_goes_on_as_if_it_had_not_been(real, number):
    moment = random.Random(number).randint(1, real.whole.file_events)
    assert real.forks.run(real.job(f"{number}"), end_at_event=moment).was_killed
    real.go_on(f"{number}")


def test_job_killed_again_and_again_comes_to_its_end(fake):
    draw = random.Random(1)
    for _ in range(6):
        fake.forks.run(fake.job("again"), end_at_event=draw.randint(20, fake.whole.file_events))
        fake.finished("again")
    fake.go_on("again")
