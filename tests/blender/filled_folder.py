"""A folder as the model guided leaves it, filled without an engine: by copying, with figures."""

import shutil
from pathlib import Path

import bpy

from blender_vfi import render_setup
from blender_vfi.engine.confidence import FrameConfidence, confidence_of, write_confidence
from blender_vfi.engine.gaps import fill_job
from blender_vfi.engine.job_record import write_record
from blender_vfi.engine.protocol import JobSpec
from blender_vfi.engine.schedule import Between

ERRORS = {2: 0.02, 4: 0.1}
"""The expected error of each new frame, by its number: frame 4 is the most doubtful."""


def render_half(scene: bpy.types.Scene) -> list[Path]:
    """Set the small scene up, render its frames 1, 3 and 5, and return the files."""
    render_setup.set_up(scene, step=2)
    bpy.ops.render.render(animation=True)
    return sorted(Path(scene.render.filepath).parent.glob("*.exr"))


def fill(sources: list[Path], folder: Path) -> JobSpec:
    """Fill what is missing with copies of the frame before."""
    job = fill_job(sources, folder, job_id="a")
    folder.mkdir()
    for index, output in enumerate(job.plan().outputs):
        source = output.pair if isinstance(output, Between) else output.index
        shutil.copyfile(sources[source], folder / job.frame_name(index))
    write_record(folder, job, {}, None, {})
    write_confidence(folder, figures())
    return job


def figures() -> list[FrameConfidence]:
    """Return what the model would say of the new frames."""
    return [
        FrameConfidence(
            number=number,
            name=f"cube_{number:04d}.exr",
            confidence=confidence_of(error),
            expected_error=error,
        )
        for number, error in ERRORS.items()
    ]
