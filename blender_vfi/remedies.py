"""Says what to do in the words of where it is read: a button, an option, or an argument.

The process that somebody sits before says who reads, in an environment variable, which the engine's
process inherits. Standard library alone: both processes import this.
"""

from __future__ import annotations

import os

from .messages import message

READER_VARIABLE = "BLENDER_VFI_READER"
PANEL = "panel"
TERMINAL = "terminal"


def remedy(*, panel: str, terminal: str, python: str | None = None) -> str:
    """Return what somebody can do about it where they are.

    Args:
        panel: in Blender's window: a button or a setting, by its label.
        terminal: on a command line: an option or a command.
        python: in a script of theirs, where nobody said who reads; None for the same as `panel`.
    """
    reader = os.environ.get(READER_VARIABLE)
    if reader == TERMINAL:
        return terminal
    return panel if reader == PANEL or python is None else python


def how_to_overwrite() -> str:
    """Name the setting that lets a job replace the frames of another."""
    return remedy(panel="Output > Overwrite", terminal="--overwrite", python="overwrite=True")


def how_to_go_on() -> str:
    """Say, behind a sentence, how a cancelled job goes on; nothing where that is plain to see."""
    return remedy(panel="", terminal=" Run the same command again to go on with what is missing.")


def as_checkpoint() -> str:
    """Say how a file of weights is given."""
    return remedy(panel="as Checkpoint", terminal="with --checkpoint", python="as checkpoint")


def how_to_fill() -> str:
    """Say how the frames that a strip lacks are made."""
    return remedy(
        panel=message("choose Strip > Fill Missing Frames"), terminal="run the command fill"
    )


def how_to_bake() -> str:
    """Say how a retimed strip is interpolated."""
    return remedy(
        panel=message("choose the timing Bake Retiming"), terminal="give --timing bake-retiming"
    )


def how_to_have_a_new_scene() -> str:
    """Say how a strip gets a scene of its own."""
    return remedy(panel=message("choose the timing New Scene"), terminal="give --timing new-scene")


def slow_motion() -> str:
    """Name the timing in which a strip lasts longer."""
    return remedy(panel=message("Slow Motion"), terminal="--timing slow-motion")


def how_to_set_up_render() -> str:
    """Say how a scene comes to render what guides the frames between."""
    return remedy(panel=message("choose Set Up Render"), terminal="run the command render-setup")
