"""`blender -c vfi setup`: what Set Up Engine and Test do, for a farm."""

import sys
from dataclasses import replace

import bpy
import pytest

from blender_vfi import blender_cli, cli_setup, preferences
from blender_vfi.engine import installation, torch_builds
from blender_vfi.engine.installation import Installed
from blender_vfi.errors import EngineSetupError

from .played_preferences import BUILD, DESCRIBED, RECORD, lay_environment

pytestmark = pytest.mark.blender


@pytest.fixture(autouse=True)
def saved(monkeypatch):
    """Leave this process's signals and its user's preferences alone; note what would be saved."""
    times = []
    monkeypatch.setattr(cli_setup, "end_on_signals", lambda: None)
    monkeypatch.setattr(cli_setup, "_save_preferences", lambda: times.append(True))
    monkeypatch.setattr(cli_setup, "_is_factory_startup", lambda: False)
    return times


@pytest.fixture
def installs(monkeypatch, root):
    """Note what is installed in place of installing it."""
    asked = []

    def install(*arguments):
        asked.append(arguments[:3])
        arguments[3].report("Testing the engine", 0.9)
        lay_environment(root)
        return Installed(record=RECORD, described=DESCRIBED, notice="no GPU")

    monkeypatch.setattr(installation, "install", install)
    return asked


def test_the_engine_is_set_up_as_the_preferences_say_and_chosen(
    page, root, online, installs, saved, capsys
):
    assert blender_cli.main(["setup"]) == 0
    [(folder, build, python)] = installs
    assert (folder, build.name, python) == (root, BUILD, sys.executable)
    assert (page.engine_source, saved) == (preferences.OWN_ENVIRONMENT, [True])
    shown = capsys.readouterr()
    assert shown.out.startswith("The engine is set up: torch 2.13.0+cpu on cpu, in ")
    assert "no GPU" in shown.err


def test_help_says_what_each_build_takes(capsys):
    with pytest.raises(SystemExit):
        blender_cli.main(["setup", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "0.4 GB for CPU (1.5 GB on disk)" in said
    assert all(f"GB for {build.title} (" in said for build in torch_builds.builds_for())


def test_options_come_before_the_preferences(page, online, installs, monkeypatch):
    assert blender_cli.main(["setup", "--run-on", "cpu", "--python", "/opt/python", "--quiet"]) == 0
    [(_, build, python)] = installs
    assert (build.name, python) == ("CPU", "/opt/python")


def test_preferences_that_are_not_the_user_s_are_not_saved(
    page, online, installs, saved, monkeypatch, capsys
):
    monkeypatch.setattr(cli_setup, "_is_factory_startup", lambda: True)
    assert blender_cli.main(["setup"]) == 0
    assert (page.engine_source, saved) == (preferences.BLENDER_PYTHON, [])
    assert "Name it with --engine-python" in capsys.readouterr().err


def test_a_blender_that_may_not_go_online_is_told_how(page, root, installs, capsys):
    assert not bpy.app.online_access
    assert blender_cli.main(["setup"]) == 6
    assert "run blender --online-mode -c vfi setup" in capsys.readouterr().err
    assert (installs, root.exists()) == ([], False)


@pytest.mark.parametrize("error", [EngineSetupError("pip failed."), OSError("disk is gone")])
def test_a_set_up_that_fails_says_why_and_changes_nothing(
    page, online, saved, monkeypatch, capsys, error
):
    def install(*_arguments):
        raise error

    monkeypatch.setattr(installation, "install", install)
    assert blender_cli.main(["setup"]) == 6
    assert str(error) in capsys.readouterr().err
    assert (page.engine_source, saved) == (preferences.BLENDER_PYTHON, [])


@pytest.fixture
def interrupted(monkeypatch):
    """Have the command interrupted at its first look at the work."""

    class InterruptedTask(cli_setup.Task):
        def wait(self, seconds):
            if not self.is_cancelling:
                raise KeyboardInterrupt
            return super().wait(seconds)

    monkeypatch.setattr(cli_setup, "Task", InterruptedTask)


@pytest.mark.parametrize("error", [None, EngineSetupError("pip was ended."), OSError("gone")])
def test_an_interrupt_cancels_it(page, online, saved, interrupted, monkeypatch, capsys, error):
    def install(_root, _build, _python, control):
        while not control.is_cancelled:
            pass
        if error is not None:
            raise error
        control.raise_if_cancelled()

    monkeypatch.setattr(installation, "install", install)
    assert blender_cli.main(["setup"]) == 130
    assert "nothing was left behind" in capsys.readouterr().err
    assert saved == []


def test_an_interrupt_that_comes_too_late_leaves_the_engine_chosen(
    page, online, installs, saved, interrupted
):
    assert blender_cli.main(["setup"]) == 0
    assert (page.engine_source, saved) == (preferences.OWN_ENVIRONMENT, [True])


def test_check_says_what_jobs_would_run_on_and_installs_nothing(
    page, installs, monkeypatch, capsys
):
    asked = []

    def describe(python, _control):
        asked.append(python)
        return replace(DESCRIBED, packages=(*DESCRIBED.packages, "numpy 2.4.6"))

    monkeypatch.setattr(cli_setup, "describe_engine", describe)
    page.engine_source, page.engine_python = preferences.MY_PYTHON, "/opt/torch/bin/python"
    assert blender_cli.main(["setup", "--check"]) == 0
    assert asked == ["/opt/torch/bin/python"]
    assert capsys.readouterr().out.splitlines() == [
        "The engine runs: torch 2.13.0+cpu on cpu, in /opt/torch/bin/python",
        "  Python 3.11.7",
        "  torch 2.13.0+cpu",
        "  numpy 2.4.6",
        "  cpu: A processor, 22.4 GB",
    ]
    assert installs == []


def test_check_of_an_environment_that_is_not_there_names_the_command(page, capsys):
    page.engine_source = preferences.OWN_ENVIRONMENT
    assert blender_cli.main(["setup", "--check"]) == 6
    assert "run blender --online-mode -c vfi setup" in capsys.readouterr().err
