"""The command line's words: options that become settings, commands, and help that teaches."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blender_vfi import cli, cli_options
from blender_vfi.engine.version import package_version


def test_settings_of_cuts_become_those_of_the_job():
    parser = cli._parser()
    given = "interpolate in out --cuts blend --cut-threshold 0.4 --cut-pairs 3,7-8"
    options = parser.parse_args(given.split())
    settings = cli_options.job_settings(options)
    assert (settings["cuts"], settings["cut_threshold"]) == ("blend", 0.4)
    assert settings["cut_pairs"] == (3, 7, 8)


@pytest.mark.parametrize("arguments", [["--help"], ["interpolate", "--help"]])
def test_help_teaches_by_examples_and_lists_exit_codes(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    shown = capsys.readouterr().out
    assert left.value.code == 0
    assert "examples:" in shown
    assert "--multiplier 4 --skip 23,40-44" in shown
    assert "exit codes: 0 done, 2 a setting" in shown


def test_options_for_memory_and_noise_become_settings_of_the_job():
    options = cli._parser().parse_args(
        ["interpolate", "in", "out", "--tile", "512", "--keep-free", "1.5", "--seed", "3"]
    )
    settings = cli_options.job_settings(options)
    assert settings["tile_size"] == 512
    assert settings["free_memory_limit_gb"] == 1.5
    assert settings["seed"] == 3
    assert (settings["half_when_full"], settings["cpu_when_full"]) == (False, False)
    assert settings["check_free_space"] is True


@pytest.mark.parametrize(("given", "compiles"), [([], False), (["--compile"], True)])
def test_models_are_compiled_where_that_is_asked_for(given, compiles):
    options = cli._parser().parse_args(["interpolate", "in", "out", *given])
    assert cli_options.job_settings(options)["compiles"] is compiles


def test_options_for_full_memory_and_disks_become_settings_of_the_job():
    allowed = ["--half-when-full", "--cpu-when-full", "--no-space-check"]
    options = cli._parser().parse_args(["interpolate", "in", "out", *allowed])
    settings = cli_options.job_settings(options)
    assert (settings["half_when_full"], settings["cpu_when_full"]) == (True, True)
    assert settings["check_free_space"] is False


def test_options_of_guided_models_become_settings_of_the_job():
    given = ["fill", "in", "out", "--guided-fill", "mix", "--vector-step", "3"]
    settings = cli_options.job_settings(cli._parser().parse_args(given))
    assert (settings["guided_fill"], settings["vector_step"]) == ("mix", 3)
    left = cli_options.job_settings(cli._parser().parse_args(["fill", "in", "out"]))
    assert (left["guided_fill"], left["vector_step"]) == ("model", 0)
    assert [
        cli_options.job_settings(cli._parser().parse_args(["fill", "in", "out", *more]))[
            "doubt_masks"
        ]
        for more in ([], ["--doubt-masks"])
    ] == [False, True]


def test_every_option_says_what_it_is_for(capsys):
    with pytest.raises(SystemExit):
        cli.main(["interpolate", "--help"])
    shown = capsys.readouterr().out
    for option in ("--multiplier", "--skip", "--keep", "--hold-skipped", "--format", "--overwrite"):
        assert option in shown
    assert "2 to 256 (default: 2)" in shown
    assert "see the models command" in shown
    words = " ".join(shown.split())
    assert "shots/010_x2 for the folder shots/010, shots/beauty_x2 for the files" in words


def test_examples_in_the_help_are_valid_commands():
    parser = cli._parser()
    lines = [line.strip() for line in parser.format_help().splitlines()]
    commands = [line for line in lines if line.startswith("python -m blender_vfi")]
    assert len(commands) == 11
    for line in commands:
        assert parser.parse_args(cli._with_command(line.split()[3:])).run


def test_a_folder_alone_is_interpolated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("shot", "fill"):
        Path(name).mkdir()
    assert cli._with_command(["shot", "out"]) == ["interpolate", "shot", "out"]
    assert cli._with_command(["fill", "out"]) == ["fill", "out"]
    assert cli._with_command(["nowhere", "out"]) == ["nowhere", "out"]


def test_commands_come_before_folders_of_their_names(capsys):
    with pytest.raises(SystemExit):
        cli._parser().parse_args(["nothing"])
    told = capsys.readouterr().err.partition("choose from")[2]
    assert frozenset(re.findall(r"\w+", told)) == cli._COMMANDS


def test_version_is_the_manifests(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip() == package_version()
