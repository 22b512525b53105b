"""Jobs that run in this process with a model that is played, and what they leave."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from blender_vfi.engine.pipeline import Engine
from blender_vfi.engine.protocol import Event, Finished, JobSpec, Notice
from blender_vfi.models.interface import InterpolationModel

from .fake_model import FakeModel, fake_cache
from .sequences import visible_names


def run(
    job: JobSpec, model: InterpolationModel | None = None, **options: object
) -> tuple[Finished, list[Event]]:
    """Run a job, on a `FakeModel` unless another is named; return `Finished` and the events."""
    events: list[Event] = []
    engine = Engine(fake_cache(model or FakeModel()))
    return engine.run(job, on_event=events.append, **options), events


def notices_of(events: Iterable[Event]) -> list[str]:
    """What a job has told its user in words."""
    return [event.message for event in events if isinstance(event, Notice)]


def content(folder: Path) -> dict[str, bytes]:
    """Every frame in a folder, and whatever else should not be there."""
    return {name: (folder / name).read_bytes() for name in visible_names(folder)}
