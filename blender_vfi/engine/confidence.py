"""How far new frames can be trusted: figures that the engine leaves beside them.

`vfi_confidence.json` lies in a job's folder, where a model can tell (render-guided ones do), so
that the frames that are worth rendering after all are known without looking. Standard library
alone: Blender's process reads it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import FrameError, OutputError
from . import durable

CONFIDENCE_NAME = "vfi_confidence.json"

_VERSION = 1
_HALF_TRUSTED = 0.05
"""Expected error at which a frame is as good as not: 26 dB, where faults are seen in motion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameConfidence:
    """What is known of one new frame.

    Attributes:
        number: in the file's name; without one there, its position in the job from 1.
        name: of the file, in the job's folder.
        confidence: 0 (looks nothing like a render would) to 1 (just like it); falls as the
            expected error rises.
        expected_error: root mean square difference from a render of the same frame that is
            expected, in display-encoded values from 0 to 1.
    """

    number: int
    name: str
    confidence: float
    expected_error: float


def confidence_of(expected_error: float) -> float:
    """Return how far a frame with this expected error can be trusted, 0 to 1."""
    return 1 / (1 + (expected_error / _HALF_TRUSTED) ** 2)


def read_confidence(folder: Path) -> tuple[FrameConfidence, ...]:
    """Return what is known of the frames in a job's folder, by name; nothing where no figures lie.

    Args:
        folder: the job's output folder.

    Raises:
        FrameError: the file of figures is damaged or of another version.
    """
    path = folder / CONFIDENCE_NAME
    try:
        frames = _decoded(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FrameError(
            f"{path} cannot be read as figures of confidence ({error}): remove it, and make the "
            "frames again to get new ones."
        ) from error
    return tuple(sorted(frames, key=lambda each: each.name))


def write_confidence(folder: Path, frames: Iterable[FrameConfidence]) -> Path:
    """Add figures to those in a job's folder, in place of older ones for the same files.

    Figures of files that are gone are dropped; a damaged file is replaced.

    Args:
        folder: the job's output folder.
        frames: of new frames.

    Returns:
        The file of figures.

    Raises:
        OutputError: it cannot be written.
    """
    by_name = figures_by_name(folder) | {each.name: each for each in frames}
    return store_figures(
        folder, {name: each for name, each in by_name.items() if (folder / name).exists()}
    )


def figures_by_name(folder: Path) -> dict[str, FrameConfidence]:
    """Return what is known of the frames in a job's folder; nothing where the file is damaged."""
    try:
        return {each.name: each for each in read_confidence(folder)}
    except FrameError:
        return {}


def drop_figures(folder: Path, names: Collection[str]) -> None:
    """Drop the figures of frames that are no more what they were.

    Args:
        folder: the job's output folder.
        names: of the frames.

    Raises:
        OutputError: the file of figures cannot be written.
    """
    known = figures_by_name(folder)
    kept = {name: each for name, each in known.items() if name not in names}
    if len(kept) < len(known):
        store_figures(folder, kept)


def store_figures(folder: Path, figures: Mapping[str, FrameConfidence]) -> Path:
    """Write all figures of a job's folder, in place of what was known before.

    Args:
        folder: the job's output folder.
        figures: by names of files.

    Returns:
        The file of figures.

    Raises:
        OutputError: it cannot be written.
    """
    frames = [asdict(figures[name]) for name in sorted(figures)]
    path = folder / CONFIDENCE_NAME
    try:
        durable.write_json(path, {"version": _VERSION, "frames": frames})
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}): check free space and permissions of "
            "the output folder."
        ) from error
    return path


def most_doubtful(frames: Iterable[FrameConfidence], count: int) -> tuple[FrameConfidence, ...]:
    """Return the `count` frames with the largest expected errors, the worst first."""
    ranked = sorted(frames, key=lambda each: (-each.expected_error, each.name))
    return tuple(ranked[:count])


def _decoded(content: Any) -> list[FrameConfidence]:
    if content["version"] != _VERSION:
        raise ValueError(f"version {content['version']}")
    return [
        FrameConfidence(
            number=int(each["number"]),
            name=str(each["name"]),
            confidence=_share(each["confidence"]),
            expected_error=_share(each["expected_error"]),
        )
        for each in content["frames"]
    ]


def _share(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1 or math.isnan(value):
        raise ValueError(f"{value!r} is no number from 0 to 1")
    return float(value)
