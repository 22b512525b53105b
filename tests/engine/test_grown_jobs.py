"""Jobs whose source frames have become more: what is kept of the frames there, and what is not."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from blender_vfi.engine.gaps import fill_job_for_folder
from blender_vfi.engine.job_folder import JobFolder
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.engine.rendered_frames import note_rendered
from blender_vfi.errors import OutputError

from . import fake_jobs
from .fake_jobs import content, notices_of
from .sequences import make_job, write_sequence
from .shots import shot, write_frames
from .test_job_folder import job, write_text

pytestmark = pytest.mark.torch

__all__ = ["job"]  # a fixture


@pytest.fixture
def rendered(tmp_path: Path) -> list[Path]:
    """All frames of a shot, of which a folder may hold some."""
    return write_sequence(tmp_path / "all", 13)


def render(folder: Path, rendered: list[Path], *numbers: int) -> Path:
    """Put frames of these numbers into a folder, as a renderer would."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        shutil.copy2(rendered[number - 1], folder)
    return folder


def fill_job(source: Path, output: Path, **options: object) -> JobSpec:
    return fill_job_for_folder(source, output, job_id=uuid.uuid4().hex, device="cpu", **options)


def run(job: JobSpec) -> tuple[int, list[str]]:
    """Run a job; return how many frames a model made, and what was told."""
    finished, events = fake_jobs.run(job)
    return finished.frames_made, notices_of(events)


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("f*.png")}


def written_since(folder: Path, before: dict[str, int]) -> list[str]:
    """Names of the frames that are new or written again."""
    return sorted(name for name, time in times(folder).items() if before.get(name) != time)


