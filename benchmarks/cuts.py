"""Measures how many cuts are found, and how much else is taken for one.

    python -m benchmarks.cuts [--record]

Three clips of film come from the wheel that carries Big Buck Bunny: one has five cuts, and cars
that cross close to the camera. Of their shots are made: every cut from one to another, and clips
without a cut of what is often taken for one, such as flashes, fades, dissolves, fast pans, zooms
and grain. On one core it takes a minute.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from blender_vfi.engine.finder import Finder
from blender_vfi.engine.image_formats import FrameFormat
from blender_vfi.engine.protocol import DEFAULT_CUT_THRESHOLD
from blender_vfi.engine.similarity import signature
from tools.demo.footage import fetch_clip, fetch_film

from . import command_line, findings, footage

Clip = npt.NDArray[np.float32]
"""(frames, 180, 320, 3) in [0, 1]."""

WIDTH, HEIGHT = 320, 180
_CUTS = {"bikes": (29, 75, 136, 186, 241)}
"""Pairs of frames that belong to two shots, found by eye."""

FORMAT = FrameFormat(
    width=WIDTH,
    height=HEIGHT,
    channel_names=("R", "G", "B"),
    alpha_channel=None,
    alpha_mode="none",
    pixel_type="uint8",
    colour_space="",
    container="png",
    data_window=(0, 0, WIDTH, HEIGHT),
    display_window=(0, 0, WIDTH, HEIGHT),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Report what was found; return the exit code."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--threshold", type=float, default=DEFAULT_CUT_THRESHOLD)
    options = parser.parse_args(arguments)
    films = _films(footage.FOLDER)
    rows: list[tuple[findings.Cell, ...]] = []
    totals = np.zeros(3, int)
    for name, clips in _cases(films):
        counts = sum(
            (np.array(_counted(clip, cuts, options.threshold)) for clip, cuts in clips),
            np.zeros(3, int),
        )
        totals += counts
        rows.append((name, *map(int, counts)))
    cuts, found, false = totals
    findings.report(
        "cuts",
        findings.Findings(
            command="python -m benchmarks.cuts",
            columns={"clips": 0, "cuts": 0, "found": 0, "false": 0},
            rows=rows,
            remarks=[f"recall {found / cuts:.3f}, precision {found / (found + false):.3f}"],
        ),
        machine=None,
        record=options.record,
    )
    return 0


def _counted(clip: Clip, cuts: Sequence[int], threshold: float) -> tuple[int, int, int]:
    """Return how many cuts there are, how many of them were found, and how many others."""
    finder = Finder(threshold)
    for frame in clip:
        finder.add(signature(frame, FORMAT))
    found = set(finder.findings().cuts)
    return len(cuts), len(found & set(cuts)), len(found - set(cuts))


def _cases(films: dict[str, Clip]) -> Iterator[tuple[str, list[tuple[Clip, Sequence[int]]]]]:
    """Yield the rows of the table: a name, and clips with their cuts."""
    for step in (1, 2, 4):
        yield (
            f"film, every {step}. frame" if step > 1 else "film",
            [
                (film[::step], [cut // step for cut in _CUTS.get(name, ())])
                for name, film in films.items()
            ],
        )
    shots = [shot for name, film in films.items() for shot in _shots(film, _CUTS.get(name, ()))]
    joined = [_joined(one, two) for one, two in itertools.permutations(shots, 2)]
    yield "joined shots", [(clip, [cut]) for clip, cut in joined]
    yield "joined shots, dark", [(clip * np.float32(0.3), [cut]) for clip, cut in joined]
    yield "joined shots, pale", [(clip * np.float32(0.25) + 0.4, [cut]) for clip, cut in joined]
    yield "joined shots, as lines", [(_lines(clip), [cut]) for clip, cut in joined]
    shots = [shot[:24] for shot in shots]
    for name, make in _DISTORTIONS.items():
        yield name, [(make(shot), ()) for shot in shots]
    for length in (4, 8, 12):
        yield (
            f"dissolve of {length}",
            [(_dissolved(one, two, length), ()) for one, two in itertools.pairwise(shots)],
        )


def _films(folder: Path) -> dict[str, Clip]:
    paths = {"bigbuckbunny": fetch_film(folder)}
    paths |= {name: fetch_clip(folder, name) for name in ("bikes", "carphone_pristine")}
    return {name: _decoded(path) for name, path in paths.items()}


def _decoded(path: Path) -> Clip:
    with av.open(str(path)) as container:
        frames = [
            frame.reformat(WIDTH, HEIGHT, "rgb24", interpolation="AREA").to_ndarray()
            for frame in container.decode(video=0)
        ]
    return np.stack(frames).astype(np.float32) / 255


def _shots(film: Clip, cuts: Sequence[int]) -> Iterator[Clip]:
    ends = [0, *(cut + 1 for cut in cuts), len(film)]
    for first, end in itertools.pairwise(ends):
        yield film[first:end]


def _joined(one: Clip, two: Clip) -> tuple[Clip, int]:
    before, after = one[: len(one) // 2][-4:], two[len(two) // 3 :][:4]
    return np.concatenate([before, after]), len(before) - 1


def _lines(clip: Clip) -> Clip:
    """Turn film into dark lines on white."""
    grey = clip.mean(axis=-1, keepdims=True)
    edges = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    edges += np.abs(np.diff(grey, axis=2, append=grey[:, :, -1:]))
    return np.repeat((1 - 2 * edges).clip(0, 1), 3, axis=-1)


def _flashed(shot: Clip, gain: float, length: int) -> Clip:
    made = shot.copy()
    middle = len(shot) // 2
    made[middle : middle + length] = (made[middle : middle + length] * gain).clip(0, 1)
    return made


def _faded(shot: Clip, length: int, target: float) -> Clip:
    share = np.clip(np.arange(len(shot)) / length, 0, 1).astype(np.float32)[:, None, None, None]
    return shot * (1 - share) + np.float32(target) * share


def _panned(shot: Clip, step: int) -> Clip:
    """Pan over one frame, `step` of 200 pixels at a time."""
    still = shot[len(shot) // 2]
    count = min(6, (WIDTH - 200) // step + 1)
    return np.stack([still[20:133, step * k : step * k + 200] for k in range(count)])


def _zoomed(shot: Clip, factor: float) -> Clip:
    """Zoom into one frame, `factor` at a time."""
    still = shot[len(shot) // 2]
    y, x = np.arange(HEIGHT) - HEIGHT / 2, np.arange(WIDTH) - WIDTH / 2
    return np.stack(
        [
            still[
                (y / factor**k + HEIGHT / 2).astype(int)[:, None],
                (x / factor**k + WIDTH / 2).astype(int),
            ]
            for k in range(6)
        ]
    )


def _grainy(shot: Clip) -> Clip:
    noise = np.random.default_rng(0).normal(0, 0.1, shot.shape)
    return (shot + noise).clip(0, 1).astype(np.float32)


def _dissolved(one: Clip, two: Clip, length: int) -> Clip:
    count = min(len(one), len(two), length + 2)
    share = np.clip(np.arange(count) / length, 0, 1).astype(np.float32)[:, None, None, None]
    return one[:count] * (1 - share) + two[:count] * share


_DISTORTIONS = {
    "flash, 2.5 times": lambda shot: _flashed(shot, 2.5, 1),
    "flash, white, 1 frame": lambda shot: _flashed(shot, 1e6, 1),
    "flash, white, 3 frames": lambda shot: _flashed(shot, 1e6, 3),
    "fade to black in 6": lambda shot: _faded(shot, 6, 0.0),
    "fade from black in 12": lambda shot: _faded(shot, 12, 0.0)[::-1],
    "fade to white in 6": lambda shot: _faded(shot, 6, 1.0),
    "pan, 6 % of the width": lambda shot: _panned(shot, 12),
    "pan, 15 % of the width": lambda shot: _panned(shot, 30),
    "zoom, 10 % a frame": lambda shot: _zoomed(shot, 1.1),
    "grain": _grainy,
}

if __name__ == "__main__":
    sys.exit(main())
