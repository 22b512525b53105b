"""The add-on's preferences: properties, operators without a window, and the page's drawing."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from blender_vfi import engine_session, engine_tasks, preferences, properties
from blender_vfi.engine.protocol import Device, MemoryFreed
from blender_vfi.engine_tasks import tasks
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.models import catalog, locations
from blender_vfi.models.locations import stored_path
from blender_vfi.ui import inventory, preferences_page

from .fake_layout import FakeLayout
from .played_preferences import DESCRIBED, lay_environment

pytestmark = pytest.mark.blender


def lay_checkpoint(page: SimpleNamespace, name: str = catalog.DEFAULT_MODEL) -> Path:
    path = stored_path(Path(page.checkpoint_folder), catalog.find(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 1_500_000)
    path.with_suffix(".json").write_text("{}")
    return path


def test_the_source_decides_which_python_runs_the_engine(page, root):
    settings = preferences.engine_settings(bpy.context)
    assert settings.python is None
    assert (settings.idle_exit_s, settings.checkpoint_folder) == (120.0, page.checkpoint_folder)
    page.engine_python = "/opt/torch/bin/python"
    assert preferences.engine_settings(bpy.context).python is None
    page.engine_source = preferences.MY_PYTHON
    assert preferences.engine_settings(bpy.context).python == "/opt/torch/bin/python"
    page.engine_python = ""
    assert preferences.engine_settings(bpy.context).python is None
    page.engine_source = preferences.OWN_ENVIRONMENT
    python = lay_environment(root)
    assert preferences.engine_settings(bpy.context).python == python
    assert preferences.engine_settings(bpy.context, python="/other").python == "/other"


@pytest.mark.parametrize(
    ("names", "suggested"),
    [
        (["cuda:0", "cuda:1", "cpu"], ["auto", "all-gpus", "cuda:0", "cuda:1", "cpu"]),
        (["cuda:0", "xpu:0", "cpu"], ["auto", "cuda:0", "xpu:0", "cpu"]),
        (["cpu"], ["auto", "cpu"]),
    ],
)
def test_all_gpus_are_suggested_where_an_engine_has_told_of_several(
    page, monkeypatch, names, suggested
):
    devices = tuple(Device(name=name, title="A device", memory_bytes=0) for name in names)
    described = replace(DESCRIBED, devices=devices)
    monkeypatch.setattr(tasks, "_described", described)
    choices = properties._device_names(None, bpy.context, "")
    assert [one if isinstance(one, str) else one[0] for one in choices] == suggested
    monkeypatch.setattr(tasks, "_described", None)
    assert "all-gpus" not in properties._device_names(None, bpy.context, "")


def test_nothing_is_removed_while_a_job_runs(page):
    jobs.add([QueuedJob(request=None, title="shot", state=JobState.RUNNING)])
    try:
        assert not bpy.ops.preferences.vfi_remove_engine.poll()
        assert not bpy.ops.preferences.vfi_remove_checkpoint.poll()
    finally:
        jobs.clear()


def test_removing_a_checkpoint_keeps_its_receipt(page):
    path = lay_checkpoint(page)
    assert bpy.ops.preferences.vfi_remove_checkpoint(model=catalog.DEFAULT_MODEL) == {"FINISHED"}
    assert not path.exists()
    assert path.with_suffix(".json").exists()
    with pytest.raises(RuntimeError, match="not there any more"):
        bpy.ops.preferences.vfi_remove_checkpoint(model=catalog.DEFAULT_MODEL)


def test_a_checkpoint_that_came_with_the_add_on_is_never_removed(page, monkeypatch):
    path = lay_checkpoint(page)
    monkeypatch.setattr("blender_vfi.models.stored.shipped_folder", lambda: path.parents[1])
    with pytest.raises(RuntimeError, match="came with the add-on"):
        bpy.ops.preferences.vfi_remove_checkpoint(model=catalog.DEFAULT_MODEL)
    assert path.exists()


class RunningClient:
    """Stands for the client of an engine that runs and holds two models."""

    is_running = True
    process_id = 4711
    python = "/opt/torch/bin/python"

    def __init__(self) -> None:
        self.events: list = []
        self.asked = 0

    def free_memory(self) -> None:
        self.asked += 1
        self.events.append(MemoryFreed(models_dropped=2))

    def poll(self) -> list:
        events, self.events = self.events, []
        return events


def test_free_memory_tells_what_was_dropped(page, monkeypatch):
    client = RunningClient()
    monkeypatch.setattr(engine_session, "running_client", lambda: client)
    assert bpy.ops.preferences.vfi_free_memory() == {"FINISHED"}
    assert client.asked == 1
    assert tasks.memory_outcome.text == "The engine has freed its memory: 2 models dropped"


def test_free_memory_leaves_the_events_of_a_running_job_alone(page, monkeypatch):
    client = RunningClient()
    monkeypatch.setattr(engine_session, "running_client", lambda: client)
    jobs.add([QueuedJob(request=None, title="shot", state=JobState.RUNNING)])
    try:
        assert bpy.ops.preferences.vfi_free_memory() == {"FINISHED"}
    finally:
        jobs.clear()
    assert (client.asked, len(client.events)) == (1, 1)
    assert "after the running job" in tasks.memory_outcome.text


def test_free_memory_without_an_engine_says_so(page):
    assert bpy.ops.preferences.vfi_free_memory() == {"FINISHED"}
    assert tasks.memory_outcome.text == "No engine runs, so none holds memory"


def drawn(page: SimpleNamespace) -> list[str]:
    page.layout = FakeLayout()
    preferences_page.draw(page, bpy.context)
    return page.layout.seen


def test_the_page_shows_engine_set_up_models_and_memory(page, root):
    lay_environment(root)
    lay_checkpoint(page)
    page.engine_source = preferences.OWN_ENVIRONMENT
    inventory.look(bpy.context)
    seen = drawn(page)
    assert "torch 2.13.0+cpu, Python 3.11.7" in seen
    assert "Made for an older version: set it up again" in seen
    assert "preferences.vfi_remove_engine" in seen
    assert catalog.find(catalog.DEFAULT_MODEL).title in seen
    assert "preferences.vfi_remove_checkpoint" in seen
    assert f"1.5 MB in all, in {page.checkpoint_folder}" in seen
    assert "No engine runs now" in seen
    assert "use_online_access" in seen


def test_a_shipped_checkpoint_has_no_button_to_remove_it(page, monkeypatch):
    path = lay_checkpoint(page)
    monkeypatch.setattr("blender_vfi.models.stored.shipped_folder", lambda: path.parents[1])
    page.checkpoint_folder = str(path.parents[2] / "elsewhere")
    inventory.look(bpy.context)
    seen = drawn(page)
    assert catalog.find(catalog.DEFAULT_MODEL).title in seen
    assert "preferences.vfi_remove_checkpoint" not in seen


def test_the_page_shows_a_running_engine_and_the_last_test(page, monkeypatch):
    monkeypatch.setattr(engine_session, "running_client", RunningClient)
    monkeypatch.setattr(engine_tasks, "describe_engine", lambda *_arguments: DESCRIBED)
    bpy.ops.preferences.vfi_test_engine()
    seen = drawn(page)
    assert "An engine runs: process 4711, /opt/torch/bin/python" in seen
    assert "cpu: A processor, 24.0 GB" in seen


def test_the_page_wraps_a_long_error(page, online):
    text = "word " * 100
    tasks.setup_outcome = engine_tasks.Outcome(level="ERROR", text=text.strip())
    lines = [line for line in drawn(page) if line.startswith("word")]
    assert len(lines) > 1
    assert " ".join(lines) == text.strip()


def test_the_page_shows_a_set_up_that_goes_on_with_its_cancel(page, root, monkeypatch):
    def install(_root, _build, _python, control):
        control.report("Downloading torch", 0.1, download=(root, "t.whl"), total_bytes=190_000_000)
        while True:
            control.raise_if_cancelled()

    monkeypatch.setattr(engine_tasks.installation, "install", install)
    tasks.start_setup(root, None, "python")
    while tasks.setup_progress.total_bytes == 0:
        tasks.wait(0.01)
    seen = drawn(page)
    assert "Downloading torch: 0.0 MB / 190.0 MB" in seen
    assert "preferences.vfi_cancel_setup" in seen
    assert "preferences.vfi_set_up_engine" not in seen


def test_checkpoints_lie_in_the_user_s_cache_by_default(page):
    page.checkpoint_folder = ""
    assert preferences.checkpoint_folder(bpy.context) == locations.cache_folder()


def test_every_property_has_a_tooltip():
    ours = preferences.VfiPreferences.__annotations__
    assert {"engine_source", "engine_python", "setup_build"} <= set(ours)
    properties = preferences.VfiPreferences.bl_rna.properties
    assert all(properties[name].description for name in ours)


def test_naming_a_python_chooses_it(page):
    page.engine_python = "/opt/python"
    preferences._choose_my_python(page, bpy.context)
    assert page.engine_source == preferences.MY_PYTHON


def test_the_environment_is_kept_out_of_the_add_on_s_own_folder(monkeypatch):
    folder = preferences.environment_folder()
    assert Path(preferences.__file__).parent not in folder.parents
    monkeypatch.setattr(preferences.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    series = "{}.{}".format(*bpy.app.version)
    assert preferences.environment_folder() == Path("/local/blender_vfi", series)
