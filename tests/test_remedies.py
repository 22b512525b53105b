"""What to do about it, in the words of where it is read."""

from __future__ import annotations

import pytest

from blender_vfi import cli
from blender_vfi.engine.client import raise_if_ended
from blender_vfi.engine.protocol import Cancelled
from blender_vfi.errors import JobCancelledError, OutputError
from blender_vfi.messages import translated
from blender_vfi.remedies import READER_VARIABLE, how_to_fill, how_to_overwrite, remedy

from .engine.fake_jobs import run
from .engine.sequences import make_job, write_sequence

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("reader", "words"),
    [("panel", "Output > Overwrite"), ("terminal", "--overwrite"), ("", "overwrite=True")],
)
def test_a_taken_folder_is_told_in_the_words_of_who_reads(tmp_path, monkeypatch, reader, words):
    write_sequence(tmp_path / "in", 2)
    run(make_job(tmp_path / "in", tmp_path / "out"))
    monkeypatch.setenv(READER_VARIABLE, reader)
    with pytest.raises(OutputError, match=f"allow overwriting \\({words}\\)\\.$"):
        run(make_job(tmp_path / "in", tmp_path / "out", multiplier=4))


def test_command_line_says_who_reads_to_its_engine(tmp_path, capsys):
    assert cli.main(["run", str(tmp_path / "none.json")]) == 2
    assert how_to_overwrite() == "--overwrite"
    capsys.readouterr()


@pytest.mark.parametrize(
    ("reader", "end"),
    [
        ("panel", "stay on disk."),
        ("terminal", "stay on disk. Run the same command again to go on with what is missing."),
        ("", "stay on disk."),
    ],
)
def test_a_cancelled_job_says_in_a_terminal_how_it_goes_on(monkeypatch, reader, end):
    monkeypatch.setenv(READER_VARIABLE, reader)
    with pytest.raises(JobCancelledError) as cancelled:
        raise_if_ended(Cancelled(job_id="j", frames_done=21))
    assert str(cancelled.value) == f"The job was cancelled: 21 frame(s) are done and {end}"


def test_words_of_the_panel_can_be_translated_within_a_message(monkeypatch):
    monkeypatch.setenv(READER_VARIABLE, "panel")
    german = {"choose Strip > Fill Missing Frames": "auffüllen"}
    assert translated(how_to_fill(), lambda text: german.get(text, text)) == "auffüllen"


def test_scripts_without_words_of_their_own_read_the_panels(monkeypatch):
    monkeypatch.delenv(READER_VARIABLE)
    assert remedy(panel="press", terminal="--give") == "press"
