"""The command line: what it makes, exit codes, and where messages go."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_vfi import cli

from .engine.sequences import read_png, visible_names, write_sequence
from .engine.shots import shot, write_frames

pytestmark = pytest.mark.torch

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sequence(tmp_path / "in", 2, size=(64, 64))
    return tmp_path / "in"


@pytest.fixture(autouse=True)
def own_signals():
    """Put back what the command line sets for its process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "blender_vfi", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, "BLENDER_VFI_PYTHON": sys.executable, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def command(*arguments, **environment):
    """Run the command line in a process of its own: exit code, standard output and error."""
    process = start(*arguments, **environment)
    output, error = process.communicate(timeout=90)
    return process.returncode, output, error


def refused(capsys, *arguments):
    """Run a command that must fail in this process: exit code and message."""
    try:
        code = cli.main([str(argument) for argument in arguments])
    except SystemExit as left:
        code = left.code
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err


def test_folder_is_interpolated_and_the_result_told_on_standard_output(
    source, tmp_path, checkpoint_folder
):
    output = tmp_path / "out 日本"
    code, told, shown = command(
        "interpolate",
        source,
        output,
        "--multiplier",
        4,
        "--device",
        "cpu",
        PYTHONIOENCODING="ascii",
    )
    assert code == 0, shown
    assert told.startswith("5 frames (3 new) in ")
    assert "5 frames on cpu in fp32" in shown
    assert "5/5 frames" in shown
    assert len(visible_names(output)) == 5
    assert read_png(output / "f é 0002.png").shape == (64, 64, 3)


def test_a_dry_run_asks_a_real_engine_and_writes_nothing(source, tmp_path, checkpoint_folder):
    before = sorted(tmp_path.rglob("*"))
    code, told, shown = command("interpolate", source, "--dry-run", "--device", "cpu")
    assert code == 0, shown
    assert "New: 1 with RIFE 4.25" in told
    assert sorted(tmp_path.rglob("*")) == before
    code, told, shown = command("interpolate", source, source, "--dry-run", "--quiet")
    assert (code, told) == (4, "")
    assert shown.startswith("error: Output folder ")


def test_folder_is_brought_from_one_rate_to_another(tmp_path, checkpoint_folder):
    write_sequence(tmp_path / "in", 5, size=(64, 64))
    output = tmp_path / "out"
    rates = ("--rate", "59.94", "--source-rate", "23.976")
    code, told, shown = command("interpolate", tmp_path / "in", output, *rates, "--device", "cpu")
    assert code == 0, shown
    assert told.startswith("11 frames (8 new) in ")
    assert len(visible_names(output)) == 11


@pytest.mark.parametrize("given", ["times", "speed"])
def test_a_folder_is_shown_at_times_of_ones_own(tmp_path, checkpoint_folder, given):
    paths = write_sequence(tmp_path / "in", 3, size=(64, 64))
    times = tmp_path / "times.txt"
    times.write_text("0\n1/2\n1\n3/2\n2\n")
    options = ("--times", times) if given == "times" else ("--speed", "0:0.5")
    output = tmp_path / "out"
    code, told, shown = command("interpolate", tmp_path / "in", output, *options, "--device", "cpu")
    assert code == 0, shown
    assert told.startswith("5 frames (2 new) in ")
    names = visible_names(output)
    for path, name in zip(paths, names[::2], strict=True):
        assert (output / name).read_bytes() == path.read_bytes()


def test_cuts_are_told_by_the_numbers_of_their_files(tmp_path, checkpoint_folder):
    write_frames(tmp_path / "in", shot(1, 2) + shot(2, 2), [30, 31, 32, 33])
    output = tmp_path / "out"
    code, told, shown = command("interpolate", tmp_path / "in", output, "--device", "cpu")
    assert code == 0, shown
    assert told.startswith("7 frames (2 new) in ")
    assert "1 cut(s), at frame(s) 32\n" in shown
    off = ("--cuts", "off", "--overwrite", "--device", "cpu")
    _, told, shown = command("interpolate", tmp_path / "in", output, *off)
    assert told.startswith("7 frames (3 new) in ")
    assert "cut(s)" not in shown


