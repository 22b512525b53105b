import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

import blender_vfi
from blender_vfi import engine_session, preferences
from blender_vfi.engine.limits import LOG_LEVEL_VARIABLE
from blender_vfi.engine.protocol import Fetch
from blender_vfi.job_queue import QueuedJob, jobs
from blender_vfi.models.locations import FOLDER_VARIABLE, OFFLINE_VARIABLE
from blender_vfi.preferences import EngineSettings
from blender_vfi.remedies import PANEL, READER_VARIABLE

pytestmark = pytest.mark.blender

PACKAGE = Path(blender_vfi.__file__).parent
MENUS = ("SEQUENCER_MT_strip", "SEQUENCER_MT_context_menu", "SEQUENCER_MT_add")


def queued_download() -> QueuedJob:
    return QueuedJob(request=Fetch(job_id="a", model="film"), title="FILM")


def drawn_by_us(name: str) -> list:
    functions = getattr(bpy.types, name).draw._draw_funcs
    return [function for function in functions if "blender_vfi" in function.__module__]


def test_unregistering_leaves_nothing_behind_and_can_be_undone(add_on):
    assert all(len(drawn_by_us(name)) == 1 for name in MENUS)
    blender_vfi.unregister()
    assert not hasattr(bpy.types, "SEQUENCER_OT_vfi_interpolate")
    assert not any(drawn_by_us(name) for name in MENUS)
    assert READER_VARIABLE not in os.environ
    blender_vfi.register()
    assert os.environ[READER_VARIABLE] == PANEL
    assert hasattr(bpy.types, "SEQUENCER_OT_vfi_interpolate")
    assert all(len(drawn_by_us(name)) == 1 for name in MENUS)


def test_unregistering_stops_the_engine(add_on, engine, monkeypatch):
    closed = []
    monkeypatch.setattr(engine, "close", lambda: closed.append(True))
    engine_session.get(EngineSettings())
    jobs.add([queued_download()])
    blender_vfi.unregister()
    blender_vfi.register()
    assert closed == [True]
    assert len(jobs) == 0


def test_the_entry_is_drawn_in_the_timeline_and_not_in_the_preview():
    drawn = []
    layout = SimpleNamespace(
        separator=lambda: None, operator=lambda idname, **_settings: drawn.append(idname)
    )
    [draw] = drawn_by_us("SEQUENCER_MT_strip")
    for view in ("SEQUENCER", "PREVIEW", "SEQUENCER_PREVIEW"):
        context = SimpleNamespace(space_data=SimpleNamespace(view_type=view))
        draw(SimpleNamespace(layout=layout), context)
    entries = ("interpolate_settings", "fill_gaps", "save_job")
    assert drawn == [f"sequencer.vfi_{name}" for name in entries] * 2


def printed_by(script: str) -> str:
    """Run a script in a Python of its own that knows the package."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_importing_the_package_reaches_neither_blender_nor_torch():
    script = "import sys, blender_vfi; print(sorted({'bpy', 'torch'} & set(sys.modules)))"
    assert printed_by(script).strip() == "[]"


def test_registering_in_blender_reaches_no_torch():
    script = (
        "import sys, bpy, blender_vfi; blender_vfi.register(); blender_vfi.unregister(); "
        "print('torch' in sys.modules, 'OpenImageIO' in sys.modules)"
    )
    assert printed_by(script).split()[-2:] == ["False", "False"]


def test_blender_enables_it_as_an_extension_with_its_preferences(tmp_path):
    repository = tmp_path / "extensions" / "user_default"
    repository.mkdir(parents=True)
    (repository / "blender_vfi").symlink_to(PACKAGE, target_is_directory=True)
    script = (
        "import sys, bpy, addon_utils; name = 'bl_ext.user_default.blender_vfi'; "
        "addon_utils.enable(name, default_set=True); "
        "page = bpy.context.preferences.addons[name].preferences; page.idle_minutes = 0.5; "
        "preferences = sys.modules[name + '.preferences']; "
        "print(preferences.engine_settings(bpy.context).idle_exit_s); "
        "print('vfi_interpolate' in dir(bpy.ops.sequencer)); "
        "addon_utils.disable(name, default_set=True); "
        "print('blender_vfi' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split()[-3:] == ["30.0", "True", "False"], done.stdout + done.stderr


def test_the_manifest_satisfies_blender_s_own_validator():
    scripts = Path(bpy.utils.resource_path("LOCAL"), "scripts", "addons_core")
    validator = scripts / "bl_pkg" / "cli" / "blender_ext.py"
    done = subprocess.run(
        [sys.executable, str(validator), "validate", str(PACKAGE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_preferences_the_engine_has_its_defaults():
    settings = preferences.engine_settings(bpy.context)
    assert settings == EngineSettings(python=None, checkpoint_folder=None, idle_exit_s=600.0)


def test_preferences_decide_how_the_engine_starts(tmp_path):
    page = SimpleNamespace(
        engine_source="CUSTOM",
        engine_python="/opt/torch/bin/python",
        checkpoint_folder=str(tmp_path),
        idle_minutes=2.0,
        log_level="debug",
        while_rendering="CPU",
    )
    addons = {preferences.__package__: SimpleNamespace(preferences=page)}
    settings = preferences.engine_settings(
        SimpleNamespace(preferences=SimpleNamespace(addons=addons))
    )
    assert settings == EngineSettings(
        python="/opt/torch/bin/python",
        checkpoint_folder=str(tmp_path),
        idle_exit_s=120.0,
        is_online=bpy.app.online_access,
        log_level="debug",
        while_rendering="CPU",
    )


def test_one_engine_serves_until_its_settings_change(engine):
    first = EngineSettings(
        python="/opt/python",
        checkpoint_folder="/models",
        idle_exit_s=5.0,
        is_online=True,
        log_level="debug",
    )
    engine_session.get(first)
    engine_session.get(first)
    engine_session.get(EngineSettings())
    assert engine.settings == [
        {
            "python": "/opt/python",
            "idle_exit_s": 5.0,
            "environment": {FOLDER_VARIABLE: "/models", LOG_LEVEL_VARIABLE: "debug"},
            "yields": False,
        },
        {
            "python": None,
            "idle_exit_s": 600.0,
            "environment": {OFFLINE_VARIABLE: "1", LOG_LEVEL_VARIABLE: "info"},
            "yields": False,
        },
    ]
