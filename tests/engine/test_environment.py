"""The engine's own environment, made for real by venv and pip, from wheels that hold nothing."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from blender_vfi.engine import environment, installation
from blender_vfi.engine.background import Control
from blender_vfi.engine.protocol import Described, Device
from blender_vfi.engine.torch_builds import TorchBuild, pinned_torch
from blender_vfi.errors import EngineSetupError, EngineStartError, JobCancelledError

from .wheels import as_index, serving, write_requirements, write_wheel

pytestmark = pytest.mark.plain

TORCH = pinned_torch().partition("==")[2]
BUILD = TorchBuild(
    name="CPU",
    title="CPU",
    summary="",
    tag="cpu",
    download_bytes=1_000,
    disk_bytes=1_000,
)


def described(control=None, *, torch: str = f"{TORCH}+cpu", device: str = "cpu") -> Described:
    return Described(
        job_id="1",
        packages=("Python 3.11.7", f"torch {torch}"),
        devices=(Device(name=device, title="A processor", memory_bytes=0),),
    )


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes everything from, torch's build for the CPU among it."""
    folder = tmp_path / "wheels"
    write_requirements(folder, without=("torch",))
    write_wheel(folder, "torch", f"{TORCH}+cpu", padding=50_000)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def engine_runs(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Let the new environment's engine answer, as one with the real torch would."""
    state = SimpleNamespace(answer=described(), pythons=[])

    def describe(python: str, _control: Control) -> Described:
        state.pythons.append(python)
        return state.answer

    monkeypatch.setattr(installation, "describe_engine", describe)
    return state


class RecordingControl(Control):
    """Keeps every stage, and cancels at one."""

    def __init__(self, *, cancel_at: str = "never") -> None:
        super().__init__()
        self.stages: list[str] = []
        self.factors: list[float] = []
        self.sizes: dict[str, int] = {}
        self._cancel_at = cancel_at

    def report(self, stage: str, factor: float, **download) -> None:
        super().report(stage, factor, **download)
        self.stages.append(stage)
        self.factors.append(factor)
        if download.get("total_bytes"):
            self.sizes[stage] = download["total_bytes"]
        if stage.startswith(self._cancel_at):
            self.cancel()


class FakePip(RecordingControl):
    """Makes an environment at once, and lets pip say one thing and end with one exit code."""

    def __init__(self, *said: str, code: int = 0, cancel_at: str = "never") -> None:
        super().__init__(cancel_at=cancel_at)
        self.commands: list[list[str]] = []
        self._said = said
        self._code = code

    def run(self, command, on_line, *, environment=None) -> int:
        self.raise_if_cancelled()
        self.commands.append(command)
        if "-c" in command:
            on_line('[[3, 11, 7], true, {"venv": true, "ensurepip": true}]')
        elif "venv" in command:
            python = Path(command[-1], "bin", "python")
            python.parent.mkdir()
            python.touch()
        else:
            for line in self._said:
                on_line(line)
            return self._code
        return 0


def install(root: Path, control: Control | None = None, build: TorchBuild = BUILD):
    return installation.install(root, build, sys.executable, control or Control())


def left_in(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()} - {"setup.lock"}


def old_environment(root: Path) -> environment.EnvironmentRecord:
    """Lay a finished environment into `root`."""
    record = environment.EnvironmentRecord(
        folder="cpu-old",
        build="CPU",
        python_version="3.11.7",
        packages=("torch 1.0",),
        requirements_sha256="another",
    )
    python = environment.python_in(root / record.folder)
    python.parent.mkdir(parents=True)
    python.touch()
    environment.write_record(root, record)
    return record


def test_a_set_up_leaves_one_whole_environment_and_nothing_else(tmp_path, wheels, engine_runs):
    root = tmp_path / "user" / "engine"
    control = RecordingControl()
    installed = install(root, control)
    assert environment.read_record(root) == installed.record
    assert installed.record.packages == engine_runs.answer.packages
    assert not installed.record.is_outdated
    assert installed.notice == ""
    assert left_in(root) == {"environment.json", installed.record.folder}
    python = environment.environment_python(root)
    assert engine_runs.pythons == [python]
    script = "import torch, numpy, psutil; print(torch.__version__)"
    done = subprocess.run([python, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{TORCH}+cpu"
    assert not (root / installed.record.folder / "tmp").exists()
    assert {"Making the environment", "Unpacking torch", "Testing the engine"} <= set(
        control.stages
    )
    assert control.factors == sorted(control.factors)
    assert control.factors[-1] < 1.0
    assert any(re.fullmatch(r"Installing \d+ packages", stage) for stage in control.stages)


def test_an_engine_that_does_not_run_in_the_new_environment_leaves_the_old_one_in_use(
    tmp_path, wheels
):
    old = old_environment(tmp_path / "engine")
    with pytest.raises(EngineStartError, match="cannot run the engine"):
        install(tmp_path / "engine")
    assert environment.read_record(tmp_path / "engine") == old
    assert left_in(tmp_path / "engine") == {"environment.json", "cpu-old"}


def test_a_new_set_up_replaces_the_old_environment_and_half_made_ones(tmp_path, engine_runs):
    root = tmp_path / "engine"
    assert old_environment(root).is_outdated
    (root / "cuda-halfmade" / "lib").mkdir(parents=True)
    (root / "downloads").mkdir()
    installed = install(root, FakePip())
    assert left_in(root) == {"environment.json", installed.record.folder}


@pytest.mark.parametrize("stage", ["Making the environment", "Looking for torch", "Testing"])
def test_a_cancelled_set_up_leaves_nothing_half_made(tmp_path, engine_runs, stage):
    root = tmp_path / "engine"
    with pytest.raises(JobCancelledError):
        install(root, FakePip("Collecting torch==2", cancel_at=stage))
    assert left_in(root) == set()
    assert environment.read_record(root) is None


def test_a_cancel_ends_pip_at_once_and_keeps_the_old_environment(tmp_path, wheels, engine_runs):
    root = tmp_path / "engine"
    old = old_environment(root)
    with pytest.raises(JobCancelledError):
        install(root, RecordingControl(cancel_at="Unpacking numpy"))
    assert left_in(root) == {"environment.json", "cpu-old"}
    assert environment.read_record(root) == old


def test_a_failure_of_pip_is_told_with_its_error_and_leaves_nothing_half_made(tmp_path):
    said = "ERROR: No matching distribution found for torch==2.13.0+cpu"
    control = FakePip("Collecting torch", said, code=1)
    with pytest.raises(EngineSetupError) as caught:
        install(tmp_path / "engine", control)
    message = str(caught.value)
    assert "PIP_EXTRA_INDEX_URL" in message
    assert message.endswith(said)
    assert left_in(tmp_path / "engine") == set()
    pip_calls = [command for command in control.commands if "pip" in command]
    assert ["--extra-index-url" in command for command in pip_calls] == [False, True]


@pytest.mark.parametrize(("free", "keeps"), [(10_000, True), (1_500, False)])
def test_downloads_are_kept_for_another_try_where_there_is_room(
    tmp_path, engine_runs, monkeypatch, free, keeps
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    control = FakePip()
    install(tmp_path / "engine", control)
    pip_calls = [command for command in control.commands if "pip" in command]
    assert all(("--no-cache-dir" in command) is not keeps for command in pip_calls)
    assert all(("--cache-dir" in command) is keeps for command in pip_calls)


def test_torch_s_own_index_is_asked_only_where_the_machine_s_lack_the_build(
    tmp_path, wheels, engine_runs, monkeypatch
):
    site = tmp_path / "site"
    torch_wheel = next(wheels.glob("torch-*"))
    (tmp_path / "torch").mkdir()
    torch_wheel.rename(tmp_path / "torch" / torch_wheel.name)
    write_wheel(wheels, "torch", TORCH)  # the index's own build, which is another one
    as_index(wheels, site / "main")
    as_index(tmp_path / "torch", site / "torch")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    control = RecordingControl()
    with serving(site) as url:
        monkeypatch.setenv("PIP_INDEX_URL", f"{url}/main/")
        monkeypatch.setattr(TorchBuild, "index_url", f"{url}/torch/")
        installed = install(tmp_path / "engine", control)
    folder = tmp_path / "engine" / installed.record.folder
    assert [path.name for path in folder.rglob("torch-*.dist-info")] == [
        f"torch-{TORCH}+cpu.dist-info"
    ]
    assert control.sizes["Downloading torch"] > 0


def test_another_build_under_the_same_name_is_refused(tmp_path, engine_runs):
    engine_runs.answer = described(torch=f"{TORCH}+cu130")
    with pytest.raises(EngineSetupError, match=re.escape(f"in place of torch=={TORCH}+cpu")):
        install(tmp_path / "engine", FakePip())
    assert left_in(tmp_path / "engine") == set()


def test_a_gpu_that_torch_does_not_find_is_told_and_the_environment_kept(tmp_path, engine_runs):
    build = replace(BUILD, device="cuda", device_missing="No GPU: update the driver")
    installed = install(tmp_path / "engine", FakePip(), build)
    assert installed.notice == "No GPU: update the driver"
    assert environment.read_record(tmp_path / "engine") == installed.record


def test_a_full_disk_is_noticed_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=900_000_000))
    build = replace(BUILD, title="CUDA", disk_bytes=8_000_000_000)
    with pytest.raises(EngineSetupError, match=r"CUDA needs about 8\.0 GB; .* has 0\.9 GB free"):
        install(tmp_path / "engine", build=build)
    assert left_in(tmp_path / "engine") == set()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ('[[3, 9, 18], true, {"venv": true, "ensurepip": true}]', r"is Python 3\.9\.18 .*3\.10 to"),
        ('[[3, 15, 0], true, {"venv": true, "ensurepip": true}]', r"is Python 3\.15\.0 .*3\.14"),
        ('[[3, 11, 2], false, {"venv": true, "ensurepip": true}]', r"\(32 bits\)"),
        ('[[3, 13, 5], true, {"venv": true, "ensurepip": false}]', r"lacks ensurepip.*3\.13-venv"),
        ("no json", r"is no Python that runs"),
    ],
)
def test_a_python_that_cannot_serve_is_refused_in_words(tmp_path, answer, problem):
    class Answering(Control):
        def run(self, command, on_line, *, environment=None) -> int:
            on_line(answer)
            return 0

    with pytest.raises(EngineSetupError, match=problem):
        install(tmp_path / "engine", Answering())


