"""What the command line takes a first word for, and how it ends where nobody reads on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blender_vfi import cli

pytestmark = pytest.mark.plain

REPOSITORY = Path(__file__).resolve().parents[1]


def refused(capsys, *words: object) -> tuple[int, str]:
    """Run a command that must fail: exit code and what it says on standard error."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as left:
        code = left.code
    return code, capsys.readouterr().err


@pytest.mark.parametrize("name", ["shots/typo", "typo.d", "./typo"])
def test_a_folder_that_is_not_there_is_called_one(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    code, shown = refused(capsys, name, "--dry-run")
    assert code == 3
    assert shown.startswith(f"error: Source folder {Path(name).absolute()} cannot be read (")
    assert "invalid choice" not in shown


def test_one_frame_in_place_of_its_sequence_is_answered_with_the_pattern(tmp_path, capsys):
    frame = tmp_path / "shot_0002.png"
    frame.touch()
    code, shown = refused(capsys, frame)
    assert code == 3
    assert f"give its folder, {tmp_path}, or the sequence" in shown
    assert str(tmp_path / "shot_####.png") in shown


def test_a_file_without_a_suffix_is_a_source_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("notes").touch()
    code, shown = refused(capsys, "notes")
    assert code == 3
    assert f"Source {tmp_path / 'notes'} is a file: give a folder" in shown


def test_a_command_or_what_is_near_one_is_no_source(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    assert "arguments are required: JOB.json" in refused(capsys, "run")[1]
    assert "invalid choice: 'modles'" in refused(capsys, "modles")[1]
    assert "unrecognized arguments: --quality.x" in refused(capsys, "--quality.x", "models")[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows closes pipes in its own way")
@pytest.mark.parametrize("words", [["models", "--json"], ["models"]])
@pytest.mark.parametrize("unread", ["stdout", "stderr", "both"])
def test_output_that_nobody_reads_on_ends_the_command_quietly(words, unread):
    reading, writing = os.pipe()
    os.close(reading)
    open_one = subprocess.PIPE
    streams = {
        "stdout": {"stdout": writing, "stderr": open_one},
        "stderr": {"stdout": open_one, "stderr": writing},
        "both": {"stdout": writing, "stderr": writing},
    }[unread]
    done = subprocess.run(
        [sys.executable, "-m", "blender_vfi", *words], cwd=REPOSITORY, timeout=60, **streams
    )
    os.close(writing)
    assert done.returncode == (0 if unread == "stderr" else 141)
    assert not done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows closes pipes in its own way")
def test_help_that_nobody_reads_on_ends_quietly():
    command = f'"{sys.executable}" -m blender_vfi interpolate --help | true'
    done = subprocess.run(["sh", "-c", command], cwd=REPOSITORY, timeout=60, stderr=subprocess.PIPE)
    assert done.stderr == b""
