"""Whether the frames of a strip are alike enough to be mixed, and what to say where they are not.

Standard library alone, like `image_formats`.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import FrameError
from .image_formats import FrameFormat


def check_same_format(
    first: FrameFormat, first_path: Path, other: FrameFormat, other_path: Path
) -> None:
    """Make sure that a model may blend the two frames.

    File formats may differ (a PNG among JPEG files); sizes, channels, depth, alpha and colour may
    not.

    Raises:
        FrameError: they differ; the message names both frames, how, and what to do.
    """

    def fail(other_value: object, first_value: object, rule: str) -> None:
        if other_value != first_value:
            raise FrameError(
                f"{other_path.name} is {other_value}, {first_path.name} is {first_value}: all "
                f"frames of a strip must have {rule} {other_path}."
            )

    fail(_size(other), _size(first), "one size; re-render or crop")
    if first.is_multilayer and other.is_multilayer:
        _check_same_layers(first, first_path, other, other_path)
    else:
        fail(_channels(other), _channels(first), "the same channels; save again with the first's:")
    fail(
        other.pixel_type,
        first.pixel_type,
        f"one depth; save again as {first.pixel_type}:",
    )
    fail(
        f"{other.alpha_mode} alpha",
        f"{first.alpha_mode} alpha",
        f"one kind of alpha; save again with {first.alpha_mode} alpha:",
    )
    fail(
        _windows(other),
        _windows(first),
        "the same data and display window; re-render without a crop, or pad",
    )
    if first.colour_space and other.colour_space:
        fail(
            f"in colour space {other.colour_space}",
            f"in colour space {first.colour_space}",
            f"one colour space; convert to {first.colour_space}:",
        )


def _check_same_layers(
    first: FrameFormat, first_path: Path, other: FrameFormat, other_path: Path
) -> None:
    """Name one channel that differs, out of the dozens that do not."""
    for frame, path, reference, reference_path in (
        (other, other_path, first, first_path),
        (first, first_path, other, other_path),
    ):
        missing = [name for name in reference.channel_names if name not in frame.channel_names]
        if missing:
            raise FrameError(
                f"{path.name} lacks the channel {missing[0]} that {reference_path.name} has"
                f"{f' (and {len(missing) - 1} more)' if missing[1:] else ''}: all frames of a "
                f"strip must have the same passes; render {other_path} with those of "
                f"{first_path.name}."
            )
    if first.parts != other.parts:
        raise FrameError(
            f"{other_path.name} stores its passes in {_parts(other)}, {first_path.name} in "
            f"{_parts(first)}, or their channels in other types: all frames of a strip must be "
            f"stored alike; save {other_path} again like {first_path.name}."
        )


def _parts(frame_format: FrameFormat) -> str:
    count = len(frame_format.parts)
    return f"{count} part{'s' if count != 1 else ''}"


def _size(frame_format: FrameFormat) -> str:
    return f"{frame_format.width}×{frame_format.height}"


def _channels(frame_format: FrameFormat) -> str:
    return ", ".join(frame_format.channel_names)


def _windows(frame_format: FrameFormat) -> str:
    def named(window: tuple[int, int, int, int]) -> str:
        x, y, width, height = window
        return f"{width}×{height} at ({x}, {y})"

    return f"{named(frame_format.data_window)} of {named(frame_format.display_window)}"
