"""The command line with a movie: frames, its own rate, and what cannot be."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest

from blender_vfi import cli

from .engine.movie_files import write_movie
from .engine.sequences import visible_names, write_sequence
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


def test_output_is_not_given_twice(movie, capsys):
    code, message = refused(capsys, "interpolate", movie, "a", "-o", "b")
    assert code == 2
    assert "Output a and -o b: give one of them" in message


def test_help_shows_a_movie(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "clip.mp4 -o out" in capsys.readouterr().out


def test_movie_becomes_a_movie_with_its_sound(tmp_path, checkpoint_folder):
    clip = write_movie(tmp_path / "clip.mp4", 4, sound="aac", size=(64, 64))
    output = tmp_path / "out.mov"
    more = ("--codec", "prores-4444", "--device", "cpu")
    code, told, shown = command(clip, "-o", output, *more)
    assert code == 0, shown
    assert "Encoding the movie" in shown
    assert f"movie {output}" in told
    with av.open(str(output)) as container:
        assert container.streams.video[0].guessed_rate == 48
        assert container.streams.audio[0].codec_context.name == "aac"
        assert len(list(container.decode(video=0))) == 8
    assert len(visible_names(tmp_path / "out_frames")) > 6


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["-o", "out.mov"], "give --source-rate"),
        (["-o", "out", "--codec", "ffv1"], "end its name with .mov"),
        (["-o", "out.mov", "--codec", "h264", "--source-rate", "24", "--crf", "99"], "from 0, the"),
        (["-o", "out.mp4", "--codec", "ffv1", "--source-rate", "24"], "with .mkv or .mov"),
    ],
)
def test_movie_options_that_do_not_fit_are_refused(tmp_path, capsys, more, message):
    write_sequence(tmp_path / "in", 2, size=(64, 64))
    code, shown = refused(capsys, "interpolate", tmp_path / "in", *more)
    assert code == 2
    assert message in shown


@pytest.mark.parametrize("name", ["out.avi", "out.MPG"])
def test_folder_is_never_made_under_the_name_of_a_movie(tmp_path, capsys, name):
    frames = tmp_path / "frames"
    frames.mkdir()
    for arguments in (["interpolate", frames], ["interpolate", frames, "--source-rate", "24"]):
        assert cli.main([*map(str, arguments), "-o", str(tmp_path / name)]) == 2
        assert "has the name of a movie" in capsys.readouterr().err
    assert cli.main(["fill", str(frames), str(tmp_path / "out.mov")]) == 2
    assert "has the name of a movie" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [frames]


def test_frames_of_two_movies_never_get_into_one_folder_unasked(tmp_path, checkpoint_folder):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        movie = write_movie(tmp_path / name / "clip.mp4", 2, rate=Fraction(24), size=(64, 64))
        output = tmp_path / "out" / f"clip{'.mov' if name == 'one' else '.mkv'}"
        assert command(movie, "-o", output, "--device", "cpu", "--quiet")[0] == 0
    names = [path.name for path in (tmp_path / "out").iterdir()]
    assert sorted(names) == ["clip.mkv", "clip.mov", "clip_frames", "clip_frames_mp4"]
