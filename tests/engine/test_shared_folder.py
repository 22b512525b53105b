"""Several jobs in one folder: what they leave of each other's frames, records and figures."""

from __future__ import annotations

import dataclasses

import pytest

from blender_vfi.engine.confidence import FrameConfidence, read_confidence, write_confidence
from blender_vfi.engine.job_folder import RECORD_NAME
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.engine.rendered_frames import RENDERED_NAME, note_rendered
from blender_vfi.errors import OutputError

from .test_job_folder import FRAMES, begun, job, names, opened, write_text

pytestmark = pytest.mark.plain

__all__ = ["job"]  # a fixture


def finish(job: JobSpec) -> frozenset[int]:
    """Make what is missing; return what was finished."""
    folder = begun(job)
    for index in set(range(FRAMES)) - folder.finished:
        folder.place(index, write_text("made"))
    return folder.finished


@pytest.mark.parametrize("overwrite", [False, True])
def test_jobs_of_other_ranges_share_a_folder_and_both_go_on(job, tmp_path, overwrite):
    finish(job)
    sources = [tmp_path / "in" / name for name in ("100.png", "102.png")]
    for source in sources:
        source.write_text("source")
    later = dataclasses.replace(
        job, sources=tuple(map(str, sources)), first_number=101, overwrite=overwrite
    )
    finish(later)
    made = {f"f_{number:04d}.png" for number in (1, 2, 3, 101, 102, 103)}
    assert names(job) == {RECORD_NAME} | made
    for each in (job, dataclasses.replace(later, overwrite=False)):
        assert finish(each) == {0, 1, 2}


def test_nothing_is_removed_without_overwriting(job):
    longer = dataclasses.replace(job, multiplier=4)
    folder = begun(longer)
    for index in (3, 4):
        folder.place(index, write_text("long"))
    finish(job)
    assert names(job) == {RECORD_NAME} | {f"f_{number:04d}.png" for number in range(1, 6)}
    with pytest.raises(OutputError, match="not made by this very job"):
        opened(longer)


def test_overwriting_with_a_shorter_job_keeps_frames_that_were_rendered_after_all(job):
    longer = dataclasses.replace(job, multiplier=4)
    folder = begun(longer)
    for index in range(5):
        folder.place(index, write_text("long"))
    note_rendered(folder.path, "f_0004.png", job.sources)
    begun(dataclasses.replace(job, overwrite=True))
    assert names(job) == {RECORD_NAME, RENDERED_NAME, "f_0004.png"}


def test_frames_that_are_made_anew_lose_their_figures(job):
    folder = begun(job)
    figures = [
        FrameConfidence(number=at, name=f"f_{at:04d}.png", confidence=1.0, expected_error=0.0)
        for at in (2, 7)
    ]
    for each in figures:
        (folder.path / each.name).write_text("guided")
    write_confidence(folder.path, figures)
    begun(dataclasses.replace(job, model="rife-4.6", overwrite=True))
    assert [each.name for each in read_confidence(folder.path)] == ["f_0007.png"]
