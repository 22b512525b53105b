"""The output folder: whose frames lie there, which are finished, and what a failed write leaves."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from blender_vfi.engine import job_record
from blender_vfi.engine.job_folder import RECORD_NAME, JobFolder
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.errors import CheckpointError, FrameError, OutputError

pytestmark = pytest.mark.plain

FRAMES = 3


@pytest.fixture
def job(tmp_path: Path) -> JobSpec:
    """Two source files, which no picture library has to read here."""
    sources = []
    for index in range(2):
        source = tmp_path / "in" / f"{index}.png"
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(b"source" * (index + 1))
        sources.append(str(source))
    return JobSpec(
        job_id="a",
        sources=tuple(sources),
        output_dir=str(tmp_path / "out"),
        name_prefix="f_",
        suffix=".png",
    )


def opened(job: JobSpec, precision: str = "fp32") -> JobFolder:
    """The folder as a job finds it; let go again, so that one test may open it twice."""
    with JobFolder(job, job.plan(), precision=precision) as folder:
        return folder


def begun(job: JobSpec) -> JobFolder:
    folder = opened(job)
    folder.begin()
    return folder


def write_text(text: str):
    return lambda path: path.write_text(text)


def names(job: JobSpec) -> set[str]:
    return {path.name for path in Path(job.output_dir).iterdir()} - {".vfi.lock", ".vfi.owner"}


def test_new_folder_is_made_with_its_parents_and_has_nothing_finished(job, tmp_path):
    job = dataclasses.replace(job, output_dir=str(tmp_path / "a" / "b ü" / "c'd"))
    folder = begun(job)
    assert folder.finished == frozenset()
    assert names(job) == {RECORD_NAME}
    assert folder.place(2, write_text("new")) == Path(job.output_dir) / "f_0003.png"


def test_placed_frame_lies_under_its_final_name_alone(job):
    folder = begun(job)
    assert folder.place(0, write_text("x")).read_text() == "x"
    assert names(job) == {RECORD_NAME, "f_0001.png"}


def test_unfinished_frame_has_the_suffix_that_image_libraries_go_by(job):
    seen = []

    def write(path):
        seen.append(path)
        path.touch()

    begun(job).place(0, write)
    assert seen[0].suffix == ".png"
    assert seen[0].name.startswith(".")
    assert not seen[0].exists()


def test_same_job_goes_on_with_what_is_missing(job):
    begun(job).place(1, write_text("x"))
    again = dataclasses.replace(job, job_id="b", device="cpu", clear_cache_every=3)
    assert opened(again).finished == {1}


def test_how_much_memory_stays_free_makes_no_other_job(job):
    begun(job).place(1, write_text("x"))
    assert opened(dataclasses.replace(job, free_memory_limit_gb=0.5)).finished == {1}


def test_job_of_a_version_without_tiles_and_seeds_goes_on(job):
    begun(job).place(1, write_text("x"))
    path = Path(job.output_dir) / RECORD_NAME
    record = json.loads(path.read_text())
    for values in (record["made_from"], record["job"]):
        for added_later in ("tile_size", "seed", "free_memory_limit_gb"):
            values.pop(added_later, None)
    path.write_text(json.dumps(record))
    assert opened(job).finished == {1}


def test_partial_file_of_a_killed_engine_does_not_count_as_finished(job):
    begun(job)
    (Path(job.output_dir) / ".f_0002.partial.png").write_text("half")
    folder = opened(job)
    assert folder.finished == frozenset()
    folder.place(1, write_text("whole"))
    assert names(job) == {RECORD_NAME, "f_0002.png"}


@pytest.mark.parametrize(
    "changes",
    [
        {"multiplier": 4},
        {"flow_scale": 0.5},
        {"model": "rife-4.6"},
        {"skip_pairs": (0,)},
        {"ensemble": True},
        {"tile_size": 256},
        {"seed": 1},
    ],
)
def test_frames_of_other_settings_are_not_taken_for_finished(job, changes):
    begun(job).place(1, write_text("x"))
    with pytest.raises(
        OutputError, match=r"f_0002\.png exists already.*1 of [2345] names are taken"
    ):
        opened(dataclasses.replace(job, **changes))


@pytest.mark.parametrize("record", [None, "", "[]", "{}", '{"made_from": 3}', "\xff"])
def test_frames_without_a_sound_record_are_not_taken_for_ours(job, record):
    begun(job).place(1, write_text("x"))
    path = Path(job.output_dir) / RECORD_NAME
    if record is None:
        path.unlink()
    else:
        path.write_text(record, encoding="latin-1")
    with pytest.raises(OutputError, match="allow overwriting"):
        opened(job)


def test_refused_job_leaves_frames_and_record_as_they_were(job):
    begun(job).place(1, write_text("x"))
    record = (Path(job.output_dir) / RECORD_NAME).read_bytes()
    with pytest.raises(OutputError):
        opened(dataclasses.replace(job, multiplier=3))
    assert (Path(job.output_dir) / RECORD_NAME).read_bytes() == record
    assert names(job) == {RECORD_NAME, "f_0002.png"}


def test_a_folder_that_was_refused_is_free_for_a_job_that_overwrites_it(job):
    begun(job).place(1, write_text("x"))
    other = dataclasses.replace(job, multiplier=3)
    with pytest.raises(OutputError) as refused:
        opened(other)
    again = opened(dataclasses.replace(other, overwrite=True))
    assert again.finished == frozenset(), refused.value  # which the caller may keep meanwhile


def test_a_folder_whose_record_cannot_be_read_is_free_afterwards(job, monkeypatch):
    def fail(_folder):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(job_record, "read_records", fail)
        with pytest.raises(OSError, match="Input") as failed:
            opened(job)
    assert opened(job).finished == frozenset(), failed.value


def test_other_files_in_the_folder_are_no_reason_to_refuse(job):
    Path(job.output_dir).mkdir()
    (Path(job.output_dir) / "g_0001.png").touch()
    assert opened(job).finished == frozenset()


def test_overwriting_makes_all_frames_again(job):
    begun(job).place(1, write_text("x"))
    assert opened(dataclasses.replace(job, overwrite=True)).finished == frozenset()


def test_old_frames_stay_until_an_overwriting_job_really_begins(job):
    begun(job).place(1, write_text("x"))
    opened(dataclasses.replace(job, multiplier=4, overwrite=True))
    assert "f_0002.png" in names(job)


def test_frames_of_an_overwritten_job_never_pass_for_the_new_ones(job):
    begun(job).place(1, write_text("old"))
    other = dataclasses.replace(job, multiplier=4, overwrite=True)
    begun(other).place(0, write_text("new"))  # and then the engine dies
    assert opened(dataclasses.replace(other, overwrite=False)).finished == {0}


def test_record_tells_the_whole_job_to_a_reader(job):
    begun(job)
    record = json.loads((Path(job.output_dir) / RECORD_NAME).read_text())
    assert record["job"]["sources"] == list(job.sources)
    assert record["job"]["model"] == "rife-4.25"


def test_failed_write_leaves_nothing_and_says_what_to_check(job):
    def fail(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"f_0001\.png cannot be written \(No space left"):
        begun(job).place(0, fail)
    assert names(job) == {RECORD_NAME}


def test_write_that_fails_for_another_reason_leaves_nothing_either(job):
    def fail(path):
        path.write_text("half")
        raise FrameError("damaged")

    with pytest.raises(FrameError, match="damaged"):
        begun(job).place(0, fail)
    assert names(job) == {RECORD_NAME}


def test_file_in_the_place_of_the_folder_is_named(job):
    Path(job.output_dir).touch()
    with pytest.raises(OutputError, match=r"out cannot be written to \(File exists\)"):
        opened(job)
    with pytest.raises(OutputError, match=r"cannot be written to \(Not a directory\)"):
        opened(dataclasses.replace(job, output_dir=f"{job.output_dir}/deeper"))


def test_folder_without_permission_is_named(job, monkeypatch):
    def refuse(_self, *_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OutputError, match=r"\(Permission denied\): choose a folder"):
        opened(job)


def test_frame_that_cannot_be_removed_for_the_new_one_is_named(job):
    (Path(job.output_dir) / "f_0001.png").mkdir(parents=True)
    folder = opened(dataclasses.replace(job, overwrite=True))
    with pytest.raises(OutputError, match=r"f_0001\.png cannot be replaced"):
        folder.begin()


def test_output_into_the_source_folder_is_refused(job):
    folder = str(Path(job.sources[0]).parent)
    for name in (folder, f"{folder}/../in", f"{folder}/."):
        with pytest.raises(OutputError, match="source frames can never be overwritten"):
            opened(dataclasses.replace(job, output_dir=name))


def test_output_through_a_link_to_the_source_folder_is_refused(job):
    Path(job.output_dir).symlink_to(Path(job.sources[0]).parent)
    with pytest.raises(OutputError, match=r"is the folder .* of the source frames"):
        opened(job)


def test_source_folder_behind_a_link_is_recognised(job, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(Path(job.output_dir))
    Path(job.output_dir).mkdir()
    sources = []
    for source in job.sources:
        moved = Path(job.output_dir) / Path(source).name
        Path(source).rename(moved)
        sources.append(str(link / moved.name))
    with pytest.raises(OutputError, match="of the source frames"):
        opened(dataclasses.replace(job, sources=tuple(sources)))


def test_name_that_is_a_link_to_a_source_is_replaced_and_the_source_kept(job):
    before = Path(job.sources[0]).read_bytes()
    Path(job.output_dir).mkdir()
    (Path(job.output_dir) / "f_0001.png").symlink_to(job.sources[0])
    folder = begun(dataclasses.replace(job, overwrite=True))
    folder.place(0, write_text("new"))
    assert Path(job.sources[0]).read_bytes() == before
    assert (folder.path / "f_0001.png").read_text() == "new"


def test_missing_source_is_named_with_its_place(job):
    Path(job.sources[1]).unlink()
    with pytest.raises(FrameError, match=r"Source frame 2, .*1\.png, cannot be read"):
        opened(job)


def test_missing_checkpoint_is_not_called_a_frame(job, tmp_path):
    path = str(tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match=r"Checkpoint .*none\.pth cannot be read"):
        opened(dataclasses.replace(job, checkpoint=path))


def test_changed_checkpoint_makes_another_job(job, tmp_path):
    path = tmp_path / "own.pth"
    path.write_bytes(b"1")
    job = dataclasses.replace(job, checkpoint=str(path))
    begun(job).place(1, write_text("x"))
    assert opened(job).finished == {1}
    path.write_bytes(b"12")
    with pytest.raises(OutputError, match="was not made by this very job"):
        opened(job)


def test_an_empty_file_is_not_taken_for_a_finished_frame(job):
    begun(job).place(1, write_text("made"))
    (Path(job.output_dir) / "f_0002.png").write_bytes(b"")
    assert opened(job).finished == frozenset()


def test_a_folder_belongs_to_one_job_at_a_time(job):
    with (
        JobFolder(job, job.plan(), precision="fp32"),
        pytest.raises(OutputError, match="being written to by process"),
    ):
        JobFolder(job, job.plan(), precision="fp32")
    opened(job)


@pytest.mark.parametrize(
    "same",
    [
        *({"hold_skipped": True}, {"skip_pairs": ()}, {"multiplier": (2,)}, {"keep_pairs": (0,)}),
        {"rate_ratio": (2, 1)},
    ],
    ids=str,
)
def test_settings_that_plan_the_same_frames_are_the_same_job(job, same):
    begun(job).place(1, write_text("made"))
    assert opened(dataclasses.replace(job, **same)).finished == {1}


def test_frames_of_another_precision_are_not_mixed_in(job):
    begun(job).place(1, write_text("made"))
    with pytest.raises(OutputError, match="not made by this very job"):
        opened(job, "fp16")


def test_overwriting_leaves_no_frame_of_a_longer_job_behind(job):
    longer = dataclasses.replace(job, multiplier=4)
    folder = begun(longer)
    for index in range(5):
        folder.place(index, write_text("long"))
    begun(dataclasses.replace(job, overwrite=True))
    assert names(job) == {RECORD_NAME}


def test_jobs_whose_frames_have_other_names_share_a_folder_and_both_go_on(job):
    begun(job).place(0, write_text("png"))
    other = dataclasses.replace(job, suffix=".jpg")
    begun(other).place(1, write_text("jpg"))
    assert opened(job).finished == {0}
    assert opened(other).finished == {1}
    begun(dataclasses.replace(other, overwrite=True))
    assert opened(job).finished == {0}
    assert names(job) == {RECORD_NAME, "f_0001.png", "f_0002.jpg"}
