"""The builds of torch that Set Up Engine can install, as data. Standard library alone.

Sizes are estimates that leave room: what has to be downloaded, and the most that the disk holds
while it is unpacked.
"""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import EngineSetupError
from ..messages import message

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
"""What the engine needs, for pip."""

_INDEX = "https://download.pytorch.org/whl/"
_GB = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchBuild:
    """A build of torch.

    Attributes:
        name: what scripts call it.
        title: what the preferences show.
        summary: one sentence on which machine it is for.
        tag: what torch's version ends with after a plus, which is the name of its index as well;
            None for the build that the Python package index itself has.
        download_bytes: what comes over the network, at most.
        disk_bytes: what has to be free for it, without what pip keeps of the download.
        needs_index_later: whether packages that this build requires are on torch's index alone.
        device: what torch calls the device that this build is for.
        device_missing: what to tell where torch finds no such device.
    """

    name: str
    title: str
    summary: str
    tag: str | None
    download_bytes: int
    disk_bytes: int
    needs_index_later: bool = False
    device: str = "cpu"
    device_missing: str = ""

    @property
    def requirement(self) -> str:
        """What pip is asked for, such as "torch==2.13.0+cpu"."""
        return pinned_torch() + (f"+{self.tag}" if self.tag else "")

    @property
    def index_url(self) -> str | None:
        """The index of torch's that has this build; None where any index does."""
        return _INDEX + self.tag if self.tag else None


_CPU_DOWNLOAD = 400_000_000
_CPU_DISK = 3 * _GB // 2

_CPU = TorchBuild(
    name="CPU",
    title="CPU",
    summary="Runs everywhere, without a GPU: slow, but 1.5 GB instead of 8",
    tag="cpu",
    download_bytes=_CPU_DOWNLOAD,
    disk_bytes=_CPU_DISK,
)
_CPU_OF_INDEX = TorchBuild(
    name="CPU",
    title="CPU",
    summary=_CPU.summary,
    tag=None,
    download_bytes=_CPU_DOWNLOAD,
    disk_bytes=_CPU_DISK,
)
_METAL = TorchBuild(
    name="METAL",
    title="Metal",
    summary="Apple silicon: the GPU through Metal, and the CPU",
    tag=None,
    download_bytes=_CPU_DOWNLOAD,
    disk_bytes=_CPU_DISK,
    device="mps",
    device_missing=message("torch finds no Metal device: the engine will run on the CPU"),
)
_NO_NVIDIA = message(
    "torch finds no NVIDIA GPU, or its driver is too old: the engine will run on the CPU. Update "
    "the driver, then test the engine again"
)
_CUDA = TorchBuild(
    name="CUDA",
    title="CUDA",
    summary="NVIDIA GPUs from the GeForce 16 and RTX 20 series on, with a driver of 580 or later",
    tag="cu130",
    download_bytes=3 * _GB,
    disk_bytes=8 * _GB,
    device="cuda",
    device_missing=_NO_NVIDIA,
)
_CUDA_12 = TorchBuild(
    name="CUDA_12",
    title="CUDA 12",
    summary="Older NVIDIA GPUs (GeForce 900 and 10 series) or drivers; not for the RTX 50 series",
    tag="cu126",
    download_bytes=3 * _GB,
    disk_bytes=8 * _GB,
    device="cuda",
    device_missing=_NO_NVIDIA,
)
_ROCM = TorchBuild(
    name="ROCM",
    title="ROCm",
    summary="AMD GPUs that ROCm 7.2 supports",
    tag="rocm7.2",
    download_bytes=7 * _GB,
    disk_bytes=25 * _GB,
    needs_index_later=True,
    device="cuda",
    device_missing=message(
        "torch finds no AMD GPU that ROCm supports: the engine will run on the CPU. Check that "
        "the amdgpu driver is loaded and that you may use /dev/kfd, then test the engine again"
    ),
)


def builds_for(system: str = sys.platform, machine: str | None = None) -> tuple[TorchBuild, ...]:
    """Return the builds that exist for a platform, the most common first; empty for none.

    Args:
        system: as `sys.platform` gives it.
        machine: as `platform.machine` gives it; None for this one's.
    """
    is_arm = (machine or platform.machine()).lower() in {"arm64", "aarch64"}
    if system == "darwin":
        return (_METAL,) if is_arm else ()
    if system == "win32":
        return (_CPU_OF_INDEX,) if is_arm else (_CPU_OF_INDEX, _CUDA, _CUDA_12)
    return (_CPU, _CUDA) if is_arm else (_CPU, _CUDA, _CUDA_12, _ROCM)


def likely_build() -> TorchBuild | None:
    """Return the build that fits the GPU which this machine seems to have; None for no build."""
    builds = {build.name: build for build in builds_for()}
    if not builds:
        return None
    has_nvidia = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")
    guesses = ("CUDA" if has_nvidia else "", "ROCM" if Path("/dev/kfd").exists() else "")
    return next((builds[name] for name in guesses if name in builds), next(iter(builds.values())))


def find_build(name: str) -> TorchBuild:
    """Return the build called `name`.

    Raises:
        EngineSetupError: this platform has none of that name.
    """
    builds = {build.name: build for build in builds_for()}
    if not builds:
        raise EngineSetupError(
            f"torch {pinned_torch().partition('==')[2]} does not exist for this computer "
            f"({sys.platform}, {platform.machine()}): the engine cannot run here."
        )
    if name not in builds:
        raise EngineSetupError(f"Engine for {name}: choose one of {', '.join(builds)}.")
    return builds[name]


def pinned_torch() -> str:
    """Return the requirement for torch, without a build: "torch==2.13.0"."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return next(line.strip() for line in lines if line.startswith("torch=="))
