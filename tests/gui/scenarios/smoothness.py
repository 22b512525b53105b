"""Blender stays smooth: the longest gap between ticks of a 60 Hz timer, in a job and without one.

Without a GPU, drawing anything in a window takes longer than a tick, so the window is a small one,
and there are two measurements to compare with: Blender that does nothing, and Blender that only
draws what a job has it draw.
"""

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import bpy
from harness import addon, editor, window
from harness.stage import Stage, Steps

_RATE_HZ = 60
_MOST_S = 0.050
_DRAW_EVERY_S = 0.5
_SHOWN = 4


def steps(stage: Stage) -> Steps:
    editor.add_shot(stage.folder / "shot_720p")
    editor.scene().render.resolution_x, editor.scene().render.resolution_y = 1280, 720
    editor.scene().blender_vfi.multiplier = 2
    yield from window.open_tab()
    button = yield from window.find_button(addon.INTERPOLATE)
    yield from window.move(button)
    yield 3.0  # the strip's pictures are read

    gauge = Gauge()
    yield from window.click(button)
    yield from stage.until(lambda: len(addon.jobs()), "the job is queued", limit_s=5)
    yield from addon.finish_job(stage)
    yield 1.0  # the strip that was placed is drawn
    job = gauge.stop()

    yield from window.step_aside()
    yield 3.0
    drawing = yield from _measure(job.duration_s, _draw)
    window.window().workspace.status_text_set(None)
    yield 3.0
    idle = yield from _measure(job.duration_s, lambda _count: None)
    for name, record in (("a job", job), ("drawing alone", drawing), ("idle", idle)):
        stage.note(f"{name}: longest gap {record.gaps[0]}, in {record.duration_s:.0f} s")
        stage.say(f"{name}: " + ", ".join(map(str, record.gaps[:_SHOWN])))
    longer_s = job.gaps[0].duration_s - drawing.gaps[0].duration_s
    stage.check(
        longer_s < _MOST_S,
        f"a job lengthens the longest gap by {longer_s * 1e3:.0f} ms, {_MOST_S * 1e3:.0f} or more",
    )


def _draw(count: int) -> None:
    window.region("UI").tag_redraw()
    window.window().workspace.status_text_set(f"Drawn {count} times")


class Gap(NamedTuple):
    """Between two ticks: how long, how much of it this thread worked or got no CPU, and when."""

    duration_s: float
    worked_s: float
    waited_s: float
    at_s: float

    def __str__(self) -> str:
        return (
            f"{self.duration_s * 1e3:.0f} ms ({self.worked_s * 1e3:.0f} at work, "
            f"{self.waited_s * 1e3:.0f} without a CPU) at {self.at_s:.1f} s"
        )


class Record(NamedTuple):
    """What a gauge saw: the gaps, the longest one first."""

    gaps: list[Gap]
    duration_s: float


class Gauge:
    """Measures the gaps between two ticks of a timer, until it is stopped."""

    def __init__(self) -> None:
        self._gaps: list[Gap] = []
        self._began_s = self._last_s = time.perf_counter()
        self._last_used_s = _used_s()
        self._timer = self._tick  # Blender knows timers by this very object
        bpy.app.timers.register(self._timer, persistent=True)

    def stop(self) -> Record:
        """Return what was seen."""
        bpy.app.timers.unregister(self._timer)
        return Record(sorted(self._gaps, reverse=True), self._last_s - self._began_s)

    def _tick(self) -> float:
        now_s, used_s = time.perf_counter(), _used_s()
        worked_s, waited_s = (new - old for new, old in zip(used_s, self._last_used_s, strict=True))
        self._gaps.append(Gap(now_s - self._last_s, worked_s, waited_s, now_s - self._began_s))
        self._last_s, self._last_used_s = now_s, used_s
        return 1 / _RATE_HZ


def _measure(duration_s: float, act: Callable[[int], None]) -> Generator[float, None, Record]:
    """Let Blender go on for a while, and `act` every now and then."""
    gauge = Gauge()
    for count in range(round(duration_s / _DRAW_EVERY_S)):
        act(count)
        yield _DRAW_EVERY_S
    return gauge.stop()


def _used_s() -> tuple[float, float]:
    """Return how long this thread has run, and was ready to run while others had the CPU."""
    words = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()
    return int(words[0]) / 1e9, int(words[1]) / 1e9
