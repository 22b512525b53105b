"""Which files of a folder are its frames, in which order, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from blender_vfi.engine.folders import (
    is_pattern,
    job_for_folder,
    list_frames,
    numbered_frames,
    output_suffix,
    plain_path,
    split_number,
)
from blender_vfi.errors import FrameError, RequestError

pytestmark = pytest.mark.plain


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_frames_come_in_the_order_of_their_numbers(tmp_path):
    folder = fill(tmp_path / "a", "f10.png", "f9.png", "f11.png", ".f1.png", "notes.txt", "x.png")
    assert [path.name for path in list_frames(folder)] == ["f9.png", "f10.png", "f11.png"]
    assert all(path.is_absolute() for path in list_frames(folder))


def test_sequence_with_a_step_of_its_own_is_taken_as_it_is(tmp_path):
    folder = fill(tmp_path / "a", "f_0002.png", "f_0004.png", "f_0006.png")
    assert len(list_frames(folder)) == 3


def test_gap_in_a_sequence_is_named_since_motion_would_be_uneven(tmp_path):
    folder = fill(tmp_path / "a", "f_1.png", "f_2.png", "f_4.png", "f_5.png")
    with pytest.raises(FrameError, match=r"After f_2\.png comes f_4\.png in .*: frame 3 is miss"):
        list_frames(folder)


def test_two_files_with_one_number_are_named(tmp_path):
    folder = fill(tmp_path / "a", "f_1.png", "f_01.png", "f_2.png")
    with pytest.raises(FrameError, match="have the same number: remove one"):
        list_frames(folder)


@pytest.mark.parametrize("names", [(), ("notes.txt",), ("cover.png",), ("f_0001.psd",)])
def test_folder_without_numbered_pictures_is_refused(tmp_path, names):
    with pytest.raises(FrameError, match="has no numbered image files"):
        list_frames(fill(tmp_path / "a", *names))


@pytest.mark.parametrize("other", ["g_1.png", "f_1.tif", "f_1.PNG"])
def test_two_sequences_in_one_folder_are_listed(tmp_path, other):
    folder = fill(tmp_path / "a", "f_1.png", "f_2.png", other)
    with pytest.raises(FrameError, match=r"holds 2 sequences \(.*f_####.*\): give one of them"):
        list_frames(folder)


def test_folder_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(FrameError, match=r"Source folder .*none cannot be read"):
        list_frames(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f_0001.png", ("f_", 1)),
        ("0007.exr", ("", 7)),
        ("shot 2 v3.0012.exr", ("shot 2 v3.", 12)),
        ("cover.png", ("cover", None)),
    ],
)
def test_names_are_split_at_their_last_number(name, expected):
    assert split_number(Path(name)) == expected


def test_output_continues_the_sources_format_in_its_usual_spelling():
    suffixes = [output_suffix(Path(f"a{name}")) for name in (".PNG", ".jpeg", ".TIFF", ".exr")]
    assert suffixes == [".png", ".jpg", ".tif", ".exr"]


def test_source_format_that_cannot_be_written_asks_for_another():
    with pytest.raises(RequestError, match=r"cannot be written as \.gif; choose an output format"):
        output_suffix(Path("f_1.gif"))


def test_job_names_absolute_paths_and_continues_the_sources_name(tmp_path, monkeypatch):
    fill(tmp_path / "a", "f_1.png", "f_2.png")
    monkeypatch.chdir(tmp_path)
    job = job_for_folder(Path("a"), Path("out"), job_id="a", checkpoint="own.pth")
    assert job.sources == (str(tmp_path / "a" / "f_1.png"), str(tmp_path / "a" / "f_2.png"))
    assert job.output_dir == str(tmp_path / "out")
    assert job.checkpoint == str(tmp_path / "own.pth")
    assert job.frame_name(0) == "f_0001.png"


def test_bad_setting_is_refused_at_once(tmp_path):
    fill(tmp_path / "a", "f_1.png", "f_2.png")
    with pytest.raises(RequestError, match="Multiplier 1"):
        job_for_folder(tmp_path / "a", tmp_path / "out", job_id="a", multiplier=1)


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("a/b.png", "a/b.png"),
        ("a/../c/b.png", "c/b.png"),
        ("a/b/../../c/./d", "c/d"),
        ("none/../a/x", "a/x"),
        ("link/x", "link/x"),
        ("a/../link/x", "link/x"),
        ("link/../x", "c/x"),  # a link leads up from where it leads
    ],
)
def test_paths_are_shown_without_dots_and_lead_to_the_same_place(tmp_path, path, plain):
    root = tmp_path.resolve()
    (root / "a" / "b").mkdir(parents=True)
    (root / "c" / "d").mkdir(parents=True)
    (root / "link").symlink_to(root / "c" / "d")
    assert plain_path(root / path) == root / plain


def test_a_relative_path_becomes_an_absolute_one(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert plain_path(Path("../b")) == tmp_path.resolve() / "b"


def test_jobs_of_a_folder_have_no_dots_in_their_paths(tmp_path):
    for number in (1, 2):
        path = tmp_path / "in" / f"f_{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    job = job_for_folder(tmp_path / "x" / ".." / "in", tmp_path / "in" / ".." / "out", job_id="a")
    assert job.sources[0] == str(tmp_path / "in" / "f_1.png")
    assert job.output_dir == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("shot_####.png", [1, 2, 10000]),
        ("shot_%04d.png", [1, 2, 10000]),
        ("shot_#.png", [10000]),
        ("shot_%d.png", [10000]),
        ("shot_###.exr", [5, 6]),
        ("other.####.png", [3, 4]),
        ("other.####", [3, 4]),  # as Blender's output path has it
    ],
)
def test_a_pattern_takes_its_sequence_out_of_a_folder_of_several(tmp_path, pattern, numbers):
    shots = (
        *(f"shot_{number:04d}.png" for number in (1, 2, 10000)),
        "shot_005.exr",
        "shot_006.exr",
    )
    fill(tmp_path, *shots, "other.0003.png", "other.0004.png", "shot_x0001.png")
    frames = numbered_frames(tmp_path / pattern)
    assert [split_number(path)[1] for path in frames] == numbers


def test_a_folder_may_have_the_name_of_a_pattern(tmp_path):
    folder = fill(tmp_path / "take_##", "f_1.png", "f_2.png")
    assert len(list_frames(folder)) == 2
    assert not is_pattern(folder)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nope_####.png", r"No file in .* is named nope_####\.png: # stands for"),
        ("shot_##_v##.png", "must stand once, right before the suffix"),
        ("shot_####_v2.png", "must stand once, right before the suffix"),
        ("shot_0001.png", r"a single file: give its folder, .*, or .*shot_####\.png\."),
        ("notes.txt", r"notes\.txt is a file: give a folder"),
        ("nowhere/shot_####.png", "nowhere cannot be read"),
    ],
)
def test_what_is_no_sequence_is_told_with_what_to_give_instead(tmp_path, source, message):
    fill(tmp_path, "shot_0001.png", "shot_0002.png", "notes.txt")
    with pytest.raises(FrameError, match=message):
        numbered_frames(tmp_path / source)
