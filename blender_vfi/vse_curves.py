"""A scene's F-curves, and which strip each of them moves, in every version of Blender."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import bpy

_DECIMALS = 6  # what Blender's single precision holds
_OF_STRIP = re.compile(r'sequence_editor\.(?:sequences|strips)_all\["((?:[^"\\]|\\.)*)"\]')


def curves_of(scene: bpy.types.Scene) -> Any:
    """Return the collection of the scene's F-curves; an empty tuple where nothing is animated."""
    data = scene.animation_data
    action = data.action if data is not None else None
    if action is None:
        return ()
    # layered actions came with 4.4, and 5.0 dropped the curves of the action itself
    bags = [
        bag
        for layer in getattr(action, "layers", ())
        for strip in layer.strips
        if data.action_slot is not None and (bag := strip.channelbag(data.action_slot)) is not None
    ]
    if bags:
        return bags[0].fcurves
    return getattr(action, "fcurves", ())


def curve_of(scene: bpy.types.Scene, owner: Any, name: str) -> Any:
    """Return the F-curve that moves a property of a scene's `owner`; None where none counts."""
    path = owner.path_from_id(name)
    curve = next((each for each in curves_of(scene) if each.data_path == path), None)
    return None if curve is None or curve.mute else curve


def value_at(scene: bpy.types.Scene, owner: Any, name: str, frame: float) -> Fraction:
    """Return what a number of a scene's `owner` is at a frame, animated or not."""
    curve = curve_of(scene, owner, name)
    value = getattr(owner, name) if curve is None else curve.evaluate(frame)
    return Fraction(str(round(value, _DECIMALS)))


def animated_strip_name(data_path: str) -> str | None:
    """Return the name of the strip that a data path of the scene belongs to; None for others."""
    match = _OF_STRIP.match(data_path)
    return bpy.utils.unescape_identifier(match[1]) if match else None


def path_within_strip(data_path: str) -> str:
    """Return a data path without the part that names the strip."""
    return _OF_STRIP.sub("", data_path, count=1)
