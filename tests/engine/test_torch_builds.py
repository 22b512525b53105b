import pytest

from blender_vfi.engine import torch_builds
from blender_vfi.engine.torch_builds import builds_for, find_build, pinned_torch
from blender_vfi.errors import EngineSetupError

pytestmark = pytest.mark.plain


def names(system: str, machine: str) -> list[str]:
    return [build.name for build in builds_for(system, machine)]


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", ["CPU", "CUDA", "CUDA_12", "ROCM"]),
        ("linux", "aarch64", ["CPU", "CUDA"]),
        ("win32", "AMD64", ["CPU", "CUDA", "CUDA_12"]),
        ("win32", "ARM64", ["CPU"]),
        ("darwin", "arm64", ["METAL"]),
        ("darwin", "x86_64", []),
    ],
)
def test_only_builds_that_exist_for_the_platform_are_offered(system, machine, expected):
    assert names(system, machine) == expected


def test_a_build_with_a_tag_is_asked_for_by_it_and_comes_from_its_index():
    builds = {build.name: build for build in builds_for("linux", "x86_64")}
    assert builds["CPU"].requirement == pinned_torch() + "+cpu"
    assert builds["CUDA"].index_url == "https://download.pytorch.org/whl/cu130"
    [metal] = builds_for("darwin", "arm64")
    assert (metal.requirement, metal.index_url) == (pinned_torch(), None)


def test_windows_takes_the_index_s_own_build_for_the_cpu():
    assert builds_for("win32", "AMD64")[0].tag is None


def test_an_unknown_build_is_refused_with_those_that_exist(monkeypatch):
    monkeypatch.setattr(torch_builds, "builds_for", lambda: builds_for("win32", "AMD64"))
    with pytest.raises(EngineSetupError, match="ROCM: choose one of CPU, CUDA, CUDA_12"):
        find_build("ROCM")


def test_a_platform_without_torch_is_told_so(monkeypatch):
    monkeypatch.setattr(torch_builds, "builds_for", tuple)
    with pytest.raises(EngineSetupError, match="does not exist for this computer"):
        find_build("CPU")
    assert torch_builds.likely_build() is None


@pytest.mark.parametrize(
    ("nvidia_smi", "expected"), [(None, "CPU"), ("/usr/bin/nvidia-smi", "CUDA")]
)
def test_the_likely_build_follows_the_gpu_s_driver(monkeypatch, nvidia_smi, expected):
    monkeypatch.setattr(torch_builds, "builds_for", lambda: builds_for("win32", "AMD64"))
    monkeypatch.setattr(torch_builds.shutil, "which", lambda _name: nvidia_smi)
    assert torch_builds.likely_build().name == expected


def test_every_pin_is_exact():
    lines = torch_builds.REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert all("==" in pin.partition(";")[0] for pin in pins)
