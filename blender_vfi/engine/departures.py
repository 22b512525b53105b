"""Puts an engine's unexpected end into words. Standard library alone."""

from __future__ import annotations

from ..remedies import remedy

PYTHON_VARIABLE = "BLENDER_VFI_PYTHON"
"""Environment variable that names the Python to run the engine with."""


def describe_death(python: str, code: int, stderr: str) -> str:
    """Say that the engine ended in the middle of a job, how, and with which last words."""
    return (
        f"The engine ({python}) {_describe_end(code)} in the middle of a job. Finished frames stay "
        f"on disk; start the job again to go on.{_last_words(stderr)}"
    )


def describe_false_start(python: str, code: int, stderr: str) -> str:
    """Say that the engine ended before it took a job, how, and what to do."""
    return (
        f"The engine's Python {python!r} {_describe_end(code)} before the engine was ready: "
        f"{name_another_python()}.{_last_words(stderr)}"
    )


def name_another_python() -> str:
    """Say how another Python is taken for the engine."""
    where = remedy(panel="in the add-on's preferences", terminal="with --engine-python")
    return (
        f"give the path of a Python 3.10 or newer that has torch, {where} or in ${PYTHON_VARIABLE}"
    )


def _describe_end(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    hint = " (the system does this when memory runs out)" if code == -9 else ""
    return f"was ended by signal {-code}{hint}"


def _last_words(stderr: str) -> str:
    words = stderr.strip()[-2000:]
    return f" Its last words:\n{words}" if words else ""
