"""Which folder a job gets beside its sources: its own, and the same one each time."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from blender_vfi.engine.default_folder import own_folder
from blender_vfi.engine.job_record import RECORD_NAME
from blender_vfi.engine.movie_frames import movie_frame
from blender_vfi.engine.protocol import JobSpec

from .test_job_folder import begun

pytestmark = pytest.mark.plain


def job_in(folder: Path, sources: list[str]) -> JobSpec:
    return JobSpec(
        job_id="a",
        sources=tuple(sources),
        output_dir=str(folder),
        name_prefix="shot_",
        suffix=".png",
    )


def files(folder: Path, *numbers: int, name: str = "shot_{:04d}.png") -> list[str]:
    folder.mkdir(exist_ok=True)
    paths = [folder / name.format(number) for number in numbers]
    for path in paths:
        path.write_bytes(b"source")
    return list(map(str, paths))


def test_folder_that_is_not_there_or_not_a_job_s_is_taken_as_it_is(tmp_path):
    wanted = tmp_path / "shot_x2"
    sources = files(tmp_path / "in", 1, 2)
    assert own_folder(wanted, sources) == wanted
    wanted.mkdir()
    (wanted / RECORD_NAME).write_text(json.dumps({"job": {"sources": [3]}}))
    assert own_folder(wanted, sources) == wanted
    assert own_folder(wanted, []) == wanted


def test_same_sequence_gets_its_folder_again_also_when_it_has_grown(tmp_path):
    wanted = tmp_path / "shot_x2"
    begun(job_in(wanted, files(tmp_path / "in", 1, 2, 3)))
    for numbers in ((1, 2, 3), (1, 2, 3, 4), (2, 3)):
        assert own_folder(wanted, files(tmp_path / "in", *numbers)) == wanted


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"name": "shot_{:04d}.exr"}, "shot_x2_exr"),
        ({"name": "shot{:04d}.png"}, "shot_x2_png"),
        ({"name": "{:04d}"}, "shot_x2_2"),
    ],
)
def test_other_sequence_gets_a_folder_of_its_own_and_keeps_it(tmp_path, other, expected):
    wanted = tmp_path / "shot_x2"
    begun(job_in(wanted, files(tmp_path / "in", 1, 2)))
    sources = files(tmp_path / "in", 1, 2, **other)
    chosen = own_folder(wanted, sources)
    assert chosen == tmp_path / expected
    begun(job_in(chosen, sources))
    assert own_folder(wanted, sources) == chosen
    assert own_folder(wanted, files(tmp_path / "in", 3, 4)).name not in {"shot_x2", expected}


def test_movies_of_one_name_have_two_folders(tmp_path):
    wanted = tmp_path / "clip_x2"
    for name in ("clip.mp4", "clip.mov"):
        (tmp_path / name).write_bytes(b"movie")
    frames = {
        name: [str(movie_frame(tmp_path / name, index)) for index in range(3)]
        for name in ("clip.mp4", "clip.mov")
    }
    begun(job_in(wanted, frames["clip.mp4"]))
    assert own_folder(wanted, frames["clip.mov"]) == tmp_path / "clip_x2_mov"
    assert own_folder(wanted, frames["clip.mp4"]) == wanted


def test_jobs_that_have_not_begun_have_their_folders_too(tmp_path):
    wanted = tmp_path / "shot_x2"
    waiting = job_in(wanted, files(tmp_path / "one", 1, 2))
    sources = files(tmp_path / "two", 1, 2)
    assert own_folder(wanted, sources, [waiting]) == tmp_path / "shot_x2_png"
    elsewhere = dataclasses.replace(waiting, output_dir=str(tmp_path / "other"))
    assert own_folder(wanted, sources, [elsewhere]) == wanted


def test_ranges_of_one_sequence_that_keep_their_numbers_share_a_folder(tmp_path):
    wanted = tmp_path / "shot_filled"
    begun(job_in(wanted, files(tmp_path / "in", 1, 3)))
    later = files(tmp_path / "in", 21, 23)
    assert own_folder(wanted, later, keeps_numbers=True) == wanted
    assert own_folder(wanted, later) != wanted
    other = files(tmp_path / "in", 1, 3, name="shot_{:04d}.exr")
    assert own_folder(wanted, other, keeps_numbers=True) == tmp_path / "shot_filled_exr"
