"""Disks that are full, read-only or gone: what is said, what stays, and the job that goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from blender_vfi.engine import images
from blender_vfi.errors import OutputError

from ..engine.fake_model import FakeModel
from ..engine.sequences import make_job, write_sequence
from .forking import Forks
from .scenes import check_finished_frames, content, run

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
def test_full_device_is_told_and_the_job_goes_on_when_there_is_space(source, tmp_path, suffix):
    def job(name):
        return make_job(source, tmp_path / name, multiplier=4, suffix=suffix)

    run(job("whole"))
    expected = pixels(tmp_path / "whole")
    broken = tmp_path / "out" / f"f é 0007{suffix}"
    full = broken.with_name(f".{broken.stem}.partial{suffix}")
    with pytest.raises(OutputError, match=r"f é 0007.* cannot be written"):
        run(job("out"), at_call(4, lambda: full.symlink_to("/dev/full")))  # a device without space
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


@pytest.mark.parametrize("disk_bytes", [1 << 14, 1 << 15] if _can_mount() else [])
def test_full_disk_keeps_what_is_finished_and_the_job_goes_on(
    source, expected, tmp_path, disk_bytes
):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=True)
    try:
        filler = disk / "filler"
        filler.write_bytes(bytes((256 << 10) - disk_bytes))
        job = make_job(source, disk / "out", multiplier=4)
        with pytest.raises(OutputError, match=r"cannot be written \(.*space"):
            run(job)
        check_finished_frames(disk / "out", expected)
        filler.unlink()
        run(job)
        assert content(disk / "out") == expected
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_read_only_folder_is_named_before_any_work(source, tmp_path):
    output = tmp_path / "out"
    output.mkdir(mode=0o555)
    forks = Forks("fake")
    try:
        for folder in (output, output / "deeper"):
            outcome = forks.run(make_job(source, folder), is_humble=True)
            assert outcome.error == "OutputError"
            assert f"{folder} cannot be written to (Permission denied)" in outcome.message
    finally:
        forks.close()
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
