"""What a job will write, compared with what its disk has."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from blender_vfi.engine import disk_space
from blender_vfi.engine.disk_space import DiskSpace
from blender_vfi.engine.schedule import plan
from blender_vfi.engine.storage import AS_SOURCE, Storage
from blender_vfi.errors import OutputError

from .shots import format_of

pytestmark = pytest.mark.plain

FORMAT = format_of(np.zeros((100, 100, 3)), colour_space="sRGB")


@pytest.fixture
def files(tmp_path):
    """Three source files of 3,000 bytes on average, and the five of the output, not there yet."""
    sources = []
    for index, size in enumerate((1000, 3000, 5000)):
        sources.append(tmp_path / f"s{index}.png")
        sources[-1].write_bytes(bytes(size))
    return sources, [tmp_path / f"o{index}.png" for index in range(5)]


@pytest.fixture
def disk(monkeypatch):
    """A disk with as much room as the test says."""
    state = SimpleNamespace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: state)
    return state


def space(files, folder, suffix=".png", finished=(), storage=AS_SOURCE, **options):
    sources, paths = files
    return DiskSpace(
        folder,
        plan(len(sources), 2),
        paths,
        sources,
        FORMAT,
        copied_as_is=sources if suffix == ".png" and storage == AS_SOURCE else (),
        suffix=suffix,
        storage=storage,
        finished=finished,
        **options,
    )


def test_linked_sources_take_no_space_where_the_disk_is_theirs(files, tmp_path, disk, monkeypatch):
    disk.free = 2 * 3000
    space(files, tmp_path, links_sources=True).check()
    monkeypatch.setattr(disk_space, "_shares", lambda _source, _folder: False)
    with pytest.raises(OutputError, match="too little"):
        space(files, tmp_path, links_sources=True).check()


def written(frames, size_bytes=0):
    return SimpleNamespace(frames_written=frames, bytes_written=size_bytes)


@pytest.mark.parametrize(
    ("suffix", "finished", "needed"),
    [
        (".png", (), 9000 + 2 * 3000),  # copies as they are, and new frames like them
        (".png", (1, 4), 4000 + 3000),
        (".tif", (), 5 * 33_000),  # 30,000 bytes of pixels, and what else a file has
        (".jpg", (), 5 * 7500),
    ],
)
def test_what_frames_take_follows_from_the_sources_or_from_the_format(
    files, tmp_path, disk, suffix, finished, needed
):
    watched = space(files, tmp_path, suffix, finished)
    disk.free = needed
    watched.check()
    disk.free = needed - 1
    with pytest.raises(OutputError, match=r"too little\. Make space, or choose another"):
        watched.check()


def test_frames_of_another_depth_are_estimated_by_it(files, tmp_path, disk):
    watched = space(files, tmp_path, storage=Storage(depth="16"))
    disk.free = 5 * 42_000
    watched.check()
    disk.free -= 1
    with pytest.raises(OutputError, match="5 frames will take about 205 kB"):
        watched.check()


def test_refusal_tells_numbers_and_remedy(files, tmp_path, disk):
    disk.free = 5 << 10
    with pytest.raises(OutputError) as raised:
        space(files, tmp_path).check()
    assert str(raised.value) == (
        f"5 frames will take about 15 kB, and the disk of {tmp_path} has 5 kB left: 10 kB too "
        "little. Make space, or choose another output folder or a smaller format; or start without "
        "this check (check_free_space=False)."
    )


def test_files_that_are_replaced_make_room(files, tmp_path, disk):
    files[1][2].write_bytes(bytes(15_000))
    space(files, tmp_path).check()


@pytest.fixture
def long(tmp_path):
    """Of 99 frames, which take 1,000 bytes each by the sources."""
    sources = [tmp_path / f"s{index}.png" for index in range(50)]
    for source in sources:
        source.write_bytes(bytes(1000))
    paths = [tmp_path / f"o{index}.png" for index in range(99)]
    return space((sources, paths), tmp_path)


def test_disk_that_will_be_full_is_told_once(long, tmp_path, disk):
    told = []
    disk.free = 99_000
    long.watch(written(0), told.append)
    disk.free = 89 * 2000
    long.watch(written(10, 20_000), told.append)
    assert told == []
    disk.free -= 1
    long.watch(written(10, 20_000), told.append)
    long.watch(written(11, 22_000), told.append)
    assert told == [
        f"The disk of {tmp_path} will be full before the job's end: 89 frames to go take about 174 "
        "kB, and 174 kB are free."
    ]


def test_job_stops_before_the_disk_is_full(long, disk):
    disk.free = 8 * 2000
    long.watch(written(10, 20_000), lambda _text: None)
    disk.free -= 1
    with pytest.raises(OutputError, match=r"frames take 2 kB each: stopped with 89 frames to go"):
        long.watch(written(10, 20_000), lambda _text: None)


def test_check_can_be_left_out(files, tmp_path, disk):
    watched = space(files, tmp_path, is_wanted=False)
    watched.check()
    watched.watch(written(1, 1000), pytest.fail)


def test_disk_that_cannot_be_asked_stops_nothing(files, tmp_path, monkeypatch):
    def refuse(_folder):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(disk_space.shutil, "disk_usage", refuse)
    watched = space(files, tmp_path)
    watched.check()
    watched.watch(written(1, 1000), pytest.fail)
