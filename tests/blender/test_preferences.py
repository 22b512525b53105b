"""The add-on's preferences: properties, operators without a window, and the page's drawing."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from blender_vfi import engine_session, engine_tasks, preferences, properties
from blender_vfi.engine import environment
from blender_vfi.engine.environment import EnvironmentRecord
from blender_vfi.engine.installation import Installed
from blender_vfi.engine.protocol import Described, Device, MemoryFreed
from blender_vfi.engine_tasks import tasks
from blender_vfi.errors import EngineSetupError, EngineStartError
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.models import catalog, locations
from blender_vfi.models.locations import stored_path
from blender_vfi.operators import engine_setup
from blender_vfi.ui import inventory, preferences_page

from .fake_layout import FakeLayout

pytestmark = pytest.mark.blender

DESCRIBED = Described(
    job_id="1",
    packages=("Python 3.11.7", "torch 2.13.0+cpu"),
    devices=(Device(name="cpu", title="A processor", memory_bytes=24_000_000_000),),
)
RECORD = EnvironmentRecord(
    folder="cpu-1",
    build="CPU",
    python_version="3.11.7",
    packages=DESCRIBED.packages,
    requirements_sha256="outdated",
)
BUILD = preferences.build_items()[0][0]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the engine's own environment, for this test alone."""
    folder = tmp_path / "engine"
    monkeypatch.setattr(preferences, "environment_folder", lambda: folder)
    return folder


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path) -> SimpleNamespace:
    """Preferences as they are after the first start, but for the folder of checkpoints."""
    values = SimpleNamespace(
        engine_source=preferences.BLENDER_PYTHON,
        engine_python="",
        setup_build=BUILD,
        setup_python=sys.executable,
        checkpoint_folder=str(tmp_path / "checkpoints"),
        idle_minutes=2.0,
        log_level="info",
        while_rendering="PAUSE",
    )
    monkeypatch.setattr(preferences, "page", lambda _context: values)
    yield values
    tasks.close()
    inventory.stop()


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", True)
    assert bpy.app.online_access


def lay_environment(root: Path) -> str:
    """Lay a finished environment into `root`; return its Python."""
    python = environment.python_in(root / RECORD.folder)
    python.parent.mkdir(parents=True)
    python.touch()
    environment.write_record(root, RECORD)
    return str(python)


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


def test_an_outdated_record_is_known_by_its_requirements():
    assert RECORD.is_outdated
    current = replace(RECORD, requirements_sha256=environment.requirements_sha256())
    assert not current.is_outdated
