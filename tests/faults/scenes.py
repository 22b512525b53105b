"""What jobs leave that were stopped."""

from __future__ import annotations

from pathlib import Path

from ..engine.fake_jobs import content


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
