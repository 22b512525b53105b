"""Keeps what the benchmarks of models found, one JSON file each, and says on what machine."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).parent / "results"
MODELS = FOLDER / "models.json"
QUALITY = FOLDER / "quality.json"


def read(path: Path) -> dict[str, Any]:
    """Return what stands in the file, an empty table where there is none."""
    if not path.is_file():
        return {}
    values = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(values, dict)
    return values


def write(path: Path, values: dict[str, Any]) -> None:
    """Write the file anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(values, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Describe where and when a measurement is made, and what else the machine does then.

    The load is that of the last minute, and a benchmark's own runs count in it: as much as there
    are threads is an idle machine.
    """
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else 0.0,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }


def is_disturbed(found: dict[str, Any]) -> bool:
    """Whether other work shared the machine, so that the times are no measure of the model."""
    return bool(found["load"] > found["threads"] + 1)


def _processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    table = Path("/proc/cpuinfo")
    if table.is_file():
        for line in table.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
