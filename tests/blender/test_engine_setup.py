"""An engine's own environment: set up, tested, cancelled and removed from the preferences."""

import sys
from dataclasses import replace

import bpy
import pytest

from blender_vfi import engine_tasks, preferences
from blender_vfi.engine import environment
from blender_vfi.engine.installation import Installed
from blender_vfi.engine_tasks import tasks
from blender_vfi.errors import EngineSetupError, EngineStartError
from blender_vfi.operators import engine_setup

from .played_preferences import BUILD, DESCRIBED, RECORD, lay_environment

pytestmark = pytest.mark.blender


def test_an_own_environment_that_is_not_there_says_to_set_it_up(page):
    page.engine_source = preferences.OWN_ENVIRONMENT
    with pytest.raises(EngineStartError, match="press Set Up Engine"):
        preferences.engine_settings(bpy.context)
    with pytest.raises(RuntimeError, match="press Set Up Engine"):
        bpy.ops.preferences.vfi_test_engine()
    assert tasks.check_outcome.level == "ERROR"


def test_set_up_refuses_while_blender_may_not_go_online(page, root):
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.preferences.vfi_set_up_engine()
    assert not root.exists()


def test_a_set_up_is_used_from_then_on(page, root, online, monkeypatch):
    asked = []

    def install(*arguments):
        asked.append(arguments[:3])
        lay_environment(root)
        return Installed(record=RECORD, described=DESCRIBED, notice="")

    monkeypatch.setattr(engine_tasks.installation, "install", install)
    assert bpy.ops.preferences.vfi_set_up_engine() == {"FINISHED"}
    [(folder, build, python)] = asked
    assert (folder, build.name, python) == (root, BUILD, sys.executable)
    assert page.engine_source == preferences.OWN_ENVIRONMENT
    assert tasks.setup_outcome.text == "The engine is set up: torch 2.13.0+cpu on cpu"
    assert tasks.setup_progress is None


def test_a_set_up_that_fails_changes_nothing_and_says_why(page, online, monkeypatch):
    def install(*_arguments):
        raise EngineSetupError("The disk is full: free some space")

    monkeypatch.setattr(engine_tasks.installation, "install", install)
    with pytest.raises(RuntimeError, match="The disk is full: free some space"):
        bpy.ops.preferences.vfi_set_up_engine(build=BUILD, python="/opt/python")
    assert page.engine_source == preferences.BLENDER_PYTHON
    assert tasks.setup_outcome.level == "ERROR"


def test_a_gpu_that_is_not_found_is_a_warning_and_the_engine_is_used(page, online, monkeypatch):
    installed = Installed(record=RECORD, described=DESCRIBED, notice="no GPU")
    monkeypatch.setattr(engine_tasks.installation, "install", lambda *_arguments: installed)
    assert bpy.ops.preferences.vfi_set_up_engine() == {"FINISHED"}
    assert (tasks.setup_outcome.level, page.engine_source) == ("WARNING", "OWN")


def test_a_cancelled_set_up_ends_and_says_so(page, root, online, monkeypatch):
    def install(_root, _build, _python, control):
        while True:
            control.raise_if_cancelled()

    monkeypatch.setattr(engine_tasks.installation, "install", install)
    tasks.start_setup(root, None, "python")
    assert not bpy.ops.preferences.vfi_set_up_engine.poll()
    assert bpy.ops.preferences.vfi_cancel_setup() == {"FINISHED"}
    while tasks.setup_progress is not None:
        tasks.wait(1.0)
        tasks.poll()
    assert "cancelled" in tasks.setup_outcome.text
    assert not bpy.ops.preferences.vfi_cancel_setup.poll()


def test_the_test_runs_the_chosen_python_and_keeps_what_it_says(page, monkeypatch):
    asked = []

    def describe(python, _control):
        asked.append(python)
        return DESCRIBED

    monkeypatch.setattr(engine_tasks, "describe_engine", describe)
    page.engine_source, page.engine_python = preferences.MY_PYTHON, "/opt/torch/bin/python"
    assert bpy.ops.preferences.vfi_test_engine() == {"FINISHED"}
    assert asked == ["/opt/torch/bin/python"]
    assert tasks.check_outcome.described == DESCRIBED


def test_what_is_known_of_the_engine_is_what_ended_last(page, root, online, monkeypatch):
    tested = replace(DESCRIBED, packages=("torch 2.4.0",))
    installed = Installed(record=RECORD, described=DESCRIBED, notice="")
    monkeypatch.setattr(engine_tasks, "describe_engine", lambda *_arguments: tested)
    monkeypatch.setattr(engine_tasks.installation, "install", lambda *_arguments: installed)
    bpy.ops.preferences.vfi_test_engine()
    assert tasks.described == tested
    bpy.ops.preferences.vfi_set_up_engine()
    assert tasks.described == DESCRIBED
    page.engine_source = preferences.BLENDER_PYTHON
    bpy.ops.preferences.vfi_test_engine()
    assert tasks.described == tested


def test_the_test_says_what_is_wrong_with_a_python(page, tmp_path):
    page.engine_source = preferences.MY_PYTHON
    page.engine_python = str(tmp_path / "python")
    with pytest.raises(RuntimeError, match="cannot be started"):
        bpy.ops.preferences.vfi_test_engine()


def test_removing_the_environment_goes_back_to_blender_s_python(page, root):
    lay_environment(root)
    page.engine_source = preferences.OWN_ENVIRONMENT
    assert bpy.ops.preferences.vfi_remove_engine() == {"FINISHED"}
    assert environment.read_record(root) is None
    assert not (root / RECORD.folder).exists()
    assert page.engine_source == preferences.BLENDER_PYTHON


def test_removing_the_environment_leaves_a_python_of_the_user_s_chosen(page, root):
    page.engine_source = preferences.MY_PYTHON
    assert bpy.ops.preferences.vfi_remove_engine() == {"FINISHED"}
    assert page.engine_source == preferences.MY_PYTHON


def test_disabling_the_add_on_ends_a_set_up(page, root, monkeypatch):
    def install(_root, _build, _python, control):
        while True:
            control.raise_if_cancelled()

    monkeypatch.setattr(engine_tasks.installation, "install", install)
    tasks.start_setup(root, None, "python")
    engine_setup.start_watching()
    engine_setup.stop()
    assert tasks.setup_progress is None
    assert not bpy.app.timers.is_registered(engine_setup._watch)


def test_an_outdated_record_is_known_by_its_requirements():
    assert RECORD.is_outdated
    current = replace(RECORD, requirements_sha256=environment.requirements_sha256())
    assert not current.is_outdated
