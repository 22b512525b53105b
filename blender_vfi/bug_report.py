"""Writes what a developer needs to know of a job that went wrong."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import bpy

from .engine.departures import PYTHON_VARIABLE
from .engine.limits import LOG_NAME
from .engine.protocol import Run
from .engine.version import package_version
from .engine.wire import job_to_json
from .errors import VfiError
from .job_queue import QueuedJob
from .preferences import engine_settings

_SHOWN_SOURCES = 2


def describe(job: QueuedJob, context: bpy.types.Context) -> str:
    """Return versions, settings, the error and the engine's last words as text."""
    try:
        python = engine_settings(context).python or f"${PYTHON_VARIABLE} or Blender's own"
    except VfiError as error:
        python = str(error)
    lines = [
        f"Frame Interpolation {package_version()}, Blender {bpy.app.version_string}, "
        f"{platform.platform()}",
        f"Engine's Python: {python}; online access: {bpy.app.online_access}",
        f"Job: {job.title}, {job.state.name.lower()}, {job.frames_done} of {job.frames_total} "
        "frames",
    ]
    if job.started is not None:
        lines.append(f"Ran on {job.started.device} in {job.started.precision}")
    if job.progress is not None:
        lines.append(
            f"Memory: {job.progress.host_memory_bytes:,} bytes, on the device "
            f"{job.progress.device_memory_bytes:,}"
        )
    if job.output_dir is not None and (log := Path(job.output_dir, LOG_NAME)).exists():
        lines.append(f"Log: {log}")
    lines += [f"Notice: {notice}" for notice in job.notices]
    lines.append(f"{job.error_kind or 'Result'}: {job.message}")
    lines.append(f"Settings: {json.dumps(_settings(job), indent=1, ensure_ascii=False)}")
    lines += ["Details:", job.details.strip() or "(none)"]
    return "\n".join(lines) + "\n"


def _settings(job: QueuedJob) -> object:
    if not isinstance(job.request, Run):
        return {"model": job.request.model}
    values = job_to_json(job.request.job)
    sources = values["sources"]
    if len(sources) > _SHOWN_SOURCES:
        values["sources"] = [*sources[:_SHOWN_SOURCES], f"… {len(sources)} files"]
    return values
