"""Small jobs in this process, and what they leave."""

from __future__ import annotations

from pathlib import Path

from blender_vfi.engine.pipeline import Engine

from ..engine.fake_model import FakeModel, fake_cache
from ..engine.sequences import visible_names


def content(folder: Path) -> dict[str, bytes]:
    """Every frame in a folder, and whatever else should not be there."""
    return {name: (folder / name).read_bytes() for name in visible_names(folder)}


def run(job, model=None, **options):
    """Run a job on the fake model; return `Finished` and the events."""
    events = []
    engine = Engine(fake_cache(model or FakeModel()))
    return engine.run(job, on_event=events.append, **options), events


def check_finished_frames(folder: Path, expected: dict[str, bytes], *, is_cut_off=False) -> int:
    """Check that what lies there is whole and nothing else; return how many frames there are.

    Args:
        folder: of a job that was stopped.
        expected: what the job makes where nothing happens to it.
        is_cut_off: whether the job had no chance to remove what was not finished.
    """
    left = content(folder)
    if is_cut_off:
        left = {name: data for name, data in left.items() if not name.startswith(".")}
    assert left == {name: expected[name] for name in left}
    return len(left)
