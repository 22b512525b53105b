"""Which variant of an architecture tensor shapes are, and which there are; never import bpy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import CheckpointError, UnknownModelError
from .interface import Shapes

_LISTED = 4
_REMEDY = (
    "It is damaged or of a version that is not supported; download it anew or choose a listed "
    "version."
)


def matching_variant(
    shapes: Shapes, expected: Mapping[str, Shapes], *, family: str, remedy: str = _REMEDY
) -> str | None:
    """Name the variant whose tensors are exactly those of the normalised `shapes`.

    Args:
        shapes: of a checkpoint, under our names.
        expected: shapes of every variant, by its name.
        family: what the architecture is called in messages, such as "FILM".
        remedy: what may be wrong with a file that nearly fits, and what to do.

    Returns:
        A name in `expected`; None where no more than half of the names are those of the closest
        variant, so that the file is of another architecture.

    Raises:
        CheckpointError: most names are the family's, but tensors are missing, left over or of
            another shape; the message names the closest variant and the differences.
    """
    differences = {name: _differences(shapes, ours) for name, ours in expected.items()}
    closest = min(differences, key=lambda name: len(differences[name]))
    if not differences[closest]:
        return closest
    if 2 * len(shapes.keys() & expected[closest].keys()) <= len(shapes):
        return None
    shown = "; ".join(differences[closest][:_LISTED])
    more = len(differences[closest]) - _LISTED
    raise CheckpointError(
        f"The checkpoint resembles {family} {closest}, but {shown}"
        f"{f'; and {more} more differences' if more > 0 else ''}. {remedy}"
    )


def check_variant(variant: str, known: Iterable[str], *, family: str) -> None:
    """Make sure that an architecture has a variant.

    Args:
        variant: its name.
        known: the names of all.
        family: what the architecture is called in messages, such as "FILM".

    Raises:
        UnknownModelError: it has none of that name.
    """
    names = tuple(known)
    if variant not in names:
        raise UnknownModelError(
            f"{family} variant {variant!r} is not known; choose one of {', '.join(names)}."
        )


def _differences(shapes: Shapes, expected: Shapes) -> list[str]:
    """Say in words where `shapes` is not `expected`."""
    missing = [f"{key} is missing" for key in expected if key not in shapes]
    wrong = [
        f"{key} is {tuple(shape)} instead of {expected[key]}"
        for key, shape in shapes.items()
        if key in expected and tuple(shape) != expected[key]
    ]
    return missing + wrong + [f"{key} is left over" for key in shapes if key not in expected]
