"""Job files: what is saved is what runs, and nothing in one reaches out of its folders."""

import json
from pathlib import Path

import pytest

from blender_vfi.engine import job_file
from blender_vfi.engine.job_file import add_job, outside_paths, read_jobs, write_jobs
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.errors import OutputError, RequestError

pytestmark = pytest.mark.plain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three frames, and beside it one that is none of its business."""
    (tmp_path / "jobs" / "shot").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for number in range(3):
        (tmp_path / "jobs" / "shot" / f"f_{number}.png").touch()
    (tmp_path / "elsewhere" / "secret.png").touch()
    return tmp_path / "jobs"


def spec(folder: Path, **settings) -> JobSpec:
    values = {
        "job_id": "a",
        "sources": tuple(str(folder / "shot" / f"f_{number}.png") for number in range(3)),
        "output_dir": str(folder / "out"),
        "name_prefix": "f_",
        "suffix": ".png",
    }
    return JobSpec(**(values | settings))


def save(folder: Path, **changes) -> Path:
    """Write one job by hand, with fields changed."""
    file = folder / "job.json"
    write_jobs(file, [spec(folder)])
    data = json.loads(file.read_text())
    data["jobs"][0].update(changes)
    file.write_text(json.dumps(data))
    return file


def fields_of(job: JobSpec) -> dict:
    return {name: getattr(job, name) for name in JobSpec.__slots__ if name != "job_id"}


def test_saved_jobs_come_back_in_order_each_under_a_name_of_its_own(folder):
    jobs = [
        spec(folder, multiplier=(2, 3), cut_pairs=(1,), seed=4),
        spec(folder, output_dir=str(folder / "b"), rate_ratio=(5, 2), checkpoint=str(folder / "w")),
    ]
    write_jobs(folder / "job.json", jobs)
    read = read_jobs(folder / "job.json")
    assert [fields_of(job) for job in read] == [fields_of(job) for job in jobs]
    assert len({"a", *(job.job_id for job in read)}) == 3


def test_a_folder_can_be_moved_with_its_job_file(folder, tmp_path):
    write_jobs(folder / "job.json", [spec(folder)])
    moved = folder.rename(tmp_path / "farm")
    [job] = read_jobs(moved / "job.json")
    assert fields_of(job) == fields_of(spec(moved))


def test_the_fields_of_one_job_alone_are_a_job_file(folder):
    file = folder / "job.json"
    data = {"sources": ["shot/f_0.png", "shot/f_1.png"], "output_dir": "out"}
    file.write_text(json.dumps({**data, "name_prefix": "x", "suffix": ".png"}))
    [job] = read_jobs(file)
    assert job.output_dir == str(folder / "out")
    assert job.sources[1] == str(folder / "shot" / "f_1.png")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sources", ["shot/f_0.png", "../elsewhere/secret.png"]),
        ("sources", ["shot/f_0.png", "{elsewhere}/secret.png"]),
        ("sources", ["shot/f_0.png", "shot/../.."]),
        ("sources", ["shot/f_0.png", "link/secret.png"]),
        ("sources", ["shot/f_0.png", "secret.png"]),
        ("output_dir", "shot/../../elsewhere"),
        ("output_dir", "link/new"),
        ("output_dir", ".."),
        ("checkpoint", "{elsewhere}/weights.pth"),
    ],
)
def test_paths_that_leave_the_folder_are_refused_by_name_until_they_are_allowed(
    folder, field, value
):
    elsewhere = folder.parent / "elsewhere"
    (folder / "link").symlink_to(elsewhere)
    (folder / "secret.png").symlink_to(elsewhere / "secret.png")
    filled = json.loads(json.dumps(value).replace("{elsewhere}", str(elsewhere)))
    file = save(folder, **{field: filled})
    with pytest.raises(RequestError) as refusal:
        read_jobs(file)
    text = filled[1] if isinstance(filled, list) else filled
    there = (folder / text).resolve()
    assert f"is {text!r}, {there}, outside of {folder}:" in str(refusal.value)
    assert "Job 1 of" in str(refusal.value)
    assert f'--allow "{there.parent}"' in str(refusal.value)
    assert read_jobs(file, allowed=[folder.parent])
    assert read_jobs(file, trusts_paths=True)


def test_the_file_s_own_folder_may_be_the_output_folder(folder):
    [job] = read_jobs(save(folder, output_dir="."))
    assert Path(job.output_dir) == folder


def test_links_that_wait_in_the_output_folder_are_refused(folder):
    (folder / "out").mkdir()
    (folder / "out" / ".f_0001.partial.png").symlink_to(folder.parent / "elsewhere" / "secret.png")
    file = save(folder)
    with pytest.raises(RequestError, match=r"partial\.png is a link to .*secret.png"):
        read_jobs(file)
    assert read_jobs(file, allowed=[folder.parent / "elsewhere"])


def test_a_link_to_the_job_file_s_folder_is_that_folder(folder, tmp_path):
    (tmp_path / "mount").symlink_to(folder)
    save(folder)
    [job] = read_jobs(tmp_path / "mount" / "job.json")
    assert job.output_dir == str(tmp_path / "mount" / "out")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shell": "rm"}, "unknown field 'shell'"),
        ({"multiplier": 10**40}, "at most 1000000"),
        ({"multiplier": [2, 10**9]}, "at most 1000000"),
        ({"multiplier": True}, "expected"),
        ({"rate_ratio": [10**30, 1]}, "ratio|rate"),
        ({"sources": "shot"}, "expected"),
        ({"sources": ["shot/\0"]}, "Job 1"),
        ({"suffix": "/../x.png"}, "Output format"),
        ({"name_prefix": "../x"}, "slash"),
        ({"seed": 1e400}, "expected"),
        ({"cut_threshold": float("nan")}, "Cut threshold nan"),
    ],
)
def test_unknown_fields_and_absurd_values_are_refused(folder, changes, words):
    with pytest.raises(RequestError, match=words):
        read_jobs(save(folder, **changes))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "must hold an object"),
        ('{"blender_vfi_jobs": 99, "jobs": []}', "version 99"),
        ('{"blender_vfi_jobs": 1, "jobs": [], "run": "x"}', "unknown fields"),
        ('{"blender_vfi_jobs": 1, "jobs": []}', "has 0 jobs"),
        ('{"blender_vfi_jobs": 1, "jobs": 3}', "has 0 jobs"),
        ('{"blender_vfi_jobs": 1, "jobs": [3]}', "got 3"),
    ],
)
def test_what_is_no_job_file_is_refused(tmp_path, text, words):
    file = tmp_path / "job.json"
    file.write_text(text)
    with pytest.raises(RequestError, match=words):
        read_jobs(file)


def test_files_that_are_missing_or_too_large_are_refused(tmp_path, monkeypatch):
    with pytest.raises(RequestError, match=r"nowhere.json cannot be read \(No such file"):
        read_jobs(tmp_path / "nowhere.json")
    monkeypatch.setattr(job_file, "LARGEST_FILE_BYTES", 3)
    (tmp_path / "big.json").write_text("{   }")
    with pytest.raises(RequestError, match="has 5 bytes: at most 3"):
        read_jobs(tmp_path / "big.json")


def test_a_job_is_added_beside_others_and_in_the_place_of_its_former_self(folder):
    file = folder / "night.json"
    assert add_job(file, spec(folder)) == 1
    assert add_job(file, spec(folder, output_dir=str(folder / "b"))) == 2
    assert add_job(file, spec(folder, multiplier=4)) == 2
    assert [(Path(job.output_dir).name, job.multiplier) for job in read_jobs(file)] == [
        ("b", 2),
        ("out", 4),
    ]


def test_folders_that_have_to_be_allowed_are_listed(folder, tmp_path):
    far = spec(folder, output_dir=str(tmp_path / "far" / "out"))
    assert outside_paths(folder / "job.json", [spec(folder)]) == []
    assert outside_paths(folder / "job.json", [far]) == [str(tmp_path / "far")]


def test_moments_count_like_frames(folder, monkeypatch):
    file = save(folder, times=["0", "1"] * 4)
    assert len(read_jobs(file)[0].times) == 8
    monkeypatch.setattr(job_file, "MOST_FRAMES", 7)
    with pytest.raises(RequestError, match="would become about 8: at most 7"):
        read_jobs(file)


def test_a_file_that_cannot_be_written_leaves_what_was_there(folder):
    with pytest.raises(OutputError, match="cannot be written"):
        write_jobs(folder / "nowhere" / "job.json", [spec(folder)])
    file = save(folder)
    before = file.read_bytes()
    file.with_name(f".{file.name}.partial").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_jobs(file, [spec(folder)])
    assert file.read_bytes() == before


def test_every_text_of_a_job_is_known_for_a_path_or_for_plain_text():
    # a new field of text belongs either here or to `_PLAIN_TEXTS`
    assert job_file.path_fields() == {"sources", "output_dir", "checkpoint", "movie"}
