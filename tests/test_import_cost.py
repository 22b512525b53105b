"""The wall at run time: what Blender's process imports brings in nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.plain

REPOSITORY = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "numpy", "bpy", "OpenImageIO", "huggingface_hub", "safetensors", "psutil", "av")
LIGHT_MODULES = (
    "errors",
    "cli",
    "cli_models",
    "cli_options",
    "engine.client",
    "engine.confidence",
    "engine.protocol",
    "engine.rendered_frames",
    "engine.retiming",
    "engine.schedule",
    "engine.times",
    "engine.folders",
    "engine.image_formats",
    "engine.job_file",
    "engine.job_folder",
    "engine.movie_codecs",
    "engine.movie_frames",
    "engine.movie_jobs",
    "engine.movie_times",
    "cli_movies",
    "engine.job_log",
    "engine.worker",
    "models.catalog",
    "models.catalog_texts",
    "models.locations",
    "models.store",
)


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_light_module_imports_the_standard_library_alone(module):
    code = f"import sys, blender_vfi.{module}; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ""


def test_engine_brings_in_no_blender():
    code = "import sys, blender_vfi.engine.pipeline; print('bpy' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert (result.stdout.strip(), result.stderr) == ("False", "")
