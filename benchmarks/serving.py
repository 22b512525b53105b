"""Processes that make frames when they are told to, so that ways to make them can take turns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import TypeVar

from blender_vfi.engine import cores

_Self = TypeVar("_Self", bound="Serving")


class Serving:
    """A module of the benchmarks in a process of its own, which answers each line with numbers.

    Args:
        command: the module's name and its options.
        lets_threads_sleep: whether its threads wait for each other as the engine's do; only what is
            in the environment before PyTorch is there counts.
        leads_session: whether it is a session of its own, as the engine is: systems share the
            processor among these first.
    """

    def __init__(
        self, command: Sequence[str], *, lets_threads_sleep: bool, leads_session: bool = False
    ) -> None:
        variables = dict(os.environ)
        if lets_threads_sleep:
            cores.let_threads_sleep(variables)
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=variables,
            start_new_session=leads_session,
        )

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate()

    def ask(self, line: str) -> list[float]:
        """Send a line; return the numbers of the answer.

        Raises:
            RuntimeError: the process has ended; it has printed why.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("A process that makes frames has ended: see what it has printed.")
        return [float(number) for number in answer.split()]
