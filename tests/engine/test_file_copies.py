"""Source frames in a job's folder: copied, or linked where that is asked for and can be."""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path

import pytest

from blender_vfi.engine.file_copies import copy_file
from blender_vfi.errors import FrameError

from .test_job_folder import begun, job, opened, write_text

pytestmark = pytest.mark.plain

__all__ = ["job"]  # a fixture


def test_copy_has_the_same_bytes(job, tmp_path):
    copy_file(Path(job.sources[1]), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"sourcesource"


@pytest.fixture
def linking(job):
    return dataclasses.replace(job, link_sources=True)


def test_linked_source_is_the_same_file_and_takes_the_place_of_another(linking):
    source = Path(linking.sources[1])
    with begun(linking) as folder:
        folder.place(0, write_text("something else"))
        for _ in range(2):  # the second time, both names are one file already
            placed = folder.place_source(0, source)
            assert placed.samefile(source)
    assert [
        path.name for path in Path(linking.output_dir).iterdir() if ".partial" in path.name
    ] == []
    assert source.read_bytes() == b"sourcesource"


def test_source_is_linked_itself_where_it_is_a_symbolic_link(linking, tmp_path):
    alias = tmp_path / "alias.png"
    alias.symlink_to(linking.sources[1])
    placed = begun(linking).place_source(0, alias)
    assert not placed.is_symlink()
    assert placed.samefile(linking.sources[1])


def test_source_is_copied_unless_links_are_asked_for(job):
    placed = begun(job).place_source(0, Path(job.sources[1]))
    assert not placed.samefile(job.sources[1])
    assert placed.read_bytes() == b"sourcesource"


def test_source_is_copied_where_a_link_is_refused(linking, monkeypatch):
    def refuse(*_arguments, **_named):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    placed = begun(linking).place_source(0, Path(linking.sources[1]))
    assert not placed.samefile(linking.sources[1])
    assert placed.read_bytes() == b"sourcesource"


def test_link_that_a_killed_engine_left_is_not_written_through(linking):
    source = Path(linking.sources[1])
    with begun(linking) as folder:
        finished = folder.place(0, write_text("x"))
        os.link(source, finished.with_name(f".{finished.stem}.partial{finished.suffix}"))
        folder.place(0, write_text("new"))
    assert finished.read_text() == "new"
    assert source.read_bytes() == b"sourcesource"


def test_linking_makes_no_other_job_of_one_that_copied(job, linking):
    with begun(job) as folder:
        folder.place(1, write_text("x"))
    assert opened(linking).finished == {1}


@pytest.mark.parametrize("failure", [OSError(errno.EXDEV, "no"), 0])
def test_copy_is_whole_where_the_system_does_not_copy(job, tmp_path, monkeypatch, failure):
    def copy(*_arguments):
        if failure:
            raise failure
        return 0

    monkeypatch.setattr(os, "copy_file_range", copy, raising=False)
    copy_file(Path(job.sources[1]), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"sourcesource"


def test_copy_tells_an_unreadable_source_from_an_unwritable_target(job, tmp_path):
    with pytest.raises(FrameError, match=r"none\.png cannot be read"):
        copy_file(tmp_path / "none.png", tmp_path / "copy")
    with pytest.raises(OSError, match="No such file"):
        copy_file(Path(job.sources[0]), tmp_path / "none" / "copy")
