"""What has changed since a job was stopped, and what of its frames is made again for that."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from blender_vfi.engine import durable
from blender_vfi.engine.findings import Findings
from blender_vfi.engine.job_folder import RECORD_NAME, JobFolder
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.errors import OutputError

from .test_job_folder import begun, job, names, opened, write_text

pytestmark = pytest.mark.plain

__all__ = ["job"]  # a fixture


def long_job(job: JobSpec, tmp_path: Path, count: int = 6) -> JobSpec:
    """A job of more source files, all of whose frames are there."""
    sources = [tmp_path / "in" / f"{index}.png" for index in range(count)]
    for source in sources:
        source.write_bytes(b"source")
    job = dataclasses.replace(job, sources=tuple(map(str, sources)))
    folder = begun(job)
    for index in range(2 * count - 1):
        folder.place(index, write_text("old"))
    return job


@pytest.mark.parametrize(
    ("context", "kept"), [(2, {0, 1, 2, 6, 7, 8, 9, 10}), (4, {0, 2, 6, 8, 9, 10})]
)
def test_changed_source_frame_redoes_what_was_made_from_it_alone(job, tmp_path, context, kept):
    job = long_job(job, tmp_path)
    os.utime(job.sources[2], ns=(0, 0))  # stands as output 4, between 3 and 5
    folder = JobFolder(job, job.plan(), precision="fp32", context=context)
    with folder:
        assert folder.changed_sources == {2}
        assert folder.finished == kept
        assert len(names(job)) == 12  # nothing goes before the job begins
        folder.begin()
    assert {path.name for path in Path(job.output_dir).glob("f_*")} == {
        job.frame_name(index) for index in kept
    }
    assert opened(job).finished == kept
    assert opened(job).changed_sources == frozenset()


def test_cut_that_a_changed_frame_brings_redoes_the_pair(job, tmp_path):
    job = long_job(job, tmp_path)
    os.utime(job.sources[5], ns=(0, 0))
    with JobFolder(job, job.plan(), precision="fp32", context=2) as folder:
        assert folder.findings is None  # they have to be found anew
        plan = job.plan_for(job.plan(), cuts=(1,))
        assert folder.follow(plan) == 3
        assert folder.finished == set(range(9)) - {3}


def test_findings_of_before_say_what_frames_were_made_from(job, tmp_path):
    job = long_job(job, tmp_path)
    with JobFolder(job, job.plan(), precision="fp32") as folder:
        folder.begin(Findings(cuts=(1,)))
    os.utime(job.sources[5], ns=(0, 0))
    with JobFolder(job, job.plan(), precision="fp32", context=2) as folder:
        folder.follow(job.plan())  # no cut any more
        assert folder.finished == set(range(9)) - {3}


def test_what_was_found_so_far_is_known_to_the_next_start(job, tmp_path):
    job = long_job(job, tmp_path)
    found = Findings(cuts=(1, 3), duplicates=(0,), until=2, begin=1)
    with JobFolder(job, job.plan(), precision="fp32") as folder:
        folder.begin(Findings(until=0))
        folder.note_findings(found)
    with JobFolder(job, job.plan(), precision="fp32", context=2) as folder:
        assert folder.findings == found
        folder.follow(job.plan())
        assert folder.finished == set(range(11)) - {3, 7}, "made when these pairs were cuts"


def test_more_source_frames_are_another_job(job, tmp_path):
    job = long_job(job, tmp_path)
    with pytest.raises(
        OutputError, match=r"which source frames there are \(was \d+ from .* on, is 4 from "
    ):
        opened(dataclasses.replace(job, sources=job.sources[:4]))


def test_refusal_says_which_setting_has_changed(job):
    begun(job).place(1, write_text("x"))
    changed = dataclasses.replace(job, flow_scale=0.5, tile_size=256)
    with pytest.raises(
        OutputError,
        match=r"has changed: flow scale \(was 1.0, is 0.5\), tile size \(was 0, is 256\)\): choose",
    ):
        opened(changed)
    with pytest.raises(OutputError, match=r"precision \(was fp32, is fp16\)"):
        opened(job, precision="fp16")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"multiplier": 4}, r"pace \(was multiplier 2, is multiplier 4\)\):"),
        ({"rate_ratio": (5, 2)}, r"pace \(was multiplier 2, is 5/2 of the source's frame rate\)"),
        ({"times": ("0", "1/3", "1")}, r"pace \(was multiplier 2, is times 0, 1/3, 1\)"),
        ({"skip_pairs": (0,)}, r"skip pairs \(was none, is 0\)"),
        ({"loop": True}, r"has changed: loop \(was False, is True\)"),
    ],
)
def test_refusal_names_what_decides_which_frames_are_made(job, settings, told):
    begun(job).place(0, write_text("x"))
    with pytest.raises(OutputError, match=told) as refused:
        opened(dataclasses.replace(job, **settings))
    assert "which frames are made" not in str(refused.value)


@pytest.mark.parametrize(
    ("movie_rates", "told"),
    [
        (
            (None, None),
            r"rate \(was 5/2 of the source's frame rate, is 2500/1001 of the source's frame rate\)",
        ),
        (((60, 1), (60000, 1001)), r"frame rate \(was 60, is 59\.94\)"),
        (((24, 1), (24, 1)), r"rate \(was 5/2 of the source's frame rate, is 2500/1001 of"),
    ],
    ids=["frames", "movie", "movie in slow motion"],
)
def test_a_changed_rate_is_told_as_a_frame_rate_where_that_is_known(job, movie_rates, told):
    ratios = ((5, 2), (2500, 1001))
    old, new = (
        dataclasses.replace(job, rate_ratio=ratio, movie_rate=rate)
        for ratio, rate in zip(ratios, movie_rates, strict=True)
    )
    begun(old).place(0, write_text("x"))
    with pytest.raises(OutputError, match=f"has changed: {told}"):
        opened(new)


def test_replaced_checkpoint_is_another_job(job, tmp_path):
    checkpoint = tmp_path / "own.pth"
    checkpoint.write_bytes(b"1")
    job = dataclasses.replace(job, checkpoint=str(checkpoint))
    begun(job).place(1, write_text("x"))
    checkpoint.write_bytes(b"22")
    with pytest.raises(OutputError, match="has changed: the checkpoint's file"):
        opened(job)


def test_files_that_a_killed_engine_left_unfinished_go_when_the_job_begins(job):
    begun(job)
    for name in (".f_0002.partial.png", ".g_0001.partial.png", ".f_0003.png"):
        (Path(job.output_dir) / name).write_text("half")
    begun(job)
    assert names(job) == {RECORD_NAME, ".g_0001.partial.png", ".f_0003.png"}


def test_folder_that_vanishes_is_told_apart_from_a_full_disk(job):
    folder = begun(job)

    def vanish(path):
        path.write_text("x")
        shutil.rmtree(job.output_dir)

    with pytest.raises(OutputError, match=r"out is not there any more: was it removed"):
        folder.place(0, vanish)

    def cannot_open(_path):
        raise OutputError("cannot be written")

    with pytest.raises(OutputError, match=r"out is not there any more"):
        folder.place(0, cannot_open)


def test_frame_is_on_the_disk_before_it_has_its_name(job, monkeypatch):
    synced = []
    monkeypatch.setattr(
        durable.os,
        "fsync",
        lambda handle: synced.append(os.path.realpath(f"/proc/self/fd/{handle}")),
    )
    begun(job).place(0, write_text("x"))
    assert [Path(path).name for path in synced] == [
        ".vfi_job.json.partial",
        "out",
        ".f_0001.partial.png",
    ]