def test_terminated_command_cancels_and_keeps_whole_frames(source, tmp_path, checkpoint_folder):
    output = tmp_path / "out"
    process = start("interpolate", source, output, "--multiplier", 256, "--device", "cpu")
    deadline = time.monotonic() + 60
    while not list(output.glob("f*2.png")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    told, shown = process.communicate(timeout=30)
    assert (process.returncode, told) == (130, "")
    assert "frame(s) are done and stay on disk." in shown
    assert all(read_png(output / name).size for name in visible_names(output))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--multiplier", "1"], "Multiplier 1: must be a whole number from 2 to 256"),
        (["--multiplier", "0"], "Multiplier 0"),
        (["--multiplier", "-2"], "Multiplier -2"),
        (["--multiplier", "10000"], "Multiplier 10000"),
        (["--multiplier", "1.5"], "'1.5' must be a whole number from 2 to 256"),
        (["--multiplier", "many"], "'many' must be a whole number"),
        (["--multiplier", "2", "--rate", "60"], "--rate: not allowed with argument --multiplier"),
        (["--rate", "60"], "give both --rate, that of the result, and --source-rate"),
        (["--source-rate", "24"], "or a --multiplier alone"),
        (["--rate", "0"], "Frame rate '0': must be a number above 0"),
        (["--rate", "many"], "Frame rate 'many'"),
        (["--rate", "60", "--source-rate", "24 fps"], "Frame rate '24 fps'"),
        (["--rate", "24", "--source-rate", "24"], "From 24 to 24 frames a second"),
        (["--rate", "7000", "--source-rate", "24"], "must be from 1/16 to 256 times"),
        (["--times", "none.txt"], "Times file none.txt cannot be read"),
        (["--times", "none.txt", "--multiplier", "2"], "not allowed with argument --times"),
        (["--speed", "0:fast"], "Speed key '0:fast'"),
        (["--speed", "0:0.5", "--loop"], "Both --speed and --loop are given"),
        (["--speed", "0:0.5", "--rate", "60"], "--rate: not allowed with argument --speed"),
        (["--skip", "x"], "Pair 'x'"),
        (["--skip", "1"], "2 frames have the pairs 0 to 0"),
        (["--skip", "0", "--keep", "0"], "not allowed with argument --skip"),
        (["--format", ".gif"], "invalid choice: '.gif'"),
        (["--flow-scale", "3"], "invalid choice: 3.0"),
        (["--precision", "fp8"], "invalid choice: 'fp8'"),
        (["--clear-cache-every", "0"], "Clear cache every 0 pairs"),
        (["--tile", "64"], "Tile size 64: must be 0, or a whole number of at least 128"),
        (["--tile", "big"], "--tile: invalid int value"),
        (["--keep-free", "-1"], "Free memory limit -1.0 GB"),
        (["--seed", "-1"], "Seed -1"),
        (["--frames", "7"], "unrecognized arguments: --frames"),
    ],
)
def test_bad_setting_ends_with_code_2_before_an_engine_starts(
    source, tmp_path, capsys, arguments, message
):
    code, shown = refused(capsys, "interpolate", source, tmp_path / "out", *arguments)
    assert code == 2
    assert message in shown
    assert not (tmp_path / "out").exists()


def test_missing_frames_end_with_code_3(tmp_path, capsys):
    code, shown = refused(capsys, "interpolate", tmp_path / "none", tmp_path / "out")
    assert code == 3
    assert shown.startswith("error: Source folder ")
    assert shown.count("\n") == 1


def test_missing_engine_ends_with_code_6(source, tmp_path, capsys):
    code, shown = refused(
        capsys, "interpolate", source, tmp_path / "out", "--engine-python", tmp_path / "none"
    )
    assert code == 6
    assert "cannot be started" in shown


def test_errors_of_the_engine_keep_their_codes(source, tmp_path):
    code, told, shown = command("interpolate", source, source, "--device", "cpu")
    assert (code, told) == (4, "")
    assert shown.splitlines()[-1].startswith("error: Output folder ")
    assert "Traceback" not in shown


