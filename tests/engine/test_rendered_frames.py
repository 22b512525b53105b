"""Real renders in the place of made frames: what a later job makes of them."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from blender_vfi.engine.job_folder import JobFolder
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.engine.rendered_frames import (
    RENDERED_NAME,
    note_rendered,
    read_job,
    rendered_names,
)
from blender_vfi.errors import OutputError, RequestError

pytestmark = pytest.mark.plain

RENDERED = 1  # the frame between the first two sources
NAME = "f_0002.png"


@pytest.fixture
def job(tmp_path: Path) -> JobSpec:
    """A finished job of three source files, whose second frame was rendered after all."""
    names = ("0.png", "1.png", "2.png")
    for name in names:
        (tmp_path / name).write_text(f"source {name}")
    job = JobSpec(
        job_id="a",
        sources=tuple(str(tmp_path / name) for name in names),
        output_dir=str(tmp_path / "out"),
        name_prefix="f_",
        suffix=".png",
    )
    finish(job)
    folder = Path(job.output_dir)
    (folder / NAME).write_text("a real render")
    note_rendered(folder, NAME, job.sources[:2])
    return job


def finish(job: JobSpec, text: str = "made") -> frozenset[int]:
    """Make what the folder says is missing; return what it said is finished."""
    with JobFolder(job, job.plan(), precision="fp32") as folder:
        folder.begin()
        for index in set(range(len(job.plan().outputs))) - folder.finished:
            folder.place(index, lambda path: path.write_text(text))
        return folder.finished


def text_of(job: JobSpec, index: int = RENDERED) -> str:
    return (Path(job.output_dir) / job.frame_name(index)).read_text()


def test_same_job_started_again_keeps_the_render(job):
    assert finish(job) == {0, 1, 2, 3, 4}
    assert text_of(job) == "a real render"


@pytest.mark.parametrize("changes", [{}, {"model": "rife-4.6"}])
def test_overwriting_makes_all_but_the_render_again(job, changes):
    again = dataclasses.replace(job, overwrite=True, **changes)
    for text in ("again", "and again"):
        assert finish(again, text) == {RENDERED}
        assert text_of(job) == "a real render"
        assert text_of(job, 0) == text


def test_render_beside_a_changed_source_frame_is_made_again(job):
    Path(job.sources[0]).write_text("the scene has changed, and so has this")
    assert finish(dataclasses.replace(job, overwrite=True), "again") == frozenset()
    assert text_of(job) == "again"


def test_render_far_from_a_changed_source_frame_stays(job):
    Path(job.sources[2]).write_text("the scene has changed here")
    assert finish(dataclasses.replace(job, overwrite=True), "again") == {RENDERED}


def test_what_was_written_over_a_render_is_no_render(job):
    folder = Path(job.output_dir)
    os.utime(folder / NAME, ns=(1, 1))
    assert rendered_names(folder) == frozenset()


def test_later_renders_are_noted_beside_earlier_ones(job):
    folder = Path(job.output_dir)
    note_rendered(folder, "f_0004.png", job.sources[1:])
    assert rendered_names(folder) == {NAME, "f_0004.png"}


@pytest.mark.parametrize(
    "note",
    ["", "[]", "{}", '{"version": 2, "frames": {}}', '{"version": 1, "frames": {"f_0002.png": 1}}'],
)
def test_damaged_note_tells_of_no_render(job, note):
    (Path(job.output_dir) / RENDERED_NAME).write_text(note)
    assert rendered_names(Path(job.output_dir)) == frozenset()


def test_note_that_cannot_be_written_is_named_and_the_one_before_stays(job, monkeypatch):
    def full(*_arguments, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match=r"vfi_rendered\.json cannot be written \(No space left"):
        note_rendered(Path(job.output_dir), "f_0004.png", job.sources[1:])
    assert rendered_names(Path(job.output_dir)) == {NAME}


def test_job_of_a_folder_is_the_one_recorded_there(job):
    assert read_job(Path(job.output_dir)) == job


@pytest.mark.parametrize("record", [None, "", "[]", "{}", '{"job": {"of": "another version"}}'])
def test_folder_without_a_readable_record_is_named(tmp_path, record):
    if record is not None:
        (tmp_path / "vfi_job.json").write_text(record)
    with pytest.raises(RequestError, match="has no record of a job that this version can read"):
        read_job(tmp_path)
