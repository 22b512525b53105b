"""The command line with a movie: frames, its own rate, and what cannot be."""

from __future__ import annotations

from fractions import Fraction

import pytest

from blender_vfi import cli

from .engine.movie_files import write_movie
from .engine.sequences import visible_names
from .test_cli import command, own_signals, refused

__all__ = ["own_signals"]

pytestmark = pytest.mark.torch


@pytest.fixture
def movie(tmp_path):
    return write_movie(tmp_path / "clip.mp4", 4, rate=Fraction(24000, 1001), size=(64, 64))


def test_movie_alone_is_enough_to_say_and_its_rate_is_exact(movie, tmp_path, checkpoint_folder):
    output = tmp_path / "out"
    rates = ("--rate", "59.94", "--device", "cpu")
    code, told, shown = command(movie, "-o", output, *rates)
    assert code == 0, shown
    assert "4 frames at 23.976 (24000/1001) frames a second" in shown
    assert told.startswith("8 frames (6 new) in ")
    assert visible_names(output)[:2] == ["clip_0001.png", "clip_0002.png"]


def test_command_and_folder_may_be_named_as_for_sequences(movie, tmp_path, checkpoint_folder):
    output = tmp_path / "out"
    more = ("--multiplier", 2, "--device", "cpu", "--format", "jpg", "--quiet")
    code, _told, shown = command("interpolate", movie, output, *more)
    assert (code, shown) == (0, "")
    assert visible_names(output)[-1] == "clip_0007.jpg"


def test_movie_that_cannot_be_read_is_a_source_error(tmp_path, capsys):
    (tmp_path / "clip.mp4").write_bytes(b"nothing")
    code, message = refused(capsys, tmp_path / "clip.mp4", "-o", tmp_path / "out")
    assert code == 3
    assert "damaged or not a movie" in message


@pytest.mark.parametrize("output", [(), ("a", "-o", "b")])
def test_output_has_to_be_given_once(movie, capsys, output):
    code, message = refused(capsys, "interpolate", movie, *output)
    assert code == 2
    assert "give exactly one" in message


def test_help_shows_a_movie(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "clip.mp4 -o out" in capsys.readouterr().out