@pytest.mark.parametrize("given", ["folder", "movie", "fill", "download", "job file"])
def test_unknown_model_is_told_before_an_engine_is_started(source, tmp_path, capsys, given):
    no_engine = ("--engine-python", tmp_path / "none")
    if given == "job file":
        job = tmp_path / "job.json"
        cli.main(["interpolate", str(source), str(tmp_path / "out"), "--save-job", str(job)])
        job.write_text(job.read_text().replace("rife-4.25", "rife-4.99"))
        capsys.readouterr()
        arguments = ["run", job]
    else:
        arguments = {
            "folder": ["interpolate", source, tmp_path / "out", "--model", "rife-4.99"],
            "movie": ["interpolate", tmp_path / "none.mp4", "--model", "rife-4.99"],
            "fill": ["fill", source, "--model", "rife-4.99"],
            "download": ["download", "rife-4.99"],
        }[given]
    code, shown = refused(capsys, *arguments, *no_engine)
    assert code == (2 if given == "job file" else 5)
    assert "No model is called 'rife-4.99'. Did you mean rife-4." in shown
    assert "? The command models lists all " in shown
    assert len(shown.splitlines()) == 1


def test_interrupt_outside_a_job_ends_with_code_130(source, tmp_path, capsys, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "job_for_frames", interrupted)
    code, shown = refused(capsys, "interpolate", source, tmp_path / "out")
    assert code == 130
    assert shown == "error: The job was interrupted; finished frames stay on disk.\n"


@pytest.mark.parametrize("command", ["interpolate", "fill"])
@pytest.mark.parametrize("output", [[], ["out"]], ids=str)
def test_a_folder_is_listed_once_on_the_way_to_a_job(
    tmp_path, monkeypatch, capsys, command, output
):
    frames = write_sequence(tmp_path / "in", 4)
    if command == "fill":
        frames[2].unlink()
    listings = []
    iterdir = Path.iterdir

    def listed(folder):
        listings.append(folder)
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", listed)
    folders = [str(tmp_path / name) for name in ("in", *output)]
    assert cli.main([command, *folders, "--save-job", str(tmp_path / "job.json")]) == 0
    assert listings == [tmp_path / "in"]
    assert "saved" in capsys.readouterr().out


def test_command_must_be_given(capsys):
    code, shown = refused(capsys)
    assert code == 2
    assert "COMMAND" in shown


def test_missing_frames_are_filled_and_named(tmp_path, checkpoint_folder):
    source = write_frames(tmp_path / "in", shot(1, 4), [3, 4, 6, 8])
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    code, told, shown = command("fill", source, tmp_path / "out", "--device", "cpu")
    assert code == 0, shown
    assert told.startswith("6 frames (2 new) in ")
    assert "Missing: 5, 7\n" in shown
    assert visible_names(tmp_path / "out") == [f"shot_{n:04d}.png" for n in range(3, 9)]
    for name, content in before.items():
        assert (tmp_path / "out" / name).read_bytes() == content
    truth = read_png(source / "shot_0004.png").astype(float)
    assert abs(read_png(tmp_path / "out" / "shot_0005.png") - truth).mean() > 0
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before


def test_a_folder_without_gaps_cannot_be_filled(source, tmp_path, capsys):
    code, shown = refused(capsys, "fill", source, tmp_path / "out")
    assert refused(capsys, "fill", source, tmp_path / "out", "--multiplier", 2)[0] == 2
    assert code == 3
    assert "No frame is missing" in shown


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["interpolate", "{}"], "in_x2"),
        (["interpolate", "{}/", "--multiplier", "4", "--loop"], "in_x4_loop"),
        (["interpolate", "{}", "--rate", "60", "--source-rate", "23.976"], "in_60fps"),
        (["interpolate", "{}", "--speed", "0:0.5"], "in_retimed"),
        (["interpolate", "{}", "--model", "rife-4.6"], "in_x2_rife-4.6"),
        (["interpolate", "{}/f é ####.png"], "in/f é_x2"),
        (["{}/f é %04d.png"], "in/f é_x2"),
        (["fill", "{}"], "in_filled"),
    ],
)
def test_frames_go_beside_the_source_where_no_output_is_given(tmp_path, arguments, folder, capsys):
    paths = write_sequence(tmp_path / "in", 4, size=(64, 64))
    if arguments[0] == "fill":
        paths[1].unlink()
    given = [text.format(tmp_path / "in") for text in arguments]
    file = tmp_path / "job.json"
    assert cli.main([*given, "--save-job", str(file)]) == 0, capsys.readouterr().err
    [job] = json.loads(file.read_text())["jobs"]
    assert job["output_dir"] == folder
    assert job["sources"][0] == "in/f é 0001.png"