def test_a_python_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(EngineSetupError, match="cannot be started"):
        installation.install(tmp_path / "engine", BUILD, str(tmp_path / "python"), Control())


def test_two_blenders_do_not_set_up_at_once(tmp_path):
    with (
        environment.setting_up(tmp_path / "engine"),
        pytest.raises(EngineSetupError, match="Another Blender"),
    ):
        environment.remove_environment(tmp_path / "engine")
    environment.remove_environment(tmp_path / "engine")


def test_removing_takes_the_environment_and_everything_beside_it(tmp_path):
    old_environment(tmp_path)
    (tmp_path / "downloads").mkdir()
    environment.remove_environment(tmp_path)
    assert left_in(tmp_path) == set()
    with pytest.raises(EngineStartError, match="press Set Up Engine"):
        environment.environment_python(tmp_path)


def test_an_environment_whose_python_is_gone_says_to_make_it_anew(tmp_path):
    record = old_environment(tmp_path)
    environment.python_in(tmp_path / record.folder).unlink()
    with pytest.raises(EngineStartError, match="a Python that is gone"):
        environment.environment_python(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"packages": [], "folder": "../elsewhere"}'])
def test_a_damaged_record_counts_as_none(tmp_path, text):
    (tmp_path / "environment.json").write_text(text)
    assert environment.read_record(tmp_path) is None


def test_blender_s_own_python_is_found_beside_a_program_that_is_no_python(tmp_path, monkeypatch):
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/opt/blender/blender")
    assert environment.blender_python() == str(python)
    monkeypatch.setattr(sys, "executable", str(python.with_name("python3.11")))
    python.rename(python.with_name("python3.11"))
    assert environment.blender_python() == str(python.with_name("python3.11"))