def test_sequence_that_goes_on_gets_the_new_frames_alone(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(make_job(render(source, rendered, 1, 2, 3), output))
    before = times(output)
    job = make_job(render(source, rendered, 4, 5), output)
    made, told = run(job)
    assert made == 2
    assert written_since(output, before) == [f"f é 000{number}.png" for number in (6, 7, 8, 9)]
    assert told == [
        "2 source frame(s) have been added since this job was begun (f é 0004.png, f é 0005.png): "
        "5 frame(s) are kept."
    ]
    run(make_job(source, tmp_path / "fresh"))
    assert content(output) == content(tmp_path / "fresh")
    assert run(job)[0] == 0


def test_files_of_others_that_are_overwritten_are_not_counted_as_made_again(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(make_job(render(source, rendered, 1, 2, 3), output))
    (output / "f é 0007.png").write_bytes(b"a stranger's")
    _, told = run(make_job(render(source, rendered, 4, 5), output, overwrite=True))
    assert told == [
        "2 source frame(s) have been added since this job was begun (f é 0004.png, f é 0005.png): "
        "0 frame(s) are kept."
    ]


def test_filled_render_that_goes_on_at_both_ends_gets_the_new_frames_alone(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(fill_job(render(source, rendered, 5, 7, 9), output))
    before = times(output)
    made, _ = run(fill_job(render(source, rendered, 1, 3, 11), output))
    assert made == 3
    assert written_since(output, before) == [
        f"f é {number:04d}.png" for number in (1, 2, 3, 4, 10, 11)
    ]
    run(fill_job(source, tmp_path / "fresh"))
    assert content(output) == content(tmp_path / "fresh")


def test_frame_that_was_rendered_after_all_takes_the_place_of_the_made_one(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(fill_job(render(source, rendered, 1, 4, 7), output))
    before = times(output)
    made, told = run(fill_job(render(source, rendered, 3), output))
    assert made == 1
    assert written_since(output, before) == ["f é 0002.png", "f é 0003.png"]
    assert told == [
        "1 source frame(s) have been added since this job was begun (f é 0003.png): 5 frame(s) are "
        "kept, and 2 made again beside new ones."
    ]
    assert (output / "f é 0003.png").read_bytes() == rendered[2].read_bytes()


def test_real_render_of_a_doubtful_frame_gives_way_to_a_source_frame(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    job = fill_job(render(source, rendered, 1, 3, 5), output)
    run(job)
    name = "f é 0002.png"
    (output / name).write_bytes(rendered[12].read_bytes())
    note_rendered(output, name, job.sources[:2])
    run(fill_job(render(source, rendered, 7), output))
    assert (output / name).read_bytes() == rendered[12].read_bytes()
    run(fill_job(render(source, rendered, 2), output))
    assert (output / name).read_bytes() == rendered[1].read_bytes()


def test_ranges_that_have_been_filled_apart_are_joined(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(fill_job(render(source, rendered, 1, 3), output))
    for number in (1, 3):
        (source / rendered[number - 1].name).unlink()
    run(fill_job(render(source, rendered, 7, 9), output))
    before = times(output)
    made, _ = run(fill_job(render(source, rendered, 1, 3, 5), output))
    assert made == 2
    assert written_since(output, before) == [f"f é 000{number}.png" for number in (4, 5, 6)]


def test_frames_of_the_same_names_from_another_folder_are_not_kept(tmp_path, rendered):
    output = tmp_path / "out"
    run(fill_job(render(tmp_path / "in", rendered, 1, 3), output))
    with pytest.raises(OutputError, match="exists already"):
        run(fill_job(render(tmp_path / "in2", rendered, 1, 3, 5), output))


def test_source_frame_that_has_changed_as_well_is_not_kept(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(fill_job(render(source, rendered, 1, 3, 5, 7), output))
    before = times(output)
    (source / "f é 0003.png").write_bytes(rendered[11].read_bytes())
    made, told = run(fill_job(render(source, rendered, 9), output))
    assert made == 3
    assert written_since(output, before) == [f"f é 000{number}.png" for number in (2, 3, 4, 8, 9)]
    assert told[0].startswith("1 source frame(s) have changed since this job was begun (f é 0003")


def test_frames_are_held_at_cuts_that_are_found_in_what_has_come_since(tmp_path):
    frames = shot(1, 3) + shot(2, 3) + shot(3, 3)
    whole = write_frames(tmp_path / "all", frames, list(range(1, 10)))
    files = sorted(whole.iterdir())
    source, output = tmp_path / "in", tmp_path / "out"
    run(make_job(render(source, files, 1, 2, 3, 4, 5), output))
    before = {path.name: path.stat().st_mtime_ns for path in output.glob("shot*.png")}
    made, _ = run(make_job(render(source, files, 6, 7, 8, 9), output))
    assert made == 3, "one after the first shot's end was known, two of the third"
    after = {path.name: path.stat().st_mtime_ns for path in output.glob("shot*.png")}
    assert all(after[name] == time for name, time in before.items())
    run(make_job(source, tmp_path / "fresh"))
    assert content(output) == content(tmp_path / "fresh")


def test_new_frames_in_front_make_another_job_where_numbers_are_no_moments(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(make_job(render(source, rendered, 3, 4), output))
    before = content(output)
    with pytest.raises(OutputError, match="which source frames there are"):
        run(make_job(render(source, rendered, 2), output))
    assert content(output) == before


def test_lost_source_frame_does_not_cost_its_copy(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(fill_job(render(source, rendered, 1, 3, 5), output))
    before = content(output)
    (source / "f é 0003.png").unlink()
    with pytest.raises(OutputError, match="exists already"):
        run(fill_job(render(source, rendered, 7), output))
    assert content(output) == before


@pytest.mark.parametrize("change", [{"flow_scale": 0.5}, {"cuts": "off"}, {"multiplier": 4}])
def test_grown_sequence_with_another_setting_is_refused(tmp_path, rendered, change):
    source, output = tmp_path / "in", tmp_path / "out"
    run(make_job(render(source, rendered, 1, 2, 3), output))
    with pytest.raises(OutputError, match="exists already"):
        run(make_job(render(source, rendered, 4), output, **change))


def test_file_of_another_origin_under_a_new_name_is_not_replaced(tmp_path, rendered):
    source, output = tmp_path / "in", tmp_path / "out"
    run(fill_job(render(source, rendered, 1, 3), output))
    (output / "f é 0004.png").write_bytes(b"mine")
    job = fill_job(render(source, rendered, 5), output)
    with pytest.raises(OutputError, match=r"0004\.png exists already.*\(1 of 5 names"):
        run(job)
    run(dataclasses.replace(job, overwrite=True))
    run(fill_job(source, tmp_path / "fresh"))
    assert content(output) == content(tmp_path / "fresh")


def test_model_that_sees_four_frames_makes_the_last_pair_again(job, tmp_path):
    sources = [tmp_path / "in" / f"{index}.png" for index in range(4)]
    for source in sources:
        source.write_bytes(b"source")
    grown = dataclasses.replace(job, sources=tuple(map(str, sources)))
    short = dataclasses.replace(job, sources=grown.sources[:3])
    with JobFolder(short, short.plan(), precision="fp32", context=4) as folder:
        folder.begin()
        for index in range(5):
            folder.place(index, write_text("made"))
    for context, kept in ((2, {0, 1, 2, 3, 4}), (4, {0, 1, 2, 4})):
        with JobFolder(grown, grown.plan(), precision="fp32", context=context) as folder:
            assert folder.finished == kept
            assert (folder.changed_sources, folder.added_sources) == ({3}, {3})


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sets(st.integers(1, 13), min_size=1, max_size=4), min_size=1, max_size=2))
def test_result_is_that_of_one_run_whatever_was_rendered_when(tmp_path, rendered, steps):
    for there in itertools.accumulate([{2, 4}, *steps], set.union):
        assume(len(there) <= max(there) - min(there))  # else no frame is missing
    root = tmp_path / uuid.uuid4().hex
    root.mkdir()
    source, output = root / "in", root / "out"
    for numbers in [{2, 4}, *steps]:
        render(source, rendered, *numbers)
        run(fill_job(source, output))
    run(fill_job(source, root / "fresh"))
    assert content(output) == content(root / "fresh")
