"""The project: its scene, its strips, and the frames that they show."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import bpy

from .window import in_sequencer, window

FPS = 25

StripPlace = tuple[str, str, int, float, float]


def scene() -> bpy.types.Scene:
    """Return the scene that the timeline shows."""
    return getattr(window().workspace, "sequencer_scene", None) or window().scene


def strips(of: bpy.types.Scene | None = None) -> list[bpy.types.Strip]:
    """Return all strips of a scene, by default of the one that is edited."""
    editor = (of or scene()).sequence_editor
    if editor is None:
        return []
    return list(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)


def strip_called(name: str) -> bpy.types.Strip:
    """Return a strip of the scene that is edited."""
    return next(strip for strip in strips() if strip.name == name)


def places() -> set[StripPlace]:
    """Say which strip lies where, in all scenes: what an undo is to bring back, and no more."""
    return {
        (item.name, strip.name, strip.channel, *span(strip))
        for item in bpy.data.scenes
        for strip in strips(item)
    }


def span(strip: bpy.types.Strip) -> tuple[float, float]:
    """Return the frames at which a strip begins and ends."""
    if hasattr(strip, "left_handle"):  # 5.1 warns where the old names are used
        return strip.left_handle, strip.right_handle
    return strip.frame_final_start, strip.frame_final_end


def frames_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder, in order; those under temporary names are hidden ones."""
    return sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))


def add_shot(folder: Path, *, channel: int = 1) -> str:
    """Add the pictures in `folder` as an image strip, select it, and return its name."""
    frames = frames_in(folder)
    edited = scene()
    edited.render.fps, edited.render.fps_base = FPS, 1.0
    edited.frame_start, edited.frame_end = 1, len(frames)
    before = {strip.name for strip in strips()}
    add = bpy.ops.sequencer.image_strip_add
    with in_sequencer():
        add(
            "EXEC_DEFAULT",
            True,  # an undo step, as when a user does it
            directory=f"{folder}/",
            files=[{"name": frame.name} for frame in frames],
            frame_start=1,
            channel=channel,
            **stay_put(add),
        )
        bpy.ops.sequencer.view_all()
    [name] = {strip.name for strip in strips()} - before
    return name


def stay_put(operator: Any) -> dict[str, bool]:
    """Return what keeps a new strip where it is added: some versions let the mouse move it."""
    is_moving = "move_strips" in operator.get_rna_type().properties
    return {"move_strips": False} if is_moving else {}


def select_only(name: str) -> None:
    """Select one strip, and make it the active one."""
    for strip in strips():
        strip.select = strip.name == name
    scene().sequence_editor.active_strip = strip_called(name)


def prints(folder: Path) -> dict[str, str]:
    """Return a hash of every file in a folder."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file()
    }
