"""Disks that are full, read-only or gone: what is said, what stays, and the job that goes on."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from blender_vfi.engine import images
from blender_vfi.errors import OutputError

from ..engine.fake_jobs import content, run
from ..engine.fake_model import FakeModel
from ..engine.sequences import make_job, write_sequence
from .forking import Forks
from .scenes import check_finished_frames

pytestmark = pytest.mark.torch

FRAMES = 4


def _can_mount() -> bool:
    if os.geteuid() != 0:
        return False
    with_namespace = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(with_namespace, capture_output=True, check=False).returncode == 0


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", FRAMES)
    return tmp_path / "in"


@pytest.fixture
def expected(source, tmp_path):
    """What the job makes where nothing happens to it."""
    run(make_job(source, tmp_path / "whole", multiplier=4))
    return content(tmp_path / "whole")


def at_call(number: int, action) -> FakeModel:
    """Return a model that does something before it is asked for the n-th time."""

    def act(count, _batch):
        if count == number:
            action()

    return FakeModel(before_call=act)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".tga", ".dpx"])
def test_full_device_is_told_and_the_job_goes_on_when_there_is_space(
    source, tmp_path, suffix, monkeypatch
):
    def job(name):
        return make_job(source, tmp_path / name, multiplier=4, suffix=suffix)

    run(job("whole"))
    expected = pixels(tmp_path / "whole")
    write_frame = images.write_frame

    def write_to_a_full_device(path, *arguments):
        if "0007" in path.name:
            path.symlink_to("/dev/full")
        write_frame(path, *arguments)

    monkeypatch.setattr(images, "write_frame", write_to_a_full_device)
    with pytest.raises(OutputError, match=r"0007.* cannot be written"):
        run(job("out"))
    monkeypatch.setattr(images, "write_frame", write_frame)
    left = pixels(tmp_path / "out")
    assert 4 <= len(left) < len(expected)
    assert left == {name: expected[name] for name in left}
    finished, _ = run(job("out"))
    assert finished.frames_made < 9
    assert pixels(tmp_path / "out") == expected


def pixels(folder: Path) -> dict[str, bytes]:
    """What frames show: TIFF and DPX files tell besides when they were written."""
    return {name: images.read_frame(folder / name).pixels.tobytes() for name in content(folder)}


def test_file_that_may_not_grow_leaves_nothing_broken(tmp_path):
    source = tmp_path / "in"
    write_sequence(source, FRAMES, size=(96, 128))  # larger than the job's record
    run(make_job(source, tmp_path / "whole", multiplier=4))
    expected = content(tmp_path / "whole")
    forks = Forks("fake")
    try:
        largest = sorted(len(data) for data in expected.values())[len(expected) // 2]
        job = make_job(source, tmp_path / "out", multiplier=4)
        outcome = forks.run(job, largest_file=largest)
        assert (outcome.error, outcome.was_killed) == ("OutputError", False)
        assert "cannot be written" in outcome.message
        assert check_finished_frames(tmp_path / "out", expected) < len(expected)
        assert not forks.run(job).error
        assert content(tmp_path / "out") == expected
    finally:
        forks.close()


@pytest.fixture(params=["small file system"] if _can_mount() else [])
def disk(tmp_path):
    """A file system of its own, of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, left_bytes: int) -> None:
    (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free - left_bytes))


@pytest.mark.parametrize("left_bytes", [1 << 14, 1 << 15])
def test_full_disk_keeps_what_is_finished_and_the_job_goes_on(
    source, expected, tmp_path, disk, left_bytes
):
    fill(disk, left_bytes)
    job = make_job(source, disk / "out", multiplier=4)
    with pytest.raises(OutputError, match=r"cannot be written \(.*space"):
        run(dataclasses.replace(job, check_free_space=False))
    check_finished_frames(disk / "out", expected)
    (disk / "filler").unlink()
    run(job)
    assert content(disk / "out") == expected


def test_disk_without_room_is_told_before_any_work(source, disk):
    fill(disk, 1 << 14)
    job = make_job(source, disk / "out", multiplier=4)
    with pytest.raises(
        OutputError, match=r"13 frames will take about \d+ kB, and the disk of .* has \d+ kB left"
    ):
        run(job)
    assert not (disk / "out").exists()


def test_disk_that_fills_while_the_job_runs_ends_it_before_it_is_full(tmp_path, disk):
    write_sequence(tmp_path / "in", FRAMES, size=(64, 96))
    run(make_job(tmp_path / "in", tmp_path / "whole", multiplier=4))
    expected = content(tmp_path / "whole")
    frame_bytes = len(expected["f é 0002.png"])
    job = make_job(tmp_path / "in", disk / "out", multiplier=4)
    with pytest.raises(OutputError, match=r"stopped with \d+ frames to go, before it is full"):
        run(job, at_call(5, lambda: fill(disk, 7 * frame_bytes)))
    check_finished_frames(disk / "out", expected)
    (disk / "filler").unlink()
    run(job)
    assert content(disk / "out") == expected


def test_read_only_folder_is_named_before_any_work(source, tmp_path):
    output = tmp_path / "out"
    output.mkdir(mode=0o555)
    forks = Forks("fake")
    try:
        for folder in (output, output / "deeper"):
            outcome = forks.run(make_job(source, folder), is_humble=True)
            assert outcome.error == "OutputError"
            assert f"{folder} cannot be written to (Permission denied)" in outcome.message
        output.chmod(0)  # what is in it cannot even be looked at
        outcome = forks.run(make_job(source, output / "deeper"), is_humble=True)
        assert f"{output / 'deeper'} cannot be written to (Permission denied)" in outcome.message
    finally:
        forks.close()
    output.chmod(0o755)
    assert not list(output.iterdir())


def test_folder_that_is_removed_is_told_and_made_again_later(source, expected, tmp_path):
    output = tmp_path / "out"
    job = make_job(source, output, multiplier=4)
    with pytest.raises(OutputError, match="is not there any more: was it removed"):
        run(job, at_call(5, lambda: shutil.rmtree(output.rename(tmp_path / "trash"))))
    assert not output.exists()
    run(job)
    assert content(output) == expected


def test_share_that_comes_back_has_what_was_finished(source, expected, tmp_path):
    output, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    job = make_job(source, output, multiplier=4)
    with pytest.raises(OutputError, match="a disk or share disconnected"):
        run(job, at_call(8, lambda: output.rename(elsewhere)))
    elsewhere.rename(output)
    there = check_finished_frames(output, expected, is_cut_off=True)
    assert there >= 4
    finished, _ = run(job)
    assert finished.frames_total - there >= finished.frames_made
    assert content(output) == expected
